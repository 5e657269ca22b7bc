//! Moderation: what the gate decides about prompts, starting images and outputs.

pub mod verdict;

//! Moderation: what the gate decides about prompts, starting images and outputs; reports of images and videos that others can
//! see, the cases that they open, decisions and appeals.

pub mod blocklist;
pub mod case;
pub mod cybertip;
pub mod notice;
pub mod outcome;
pub mod report;
pub mod verdict;

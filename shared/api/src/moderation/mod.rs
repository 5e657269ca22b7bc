//! Describes the moderation API: reports by everyone, cases with their decisions and appeals.

pub mod blocklist;
pub mod cases;
pub mod reports;
pub mod transparency;

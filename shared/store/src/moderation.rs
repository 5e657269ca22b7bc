//! Moderation in the table: cases and notices in the partition of the account, reports under a keyed hash of their reporter.

pub(crate) mod case;
pub(crate) mod notice;
pub(crate) mod report;

//! Moderation in the table: cases and notices in the partition of the account, reports under a keyed hash of their reporter,
//! outcomes in a partition of their own.

pub(crate) mod blocklist;
pub(crate) mod case;
pub(crate) mod notice;
pub(crate) mod outcome;
pub(crate) mod report;

//! Staff: the audit log of staff access, and the justification of each access.

pub mod audit;
pub mod justification;

//! Staff: the audit log of staff access, the justification of each access, and the approvals of a second staff member.

pub mod approval;
pub mod audit;
pub mod justification;

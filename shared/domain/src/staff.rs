//! Staff: the audit log of staff access, the justification of each access, the approvals of a second staff member,
//! roles, and the record of all acts.

pub mod approval;
pub mod audit;
pub mod daily_sum;
pub mod justification;
pub mod record;
pub mod role;

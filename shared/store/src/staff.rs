//! The audit log, approvals, and the cases that wait for staff in the table.

pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod open_cases;
pub(crate) mod record;

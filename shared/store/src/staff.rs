//! The audit log, and the cases that wait for staff in the table.

pub(crate) mod audit;
pub(crate) mod open_cases;

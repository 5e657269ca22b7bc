//! The audit log, approvals, the cases that wait for staff, what staff do with them, and their texts in the table.

pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod case_work;
pub(crate) mod members;
pub(crate) mod open_cases;
pub(crate) mod record;
pub(crate) mod reply_templates;

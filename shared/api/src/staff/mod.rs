//! Describes the staff API: access to the data of an account, approvals, holds, disclosures, reviews and the work on them, reply
//! templates, members; and the access log.

pub mod access;
pub mod approvals;
pub mod audit;
pub mod case_work;
pub mod console;
pub mod disclosures;
pub mod figures;
pub mod holds;
pub mod members;
pub mod record;
pub mod reply_templates;
pub mod reviews;

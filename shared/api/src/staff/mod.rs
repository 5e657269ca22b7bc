//! Describes the staff API: access to the data of an account, approvals, holds, disclosures, reviews, members; and the access log.

pub mod access;
pub mod approvals;
pub mod audit;
pub mod console;
pub mod disclosures;
pub mod figures;
pub mod holds;
pub mod members;
pub mod record;
pub mod reviews;

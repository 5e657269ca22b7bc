//! Describes the privacy API: account deletion, data export, the inventory of stored data, the policy.

pub mod deletion;
pub mod export;
pub mod inventory;
pub mod policy;
pub mod retained;

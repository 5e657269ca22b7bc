//! Accounts: the profile, its plan, its corrections, freezes, and the address that signs in.

pub mod account;
pub mod correction;
pub mod email;
pub mod email_change;
pub mod freeze;
pub mod plan;
pub mod preferences;
pub mod status;

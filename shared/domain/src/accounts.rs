//! Accounts: the profile, its plan, its corrections, the address that signs in.

pub mod account;
pub mod correction;
pub mod email;
pub mod plan;

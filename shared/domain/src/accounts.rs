//! Accounts: sign-up, the profile, its plan, its corrections, freezes, strikes, terms, and the address and password that sign in.

pub mod account;
pub mod correction;
pub mod email;
pub mod email_change;
pub mod freeze;
pub mod password;
pub mod plan;
pub mod plan_change;
pub mod preferences;
pub mod second_factor;
pub mod sign_up;
pub mod status;
pub mod strikes;
pub mod terms;
pub mod welcome;

//! Accounts in the table.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod correction;
pub(crate) mod email_change;
pub(crate) mod plan_change;
pub(crate) mod second_factor;
pub(crate) mod sign_up;
pub(crate) mod welcome;

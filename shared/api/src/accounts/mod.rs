//! Describes the API of accounts: sessions, the second factor with its passkeys, the profile, the sign-in address, activity.

pub mod activity;
pub mod email;
pub mod passkeys;
pub mod profile;
pub mod second_factor;
pub mod session;

//! Describes the API of payments: packages, checkouts, freezes, webhooks.

pub mod checkout;
pub mod freezes;
pub mod refunds;
pub mod webhooks;

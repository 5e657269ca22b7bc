//! Describes the API of payments: packages, checkouts, gifts, freezes, webhooks.

pub mod checkout;
pub mod freezes;
pub mod gifts;
pub mod refunds;
pub mod webhooks;

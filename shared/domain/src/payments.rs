//! Payments with Stripe and PayPal: facts, settlement, reviews, fraud rules.

pub mod fact;
pub mod fraud;
pub mod gift;
pub mod payment;
pub(crate) mod returns;
pub mod review;
pub mod settlement;
pub mod tax;
pub mod unclaimed;

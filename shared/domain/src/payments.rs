//! Payments by Stripe and PayPal: facts, settlement, fraud rules.

pub mod fact;
pub mod fraud;
pub mod payment;
pub mod settlement;
pub mod unclaimed;

//! Stripe: checkout sessions, actions on their payments, and events.

pub(crate) mod actions;
pub(crate) mod api;
pub(crate) mod events;
pub(crate) mod objects;
pub(crate) mod payment;
pub(crate) mod signature;

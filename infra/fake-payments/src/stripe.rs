//! Stripe: checkout sessions, what becomes of their payments, and the events that tell of it.

pub(crate) mod act;
pub(crate) mod api;
pub(crate) mod event;
pub(crate) mod object;
pub(crate) mod payment;

//! PayPal: orders, actions on them, and the messages that follow: instant payment notifications (IPN) and events of a webhook.

pub(crate) mod actions;
pub(crate) mod api;
pub(crate) mod ipn;
pub(crate) mod objects;
pub(crate) mod order;
pub(crate) mod postback;
pub(crate) mod webhook;

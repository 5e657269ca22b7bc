//! PayPal: orders, what becomes of their payments, and the messages (IPN) that tell of it.

pub(crate) mod act;
pub(crate) mod api;
pub(crate) mod message;
pub(crate) mod order;
pub(crate) mod postback;

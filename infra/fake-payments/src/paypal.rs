//! PayPal: orders, actions on them, and instant payment notifications (IPN).

pub(crate) mod actions;
pub(crate) mod api;
pub(crate) mod ipn;
pub(crate) mod objects;
pub(crate) mod order;
pub(crate) mod postback;

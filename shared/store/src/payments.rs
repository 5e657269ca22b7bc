//! Payments in the table.

pub(crate) mod gift;
pub(crate) mod parked;
pub(crate) mod payment;
pub(crate) mod pointer;
pub(crate) mod unclaimed;

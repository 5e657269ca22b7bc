//! Tickets of account owners and guest tickets in the table.

pub(crate) mod guest_ticket;
pub(crate) mod ticket;

//! Support: tickets of account owners and guest tickets.

pub mod guest_ticket;
pub mod ticket;

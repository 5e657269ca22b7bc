//! Describes the support API: tickets of account owners, guest tickets.

pub mod guest_tickets;
pub mod tickets;

//! Credits: the ledger and the balance that it adds up to.

pub mod adjustment;
pub mod ledger;
pub mod promotion;

//! Credits in the table.

pub(crate) mod ledger;
pub(crate) mod promotion;

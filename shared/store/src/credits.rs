//! Credits in the table.

pub(crate) mod ledger;

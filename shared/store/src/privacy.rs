//! Exports, disclosures, legal holds, and the erasure of whole partitions in the table.

pub(crate) mod disclosure;
pub(crate) mod export;
pub(crate) mod held;
pub(crate) mod hold_check;
pub(crate) mod partition;
pub(crate) mod records;

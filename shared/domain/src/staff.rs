//! Staff: the audit log of what staff accessed and why.

pub mod audit;

//! Privacy: deletion and erasure, export, legal holds, disclosures, the promises of the policy.

pub mod deletion;
pub mod disclosure;
pub mod erasure;
pub mod export;
pub mod hold;
pub mod promise;

//! Plays AWS for one function at a time: answers and records its calls, from a table and a bucket with one account.

pub mod aws;
pub mod environment;
pub mod payments;
pub mod seed;
pub mod tls;

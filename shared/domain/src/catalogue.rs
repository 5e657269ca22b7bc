//! The catalogue: models that can be asked for and packages that can be bought.

pub mod models;
pub mod packages;

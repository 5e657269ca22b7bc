//! Describes data that a legal hold retains.

use domain::privacy::hold::Hold;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Shows the account owner what a legal hold retains.
#[derive(Serialize, ToSchema)]
pub struct RetainedView {
    /// The kinds of data, as `GET /v1/privacy/inventory` names them.
    pub kinds: Vec<String>,
    /// The reason.
    pub reason: String,
    /// When the hold was placed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<&Hold> for RetainedView {
    fn from(hold: &Hold) -> Self {
        Self { kinds: hold.covers.iter().cloned().collect(), reason: hold.reason.clone(), at: hold.at }
    }
}

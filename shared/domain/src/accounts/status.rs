//! What an account may do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Says whether an account may act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// The account may do everything that its plan allows.
    #[default]
    Active,
    /// The account may read and export its data. It may not spend credits.
    Frozen,
    /// The account is being deleted.
    PendingDeletion,
}

impl fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::PendingDeletion => "being deleted",
        })
    }
}

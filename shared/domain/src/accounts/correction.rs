//! What a person corrects of their account, and that they did: which fields and when, without what stood there before.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountId, CorrectionId, accounts::account::Theme};

/// What a person may change of their account at once. An absent field stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// The new name; `Some(None)` removes it.
    pub display_name: Option<Option<String>>,
    /// The new address of receipts; `Some(None)` removes it.
    pub billing_email: Option<Option<String>>,
    /// The new theme.
    pub theme: Option<Theme>,
    /// The new language.
    pub language: Option<String>,
}

/// What can be corrected.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[schema(as = CorrectedField)]
#[serde(rename_all = "snake_case")]
pub enum CorrectedField {
    /// What the person wants to be called.
    DisplayName,
    /// The address that signs in.
    Email,
    /// The address of receipts.
    BillingEmail,
    /// How the client should look.
    Theme,
    /// The language.
    Language,
}

/// That something was corrected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CorrectionRecord {
    /// Its id.
    pub id: CorrectionId,
    /// Whose account.
    pub account: AccountId,
    /// What.
    pub fields: BTreeSet<CorrectedField>,
    /// When.
    pub at: Timestamp,
}

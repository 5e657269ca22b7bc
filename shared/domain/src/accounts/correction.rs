//! Corrections of account data by the account owner, and the record that each leaves: the corrected fields and the time,
//! without the old values.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::preferences::Theme,
    ids::{AccountId, CorrectionId},
    registry::DataFields,
};

/// The changes of one correction. An absent field stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// The new display name; `Some(None)` removes it.
    pub display_name: Option<Option<String>>,
    /// The new address for receipts; `Some(None)` removes it.
    pub billing_email: Option<Option<String>>,
    /// The new theme.
    pub theme: Option<Theme>,
    /// The new language.
    pub language: Option<String>,
}

/// A field that can be corrected.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CorrectedField {
    /// The display name.
    DisplayName,
    /// The address that signs in.
    Email,
    /// The address for receipts.
    BillingEmail,
    /// The theme.
    Theme,
    /// The language.
    Language,
}

/// Records that fields of an account were corrected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct CorrectionRecord {
    /// Its id.
    #[data(plain)]
    pub id: CorrectionId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The corrected fields.
    #[data(plain)]
    pub fields: BTreeSet<CorrectedField>,
    /// When they were corrected.
    #[data(plain)]
    pub at: Timestamp,
}

//! The terms of service and acceptable use: which version there is, and which one a person accepted.
//!
//! Their text is a page of the web client, `functions/site/web/src/accounts/terms-text.ts`. Who changes its meaning changes
//! [`TERMS_VERSION`] there and here: the web client then asks every account to accept it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{refusal::FieldError, registry::DataFields};

/// The version of the terms: the date from which they apply.
pub const TERMS_VERSION: &str = "2026-11-30";
/// What is asked of the field that names a version.
pub const TERMS_RULE: &str = "must be 2026-11-30: the version of the terms at /terms that you accept";

/// Says that a person accepted the terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
pub struct TermsAcceptance {
    /// The version.
    #[data(plain)]
    pub version: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
}

impl TermsAcceptance {
    /// Records that the present version is accepted.
    #[must_use]
    pub fn present(now: Timestamp) -> Self {
        Self { version: TERMS_VERSION.to_owned(), at: now }
    }
}

/// Checks that a field names the present version.
///
/// # Errors
/// The rule.
pub fn check_version(field: &'static str, version: &str) -> Result<(), FieldError> {
    if version == TERMS_VERSION { Ok(()) } else { Err(FieldError::new(field, TERMS_RULE)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_a_date_and_the_rule_names_it() {
        assert!(TERMS_VERSION.parse::<jiff::civil::Date>().is_ok());
        assert!(TERMS_RULE.contains(TERMS_VERSION));
    }
}

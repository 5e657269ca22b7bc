//! The terms of service and acceptable use: which version there is, and which one a person accepted.
//!
//! Their text is a page of the web client, `functions/site/web/src/accounts/terms-text.ts`. Who changes its meaning changes
//! [`TERMS_VERSION`] there and here: the web client then asks every account to accept it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    refusal::{FieldError, Refusal},
    registry::DataFields,
};

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

impl Account {
    /// Accepts the present version of the terms. A repeat keeps the time of the first acceptance, and returns nothing.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if another version is named.
    pub fn accept_terms(&self, version: &str, now: Timestamp) -> Result<Option<Self>, Refusal> {
        check_version("version", version).map_err(|error| Refusal::Invalid(vec![error]))?;
        if self.has_accepted_terms() {
            return Ok(None);
        }
        Ok(Some(Self { terms: Some(TermsAcceptance::present(now)), ..self.next_version() }))
    }

    /// Says whether its owner accepted the present version of the terms.
    #[must_use]
    pub fn has_accepted_terms(&self) -> bool {
        self.terms.as_ref().is_some_and(|accepted| accepted.version == TERMS_VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credits::ledger::Credits, ids::LedgerEntryId};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn only_the_present_version_is_accepted_and_once() {
        let id = uuid::Uuid::nil();
        let account = Account::open(id.into(), "ada@example.com".to_owned(), Credits(0), LedgerEntryId(id), at(0)).0;
        assert!(!account.has_accepted_terms());
        let refused = account.accept_terms("2020-01-01", at(1)).unwrap_err();
        assert!(matches!(refused, Refusal::Invalid(errors) if errors[0].field == "version"));
        let older = TermsAcceptance { version: "2020-01-01".to_owned(), at: at(1) };
        let older = Account { terms: Some(older), ..account };
        assert!(!older.has_accepted_terms(), "an older version is not enough");
        let accepted = older.accept_terms(TERMS_VERSION, at(2)).unwrap().unwrap();
        assert_eq!(accepted.terms, Some(TermsAcceptance::present(at(2))));
        assert_eq!(accepted.accept_terms(TERMS_VERSION, at(3)), Ok(None));
    }

    #[test]
    fn version_is_a_date_and_the_rule_names_it() {
        assert!(TERMS_VERSION.parse::<jiff::civil::Date>().is_ok());
        assert!(TERMS_RULE.contains(TERMS_VERSION));
    }
}

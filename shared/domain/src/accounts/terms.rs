//! The terms of service and acceptable use: which version a person accepted. Their text and version are in the
//! [texts of the operator](crate::service_texts). Once a new version is published, the web client asks every account to accept it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{refusal::FieldError, registry::DataFields};

/// The name of the version in what is sent along with a sign-up to the user pool, whose trigger stores it.
pub const SIGN_UP_METADATA: &str = "terms";

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

/// Checks that a field names the present version.
///
/// # Errors
/// The rule.
pub fn check_version(field: &'static str, version: &str, present: &str) -> Result<(), FieldError> {
    let rule = || format!("must be {present}: the version of the terms at /terms that you accept");
    if version == present { Ok(()) } else { Err(FieldError::new(field, rule())) }
}

//! Makes changes conditional on the version that the client read: [RFC 9110, section 13](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1).

use axum::extract::FromRequestParts;
use http::header::IF_MATCH;
use http::request::Parts;

use super::problem::Problem;

/// Returns the entity tag of a version, for the header `ETag`.
#[must_use]
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Extracts the header `If-Match`; `None` if the request has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<String>);

impl IfMatch {
    /// Compares the condition with the current version. Weak tags match nothing.
    ///
    /// # Errors
    /// 412 unless the version matches.
    pub fn check(&self, version: u64) -> Result<(), Problem> {
        let matches =
            |condition: &str| condition.trim() == "*" || condition.split(',').any(|tag| tag.trim() == etag(version));
        match &self.0 {
            Some(condition) if !matches(condition) => Err(Problem::precondition_failed()),
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let condition = parts.headers.get(IF_MATCH).map(|value| value.to_str().map(str::to_owned));
        condition.transpose().map(Self).map_err(|_| Problem::invalid("If-Match", "must be an entity tag"))
    }
}

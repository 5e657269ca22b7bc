//! Refusals, as [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem details.

use std::error::Error;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::RateLimit;

/// Why a request is refused, for the client to read and to branch on.
///
/// `type` is stable: `urn:darkroom:problem:` and a slug. The door adds the request id and logs the cause of a 5xx, once.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Details>);

/// Why a request is refused: `type` is stable and says which problem it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Details {
    /// Which problem, the same for every occurrence.
    #[serde(rename = "type")]
    kind: String,
    /// The same in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is particular about this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Which fields break which rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<InvalidField>,
    /// After how many seconds to try again, as in the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// What to name when asking for help, as in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip)]
    rate_limit: Option<RateLimit>,
    #[serde(skip)]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// A field and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvalidField {
    /// The path to the field, such as `settings.size`; `body` for all of it.
    pub field: String,
    /// The rule, as a phrase that follows the field's name: `must be at most 4`.
    pub rule: String,
}

impl Problem {
    /// A problem of its own kind. The slug is part of the API.
    #[must_use]
    pub fn new(status: StatusCode, slug: &str, title: &'static str) -> Self {
        Self(Box::new(Details {
            kind: format!("urn:darkroom:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: None,
            errors: Vec::new(),
            retry_after: None,
            request_id: None,
            rate_limit: None,
            cause: None,
        }))
    }

    /// 400: a field breaks a rule. More fields with [`and_invalid`](Self::and_invalid).
    #[must_use]
    pub fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is not valid").and_invalid(field, rule)
    }

    /// 401: no token, or not an access token.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "An access token is needed")
    }

    /// 404: it is not there, or it is someone else's, which is the same to the caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing")
    }

    /// 409: the thing is in no state for this.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "The thing is in no state for this").with_detail(detail)
    }

    /// 412: the thing is no longer what `If-Match` names.
    #[must_use]
    pub fn precondition_failed() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", "The thing has changed since it was read")
    }

    /// 429: too much for now.
    #[must_use]
    pub fn rate_limited(limit: RateLimit) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests");
        problem.0.rate_limit = Some(limit);
        problem.with_retry_after(limit.reset_seconds)
    }

    /// 500: our fault. The client reads nothing of the cause.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side");
        problem.0.cause = Some(Arc::from(cause.into()));
        problem
    }

    /// Says what is particular about this occurrence.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Says after how many seconds it is worth trying again.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Names one more field that breaks a rule.
    #[must_use]
    pub fn and_invalid(mut self, field: impl Into<String>, rule: impl Into<String>) -> Self {
        self.0.errors.push(InvalidField { field: field.into(), rule: rule.into() });
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The fields that break rules.
    #[must_use]
    pub fn fields(&self) -> &[InvalidField] {
        &self.0.errors
    }

    /// What went wrong on our side.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    /// The problem as JSON, which cannot fail: its keys are text and its numbers whole.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn with_request_id(mut self, request_id: &str) -> Self {
        self.0.request_id = Some(request_id.to_owned());
        self
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Details::schema()
    }
}

impl ToSchema for Problem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Details::schemas(schemas);
    }
}

/// The response carries the problem as an extension too, for the door to complete.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.0.rate_limit, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_client_reads_the_problem_and_nothing_of_its_cause() {
        let problem = Problem::internal("the table is gone").with_request_id("r-1");
        let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap();
        let expected = json!({
            "type": "urn:darkroom:problem:internal",
            "title": "Something went wrong on our side",
            "status": 500,
            "request_id": "r-1",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_rate_limit_tells_when_to_come_back() {
        let limit = RateLimit { policy: "submit", quota: 10, window_seconds: 60, remaining: 0, reset_seconds: 7 };
        let response = Problem::rate_limited(limit).into_response();
        let header = |name| response.headers()[name].to_str().unwrap();
        assert_eq!(response.status(), 429);
        assert_eq!(header("retry-after"), "7");
        assert_eq!(header("ratelimit-policy"), "\"submit\";q=10;w=60");
        assert_eq!(header("ratelimit"), "\"submit\";r=0;t=7");
        assert_eq!(header("content-type"), "application/problem+json");
    }

    #[test]
    fn its_schema_has_the_members_that_the_rfc_names() {
        let schema = serde_json::to_value(Problem::schema()).unwrap();
        for member in ["type", "title", "status", "detail", "errors", "retry_after", "request_id"] {
            assert!(schema["properties"][member].is_object(), "{member} is missing in {schema}");
        }
        assert!(schema["properties"]["cause"].is_null());
        assert_eq!(Problem::name(), "Problem");
    }
}

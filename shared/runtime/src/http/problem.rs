//! Problem details: the errors of the API ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).

use std::error::Error;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::rate_limit::RateLimit;
use crate::webauthn::PasskeyRequest;

/// Says why a request fails, for the client to show and to branch on.
///
/// `type` is `urn:darkroom:problem:` and a slug that never changes. The server adds the request id, and logs the cause of a
/// 5xx once.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Details>);

/// Says why a request fails.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Details {
    /// Identifies the problem: `urn:darkroom:problem:` and a slug that never changes.
    #[serde(rename = "type")]
    kind: String,
    /// What happened, in one sentence.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What to do next, or more about this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The fields that break rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<InvalidField>,
    /// The seconds after which to try again, as in the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// The rules of the service that the content breaks, by the names of their categories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<&'static str>,
    /// What to ask a passkey for, if the account has one that can be its second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<PasskeyRequest>,
    /// The id of the request, as in the header `x-request-id`, to quote in a support ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip)]
    rate_limit: Option<RateLimit>,
    #[serde(skip)]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// Names a field and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvalidField {
    /// The path of the field, such as `settings.size`; `body` for the whole body.
    pub field: String,
    /// The kind of rule, for programs: `required`, `unknown`, `repeated`, or `invalid` for every other.
    pub code: &'static str,
    /// The rule, as a phrase that follows the name of the field: `must be at most 4`.
    pub rule: String,
}

impl InvalidField {
    fn new(field: String, rule: String) -> Self {
        let code = match rule.as_str() {
            REQUIRED => "required",
            UNKNOWN => "unknown",
            REPEATED => "repeated",
            _ => "invalid",
        };
        Self { field, code, rule }
    }
}

/// The seconds after which to try again when AWS is busy: its quotas are per second.
const BUSY_RETRY_AFTER_S: u64 = 2;
/// The rule that a missing field breaks.
pub(super) const REQUIRED: &str = "is required";
/// The rule that a field breaks which the request does not have.
pub(super) const UNKNOWN: &str = "is unknown";
/// The rule that a repeated field breaks.
pub(super) const REPEATED: &str = "must not be repeated";

impl Problem {
    /// Makes a problem of its own kind. The slug is part of the API. The title says what happened, in one sentence.
    #[must_use]
    pub fn new(status: StatusCode, slug: &str, title: &'static str) -> Self {
        Self(Box::new(Details {
            kind: format!("urn:darkroom:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: None,
            errors: Vec::new(),
            retry_after: None,
            categories: Vec::new(),
            passkey: None,
            request_id: None,
            rate_limit: None,
            cause: None,
        }))
    }

    /// Makes a 400: a field breaks a rule. [`and_invalid`](Self::and_invalid) adds more fields.
    #[must_use]
    pub fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is not valid.").and_invalid(field, rule)
    }

    /// Makes a 401: the access token is missing or not valid.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "You are not signed in.")
            .with_detail("Sign in and try again.")
    }

    /// Makes a 404: it does not exist, or it belongs to another account, which is the same for the caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found.")
    }

    /// Makes a 405: the path exists, but not with this method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This method is not allowed here.")
    }

    /// Makes a 409: the current state does not allow it. The detail says why, and what to do next.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "This can't be done right now.").with_detail(detail)
    }

    /// Makes a 412: the version that `If-Match` names is not the current one.
    #[must_use]
    pub fn precondition_failed() -> Self {
        let title = "This has changed since you opened it.";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", title).with_detail("Reload and try again.")
    }

    /// Makes a 413: the body is larger than the route takes.
    #[must_use]
    pub fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The request is too large.")
    }

    /// Makes a 429, with the headers that tell the client the limit and the seconds to wait.
    #[must_use]
    pub fn rate_limited(limit: RateLimit) -> Self {
        let seconds = limit.reset_seconds;
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests.");
        problem.0.rate_limit = Some(limit);
        problem.with_detail(format!("Try again in {seconds} {unit}.")).with_retry_after(seconds)
    }

    /// Makes a 500. The cause is logged, and never sent to the client.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let title = "Something went wrong on our side.";
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title);
        problem.0.cause = Some(Arc::from(cause.into()));
        problem
    }

    /// Makes a 503: AWS has refused a call because there were too many. The cause is logged, and never sent to the client.
    #[must_use]
    pub fn busy(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Darkroom is busy.");
        problem.0.cause = Some(Arc::from(cause.into()));
        problem.with_detail("Try again in a few seconds.").with_retry_after(BUSY_RETRY_AFTER_S)
    }

    /// Adds what to do next, or more about this occurrence.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the seconds after which to try again, to the body and as the header `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Adds the categories of the rules that the content breaks.
    #[must_use]
    pub fn with_categories(mut self, categories: Vec<&'static str>) -> Self {
        self.0.categories = categories;
        self
    }

    /// Adds what to ask a passkey for.
    #[must_use]
    pub fn with_passkey(mut self, request: PasskeyRequest) -> Self {
        self.0.passkey = Some(request);
        self
    }

    /// Adds a field that breaks a rule. The rule is a phrase that follows the name of the field: `must be at most 4`.
    #[must_use]
    pub fn and_invalid(mut self, field: impl Into<String>, rule: impl Into<String>) -> Self {
        self.0.errors.push(InvalidField::new(field.into(), rule.into()));
        self
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Returns the fields that break rules.
    #[must_use]
    pub fn fields(&self) -> &[InvalidField] {
        &self.0.errors
    }

    /// Returns the cause of a 5xx.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    /// Encodes the problem as JSON. Cannot fail, as its keys are strings and its numbers are integers.
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

/// Puts the problem into the extensions of the response too, so that the server can add the request id.
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
    fn body_of_an_internal_problem_has_no_cause() {
        let problem = Problem::internal("the table is gone").with_request_id("r-1");
        let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap();
        let expected = json!({
            "type": "urn:darkroom:problem:internal",
            "title": "Something went wrong on our side.",
            "status": 500,
            "request_id": "r-1",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn rate_limited_problem_has_the_limit_headers() {
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
    fn schema_has_the_members_of_the_rfc() {
        let schema = serde_json::to_value(Problem::schema()).unwrap();
        for member in ["type", "title", "status", "detail", "errors", "retry_after", "request_id"] {
            assert!(schema["properties"][member].is_object(), "{member} is missing in {schema}");
        }
        assert!(schema["properties"]["cause"].is_null());
        assert_eq!(Problem::name(), "Problem");
    }
}

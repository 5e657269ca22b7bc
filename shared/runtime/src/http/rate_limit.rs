//! Tells clients about rate limits: [RateLimit header fields for HTTP].
//!
//! [RateLimit header fields for HTTP]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/

use std::convert::Infallible;

use axum::response::{IntoResponseParts, ResponseParts};
use http::HeaderValue;

/// Is a limit and what is left of it. Adds its headers to a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The name of the limit: alphanumeric characters and hyphens.
    pub policy: &'static str,
    /// The number of requests in a window.
    pub quota: u64,
    /// The length of a window.
    pub window_seconds: u64,
    /// The number of requests that are left.
    pub remaining: u64,
    /// The seconds until the next window: after a refusal, the seconds to wait.
    pub reset_seconds: u64,
}

impl IntoResponseParts for RateLimit {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        let Self { policy, quota, window_seconds, remaining, reset_seconds } = self;
        let fields = [
            ("ratelimit-policy", format!("\"{policy}\";q={quota};w={window_seconds}")),
            ("ratelimit", format!("\"{policy}\";r={remaining};t={reset_seconds}")),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }
}

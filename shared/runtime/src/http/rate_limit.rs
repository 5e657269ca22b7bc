//! The headers that tell a client how much it may still do: [RateLimit header fields for HTTP].
//!
//! [RateLimit header fields for HTTP]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/

use std::convert::Infallible;

use axum::response::{IntoResponseParts, ResponseParts};
use http::HeaderValue;

/// A limit and what is left of it. Put it before the body of a response to send it along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The name of the limit: letters, digits and hyphens.
    pub policy: &'static str,
    /// How many requests a window has.
    pub quota: u64,
    /// How long a window is.
    pub window_seconds: u64,
    /// How many requests are left.
    pub remaining: u64,
    /// When there are more: for a refusal, when to come back.
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

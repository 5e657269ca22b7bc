//! Who asks, and from where.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde_json::Value;
use uuid::Uuid;

use super::Problem;

/// What API Gateway knows about a request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The id under which the request is logged, from here to the provider.
    pub request_id: String,
    /// Where the request comes from, as text. Personal data: never logged.
    pub client_address: String,
    /// What the client says it is, at any length. Personal data: never logged.
    pub user_agent: String,
    /// The claims of the token that the authorizer has verified; nothing on an open route.
    pub(crate) claims: Option<HashMap<String, Value>>,
}

impl RequestContext {
    /// The network whose requests count together in a rate window: an IPv4 address, or the /64 that an IPv6 client has
    /// all of ([RFC 6177](https://www.rfc-editor.org/rfc/rfc6177)).
    #[must_use]
    pub fn client_network(&self) -> String {
        match self.client_address.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => self.client_address.clone(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::internal("the request did not come through the door"))
    }
}

/// The person who asks: the owner of a verified access token.
///
/// The authorizer also lets id tokens and refresh tokens of the same pool through; they are refused here, with 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account, which is the user pool's `sub`.
    pub account_id: Uuid,
    /// The user pool's name for the person.
    pub username: String,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let claims = parts.extensions.get::<RequestContext>().and_then(|context| context.claims.as_ref());
        claims.and_then(from_claims).ok_or_else(Problem::unauthorized)
    }
}

fn from_claims(claims: &HashMap<String, Value>) -> Option<Caller> {
    let claim = |name| claims.get(name).and_then(Value::as_str);
    (claim("token_use") == Some("access")).then_some(())?;
    Some(Caller { account_id: claim("sub")?.parse().ok()?, username: claim("username")?.to_owned() })
}

//! Who asks, and from where.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use jiff::Timestamp;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext as EventContext;
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
        let Some(EventContext::ApiGatewayV2(context)) = parts.request_context_ref() else {
            return Err(Problem::internal("the request did not come through the door"));
        };
        Ok(Self {
            request_id: context.request_id.clone().unwrap_or_default(),
            client_address: context.http.source_ip.clone().unwrap_or_default(),
            user_agent: context.http.user_agent.clone().unwrap_or_default(),
        })
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
    /// When the person proved who they are; a refreshed token keeps it.
    pub signed_in_at: Timestamp,
}

/// Seconds for which a sign-in counts as recent.
pub const RECENT_S: i64 = 600;

impl Caller {
    /// For what must not be done with a token that somebody found.
    ///
    /// # Errors
    /// 403 unless the person signed in within the last ten minutes.
    pub fn signed_in_recently(&self, now: Timestamp) -> Result<(), Problem> {
        if now.duration_since(self.signed_in_at).as_secs() <= RECENT_S {
            return Ok(());
        }
        let title = "This needs a recent sign-in";
        let problem = Problem::new(StatusCode::FORBIDDEN, "recent-sign-in-needed", title);
        Err(problem.with_detail("Sign in again and repeat the request within ten minutes"))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let authorizer = parts.request_context_ref().and_then(EventContext::authorizer);
        let token = authorizer.and_then(|authorizer| authorizer.jwt.as_ref());
        token.and_then(|token| from_claims(&token.claims)).ok_or_else(Problem::unauthorized)
    }
}

/// A member of staff: a caller who is in the user pool's group [`STAFF`]. For everybody else there is no such thing: 404.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff(pub Caller);

/// The group of the user pool that staff are in.
pub const STAFF: &str = "staff";

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let authorizer = parts.request_context_ref().and_then(EventContext::authorizer);
        let groups = authorizer.and_then(|authorizer| authorizer.jwt.as_ref()?.claims.get("cognito:groups"));
        if groups.is_some_and(|groups| is_member(groups, STAFF)) { Ok(Self(caller)) } else { Err(Problem::not_found()) }
    }
}

/// API Gateway writes a claim that is a list as `[one two]`; no name of a group has a space in it
/// (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html>).
fn is_member(groups: &str, group: &str) -> bool {
    let names = groups.trim_start_matches('[').trim_end_matches(']').split([' ', ',']);
    names.map(|name| name.trim_matches('"')).any(|name| name == group)
}

/// API Gateway hands every claim over as text.
fn from_claims(claims: &HashMap<String, String>) -> Option<Caller> {
    let claim = |name| claims.get(name).map(String::as_str);
    (claim("token_use") == Some("access")).then_some(())?;
    let signed_in_at = Timestamp::from_second(claim("auth_time")?.parse().ok()?).ok()?;
    Some(Caller { account_id: claim("sub")?.parse().ok()?, username: claim("username")?.to_owned(), signed_in_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_recent_for_ten_minutes() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let caller = Caller { account_id: Uuid::nil(), username: String::new(), signed_in_at: at(0) };
        assert!(caller.signed_in_recently(at(600)).is_ok());
        assert_eq!(caller.signed_in_recently(at(601)).unwrap_err().status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn staff_is_who_is_in_the_group_and_not_who_is_in_one_that_sounds_like_it() {
        for groups in ["[staff]", "[editors staff]", "staff", r#"["editors","staff"]"#] {
            assert!(is_member(groups, STAFF), "{groups}");
        }
        for groups in ["", "[]", "[staffer]", "[not-staff]", "[Staff]"] {
            assert!(!is_member(groups, STAFF), "{groups}");
        }
    }
}

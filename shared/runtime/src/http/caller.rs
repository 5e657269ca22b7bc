//! Identifies the caller of a request.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use jiff::Timestamp;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext as EventContext;
use uuid::Uuid;

use super::problem::Problem;

/// Holds what API Gateway knows about a request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The id of the request, for the logs.
    pub request_id: String,
    /// The network address of the client. Personal data: never logged.
    pub client_address: String,
    /// The user agent, of any length. Personal data: never logged.
    pub user_agent: String,
}

impl RequestContext {
    /// Returns the networks that the client is in, the narrowest first: for IPv4 the address and its /24, for IPv6 the /64, the
    /// /56 and the /48, since a provider may give its customer any of them
    /// ([RFC 6177](https://www.rfc-editor.org/rfc/rfc6177)). The requests of each count together in a rate window.
    #[must_use]
    pub fn networks(&self) -> Vec<String> {
        match self.client_address.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                vec![address.to_string(), format!("{a}.{b}.{c}.0/24")]
            }
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                let site = format!("{a:x}:{b:x}:{c:x}");
                vec![format!("{site}:{d:x}::/64"), format!("{site}:{:x}::/56", d & 0xff00), format!("{site}::/48")]
            }
            Err(_) => vec![self.client_address.clone()],
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(EventContext::ApiGatewayV2(context)) = parts.request_context_ref() else {
            return Err(Problem::internal("the request has no context of API Gateway"));
        };
        Ok(Self {
            request_id: context.request_id.clone().unwrap_or_default(),
            client_address: context.http.source_ip.clone().unwrap_or_default(),
            user_agent: context.http.user_agent.clone().unwrap_or_default(),
        })
    }
}

/// Identifies the account owner by a verified access token.
///
/// The authorizer also accepts id tokens of the same pool. They are refused here, with 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The id of the account: the `sub` of the user pool.
    pub account_id: Uuid,
    /// The name of the user in the user pool.
    pub username: String,
    /// When the user signed in. A refresh does not change it.
    pub signed_in_at: Timestamp,
    /// The groups of the user pool that the token names: those of when it was issued.
    pub groups: BTreeSet<String>,
}

/// The seconds for which a sign-in counts as recent.
pub const RECENT_S: i64 = 600;
/// The seconds for which a sign-in of a staff member counts as recent: half a working day.
pub const STAFF_RECENT_S: i64 = 4 * 3_600;

impl Caller {
    /// Requires a recent sign-in, for operations that a stolen token must not allow.
    ///
    /// # Errors
    /// 403 unless the user signed in within the last ten minutes.
    pub fn signed_in_recently(&self, now: Timestamp) -> Result<(), Problem> {
        self.signed_in_within(RECENT_S, "Sign in again, then repeat this within ten minutes.", now)
    }

    /// Requires a sign-in of a staff member that is recent, so that a session that was stolen or left open is no use for long.
    ///
    /// # Errors
    /// 403 unless the user signed in within the last four hours.
    pub fn signed_in_recently_as_staff(&self, now: Timestamp) -> Result<(), Problem> {
        self.signed_in_within(STAFF_RECENT_S, "Sign in again. For staff a sign-in counts for four hours.", now)
    }

    fn signed_in_within(&self, seconds: i64, detail: &str, now: Timestamp) -> Result<(), Problem> {
        if now.duration_since(self.signed_in_at).as_secs() <= seconds {
            return Ok(());
        }
        let title = "This needs a recent sign-in.";
        Err(Problem::new(StatusCode::FORBIDDEN, "recent-sign-in-needed", title).with_detail(detail))
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

/// Lists the groups that a claim names. API Gateway writes a list as `[one two]`, and group names have no spaces
/// (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html>).
fn group_names(groups: &str) -> BTreeSet<String> {
    let names = groups.trim_start_matches('[').trim_end_matches(']').split([' ', ',']);
    names.map(|name| name.trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect()
}

/// Decodes the claims, which API Gateway passes as strings.
fn from_claims(claims: &HashMap<String, String>) -> Option<Caller> {
    let claim = |name| claims.get(name).map(String::as_str);
    (claim("token_use") == Some("access")).then_some(())?;
    let signed_in_at = Timestamp::from_second(claim("auth_time")?.parse().ok()?).ok()?;
    Some(Caller {
        account_id: claim("sub")?.parse().ok()?,
        username: claim("username")?.to_owned(),
        signed_in_at,
        groups: group_names(claim("cognito:groups").unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_is_recent_for_ten_minutes() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let (username, groups) = (String::new(), BTreeSet::new());
        let caller = Caller { account_id: Uuid::nil(), username, signed_in_at: at(0), groups };
        assert!(caller.signed_in_recently(at(600)).is_ok());
        assert_eq!(caller.signed_in_recently(at(601)).unwrap_err().status(), StatusCode::FORBIDDEN);
        assert!(caller.signed_in_recently_as_staff(at(14_400)).is_ok());
        assert_eq!(caller.signed_in_recently_as_staff(at(14_401)).unwrap_err().status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn client_is_in_networks_of_every_width() {
        let networks = |address: &str| {
            let context = RequestContext {
                request_id: String::new(),
                client_address: address.to_owned(),
                user_agent: String::new(),
            };
            context.networks()
        };
        assert_eq!(networks("192.0.2.17"), ["192.0.2.17", "192.0.2.0/24"]);
        assert_eq!(networks("::ffff:192.0.2.17"), ["192.0.2.17", "192.0.2.0/24"]);
        let ipv6 = ["2001:db8:1:23ff::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48"];
        assert_eq!(networks("2001:db8:1:23ff::7"), ipv6);
        assert_eq!(networks("unknown"), ["unknown"]);
    }

    #[test]
    fn groups_are_read_in_every_spelling_of_the_claim() {
        for groups in ["[editors support]", "support,editors", r#"["editors","support"]"#] {
            assert_eq!(group_names(groups), ["editors", "support"].map(str::to_owned).into(), "{groups}");
        }
        for groups in ["", "[]"] {
            assert!(group_names(groups).is_empty(), "{groups}");
        }
    }
}

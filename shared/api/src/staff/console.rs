//! Describes how staff open the console: the part of the web client that nobody else downloads.
//!
//! A browser loads a script without an access token, so the console has a cookie of its own. Who opens it passes the same checks
//! as for every operation of staff, and gets a cookie that the function `site` accepts for some minutes. It says nothing but
//! until when: it shows the code of the console, and no data.

use std::collections::BTreeSet;

use cookie::{Cookie, SameSite, time::Duration};
use domain::staff::role::Role::{self, Finance, Moderation, Support};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use jiff::{SignedDuration, Timestamp};
use runtime::{http::Problem, seal::Sealer};
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Opens the console: tells the roles of the caller, and sets a cookie with which the code of the console can be loaded for five
    /// minutes (staff). A repeat sets it again.
    OPEN = get("/v1/staff/console", "staff-review")
        .staff(&[Support, Finance, Moderation])
        .returns::<ConsoleView>(200).problems(&[403, 404]);
}

/// The name of the cookie.
pub const CONSOLE_COOKIE: &str = "__Host-console";
/// How long it is accepted: the client loads the code right after it.
const MAX_AGE_S: i64 = 300;
const PURPOSE: &str = "console";

/// Shows what a staff member may do.
#[derive(Serialize, ToSchema)]
pub struct ConsoleView {
    /// The roles of the caller by now.
    pub roles: BTreeSet<Role>,
    /// The name of the caller in access logs.
    pub staff: String,
}

/// Writes the `Set-Cookie` header that lets this browser load the console.
///
/// # Errors
/// A 500: the cookie fits in no header.
pub fn console_cookie(sealer: &Sealer, now: Timestamp) -> Result<HeaderValue, Problem> {
    let until = (now + SignedDuration::from_secs(MAX_AGE_S)).as_second();
    let cookie = Cookie::build((CONSOLE_COOKIE, sealer.seal(PURPOSE, &until.to_be_bytes())))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(Duration::seconds(MAX_AGE_S))
        .build();
    let mut header = HeaderValue::try_from(cookie.to_string()).map_err(Problem::internal)?;
    header.set_sensitive(true);
    Ok(header)
}

/// Tells whether a request has a cookie of [`console_cookie`] that is still valid.
#[must_use]
pub fn may_load_console(headers: &HeaderMap, sealer: &Sealer, now: Timestamp) -> bool {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut ours = cookies.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == CONSOLE_COOKIE);
    ours.any(|cookie| {
        let until = sealer.open(PURPOSE, cookie.value()).and_then(|bytes| bytes.try_into().ok());
        until.is_some_and(|until| now.as_second() <= i64::from_be_bytes(until))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&[byte; 32]).unwrap()
    }

    fn headers(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(format!("theme=dark; {pair}")).unwrap())])
    }

    #[test]
    fn cookie_opens_the_console_for_five_minutes() {
        let now = Timestamp::UNIX_EPOCH;
        let cookie = console_cookie(&sealer(1), now).unwrap();
        let allowed = |key: u8, second: i64| {
            may_load_console(&headers(&cookie), &sealer(key), Timestamp::from_second(second).unwrap())
        };
        assert!(allowed(1, 0) && allowed(1, 300));
        assert!(!allowed(1, 301), "it has expired");
        assert!(!allowed(2, 0), "another key sealed it");
    }

    #[test]
    fn other_cookies_do_not_open_the_console() {
        let sealed = sealer(1).seal("session", &i64::MAX.to_be_bytes());
        for value in ["", "x", &sealed] {
            let cookie = HeaderValue::try_from(format!("{CONSOLE_COOKIE}={value}")).unwrap();
            assert!(!may_load_console(&headers(&cookie), &sealer(1), Timestamp::UNIX_EPOCH), "{value}");
        }
        assert!(!may_load_console(&HeaderMap::new(), &sealer(1), Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn cookie_is_for_this_host_over_tls_and_not_for_scripts() {
        let cookie = console_cookie(&sealer(1), Timestamp::UNIX_EPOCH).unwrap();
        let (_, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=300");
    }
}

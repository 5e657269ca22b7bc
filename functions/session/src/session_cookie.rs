//! Keeps the session in a cookie that only this host receives, over TLS, from its own site, and that no script reads
//! ([RFC 6265bis](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-cookie-name-prefixes)).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use runtime::{clock, http::Problem, seal::Sealer};

const NAME: &str = "__Host-refresh";
/// The validity of a refresh token, as set for the client of the user pool in `template.yaml`.
const MAX_AGE: Duration = Duration::days(30);
const CSRF_HEADER: &str = "x-csrf-token";
const CSRF_PURPOSE: &str = "csrf";

/// Holds the content of the cookie. Not `Debug`, so it is never logged.
pub(crate) struct Session {
    /// Identifies the session. It stays the same when the refresh token is replaced: a page that was closed before it read
    /// the response to a refresh has the new cookie and its CSRF token is still valid.
    id: String,
    refresh_token: String,
}

impl Session {
    /// Starts a session with a random id.
    pub(crate) fn begin(refresh_token: String) -> Self {
        Self { id: URL_SAFE_NO_PAD.encode(clock::random::<16>()), refresh_token }
    }

    /// Replaces the refresh token of the session.
    pub(crate) fn with_refresh_token(self, refresh_token: String) -> Self {
        Self { refresh_token, ..self }
    }

    /// Reads the session from the cookies of a request. It may be forged: check it with [`is_confirmed_by`](Self::is_confirmed_by).
    pub(crate) fn from_request(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut cookies = cookies.flat_map(Cookie::split_parse).flatten();
        let cookie = cookies.find(|cookie| cookie.name() == NAME)?;
        let (id, refresh_token) = cookie.value().split_once('.').filter(|(_, token)| !token.is_empty())?;
        Some(Self { id: id.to_owned(), refresh_token: refresh_token.to_owned() })
    }

    /// Writes the `Set-Cookie` header that stores the session.
    ///
    /// # Errors
    /// A 500: the user pool returned a token that fits in no header.
    pub(crate) fn to_cookie(&self) -> Result<HeaderValue, Problem> {
        set_cookie(format!("{}.{}", self.id, self.refresh_token), MAX_AGE)
    }

    /// Computes the CSRF token: a keyed hash of the session id, so it is not stored and is valid as long as the session.
    pub(crate) fn csrf_token(&self, sealer: &Sealer) -> String {
        URL_SAFE_NO_PAD.encode(sealer.mac(CSRF_PURPOSE, self.id.as_bytes()))
    }

    /// Tells whether the request's `X-CSRF-Token` belongs to this session, which also shows that this service created it.
    pub(crate) fn is_confirmed_by(&self, headers: &HeaderMap, sealer: &Sealer) -> bool {
        let tag = headers.get(CSRF_HEADER).and_then(|value| URL_SAFE_NO_PAD.decode(value.as_bytes()).ok());
        tag.is_some_and(|tag| sealer.verify(CSRF_PURPOSE, self.id.as_bytes(), &tag))
    }

    pub(crate) fn refresh_token(&self) -> &str {
        &self.refresh_token
    }
}

/// Writes the `Set-Cookie` header that removes the session.
///
/// # Errors
/// None in practice: the header is constant.
pub(crate) fn removal() -> Result<HeaderValue, Problem> {
    set_cookie(String::new(), Duration::ZERO)
}

fn set_cookie(value: String, max_age: Duration) -> Result<HeaderValue, Problem> {
    let cookie = Cookie::build((NAME, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(max_age)
        .build();
    let mut header = HeaderValue::try_from(cookie.to_string()).map_err(Problem::internal)?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_cookie_is_declared() {
        let cookies = store::registry::kinds().filter_map(|stored| match stored.location {
            store::registry::DataLocation::Cookie { name } => Some(name),
            _ => None,
        });
        assert_eq!(cookies.collect::<Vec<_>>(), [NAME]);
    }

    fn check(cookies: &[&'static str], token: Option<&str>) {
        let headers = cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_static(cookie))).collect();
        let found = Session::from_request(&headers).map(|session| format!("{} {}", session.id, session.refresh_token));
        assert_eq!(found.as_deref(), token, "{cookies:?}");
    }

    fn csrf(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(CSRF_HEADER.parse().unwrap(), HeaderValue::try_from(value).unwrap())])
    }

    #[test]
    fn session_is_found_among_other_cookies() {
        check(&[], None);
        check(&["theme=dark"], None);
        check(&["__Host-refresh="], None);
        check(&["refresh=abc"], None);
        check(&["X__Host-refresh=abc"], None);
        check(&["__Host-refresh=abc"], None);
        check(&["__Host-refresh=m."], None);
        check(&["__Host-refresh=m.a.b-c_d="], Some("m a.b-c_d="));
        check(&["theme=dark; __Host-refresh=m.abc; x"], Some("m abc"));
        check(&["theme=dark", "x=y;__Host-refresh=m.abc"], Some("m abc"));
    }

    #[test]
    fn cookie_is_for_this_host_over_tls_and_not_for_scripts() {
        let session = Session { id: "m".to_owned(), refresh_token: "abc".to_owned() };
        let cookie = session.to_cookie().unwrap();
        assert!(cookie.is_sensitive());
        let expected = "__Host-refresh=m.abc; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=2592000";
        assert_eq!(cookie.to_str().unwrap(), expected);
    }

    #[test]
    fn removal_has_the_same_scope() {
        let expected = "__Host-refresh=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0";
        assert_eq!(removal().unwrap().to_str().unwrap(), expected);
    }

    #[test]
    fn csrf_token_confirms_only_its_own_session() {
        let (sealer, other_sealer) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let (one, two) = (Session::begin("one".to_owned()), Session::begin("one".to_owned()));
        let headers = csrf(&one.csrf_token(&sealer));
        let one = one.with_refresh_token("another".to_owned());
        assert!(one.is_confirmed_by(&headers, &sealer) && one.refresh_token() == "another");
        assert!(!two.is_confirmed_by(&headers, &sealer));
        assert!(!one.is_confirmed_by(&headers, &other_sealer));
        assert!(!one.is_confirmed_by(&HeaderMap::new(), &sealer));
        for garbage in ["", "one", "not base64!", &one.csrf_token(&sealer)[1..]] {
            assert!(!one.is_confirmed_by(&csrf(garbage), &sealer), "{garbage}");
        }
    }
}

//! The session: in a cookie that only this host gets, over TLS, from its own site, and that no script reads
//! ([RFC 6265bis](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-cookie-name-prefixes)).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use runtime::{clock, http::Problem, seal::Sealer};

const NAME: &str = "__Host-refresh";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
/// As long as the user pool's client says that a refresh token lives: 30 days.
const MAX_AGE_S: u32 = 30 * 24 * 60 * 60;
const CSRF_HEADER: &str = "x-csrf-token";
const CSRF_PURPOSE: &str = "csrf";

/// What the cookie holds. Not `Debug`: it is never logged.
pub(crate) struct Session {
    /// Of nobody but this session, and the same as long as it lasts: a page that was left before it had read the answer to a
    /// refresh has the new cookie, and still shows that it may use it.
    mark: String,
    refresh_token: String,
}

impl Session {
    /// A new one.
    pub(crate) fn begin(refresh_token: String) -> Self {
        Self { mark: URL_SAFE_NO_PAD.encode(clock::random::<16>()), refresh_token }
    }

    /// The same one, with another refresh token.
    pub(crate) fn go_on(self, refresh_token: String) -> Self {
        Self { refresh_token, ..self }
    }

    /// The one that the request carries, if any. Anybody may have put it there.
    pub(crate) fn from_request(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, held) = pairs.find(|(name, _)| *name == NAME)?;
        let (mark, refresh_token) = held.split_once('.').filter(|(_, token)| !token.is_empty())?;
        Some(Self { mark: mark.to_owned(), refresh_token: refresh_token.to_owned() })
    }

    /// The `Set-Cookie` that keeps it.
    ///
    /// # Errors
    /// The user pool gave a token that fits in no header.
    pub(crate) fn to_cookie(&self) -> Result<HeaderValue, Problem> {
        let Self { mark, refresh_token } = self;
        let cookie = format!("{NAME}={mark}.{refresh_token}; {ATTRIBUTES}; Max-Age={MAX_AGE_S}");
        let mut value = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// What whoever holds the session has beside the cookie: a keyed hash, so that it needs no storage and dies with it.
    pub(crate) fn csrf_token(&self, sealer: &Sealer) -> String {
        URL_SAFE_NO_PAD.encode(sealer.mac(CSRF_PURPOSE, self.mark.as_bytes()))
    }

    /// Whether the request's `X-CSRF-Token` belongs to this session, which also shows that we began it.
    pub(crate) fn is_confirmed_by(&self, headers: &HeaderMap, sealer: &Sealer) -> bool {
        let tag = headers.get(CSRF_HEADER).and_then(|value| URL_SAFE_NO_PAD.decode(value.as_bytes()).ok());
        tag.is_some_and(|tag| sealer.verify(CSRF_PURPOSE, self.mark.as_bytes(), &tag))
    }

    pub(crate) fn refresh_token(&self) -> &str {
        &self.refresh_token
    }
}

/// The `Set-Cookie` that removes it.
pub(crate) fn removal() -> HeaderValue {
    HeaderValue::from_static("__Host-refresh=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_the_only_one_that_is_declared() {
        let cookies = store::registry::kinds().filter_map(|stored| match stored.location {
            store::registry::DataLocation::Cookie { name } => Some(name),
            _ => None,
        });
        assert_eq!(cookies.collect::<Vec<_>>(), [NAME]);
    }

    fn check(cookies: &[&'static str], token: Option<&str>) {
        let headers = cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_static(cookie))).collect();
        let found =
            Session::from_request(&headers).map(|session| format!("{} {}", session.mark, session.refresh_token));
        assert_eq!(found.as_deref(), token, "{cookies:?}");
    }

    fn csrf(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(CSRF_HEADER.parse().unwrap(), HeaderValue::try_from(value).unwrap())])
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
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
    fn the_cookie_is_for_this_host_over_tls_and_not_for_scripts() {
        let session = Session { mark: "m".to_owned(), refresh_token: "abc".to_owned() };
        let cookie = session.to_cookie().unwrap();
        assert!(cookie.is_sensitive());
        let expected = "__Host-refresh=m.abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000";
        assert_eq!(cookie.to_str().unwrap(), expected);
    }

    #[test]
    fn the_removal_has_the_same_scope() {
        assert_eq!(removal().to_str().unwrap(), format!("{NAME}=; {ATTRIBUTES}; Max-Age=0"));
    }

    #[test]
    fn a_csrf_token_confirms_its_own_session_and_no_other() {
        let (sealer, other_sealer) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let (one, two) = (Session::begin("one".to_owned()), Session::begin("one".to_owned()));
        let headers = csrf(&one.csrf_token(&sealer));
        let one = one.go_on("another".to_owned());
        assert!(one.is_confirmed_by(&headers, &sealer) && one.refresh_token() == "another");
        assert!(!two.is_confirmed_by(&headers, &sealer));
        assert!(!one.is_confirmed_by(&headers, &other_sealer));
        assert!(!one.is_confirmed_by(&HeaderMap::new(), &sealer));
        for garbage in ["", "one", "not base64!", &one.csrf_token(&sealer)[1..]] {
            assert!(!one.is_confirmed_by(&csrf(garbage), &sealer), "{garbage}");
        }
    }
}

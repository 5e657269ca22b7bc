//! The refresh token: in a cookie that only this host gets, over TLS, from its own site, and that no script reads
//! ([RFC 6265bis](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-cookie-name-prefixes)).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use runtime::{http::Problem, seal::Sealer};

const NAME: &str = "__Host-refresh";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
/// As long as the user pool's client says that a refresh token lives: 30 days.
const MAX_AGE_S: u32 = 30 * 24 * 60 * 60;
const CSRF_HEADER: &str = "x-csrf-token";
const CSRF_PURPOSE: &str = "csrf";

/// A refresh token. Not `Debug`: it is never logged.
pub(crate) struct RefreshToken(String);

impl RefreshToken {
    pub(crate) fn new(token: String) -> Self {
        Self(token)
    }

    /// The one that the request carries, if any. Anybody may have put it there.
    pub(crate) fn from_request(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, token) = pairs.find(|(name, token)| *name == NAME && !token.is_empty())?;
        Some(Self(token.to_owned()))
    }

    /// The `Set-Cookie` that keeps it.
    ///
    /// # Errors
    /// The user pool gave a token that fits in no header.
    pub(crate) fn to_cookie(&self) -> Result<HeaderValue, Problem> {
        let cookie = format!("{NAME}={}; {ATTRIBUTES}; Max-Age={MAX_AGE_S}", self.0);
        let mut value = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// What whoever holds the session has beside the cookie: a keyed hash, so that it needs no storage and dies with the
    /// refresh token.
    pub(crate) fn csrf_token(&self, sealer: &Sealer) -> String {
        URL_SAFE_NO_PAD.encode(sealer.mac(CSRF_PURPOSE, self.0.as_bytes()))
    }

    /// Whether the request's `X-CSRF-Token` belongs to this refresh token, which also shows that we gave it out.
    pub(crate) fn is_confirmed_by(&self, headers: &HeaderMap, sealer: &Sealer) -> bool {
        let tag = headers.get(CSRF_HEADER).and_then(|value| URL_SAFE_NO_PAD.decode(value.as_bytes()).ok());
        tag.is_some_and(|tag| sealer.verify(CSRF_PURPOSE, self.0.as_bytes(), &tag))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
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
        let cookies = domain::registry::KINDS.iter().filter_map(|kind| match kind.place {
            domain::registry::Place::Cookie { name } => Some(name),
            _ => None,
        });
        assert_eq!(cookies.collect::<Vec<_>>(), [NAME]);
    }

    fn check(cookies: &[&'static str], token: Option<&str>) {
        let headers = cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_static(cookie))).collect();
        assert_eq!(RefreshToken::from_request(&headers).map(|token| token.0).as_deref(), token, "{cookies:?}");
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
        check(&["__Host-refresh=a.b-c_d="], Some("a.b-c_d="));
        check(&["theme=dark; __Host-refresh=abc; x"], Some("abc"));
        check(&["theme=dark", "x=y;__Host-refresh=abc"], Some("abc"));
    }

    #[test]
    fn the_cookie_is_for_this_host_over_tls_and_not_for_scripts() {
        let cookie = RefreshToken::new("abc".to_owned()).to_cookie().unwrap();
        assert!(cookie.is_sensitive());
        let expected = "__Host-refresh=abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000";
        assert_eq!(cookie.to_str().unwrap(), expected);
    }

    #[test]
    fn the_removal_has_the_same_scope() {
        assert_eq!(removal().to_str().unwrap(), format!("{NAME}=; {ATTRIBUTES}; Max-Age=0"));
    }

    #[test]
    fn a_csrf_token_confirms_its_own_refresh_token_and_no_other() {
        let (sealer, other_sealer) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let (one, two) = (RefreshToken::new("one".to_owned()), RefreshToken::new("two".to_owned()));
        let headers = csrf(&one.csrf_token(&sealer));
        assert!(one.is_confirmed_by(&headers, &sealer));
        assert!(!two.is_confirmed_by(&headers, &sealer));
        assert!(!one.is_confirmed_by(&headers, &other_sealer));
        assert!(!one.is_confirmed_by(&HeaderMap::new(), &sealer));
        for garbage in ["", "one", "not base64!", &one.csrf_token(&sealer)[1..]] {
            assert!(!one.is_confirmed_by(&csrf(garbage), &sealer), "{garbage}");
        }
    }
}

//! Keeps the session in a cookie that only this host receives, over TLS, from its own site, and that no script reads
//! ([RFC 6265bis](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-cookie-name-prefixes)). The cookie is
//! sealed: a thief learns no refresh token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use runtime::{clock, http::Problem, seal::Sealer};

const NAME: &str = "__Host-refresh";
/// The validity of a refresh token, as set for the client of the user pool in `template.yaml`.
const MAX_AGE: Duration = Duration::days(30);
const CSRF_HEADER: &str = "x-csrf-token";
const CSRF_PURPOSE: &str = "csrf";
const SEAL_PURPOSE: &str = "session";

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

    /// Reads the session from the cookies of a request. Another site may have sent it: check it with
    /// [`is_confirmed_by`](Self::is_confirmed_by).
    pub(crate) fn from_request(headers: &HeaderMap, sealer: &Sealer) -> Option<Self> {
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut cookies = cookies.flat_map(Cookie::split_parse).flatten();
        let cookie = cookies.find(|cookie| cookie.name() == NAME)?;
        let content = String::from_utf8(sealer.open(SEAL_PURPOSE, cookie.value())?).ok()?;
        let (id, refresh_token) = content.split_once('.')?;
        Some(Self { id: id.to_owned(), refresh_token: refresh_token.to_owned() })
    }

    /// Writes the `Set-Cookie` header that stores the session.
    ///
    /// # Errors
    /// A 500: the cookie fits in no header.
    pub(crate) fn to_cookie(&self, sealer: &Sealer) -> Result<HeaderValue, Problem> {
        let content = format!("{}.{}", self.id, self.refresh_token);
        set_cookie(sealer.seal(SEAL_PURPOSE, content.as_bytes()), MAX_AGE)
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
    fn only_this_cookie_and_that_of_the_console_are_declared() {
        let cookies = store::registry::kinds().filter_map(|stored| match stored.location {
            store::registry::DataLocation::Cookie { name } => Some(name),
            _ => None,
        });
        assert_eq!(cookies.collect::<Vec<_>>(), [NAME, api::staff::console::CONSOLE_COOKIE]);
    }

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&[byte; 32]).unwrap()
    }

    fn csrf(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(CSRF_HEADER.parse().unwrap(), HeaderValue::try_from(value).unwrap())])
    }

    fn check(cookies: &[&str], token: Option<&str>) {
        let headers = cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_str(cookie).unwrap())).collect();
        let found = Session::from_request(&headers, &sealer(1));
        assert_eq!(found.map(|session| session.refresh_token).as_deref(), token, "{cookies:?}");
    }

    /// Returns `name=value` of the cookie of a session.
    fn pair(session: &Session, sealer: &Sealer) -> String {
        session.to_cookie(sealer).unwrap().to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn session_is_found_among_other_cookies() {
        let cookie = pair(&Session::begin("a.b-c_d=".to_owned()), &sealer(1));
        check(&[&cookie], Some("a.b-c_d="));
        check(&[&format!("theme=dark; {cookie}; x")], Some("a.b-c_d="));
        check(&["theme=dark", &format!("x=y;{cookie}")], Some("a.b-c_d="));
        for other in ["theme=dark", "__Host-refresh=", "__Host-refresh=m.abc", &cookie[7..], &format!("X{cookie}")] {
            check(&[other], None);
        }
        check(&[], None);
    }

    #[test]
    fn cookie_reveals_no_refresh_token_and_opens_only_here() {
        let session = Session::begin("a-refresh-token".to_owned());
        let cookie = pair(&session, &sealer(1));
        let content = URL_SAFE_NO_PAD.decode(cookie.split_once('=').unwrap().1).unwrap();
        assert!(!cookie.contains("a-refresh-token") && !content.windows(5).any(|part| part == b"token"));
        check(&[&pair(&session, &sealer(2))], None);
    }

    /// Browsers refuse cookies above 4096 bytes. Refresh tokens of the user pool have up to 2 KB.
    #[test]
    fn cookie_of_the_longest_token_is_kept_by_browsers() {
        let cookie = Session::begin("r".repeat(2_048)).to_cookie(&sealer(1)).unwrap();
        assert!(cookie.len() < 4_096, "{}", cookie.len());
    }

    #[test]
    fn cookie_is_for_this_host_over_tls_and_not_for_scripts() {
        let cookie = Session::begin("abc".to_owned()).to_cookie(&sealer(1)).unwrap();
        assert!(cookie.is_sensitive());
        let (name, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
        assert!(name.starts_with("__Host-refresh="), "{name}");
        assert_eq!(attributes, "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=2592000");
    }

    #[test]
    fn removal_has_the_same_scope() {
        let expected = "__Host-refresh=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0";
        assert_eq!(removal().unwrap().to_str().unwrap(), expected);
    }

    #[test]
    fn csrf_token_confirms_only_its_own_session() {
        let (sealer, other_sealer) = (sealer(1), sealer(2));
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

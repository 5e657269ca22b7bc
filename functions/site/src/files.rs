//! The files of the web client, compressed when they were built.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
};
use ring::digest;
use runtime::http::Problem;

/// Holds a file in each of its encodings.
pub(crate) struct File {
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// For assets, whose names change with their content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For the code of the console, which only staff may load: it stays in no cache.
const PRIVATE: &str = "no-store";
/// For the page: the browser revalidates it on each use, mostly with 304 as the response.
const REVALIDATE: &str = "no-cache";

/// The entity tag of the page. It changes with every asset, as the page contains their hashed names. It is weak, as it is the
/// same in every encoding ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).
static PAGE_TAG: LazyLock<String> = LazyLock::new(|| {
    let hash = digest::digest(&digest::SHA256, PAGE.plain);
    let digits = hex::encode(hash.as_ref().get(..8).unwrap_or_default());
    format!("W/\"{digits}\"")
});

/// Returns the asset of this name, or 404.
pub(crate) fn asset(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let found = ASSETS.binary_search_by_key(&name, |file| file.name).ok().and_then(|index| ASSETS.get(index));
    let file = found.ok_or_else(Problem::not_found)?;
    let mut response = file.answer(headers);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
    Ok(response)
}

/// Returns the asset of the console with this name, or 404. No cache keeps it for others.
pub(crate) fn console_asset(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let found = CONSOLE_ASSETS.iter().find(|file| file.name == name).ok_or_else(Problem::not_found)?;
    let mut response = found.answer(headers);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
    Ok(response)
}

/// Returns the page, which is the same at every address of the client.
pub(crate) fn page(status: StatusCode, headers: &HeaderMap) -> Response {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|tags| tags.split(',')).map(str::trim);
    let mut response = if status == StatusCode::OK && tags.any(|tag| tag == *PAGE_TAG) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = PAGE.answer(headers);
        *response.status_mut() = status;
        response
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(PAGE_TAG.as_str()) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Returns the page as text, for a preview card to be inserted.
pub(crate) fn page_text() -> String {
    String::from_utf8_lossy(PAGE.plain).into_owned()
}

impl File {
    fn answer(&self, headers: &HeaderMap) -> Response {
        let choices = [("br", self.brotli), ("gzip", self.gzip)];
        let chosen =
            choices.into_iter().find_map(|(name, body)| body.filter(|_| accepts(headers, name)).map(|b| (name, b)));
        let mut response = chosen.map_or(self.plain, |(_, body)| body).into_response();
        let answered = response.headers_mut();
        answered.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(self.name)));
        if self.brotli.is_some() || self.gzip.is_some() {
            answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if let Some((name, _)) = chosen {
            answered.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    }
}

/// Returns whether the client accepts this encoding ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3)).
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(encodings: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
    }

    fn check(encodings: &'static str, chosen: Option<&str>) {
        let response = page(StatusCode::OK, &accepting(encodings));
        let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
        assert_eq!(encoding, chosen, "{encodings}");
        assert_eq!(response.headers()[VARY], "accept-encoding");
    }

    #[test]
    fn smallest_accepted_encoding_is_sent() {
        check("gzip, deflate, br, zstd", Some("br"));
        check("gzip;q=1.0, BR;q=0", Some("gzip"));
        check("br;q=0.1", Some("br"));
        check("identity", None);
        check("", None);
        check("brotli", None);
    }

    #[test]
    fn assets_have_content_type_and_hashed_name() {
        for file in &ASSETS {
            assert_ne!(content_type(file.name), "application/octet-stream", "{}", file.name);
            assert!(file.name.contains('-'), "{} has no hash in its name", file.name);
            let response = asset(file.name, &HeaderMap::new()).unwrap();
            assert_eq!(response.headers()[CACHE_CONTROL], IMMUTABLE);
        }
        assert!(asset("index.html", &HeaderMap::new()).is_err());
        assert!(asset("../index.html", &HeaderMap::new()).is_err());
    }

    #[test]
    fn code_of_the_console_is_in_no_public_asset() {
        assert!(!CONSOLE_ASSETS.is_empty());
        for file in &ASSETS {
            let plain = String::from_utf8_lossy(file.plain);
            // Only the console calls the operations of staff.
            assert!(!plain.contains("/v1/staff/accounts") && !plain.contains("/v1/staff/reviews"), "{}", file.name);
        }
        for file in &CONSOLE_ASSETS {
            assert!(asset(file.name, &HeaderMap::new()).is_err(), "{}", file.name);
            let response = console_asset(file.name, &HeaderMap::new()).unwrap();
            assert_eq!(response.headers()[CACHE_CONTROL], PRIVATE);
        }
    }

    #[test]
    fn page_is_304_when_the_tag_matches() {
        let ask = |tag: &str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::try_from(tag).unwrap())]);
            let response = page(StatusCode::OK, &headers);
            assert_eq!(response.headers()[VARY], "accept-encoding");
            response.status()
        };
        let tag = page(StatusCode::OK, &HeaderMap::new()).headers()[ETAG].to_str().unwrap().to_owned();
        assert_eq!(ask(&tag), 304);
        assert_eq!(ask(&format!("W/\"0\", {tag}")), 304);
        assert_eq!(ask("W/\"0\""), 200);
    }

    #[test]
    fn page_has_no_inline_script_or_style() {
        let page = page_text();
        for forbidden in ["<style", " style=", "javascript:", " onload=", " onclick=", "http://", "https://"] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
        for script in page.split("<script").skip(1) {
            assert!(script.contains("></script>"), "an inline script: {script}");
        }
    }
}

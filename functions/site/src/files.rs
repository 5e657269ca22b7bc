//! The files of the web client, in the encodings that they were compressed to when they were built.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
};
use ring::digest;
use runtime::http::Problem;

/// A file.
pub(crate) struct File {
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The name changes with the content, so what is there once is right for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Asked for each time, and mostly answered with 304.
const ASK_FIRST: &str = "no-cache";

/// Changes with every build that changes anything: the page names every asset by its content. Weak, as it is the same in
/// every encoding ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).
static PAGE_TAG: LazyLock<String> = LazyLock::new(|| {
    let hash = digest::digest(&digest::SHA256, PAGE.plain);
    let digits: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{digits}\"")
});

/// The asset of this name.
pub(crate) fn asset(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let found = ASSETS.binary_search_by_key(&name, |file| file.name).ok().and_then(|index| ASSETS.get(index));
    let file = found.ok_or_else(Problem::not_found)?;
    let mut response = file.answer(headers);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    Ok(response)
}

/// The page that every address of the client shows.
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
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(ASK_FIRST));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(PAGE_TAG.as_str()) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// The page as text, to put something into it.
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

/// Whether the client takes this encoding ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3)).
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

    fn taking(encodings: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
    }

    fn check(encodings: &'static str, chosen: Option<&str>) {
        let response = page(StatusCode::OK, &taking(encodings));
        let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
        assert_eq!(encoding, chosen, "{encodings}");
        assert_eq!(response.headers()[VARY], "accept-encoding");
    }

    #[test]
    fn the_smallest_encoding_that_the_client_takes_is_sent() {
        check("gzip, deflate, br, zstd", Some("br"));
        check("gzip;q=1.0, BR;q=0", Some("gzip"));
        check("br;q=0.1", Some("br"));
        check("identity", None);
        check("", None);
        check("brotli", None);
    }

    #[test]
    fn every_file_has_a_type_and_a_name_that_changes_with_its_content() {
        for file in &ASSETS {
            assert_ne!(content_type(file.name), "application/octet-stream", "{}", file.name);
            assert!(file.name.contains('-'), "{} has no hash in its name", file.name);
            let response = asset(file.name, &HeaderMap::new()).unwrap();
            assert_eq!(response.headers()[CACHE_CONTROL], FOR_EVER);
        }
        assert!(asset("index.html", &HeaderMap::new()).is_err());
        assert!(asset("../index.html", &HeaderMap::new()).is_err());
    }

    #[test]
    fn a_page_that_is_known_is_not_sent_again() {
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
    fn nothing_in_the_page_needs_a_hole_in_the_policy() {
        let page = page_text();
        for hole in ["<style", " style=", "javascript:", " onload=", " onclick=", "http://", "https://"] {
            assert!(!page.contains(hole), "{hole} in {page}");
        }
        for script in page.split("<script").skip(1) {
            assert!(script.contains("></script>"), "an inline script: {script}");
        }
    }
}

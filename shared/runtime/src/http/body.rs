//! Reads JSON bodies strictly.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::json_tree::Tree;
use super::problem::{Problem, REPEATED, REQUIRED, UNKNOWN};

/// Extracts a JSON body.
///
/// Refuses another content type (415) and a body above the router's `DefaultBodyLimit`, which is 64 KiB unless the router sets it
/// (413). Refuses with a 400 that names the field: text that is not UTF-8 or not JSON, nesting deeper than 32 levels, repeated keys,
/// escapes that are no character, and everything that is not a `T`. Refuses unknown fields if `T` has `deny_unknown_fields`, which
/// every body has.
pub struct StrictJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        parse(&read(request, state).await?).map(Self)
    }
}

/// Reads the bytes of the body, up to the router's limit.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|_| Problem::body_too_large())
}

/// Requires `application/json`. Ignores parameters, as JSON is always UTF-8
/// ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259#section-11)).
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "The body must be application/json."))
}

/// Parses a body into a tree, which refuses what no type could refuse, and then into the type.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::invalid("body", "must be UTF-8"))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let tree = serde_path_to_error::deserialize::<_, Tree>(&mut json).map_err(|error| {
        let rule = match error.inner() {
            syntax if syntax.is_syntax() || syntax.is_eof() => {
                format!("must be valid JSON, error at line {}, column {}", syntax.line(), syntax.column())
            }
            other => without_position(&other.to_string()).to_owned(),
        };
        invalid(&error.path().to_string(), &rule)
    })?;
    json.end().map_err(|_| Problem::invalid("body", "must be one JSON value"))?;
    serde_path_to_error::deserialize(tree)
        .map_err(|error| invalid(&error.path().to_string(), &error.inner().to_string()))
}

/// Removes the position that `serde_json` appends to every message.
fn without_position(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(rule, _)| rule)
}

/// Makes a problem of an error of serde, without the value that was sent. Names a missing or unknown field itself, rather than the
/// object that it belongs to.
pub(super) fn invalid(path: &str, message: &str) -> Problem {
    let place = path.trim_matches(['.', '?']);
    for (start, rule) in [("missing field `", REQUIRED), ("unknown field `", UNKNOWN), ("duplicate field `", REPEATED)]
    {
        if let Some((name, _)) = message.strip_prefix(start).and_then(|rest| rest.split_once('`')) {
            return Problem::invalid(within(place, name), rule);
        }
    }
    let rule = match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("must be {}", in_words(expected)),
        None => message.to_owned(),
    };
    Problem::invalid(if place.is_empty() { "body" } else { place }, rule)
}

/// Joins the path of a field. Some errors already have the field at the end of their path.
fn within(place: &str, name: &str) -> String {
    match place.rsplit_once('.').map_or(place, |(_, last)| last) {
        last if last == name => place.to_owned(),
        "" => name.to_owned(),
        _ => format!("{place}.{name}"),
    }
}

/// Rephrases what serde expects, without the names of Rust types.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" | "usize" => "an integer of 0 or more",
        "i8" | "i16" | "i32" | "i64" => "an integer",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    #[expect(dead_code, reason = "only parsed")]
    struct Request {
        prompt: String,
        settings: Option<Settings>,
        #[serde(default)]
        inputs: Vec<Settings>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Settings {
        count: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Image,
        Video,
    }

    fn check(body: impl AsRef<[u8]>, field: &str, rule: &str) {
        let problem = parse::<Request>(body.as_ref()).unwrap_err();
        assert_eq!(problem.status(), 400);
        let [error] = problem.fields() else { panic!("{problem:?}") };
        assert_eq!((error.field.as_str(), error.rule.as_str()), (field, rule));
    }

    #[test]
    fn valid_body_is_parsed() {
        let body = r#"{"prompt":"a \ud83d\ude00 face","settings":{"count":1},"inputs":[{"count":2}],"kind":"image"}"#;
        assert_eq!(parse::<Request>(body.as_bytes()).unwrap().prompt, "a \u{1f600} face");
    }

    #[test]
    fn error_names_the_field_and_the_rule() {
        check("{}", "prompt", "is required");
        check(r#"{"prompt":7}"#, "prompt", "must be a string");
        check(r#"{"prompt":"","settings":{}}"#, "settings.count", "is required");
        check(r#"{"prompt":"","settings":{"count":256}}"#, "settings.count", "must be an integer from 0 to 255");
        check(r#"{"prompt":"","settings":{"count":1.5}}"#, "settings.count", "must be an integer from 0 to 255");
        check(
            r#"{"prompt":"","inputs":[{"count":1},{"count":-1}]}"#,
            "inputs[1].count",
            "must be an integer from 0 to 255",
        );
        check(r#"{"prompt":"","inputs":{}}"#, "inputs", "must be an array");
        check(r#"{"prompt":"","kind":"song"}"#, "kind", "must be `image` or `video`");
        check("[]", "body", "must be an object");
        check(r#"["a",null,[],null]"#, "body", "must be an object");
        check(r#"{"prompt":"","settings":[1]}"#, "settings", "must be an object");
        check("7", "body", "must be an object");
    }

    #[test]
    fn unknown_field_is_refused_by_name() {
        check(r#"{"prompt":"","credits":1}"#, "credits", "is unknown");
        check(r#"{"prompt":"","settings":{"count":1,"credits":1}}"#, "settings.credits", "is unknown");
    }

    #[test]
    fn repeated_key_is_refused_at_every_level() {
        check(r#"{"prompt":"a","prompt":"b"}"#, "prompt", "must not be repeated");
        check(r#"{"prompt":"a","settings":{"count":1,"count":2}}"#, "settings.count", "must not be repeated");
        check(r#"{"prompt":"a","x":[{"a":1,"\u0061":2}]}"#, "x[0].a", "must not be repeated");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth| format!(r#"{{"prompt":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        check(nested(31), "prompt", "must be a string");
        for depth in [32, 100, 30_000] {
            let problem = parse::<Request>(nested(depth).as_bytes()).unwrap_err();
            assert_eq!(problem.fields()[0].rule, "must not be nested deeper than 32");
        }
    }

    #[test]
    fn invalid_json_is_refused() {
        check("", "body", "must be valid JSON, error at line 1, column 0");
        check("{", "body", "must be valid JSON, error at line 1, column 1");
        check(r#"{"prompt":"a"} {}"#, "body", "must be one JSON value");
        check(r#"{"prompt":"\ud83d"}"#, "prompt", "must be valid JSON, error at line 1, column 18");
        check("{\"prompt\":\"a\u{0}\"}", "prompt", "must be valid JSON, error at line 1, column 13");
        check(b"{\"prompt\":\"\xff\"}", "body", "must be UTF-8");
        check("\u{feff}{}", "body", "must be valid JSON, error at line 1, column 1");
    }
}

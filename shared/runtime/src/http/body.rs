//! Bodies: JSON and nothing that merely looks like it.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::Track;

use super::Problem;

/// How deep arrays and objects may lie in each other.
const MAX_DEPTH: usize = 32;

/// A JSON body.
///
/// Refused are: another content type (415), more than the router's `DefaultBodyLimit`, 64 KiB unless it sets one (413),
/// and with a 400 that names the field: what is not UTF-8, not JSON, nested deeper than 32, has a key twice, or an escape
/// that is no character, and what is not a `T`. Unknown fields are refused where `T` has `deny_unknown_fields`, which every
/// body has.
pub struct StrictJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        parse(&read(request, state).await?).map(Self)
    }
}

/// The bytes of the body, up to the router's limit.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"))
}

/// `application/json`, with any parameters: JSON is UTF-8 whatever they say
/// ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259#section-11)).
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "The body must be application/json"))
}

/// Parses twice: once for what no type may allow, and once into the type.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::invalid("body", "must be UTF-8"))?;
    read_json(text, Strict { depth: 0 })?;
    read_json(text, PhantomData::<T>)
}

fn read_json<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Result<S::Value, Problem> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = Track::new();
    let value = seed.deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    let value = value.map_err(|error| invalid(&track.path().to_string(), &json_rule(&error)))?;
    json.end().map_err(|_| Problem::invalid("body", "must be one JSON value"))?;
    Ok(value)
}

/// What serde says, without the position that `serde_json` adds.
fn json_rule(error: &serde_json::Error) -> String {
    if error.is_syntax() || error.is_eof() {
        return format!("must be JSON, which it is not at line {}, column {}", error.line(), error.column());
    }
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(rule, _)| rule.to_owned())
}

/// Names the field and the rule out of what serde says: what was sent is not repeated, and a missing or unknown field is
/// named itself rather than what it is in.
pub(super) fn invalid(path: &str, message: &str) -> Problem {
    let place = if path == "." { "" } else { path.trim_end_matches(".?") };
    for (start, rule) in [
        ("missing field `", "is needed"),
        ("unknown field `", "is unknown"),
        ("duplicate field `", "must not be repeated"),
    ] {
        if let Some((name, _)) = message.strip_prefix(start).and_then(|rest| rest.split_once('`')) {
            return Problem::invalid(within(place, name), rule);
        }
    }
    let rule = match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("must be {expected}"),
        None => message.to_owned(),
    };
    Problem::invalid(if place.is_empty() { "body" } else { place }, rule)
}

/// The path of a field. Some errors already have the field at the end of their path.
fn within(place: &str, name: &str) -> String {
    match place.rsplit_once('.').map_or(place, |(_, last)| last) {
        last if last == name => place.to_owned(),
        "" => name.to_owned(),
        _ => format!("{place}.{name}"),
    }
}

/// Walks through any JSON, every string included, and keeps nothing of it.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("must not be nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
            keys.insert(key);
            entries.next_value_seed(inner)?;
        }
        Ok(())
    }
}

//! Reads requests that change something, with their key for repeats: [The Idempotency-Key HTTP header field].
//!
//! [The Idempotency-Key HTTP header field]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use ring::digest::{Context, SHA256};
use serde::de::DeserializeOwned;

use super::body;
use super::problem::Problem;

const MAX_LENGTH: usize = 64;

/// Identifies a request and its repeats, within one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key: 1 to 64 visible ASCII characters, without the quotes that the draft puts around it.
    pub key: String,
    /// The SHA-256 of method, path and raw body in hexadecimal. Another request has another fingerprint.
    pub fingerprint: String,
}

/// Extracts a change with a JSON body, as strictly as `StrictJson`.
pub struct MutatingRequest<T> {
    /// The body.
    pub body: T,
    /// The key; `None` if the request has none.
    pub idempotency: Option<Idempotency>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MutatingRequest<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        body::check_content_type(request.headers())?;
        let (idempotency, bytes) = read(request, state).await?;
        Ok(Self { body: body::parse(&bytes)?, idempotency })
    }
}

/// Extracts a change without a body. Refuses a body, as it would be ignored.
pub struct BodilessRequest {
    /// The key; `None` if the request has none.
    pub idempotency: Option<Idempotency>,
}

impl<S: Send + Sync> FromRequest<S> for BodilessRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (idempotency, bytes) = read(request, state).await?;
        if bytes.is_empty() { Ok(Self { idempotency }) } else { Err(Problem::invalid("body", "must be empty")) }
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<(Option<Idempotency>, bytes::Bytes), Problem> {
    let key = key(request.headers())?;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let bytes = body::read(request, state).await?;
    let idempotency = key.map(|key| {
        let mut digest = Context::new(&SHA256);
        for part in [method.as_str().as_bytes(), b"\n", path.as_bytes(), b"\n", &bytes] {
            digest.update(part);
        }
        let fingerprint = hex::encode(digest.finish());
        Idempotency { key, fingerprint }
    });
    Ok((idempotency, bytes))
}

/// Reads the key, quoted as in the draft or bare as most clients send it. Refuses a comma, which joins repeated headers.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const NAME: &str = "Idempotency-Key";
    let Some(value) = headers.get(NAME) else { return Ok(None) };
    let value = value.to_str().unwrap_or_default();
    let key = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\",\\".contains(&byte);
    if (1..=MAX_LENGTH).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(Some(key.to_owned()));
    }
    let rule = "must have 1 to 64 visible ASCII characters and no comma, quote or backslash";
    Err(Problem::invalid(NAME, rule))
}

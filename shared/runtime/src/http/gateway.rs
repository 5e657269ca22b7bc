//! The HTTP API's event and answer, [payload format 2.0], as far as the functions need them.
//!
//! [payload format 2.0]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

use std::collections::HashMap;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Problem, RequestContext};

/// One request, as API Gateway hands it over. The API must be deployed to the stage `$default`: any other is part of the path.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    headers: HashMap<String, String>,
    request_context: EventContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventContext {
    request_id: String,
    http: EventHttp,
    authorizer: Option<Authorizer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventHttp {
    method: String,
    #[serde(default)]
    source_ip: String,
    #[serde(default)]
    user_agent: String,
}

#[derive(Deserialize)]
struct Authorizer {
    jwt: Option<Jwt>,
}

#[derive(Deserialize)]
struct Jwt {
    #[serde(default)]
    claims: HashMap<String, Value>,
}

impl Event {
    /// The id that API Gateway's own log has for this request.
    pub(crate) fn request_id(&self) -> &str {
        &self.request_context.request_id
    }

    /// The request, or why there can be none. A path that cannot be one is not one of ours.
    pub(crate) fn into_request(self) -> Result<Request<Body>, Problem> {
        let path: Uri = self.raw_path.parse().map_err(|_| Problem::not_found())?;
        let uri = match self.raw_query_string.as_str() {
            "" => path,
            query => format!("{}?{query}", path.path())
                .parse()
                .map_err(|_| Problem::invalid("query", "must be percent-encoded"))?,
        };
        let method = Method::from_bytes(self.request_context.http.method.as_bytes())
            .map_err(|_| Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "No such method"))?;
        let body = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded {
            STANDARD.decode(body).map_err(|_| Problem::invalid("body", "must be base64 where it says so"))?
        } else {
            body.into_bytes()
        };
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers(self.headers, &self.cookies);
        request.extensions_mut().insert(RequestContext {
            request_id: self.request_context.request_id,
            client_address: self.request_context.http.source_ip,
            user_agent: self.request_context.http.user_agent,
            claims: self.request_context.authorizer.and_then(|authorizer| authorizer.jwt).map(|jwt| jwt.claims),
        });
        Ok(request)
    }
}

/// The headers of the request. API Gateway joins repeated ones with commas, and hands the cookies over by themselves.
fn headers(headers: HashMap<String, String>, cookies: &[String]) -> HeaderMap {
    let cookie = (!cookies.is_empty()).then(|| (COOKIE.to_string(), cookies.join("; ")));
    let pairs = headers.into_iter().chain(cookie);
    pairs
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        })
        .collect()
}

/// One answer, as API Gateway takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    status_code: u16,
    headers: HashMap<String, String>,
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

impl Answer {
    /// Header values that are not text are dropped: the functions send none.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let joined = |name: &HeaderName| headers.get_all(name).iter().filter_map(text).collect::<Vec<_>>().join(", ");
        let (body, is_base64_encoded) = match std::str::from_utf8(body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (STANDARD.encode(body), true),
        };
        Self {
            status_code: status.as_u16(),
            headers: headers
                .keys()
                .filter(|name| **name != SET_COOKIE)
                .map(|name| (name.to_string(), joined(name)))
                .collect(),
            cookies: headers.get_all(SET_COOKIE).iter().filter_map(text).collect(),
            body,
            is_base64_encoded,
        }
    }
}

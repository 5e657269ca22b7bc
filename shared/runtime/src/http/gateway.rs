//! Between the HTTP API's event, [payload format 2.0], and a request, by way of `lambda_http`; and from an answer back.
//!
//! `lambda_http` panics where the event makes no URL or the body is not the base64 it says it is. It also has whatever the
//! client sent as `Host` read as the start of that URL, path included, and resolves dots in the path after API Gateway
//! chose the route and the authorizer. Both would let a client say one thing to the gateway and another to the router.
//!
//! [payload format 2.0]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue, SET_COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, StatusCode};
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::encodings;
use lambda_http::request::LambdaRequest;

use super::Problem;

/// The longest path or query, in bytes: [API Gateway's own limit][quotas] on the request line and the headers together.
/// Percent-encoded once more, both still fit in a `Uri`, which ends at 65,534.
///
/// [quotas]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const LINE_LIMIT: usize = 10_240;

/// The request, or why there can be none. A path that cannot be one is not one of ours.
///
/// The API must be deployed to the stage `$default`: any other becomes part of the path. `Host` is dropped: the API has one.
pub(super) fn request(mut event: ApiGatewayV2httpRequest) -> Result<Request<Body>, Problem> {
    check_path(event.raw_path.as_deref().unwrap_or_default())?;
    check_query(event.raw_query_string.as_deref().unwrap_or_default())?;
    let body = event.body.take().unwrap_or_default();
    let body = if event.is_base64_encoded {
        STANDARD.decode(body).map_err(|_| Problem::invalid("body", "must be base64 where it says so"))?
    } else {
        body.into_bytes()
    };
    event.headers.remove(HOST);
    event.request_context.domain_name = None;
    let request = lambda_http::Request::from(LambdaRequest::ApiGatewayV2(event));
    if request.uri().path() != request.raw_http_path() {
        return Err(Problem::not_found());
    }
    Ok(request.map(|_| Body::from(body)))
}

fn check_path(path: &str) -> Result<(), Problem> {
    let fits = path.starts_with('/') && path.len() <= LINE_LIMIT && PathAndQuery::try_from(path).is_ok();
    if fits { Ok(()) } else { Err(Problem::not_found()) }
}

fn check_query(query: &str) -> Result<(), Problem> {
    let fits = query.len() <= LINE_LIMIT && PathAndQuery::try_from(format!("/?{query}")).is_ok();
    if fits {
        Ok(())
    } else {
        Err(Problem::invalid("query", format!("must be percent-encoded, {LINE_LIMIT} bytes at most")))
    }
}

/// The answer as API Gateway takes it: cookies apart, repeated headers joined, bytes that are no text as base64.
/// Header values that are not text are dropped: the functions send none.
pub(super) fn answer(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> ApiGatewayV2httpResponse {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let joined = |name: &HeaderName| headers.get_all(name).iter().filter_map(text).collect::<Vec<_>>().join(", ");
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = status.as_u16().into();
    answer.headers = headers
        .keys()
        .filter(|name| **name != SET_COOKIE)
        .filter_map(|name| Some((name.clone(), HeaderValue::try_from(joined(name)).ok()?)))
        .collect();
    answer.cookies = headers.get_all(SET_COOKIE).iter().filter_map(text).collect();
    let text = std::str::from_utf8(body);
    answer.is_base64_encoded = text.is_err();
    answer.body = Some(text.map_or_else(|_| encodings::Body::from(body.as_ref()), encodings::Body::from));
    answer
}

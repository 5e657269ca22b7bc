//! Converts events of the HTTP API, [payload format 2.0], to requests, by way of `lambda_http`, and responses back.
//!
//! `lambda_http` panics if the event makes no valid URL, or if the body is not valid base64. It also parses the client's `Host` as
//! the start of that URL, path included, and resolves dots in the path after API Gateway has chosen the route and the authorizer.
//! Both would show the router another request than the gateway.
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

use super::problem::Problem;

/// The length of the longest path or query in bytes: [API Gateway's own limit][quotas] on the request line and the headers together.
/// Even percent-encoded again both fit into a `Uri`, which has at most 65,534 bytes.
///
/// [quotas]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const LINE_LIMIT: usize = 10_240;

/// Converts an event to a request. Refuses a path or query that is not valid, as no route has one.
///
/// The API must be deployed to the stage `$default`; the name of another stage would be part of the path. Drops `Host`, as the API
/// has only one.
pub(super) fn request(mut event: ApiGatewayV2httpRequest) -> Result<Request<Body>, Problem> {
    check_path(event.raw_path.as_deref().unwrap_or_default())?;
    check_query(event.raw_query_string.as_deref().unwrap_or_default())?;
    let body = event.body.take().unwrap_or_default();
    let body = if event.is_base64_encoded {
        STANDARD.decode(body).map_err(|_| Problem::invalid("body", "must be valid base64"))?
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
        Err(Problem::invalid("query", format!("must be percent-encoded and at most {LINE_LIMIT} bytes long")))
    }
}

/// Converts a response to the form of API Gateway: cookies apart, repeated headers joined, a body that is not text as base64. Drops
/// header values that are not text, which the functions never send.
pub(super) fn response(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> ApiGatewayV2httpResponse {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let joined = |name: &HeaderName| headers.get_all(name).iter().filter_map(text).collect::<Vec<_>>().join(", ");
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status.as_u16().into();
    response.headers = headers
        .keys()
        .filter(|name| **name != SET_COOKIE)
        .filter_map(|name| Some((name.clone(), HeaderValue::try_from(joined(name)).ok()?)))
        .collect();
    response.cookies = headers.get_all(SET_COOKIE).iter().filter_map(text).collect();
    let text = std::str::from_utf8(body);
    response.is_base64_encoded = text.is_err();
    response.body = Some(text.map_or_else(|_| encodings::Body::from(body.as_ref()), encodings::Body::from));
    response
}

//! Serves requests: builds the router, and turns events into requests and results into responses.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_runtime::{LambdaEvent, service_fn};
use tower::ServiceExt;
use tracing::Instrument;

use super::edge::Edge;
use super::gateway;
use super::problem::Problem;
use crate::config::Environment;
use crate::error::Error;
use crate::sqs::chain;
use crate::start::start;

/// The size of the largest request body in bytes, unless the router sets a `DefaultBodyLimit`.
const BODY_LIMIT: usize = 64 * 1024;
/// The size of the largest response body in bytes: Lambda's own limit.
const RESPONSE_LIMIT: usize = 6 * 1024 * 1024;

/// Builds the router and serves requests until Lambda ends the process.
///
/// Unknown routes and methods, refusals, failures and panics get a problem as response. The cause of a failure is logged once, with
/// the request id, and never sent to the client.
///
/// # Errors
/// The function could not start.
pub async fn run(build: impl AsyncFnOnce(Environment) -> Result<Router, Error>) -> Result<(), Error> {
    let server = start(async |environment| Server::open(environment, build).await).await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        Ok::<_, Infallible>(server.handle(event.payload).await)
    }))
    .await
}

/// Answers the requests of one function.
pub struct Server {
    edge: Edge,
    router: Router,
}

impl Server {
    /// Builds the router of a function.
    ///
    /// # Errors
    /// The function could not start.
    pub async fn open(
        environment: Environment,
        build: impl AsyncFnOnce(Environment) -> Result<Router, Error>,
    ) -> Result<Self, Error> {
        let edge = Edge::open(&environment);
        Ok(Self::new(edge, build(environment).await?))
    }

    /// Adds what every router has: problems for unknown routes and methods, and the body limit. A router's own limit takes
    /// precedence.
    pub(super) fn new(edge: Edge, router: Router) -> Self {
        let router = router
            .fallback(async || Problem::not_found())
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .layer(DefaultBodyLimit::max(BODY_LIMIT));
        Self { edge, router }
    }

    /// Answers a request of API Gateway. What goes wrong is a response too.
    pub async fn handle(&self, mut event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let admitted = self.edge.admit(&mut event);
        let request_id = event.request_context.request_id.clone().unwrap_or_default();
        let span = tracing::info_span!("request", request_id);
        async {
            let response = respond(self.router.clone(), event, admitted).await;
            let (status, mut headers, body) = complete(response, &request_id).await;
            add_headers(&mut headers, &request_id);
            gateway::response(status, &headers, &body)
        }
        .instrument(span)
        .await
    }
}

async fn respond(router: Router, event: ApiGatewayV2httpRequest, admitted: Result<(), Problem>) -> Response {
    let response = async {
        match admitted.and_then(|()| gateway::request(event)) {
            Ok(request) => router.oneshot(request).await,
            Err(problem) => Ok(problem.into_response()),
        }
    };
    match AssertUnwindSafe(response).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(infallible)) => match infallible {},
        Err(_) => Problem::internal("handler panicked").into_response(),
    }
}

/// Adds the request id to a problem, and logs its cause.
async fn complete(mut response: Response, request_id: &str) -> (StatusCode, HeaderMap, Bytes) {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(cause) = problem.cause() {
            tracing::error!(error = chain(cause), "request failed");
        }
        let body = problem.with_request_id(request_id).body();
        *response.body_mut() = Body::from(body);
    }
    let (parts, body) = response.into_parts();
    match axum::body::to_bytes(body, RESPONSE_LIMIT).await {
        Ok(bytes) => (parts.status, parts.headers, bytes),
        Err(error) => {
            tracing::error!(error = chain(&error), "response body could not be read");
            (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), Bytes::new())
        }
    }
}

/// Adds headers that forbid caching, sniffing, framing and requests without TLS, unless a handler has set them.
fn add_headers(headers: &mut HeaderMap, request_id: &str) {
    const DEFAULTS: [(HeaderName, HeaderValue); 4] = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
        (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
    headers.remove(http::header::CONTENT_LENGTH);
    if let Ok(request_id) = HeaderValue::try_from(request_id) {
        headers.insert("x-request-id", request_id);
    }
}

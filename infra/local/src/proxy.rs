//! The stable address: everything that arrives goes on to the API as it came, path and all, and to nothing else.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, Request, StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;

/// What concerns one connection and not the message:
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The proxy has a thread of its own, so that its caller may block.
pub(crate) struct Proxy {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Target {
    client: Client<HttpConnector, Body>,
    /// What every path is put behind.
    prefix: String,
}

impl Proxy {
    /// Serves on `listener` until it is stopped; `port` is the local AWS's, `api` the id of the HTTP API.
    pub(crate) fn start(listener: TcpListener, port: u16, api: &str) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let client = Client::builder(TokioExecutor::new()).build_http();
        let target = Arc::new(Target { client, prefix: format!("http://127.0.0.1:{port}/_aws/execute-api/{api}") });
        let router = axum::Router::new().fallback(forward).with_state(target);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = axum::serve(listener, router) => {}
                        _ = stopped => {}
                    }
                });
            })
            .context("the proxy cannot be started")?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Cuts open connections. A repeat does nothing.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn forward(State(target): State<Arc<Target>>, mut request: Request<Body>) -> Response {
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let Ok(uri) = format!("{}{path}", target.prefix).parse::<Uri>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    for name in HOP_BY_HOP {
        request.headers_mut().remove(name);
    }
    match target.client.request(request).await {
        Ok(mut response) => {
            for name in HOP_BY_HOP {
                response.headers_mut().remove(name);
            }
            response.map(Body::new)
        }
        Err(error) => (StatusCode::BAD_GATEWAY, format!("the local AWS does not answer: {error}\n")).into_response(),
    }
}

//! The stable address: forwards each request unchanged to the API, or what is not of the API to a dev server if there is one.

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

/// Headers that concern one connection and not the message:
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Serves on a thread of its own, so that its caller may block.
pub(crate) struct Proxy {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Target {
    client: Client<HttpConnector, Body>,
    /// The prefix of every path.
    prefix: String,
    /// The origin of the dev server of the web client.
    web: Option<String>,
}

impl Target {
    fn address(&self, path: &str) -> String {
        let prefix = self.web.as_ref().filter(|_| !path.starts_with("/v1/")).unwrap_or(&self.prefix);
        format!("{prefix}{path}")
    }
}

impl Proxy {
    /// Serves on `listener` until it is stopped; `port` is the local AWS's, `api` the id of the HTTP API, `web` the origin of
    /// a dev server that serves everything outside `/v1/`.
    pub(crate) fn start(listener: TcpListener, port: u16, api: &str, web: Option<String>) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let client = Client::builder(TokioExecutor::new()).build_http();
        let prefix = format!("http://127.0.0.1:{port}/_aws/execute-api/{api}");
        let target = Arc::new(Target { client, prefix, web });
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

    /// Closes open connections. A repeat does nothing.
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
    let Ok(uri) = target.address(path).parse::<Uri>() else {
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    const UNUSED_PORT: u16 = 1;

    /// Sends `request` through a proxy to a server that answers `answer`; what the server and the client read.
    fn check(request: &str, answer: &'static str) -> (String, String) {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = server.local_addr().unwrap().port();
        let served = thread::spawn(move || {
            let (mut connection, _) = server.accept().unwrap();
            let arrived = read_message(&mut connection);
            connection.write_all(answer.as_bytes()).unwrap();
            arrived
        });
        let answered = exchange(port, request);
        (served.join().unwrap(), answered)
    }

    fn exchange(port: u16, request: &str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut proxy = Proxy::start(listener, port, "api", None).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        let mut answered = String::new();
        client.read_to_string(&mut answered).unwrap();
        proxy.stop();
        answered
    }

    /// The head of a message, and its body if that ends in `!`.
    fn read_message(connection: &mut TcpStream) -> String {
        let mut message = String::new();
        let mut byte = [0];
        while !message.ends_with('!') && (message.contains("content-length") || !message.ends_with("\r\n\r\n")) {
            connection.read_exact(&mut byte).unwrap();
            message.push(char::from(byte[0]));
        }
        message
    }

    #[test]
    fn path_is_forwarded_unchanged() {
        let request = "GET /v1/a%2Fb/../%C3%A9?x=%2F&y=a+b HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        let (arrived, _) = check(request, "HTTP/1.1 204 No Content\r\n\r\n");
        let expected = "GET /_aws/execute-api/api/v1/a%2Fb/../%C3%A9?x=%2F&y=a+b HTTP/1.1\r\n";
        assert!(arrived.starts_with(expected), "{arrived}");
        assert!(!arrived.contains("connection: close"), "{arrived}");
    }

    #[test]
    fn body_and_every_cookie_are_forwarded() {
        let request = "POST /v1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 3\r\n\r\nhi!";
        let answer = "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 5\r\n\r\nthere";
        let (arrived, answered) = check(request, answer);
        assert!(arrived.ends_with("\r\n\r\nhi!"), "{arrived}");
        for part in ["set-cookie: a=1\r\n", "set-cookie: b=2\r\n", "\r\n\r\nthere"] {
            assert!(answered.contains(part), "{answered}");
        }
    }

    #[test]
    fn dev_server_serves_what_is_not_of_the_api() {
        let target = |web: Option<&str>| Target {
            client: Client::builder(TokioExecutor::new()).build_http(),
            prefix: "api".to_owned(),
            web: web.map(str::to_owned),
        };
        assert_eq!(target(None).address("/gallery"), "api/gallery");
        assert_eq!(target(Some("web")).address("/gallery"), "web/gallery");
        assert_eq!(target(Some("web")).address("/v1/models?kind=image"), "api/v1/models?kind=image");
    }

    #[test]
    fn missing_local_aws_is_a_bad_gateway() {
        let answered = exchange(UNUSED_PORT, "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        assert!(answered.starts_with("HTTP/1.1 502"), "{answered}");
    }
}

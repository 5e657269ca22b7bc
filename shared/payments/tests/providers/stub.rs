//! A provider that gives the next answer of its list, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, body};
use serde_json::Value;
use tokio::net::TcpListener;

pub(crate) struct Stub {
    pub(crate) base: String,
    shared: Shared,
}

#[derive(Clone)]
pub(crate) struct Asked {
    /// `GET /v1/x?y=z`
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    answers: VecDeque<(u16, String)>,
    asked: Vec<Asked>,
}

impl Stub {
    pub(crate) async fn start(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        Self::start_with(answers.into_iter().map(|(status, body)| (status, body.to_string()))).await
    }

    pub(crate) async fn start_with(answers: impl IntoIterator<Item = (u16, String)>) -> Self {
        let shared = Shared::default();
        shared.0.lock().unwrap().answers = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, shared }
    }

    /// Everything that was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.0.lock().unwrap().asked.clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, content) = request.into_parts();
    let body = body::to_bytes(content, usize::MAX).await.unwrap();
    let mut script = shared.0.lock().unwrap();
    script.asked.push(Asked { line: format!("{} {}", parts.method, parts.uri), headers: parts.headers, body });
    let (status, body) = script.answers.pop_front().unwrap_or((500, String::new()));
    let location = (header::LOCATION, "/other");
    (StatusCode::from_u16(status).unwrap(), [location], body).into_response()
}

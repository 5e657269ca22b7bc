//! Tests over HTTP, as a merchant, a buyer and a webhook.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod deliveries;
mod paypal;
mod shapes;
mod stripe;

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use fake_payments::{FakePayments, Options};
use http::{HeaderMap, Method, StatusCode, Uri};
use reqwest::redirect::Policy;
use serde_json::Value;

const SECRET: &str = "whsec_of_these_tests";

/// A merchant with a webhook, and the fake services that send to it.
struct Merchant {
    fake_payments: FakePayments,
    client: reqwest::Client,
    webhook: Webhook,
}

/// Records requests. Answers with the queued statuses, then 200.
#[derive(Clone, Default)]
struct Webhook {
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

#[derive(Clone, Debug)]
struct Received {
    path: String,
    headers: HeaderMap,
    body: String,
}

struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Merchant {
    async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    async fn start_with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let webhook = Webhook::default();
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().fallback(receive).with_state(webhook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let fake_payments =
            FakePayments::start(Options { stripe_webhook_secret: SECRET.to_owned(), ..options }).unwrap();
        fake_payments.deliver_to(&format!("http://{address}"));
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { fake_payments, client, webhook }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.fake_payments.base_url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Response { status, headers, body: response.text().await.unwrap() }
    }

    /// Posts a form, as a button of the pages does.
    async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &form, &encode(fields)).await
    }

    /// Posts a form and expects that the action succeeds.
    async fn run(&self, path: &str, fields: &[(&str, &str)]) {
        let answer = self.post_form(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.body);
    }

    async fn get_json(&self, path: &str) -> Value {
        self.send(Method::GET, path, &[], "").await.json()
    }

    /// Returns and clears what the webhook received, after all deliveries are done.
    async fn received(&self) -> Vec<Received> {
        self.get_json("/control/deliveries").await;
        std::mem::take(&mut *self.webhook.received.lock().unwrap())
    }
}

impl Response {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    #[track_caller]
    fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers["location"].to_str().unwrap()
    }
}

impl Received {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn receive(State(webhook): State<Webhook>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body = String::from_utf8(body.to_vec()).unwrap();
    webhook.received.lock().unwrap().push(Received { path: uri.path().to_owned(), headers, body });
    webhook.answers.lock().unwrap().pop_front().unwrap_or(StatusCode::OK)
}

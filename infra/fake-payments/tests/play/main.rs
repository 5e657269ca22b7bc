//! The stand-in as a shop, a buyer and a webhook see it.
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

/// A shop with its webhook, and the stand-in that it is set up with.
struct Shop {
    fake_payments: FakePayments,
    client: reqwest::Client,
    webhook: Webhook,
}

/// Takes down what arrives, and answers 200 unless something else is scripted.
#[derive(Clone, Default)]
struct Webhook {
    arrived: Arc<Mutex<Vec<Message>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

#[derive(Clone, Debug)]
struct Message {
    path: String,
    headers: HeaderMap,
    body: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Shop {
    async fn open() -> Self {
        Self::open_with(Options::default()).await
    }

    async fn open_with(options: Options) -> Self {
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

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.fake_payments.base_url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    /// Presses a button of the stand-in's own pages.
    async fn press(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &form, &encode(fields)).await
    }

    /// Presses a button that works.
    async fn play(&self, path: &str, fields: &[(&str, &str)]) {
        let answer = self.press(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.body);
    }

    async fn see(&self, path: &str) -> Value {
        self.send(Method::GET, path, &[], "").await.json()
    }

    /// What the webhook received since it was last asked, once nothing is under way.
    async fn arrived(&self) -> Vec<Message> {
        self.see("/control/deliveries").await;
        std::mem::take(&mut *self.webhook.arrived.lock().unwrap())
    }
}

impl Answer {
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

impl Message {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn receive(State(webhook): State<Webhook>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body = String::from_utf8(body.to_vec()).unwrap();
    webhook.arrived.lock().unwrap().push(Message { path: uri.path().to_owned(), headers, body });
    webhook.answers.lock().unwrap().pop_front().unwrap_or(StatusCode::OK)
}

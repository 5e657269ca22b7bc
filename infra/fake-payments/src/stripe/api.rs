//! The part of Stripe's API that Darkroom calls: <https://docs.stripe.com/api/checkout/sessions>.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::act::{self, Action};
use super::object;
use super::payment::{Payment, Purchase, Status};
use crate::book::{Answered, Book};
use crate::control::Form;
use crate::refusal::Refusal;
use crate::serve::App;
use crate::{form, ids};

/// A session lasts from half an hour to a day; a day if nothing is said.
const LIFETIME_SECONDS: std::ops::RangeInclusive<i64> = 30 * 60..=24 * 60 * 60;
/// Clocks differ, and a request takes its time.
const SLACK_SECONDS: i64 = 60;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/checkout/sessions", post(create))
        .route("/v1/checkout/sessions/{id}", get(retrieve))
        .route("/v1/checkout/sessions/{id}/expire", post(expire))
        .route("/v1/webhook_endpoints", get(webhook_endpoints))
        .route_layer(middleware::from_fn(authenticate))
}

/// The parameters that matter here; others are taken and forgotten. All values are text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    mode: String,
    success_url: String,
    cancel_url: Option<String>,
    client_reference_id: Option<String>,
    customer_email: Option<String>,
    expires_at: Option<String>,
    locale: Option<String>,
    line_items: Vec<LineItem>,
    automatic_tax: AutomaticTax,
    metadata: BTreeMap<String, String>,
    payment_intent_data: PaymentIntentData,
    expand: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LineItem {
    quantity: String,
    price_data: PriceData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PriceData {
    currency: String,
    unit_amount: String,
    product_data: ProductData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProductData {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AutomaticTax {
    enabled: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PaymentIntentData {
    metadata: BTreeMap<String, String>,
    statement_descriptor_suffix: Option<String>,
}

/// Stripe's error: <https://docs.stripe.com/api/errors>.
#[derive(Debug)]
struct Error {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
}

async fn create(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let request = form::nested(&body);
    let asked: Asked =
        serde_json::from_value(request.clone()).map_err(|error| Error::invalid("", error.to_string()))?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(|key| format!("stripe {key}"));
    let (payment, replayed) = app
        .change(|book, now| match first_answer(book, key.as_deref(), &request) {
            Some(Err(error)) => Ok(Err(error)),
            Some(Ok(id)) => Ok(Ok((book.payment(&id)?.clone(), true))),
            None => Ok(open(book, key, &asked, request, now.as_second()).map(|payment| (payment, false))),
        })
        .map_err(Error::from)??;
    // What is answered again is what was answered first: an open session.
    let first = Payment { status: Status::Open, attempt: None, ..payment };
    let mut response = Json(object::session(&first, &app.base_url, &asked.expand)).into_response();
    if replayed {
        response.headers_mut().insert("idempotent-replayed", http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// What the first request with this key made; `None` if this is the first.
fn first_answer(book: &Book, key: Option<&str>, request: &Value) -> Option<Result<String, Error>> {
    let answered = book.answered.get(key?)?;
    Some(if answered.request == *request {
        Ok(answered.id.clone())
    } else {
        Err(Error {
            status: StatusCode::BAD_REQUEST,
            kind: "idempotency_error",
            code: None,
            param: None,
            message:
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                    .to_owned(),
        })
    })
}

fn open(book: &mut Book, key: Option<String>, asked: &Asked, request: Value, now: i64) -> Result<Payment, Error> {
    let expires_at = match &asked.expires_at {
        None => now.saturating_add(*LIFETIME_SECONDS.end()),
        Some(text) => text.parse().map_err(|_| Error::invalid("expires_at", "Invalid timestamp"))?,
    };
    let lifetime = expires_at.saturating_sub(now);
    if lifetime < LIFETIME_SECONDS.start() - SLACK_SECONDS || lifetime > LIFETIME_SECONDS.end() + SLACK_SECONDS {
        let message =
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.";
        return Err(Error::invalid("expires_at", message));
    }
    let payment = Payment {
        id: ids::session(),
        created: now,
        expires_at,
        purchase: purchase(asked)?,
        status: Status::Open,
        attempt: None,
        refunds: Vec::new(),
        disputes: Vec::new(),
    };
    if let Some(key) = key {
        book.answered.insert(key, Answered { request, id: payment.id.clone() });
    }
    book.stripe.push(payment.clone());
    Ok(payment)
}

fn purchase(asked: &Asked) -> Result<Purchase, Error> {
    if asked.mode != "payment" {
        return Err(Error::invalid("mode", "The stand-in knows only `payment`."));
    }
    if asked.success_url.is_empty() {
        return Err(Error::invalid("success_url", "Missing required param: success_url."));
    }
    let [item] = asked.line_items.as_slice() else {
        return Err(Error::invalid("line_items", "The stand-in takes exactly one line item."));
    };
    let amount = |text: &str, param| match text.parse::<i64>() {
        Ok(amount @ 1..) => Ok(amount),
        _ => Err(Error::invalid(param, format!("Invalid positive integer: {text}"))),
    };
    let currency = &item.price_data.currency;
    if currency.len() != 3 {
        return Err(Error::invalid("line_items[0][price_data][currency]", format!("Invalid currency: {currency}")));
    }
    Ok(Purchase {
        name: item.price_data.product_data.name.clone(),
        currency: currency.to_ascii_lowercase(),
        unit_amount: amount(&item.price_data.unit_amount, "line_items[0][price_data][unit_amount]")?,
        quantity: amount(&item.quantity, "line_items[0][quantity]")?,
        automatic_tax: asked.automatic_tax.enabled == "true",
        success_url: asked.success_url.clone(),
        cancel_url: asked.cancel_url.clone(),
        client_reference_id: asked.client_reference_id.clone(),
        customer_email: asked.customer_email.clone(),
        locale: asked.locale.clone(),
        metadata: asked.metadata.clone(),
        payment_metadata: asked.payment_intent_data.metadata.clone(),
        statement_descriptor_suffix: asked.payment_intent_data.statement_descriptor_suffix.clone(),
    })
}

async fn retrieve(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Error> {
    let query = form::nested(query.unwrap_or_default().as_bytes());
    let asked: Asked = serde_json::from_value(query).map_err(|error| Error::invalid("expand", error.to_string()))?;
    app.expire_overdue()?;
    Ok(Json(object::session(&app.payment(&id)?, &app.base_url, &asked.expand)))
}

async fn expire(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, Error> {
    let session = app.change(|book, now| {
        let payment = book.payment(&id)?;
        let events = act::act(payment, Action::Expire, &Form::default(), now, &app.base_url)?;
        let session = object::session(payment, &app.base_url, &[]);
        book.announce(&id, events, now);
        Ok(session)
    })?;
    // Stripe's answer does not wait for its events.
    tokio::spawn(async move { app.deliver().await });
    Ok(Json(session))
}

async fn webhook_endpoints(State(app): State<App>) -> Json<Value> {
    let url = format!("{}/v1/webhooks/stripe", app.target().unwrap_or_default());
    let endpoint = app.read(|book| object::webhook_endpoint(&url, &book.subscribed.0));
    Json(json!({"object": "list", "data": [endpoint], "has_more": false, "url": "/v1/webhook_endpoints"}))
}

/// Any secret or restricted key of test mode will do.
async fn authenticate(request: Request, next: Next) -> Response {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = match value.split_once(' ') {
        Some(("Basic", pair)) => STANDARD.decode(pair).ok().and_then(|pair| String::from_utf8(pair).ok()),
        Some(("Bearer", token)) => Some(token.to_owned()),
        _ => None,
    };
    if key.is_some_and(|key| key.starts_with("sk_test_") || key.starts_with("rk_test_")) {
        return next.run(request).await;
    }
    let message = "Invalid API Key provided. The stand-in takes any key that starts with sk_test_.".to_owned();
    let status = StatusCode::UNAUTHORIZED;
    Error { status, kind: "invalid_request_error", code: None, param: None, message }.into_response()
}

impl Error {
    fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            code: None,
            param: Some(param),
            message: message.into(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match refusal {
            Refusal::Unknown(_) => (StatusCode::NOT_FOUND, Some("resource_missing")),
            Refusal::NotNow(_) | Refusal::Invalid(_) => (StatusCode::BAD_REQUEST, None),
            Refusal::Unsaved(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        let kind = if status.is_server_error() { "api_error" } else { "invalid_request_error" };
        Self { status, kind, code, param: None, message: refusal.to_string() }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Value::Object(error) = &mut error {
            error.extend(self.code.map(|code| ("code".to_owned(), json!(code))));
            error.extend(self.param.map(|param| ("param".to_owned(), json!(param))));
        }
        (self.status, Json(json!({"error": error}))).into_response()
    }
}

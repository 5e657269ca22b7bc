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

use super::actions::{self, Action};
use super::objects;
use super::payment::{Payment, SessionParams, Status, TaxBehavior};
use crate::action_form::ActionForm;
use crate::app::App;
use crate::delivery::{Delivery, DeliveryStatus, Provider};
use crate::error::ApiError;
use crate::state::{IdempotentRequest, ServiceState};
use crate::{ids, urlencoding};

/// The allowed lifetime of a session. The default is the maximum.
const LIFETIME_SECONDS: std::ops::RangeInclusive<i64> = 30 * 60..=24 * 60 * 60;
/// Allows for clock differences and slow requests.
const CLOCK_SKEW_SECONDS: i64 = 60;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/checkout/sessions", post(create))
        .route("/v1/checkout/sessions/{id}", get(retrieve))
        .route("/v1/checkout/sessions/{id}/expire", post(expire))
        .route("/v1/webhook_endpoints", get(webhook_endpoints))
        .route("/v1/refunds", get(refunds).post(create_refund))
        .route("/v1/disputes", get(disputes))
        .route("/v1/events", get(events))
        .route_layer(middleware::from_fn(authenticate))
}

/// The supported parameters. All values are strings. Others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SessionRequest {
    mode: String,
    success_url: String,
    cancel_url: Option<String>,
    client_reference_id: Option<String>,
    customer_email: Option<String>,
    expires_at: Option<String>,
    locale: Option<String>,
    line_items: Vec<LineItem>,
    automatic_tax: Switch,
    invoice_creation: Switch,
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
    tax_behavior: Option<TaxBehavior>,
    product_data: ProductData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProductData {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Switch {
    enabled: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PaymentIntentData {
    metadata: BTreeMap<String, String>,
    statement_descriptor_suffix: Option<String>,
}

/// An error response: <https://docs.stripe.com/api/errors>.
#[derive(Debug)]
struct StripeError {
    status: StatusCode,
    error_type: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
}

/// A repeat with the same `Idempotency-Key` and parameters answers as the first request did; with other parameters it is an
/// error.
async fn create(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, StripeError> {
    let body = urlencoding::parse_nested(&body);
    let request: SessionRequest =
        serde_json::from_value(body.clone()).map_err(|error| StripeError::invalid("", error.to_string()))?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(|key| format!("stripe {key}"));
    let (payment, replayed) = app
        .update(|state, now| match created_before(state, key.as_deref(), &body) {
            Some(Err(error)) => Ok(Err(error)),
            Some(Ok(id)) => Ok(Ok((state.payment(&id)?.clone(), true))),
            None => {
                let created = create_session(state, key, &request, body, now.as_second());
                Ok(created.map(|payment| (payment, false)))
            }
        })
        .map_err(StripeError::from)??;
    // A replay shows the session as it was created.
    let created = Payment { status: Status::Open, attempt: None, ..payment };
    let mut response = Json(objects::session(&created, &app.base_url, &request.expand)).into_response();
    if replayed {
        response.headers_mut().insert("idempotent-replayed", http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Returns the id of the session that an earlier request with this key created; `None` if the key is new.
fn created_before(state: &ServiceState, key: Option<&str>, body: &Value) -> Option<Result<String, StripeError>> {
    let first = state.idempotent_requests.get(key?)?;
    Some(if first.request == *body {
        Ok(first.id.clone())
    } else {
        Err(StripeError {
            status: StatusCode::BAD_REQUEST,
            error_type: "idempotency_error",
            code: None,
            param: None,
            message:
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                    .to_owned(),
        })
    })
}

fn create_session(
    state: &mut ServiceState,
    key: Option<String>,
    request: &SessionRequest,
    body: Value,
    now: i64,
) -> Result<Payment, StripeError> {
    let expires_at = match &request.expires_at {
        None => now.saturating_add(*LIFETIME_SECONDS.end()),
        Some(text) => text.parse().map_err(|_| StripeError::invalid("expires_at", "Invalid timestamp"))?,
    };
    let lifetime = expires_at.saturating_sub(now);
    if lifetime < LIFETIME_SECONDS.start() - CLOCK_SKEW_SECONDS
        || lifetime > LIFETIME_SECONDS.end() + CLOCK_SKEW_SECONDS
    {
        let message =
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.";
        return Err(StripeError::invalid("expires_at", message));
    }
    let payment = Payment {
        id: ids::stripe_session(),
        created: now,
        expires_at,
        params: session_params(request)?,
        status: Status::Open,
        attempt: None,
        refunds: Vec::new(),
        disputes: Vec::new(),
    };
    if let Some(key) = key {
        state.idempotent_requests.insert(key, IdempotentRequest { request: body, id: payment.id.clone() });
    }
    state.payments.push(payment.clone());
    Ok(payment)
}

fn session_params(request: &SessionRequest) -> Result<SessionParams, StripeError> {
    if request.mode != "payment" {
        return Err(StripeError::invalid("mode", "fake-payments supports only `payment`."));
    }
    if request.success_url.is_empty() {
        return Err(StripeError::invalid("success_url", "Missing required param: success_url."));
    }
    let [item] = request.line_items.as_slice() else {
        return Err(StripeError::invalid("line_items", "fake-payments supports exactly one line item."));
    };
    let amount = |text: &str, param| match text.parse::<i64>() {
        Ok(amount @ 1..) => Ok(amount),
        _ => Err(StripeError::invalid(param, format!("Invalid positive integer: {text}"))),
    };
    let currency = &item.price_data.currency;
    if currency.len() != 3 {
        return Err(StripeError::invalid(
            "line_items[0][price_data][currency]",
            format!("Invalid currency: {currency}"),
        ));
    }
    Ok(SessionParams {
        name: item.price_data.product_data.name.clone(),
        currency: currency.to_ascii_lowercase(),
        unit_amount: amount(&item.price_data.unit_amount, "line_items[0][price_data][unit_amount]")?,
        quantity: amount(&item.quantity, "line_items[0][quantity]")?,
        // The default behavior of the account is to add it.
        tax: (request.automatic_tax.enabled == "true")
            .then(|| item.price_data.tax_behavior.unwrap_or(TaxBehavior::Exclusive)),
        makes_invoice: request.invoice_creation.enabled == "true",
        success_url: request.success_url.clone(),
        cancel_url: request.cancel_url.clone(),
        client_reference_id: request.client_reference_id.clone(),
        customer_email: request.customer_email.clone(),
        locale: request.locale.clone(),
        metadata: request.metadata.clone(),
        payment_metadata: request.payment_intent_data.metadata.clone(),
        statement_descriptor_suffix: request.payment_intent_data.statement_descriptor_suffix.clone(),
    })
}

async fn retrieve(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, StripeError> {
    let query = urlencoding::parse_nested(query.unwrap_or_default().as_bytes());
    let request: SessionRequest =
        serde_json::from_value(query).map_err(|error| StripeError::invalid("expand", error.to_string()))?;
    app.expire_overdue_sessions()?;
    Ok(Json(objects::session(&app.payment(&id)?, &app.base_url, &request.expand)))
}

async fn expire(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, StripeError> {
    let session = app.update(|state, now| {
        let payment = state.payment(&id)?;
        let events = actions::apply(payment, Action::Expire, &ActionForm::default(), now, &app.base_url)?;
        let session = objects::session(payment, &app.base_url, &[]);
        state.enqueue_events(&id, events, now);
        Ok(session)
    })?;
    // Stripe answers before it sends the event.
    tokio::spawn(async move { app.dispatch().await });
    Ok(Json(session))
}

/// <https://docs.stripe.com/api/refunds/create>
#[derive(Debug, Deserialize)]
struct RefundRequest {
    payment_intent: String,
    amount: Option<String>,
}

/// A repeat with the same `Idempotency-Key` answers with the first refund.
async fn create_refund(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, StripeError> {
    let body = urlencoding::parse_nested(&body);
    let request: RefundRequest = serde_json::from_value(body.clone())
        .map_err(|error| StripeError::invalid("payment_intent", error.to_string()))?;
    let amount = request.amount.as_deref().map(str::parse).transpose();
    let amount = amount.map_err(|_| StripeError::invalid("amount", "Invalid integer"))?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(|key| format!("stripe {key}"));
    let refund = app
        .update(|state, now| {
            match created_before(state, key.as_deref(), &body) {
                Some(Err(error)) => return Ok(Err(error)),
                Some(Ok(id)) => return Ok(Ok(json!({ "id": id, "object": "refund" }))),
                None => {}
            }
            let has_intent = |payment: &&mut Payment| {
                payment.attempt.as_ref().is_some_and(|attempt| attempt.intent == request.payment_intent)
            };
            let payment = state.payments.iter_mut().find(has_intent).ok_or(ApiError::NotFound("payment_intent"))?;
            let session = payment.id.clone();
            let form = ActionForm::of_amount(amount);
            let events = actions::apply(payment, Action::Refund, &form, now, &app.base_url)?;
            let id = payment.refunds.last().map(|refund| refund.id.clone()).unwrap_or_default();
            state.enqueue_events(&session, events, now);
            if let Some(key) = key.clone() {
                state.idempotent_requests.insert(key, IdempotentRequest { request: body.clone(), id: id.clone() });
            }
            Ok(Ok(json!({ "id": id, "object": "refund" })))
        })
        .map_err(StripeError::from)??;
    // Stripe answers before it sends the event.
    tokio::spawn(async move { app.dispatch().await });
    Ok(Json(refund))
}

async fn webhook_endpoints(State(app): State<App>) -> Json<Value> {
    let url = format!("{}/v1/webhooks/stripe", app.target().unwrap_or_default());
    let endpoint = app.read(|state| objects::webhook_endpoint(&url, &state.enabled_events.0));
    Json(json!({"object": "list", "data": [endpoint], "has_more": false, "url": "/v1/webhook_endpoints"}))
}

/// The supported parameters of a list. All values are strings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListRequest {
    created: CreatedRange,
    limit: Option<String>,
    starting_after: Option<String>,
    delivery_success: Option<String>,
    types: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CreatedRange {
    gte: Option<String>,
    lt: Option<String>,
}

impl ListRequest {
    fn parse(query: Option<String>) -> Result<Self, StripeError> {
        let query = urlencoding::parse_nested(query.unwrap_or_default().as_bytes());
        serde_json::from_value(query).map_err(|error| StripeError::invalid("created", error.to_string()))
    }

    /// Renders the page of these objects, newest first: <https://docs.stripe.com/api/pagination>.
    fn page(&self, url: &str, mut objects: Vec<Value>) -> Json<Value> {
        let created = |object: &Value| object.get("created").and_then(Value::as_i64).unwrap_or_default();
        let limit_of = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i64>().ok());
        let (gte, lt) = (limit_of(&self.created.gte), limit_of(&self.created.lt));
        objects
            .retain(|object| gte.is_none_or(|gte| created(object) >= gte) && lt.is_none_or(|lt| created(object) < lt));
        objects.sort_by_key(|object| std::cmp::Reverse(created(object)));
        let after = self.starting_after.as_ref();
        let start =
            after.and_then(|id| objects.iter().position(|object| object.get("id") == Some(&Value::from(id.as_str()))));
        let rest = objects.split_off(start.map_or(0, |start| start + 1));
        let limit = limit_of(&self.limit).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10);
        let has_more = rest.len() > limit;
        let data: Vec<Value> = rest.into_iter().take(limit).collect();
        Json(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
    }
}

/// <https://docs.stripe.com/api/refunds/list>
async fn refunds(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Json<Value>, StripeError> {
    let objects = app.read(|state| {
        let of_payment = |payment: &Payment| -> Vec<Value> {
            let attempt = payment.attempt.as_ref();
            let refund = |refund| attempt.map(|attempt| objects::refund(payment, attempt, refund));
            payment.refunds.iter().filter_map(refund).collect()
        };
        state.payments.iter().flat_map(of_payment).collect()
    });
    Ok(ListRequest::parse(query)?.page("/v1/refunds", objects))
}

/// <https://docs.stripe.com/api/disputes/list>
async fn disputes(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Json<Value>, StripeError> {
    let objects = app.read(|state| {
        let of_payment = |payment: &Payment| -> Vec<Value> {
            let attempt = payment.attempt.as_ref();
            let dispute = |dispute| attempt.map(|attempt| objects::dispute(payment, attempt, dispute));
            payment.disputes.iter().filter_map(dispute).collect()
        };
        state.payments.iter().flat_map(of_payment).collect()
    });
    Ok(ListRequest::parse(query)?.page("/v1/disputes", objects))
}

/// <https://docs.stripe.com/api/events/list>, of events that were sent to the webhook.
async fn events(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Json<Value>, StripeError> {
    let request = ListRequest::parse(query)?;
    let is_listed = |delivery: &&Delivery| {
        let is_delivered = delivery.status == DeliveryStatus::Delivered;
        delivery.provider == Provider::Stripe
            && request.delivery_success.as_deref().is_none_or(|wanted| (wanted == "true") == is_delivered)
            && (request.types.is_empty() || request.types.contains(&delivery.event_type))
    };
    let objects = app.read(|state| {
        let listed = state.deliveries.iter().filter(is_listed);
        listed.filter_map(|delivery| serde_json::from_str(&delivery.body).ok()).collect()
    });
    Ok(request.page("/v1/events", objects))
}

/// Accepts any secret or restricted key of test mode.
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
    let message = "Invalid API Key provided. fake-payments accepts any key that starts with sk_test_.".to_owned();
    let status = StatusCode::UNAUTHORIZED;
    StripeError { status, error_type: "invalid_request_error", code: None, param: None, message }.into_response()
}

impl StripeError {
    fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error_type: "invalid_request_error",
            code: None,
            param: Some(param),
            message: message.into(),
        }
    }
}

impl From<ApiError> for StripeError {
    fn from(error: ApiError) -> Self {
        let (status, code) = match error {
            ApiError::NotFound(_) => (StatusCode::NOT_FOUND, Some("resource_missing")),
            ApiError::Conflict(_) | ApiError::InvalidRequest(_) => (StatusCode::BAD_REQUEST, None),
            ApiError::NotSaved(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        let error_type = if status.is_server_error() { "api_error" } else { "invalid_request_error" };
        Self { status, error_type, code, param: None, message: error.to_string() }
    }
}

impl IntoResponse for StripeError {
    fn into_response(self) -> Response {
        let mut error = json!({"type": self.error_type, "message": self.message});
        if let Value::Object(error) = &mut error {
            error.extend(self.code.map(|code| ("code".to_owned(), json!(code))));
            error.extend(self.param.map(|param| ("param".to_owned(), json!(param))));
        }
        (self.status, Json(json!({"error": error}))).into_response()
    }
}

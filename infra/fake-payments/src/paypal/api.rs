//! The parts of PayPal's API that Darkroom calls: <https://developer.paypal.com/docs/api/orders/v2/>.

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{Order, PurchaseUnit, Status};
use super::{actions, objects};
use crate::action_form::ActionForm;
use crate::app::App;
use crate::delivery::{Delivery, DeliveryStatus};
use crate::error::ApiError;
use crate::state::{IdempotentRequest, ServiceState};
use crate::{ids, money};

/// The prefix of access tokens. Any token with it is valid, also after a restart.
const TOKEN_PREFIX: &str = "A21AA";
/// What precedes the event in the request to verify a signature.
const EVENT_FIELD: &[u8] = b"\"webhook_event\":";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v2/checkout/orders", post(create))
        .route("/v2/checkout/orders/{id}", get(retrieve))
        .route("/v2/checkout/orders/{id}/capture", post(capture))
        .route("/v2/payments/captures/{id}/refund", post(refund))
        .route("/v1/notifications/verify-webhook-signature", post(verify_signature))
        .route_layer(middleware::from_fn(authenticate))
        .route("/v1/oauth2/token", post(token))
}

#[derive(Debug, Deserialize)]
struct OrderRequest {
    intent: String,
    purchase_units: Vec<UnitRequest>,
    payment_source: Option<PaymentSource>,
    application_context: Option<ExperienceContext>,
}

#[derive(Debug, Deserialize)]
struct UnitRequest {
    reference_id: Option<String>,
    amount: Amount,
    description: Option<String>,
    custom_id: Option<String>,
    invoice_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Amount {
    currency_code: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct PaymentSource {
    paypal: Option<Paypal>,
}

#[derive(Debug, Deserialize)]
struct Paypal {
    experience_context: Option<ExperienceContext>,
}

#[derive(Debug, Deserialize)]
struct ExperienceContext {
    return_url: Option<String>,
    cancel_url: Option<String>,
}

/// An error response: <https://developer.paypal.com/api/rest/responses/#link-errorresponse>.
#[derive(Debug)]
struct PaypalError {
    status: StatusCode,
    name: &'static str,
    issue: String,
    message: String,
    links: Vec<Value>,
}

async fn token(headers: HeaderMap, body: Bytes) -> Response {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let client = basic.and_then(|pair| String::from_utf8(STANDARD.decode(pair).ok()?).ok());
    let is_valid = client
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .is_some_and(|(id, secret)| !id.is_empty() && !secret.is_empty());
    if !is_valid {
        let error = json!({"error": "invalid_client", "error_description": "Client Authentication failed"});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    if !form_urlencoded::parse(&body).any(|(name, value)| name == "grant_type" && value == "client_credentials") {
        let error = json!({"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    Json(json!({
        "scope": "https://uri.paypal.com/services/payments/payment",
        "access_token": format!("{TOKEN_PREFIX}{}{}", ids::paypal(), ids::paypal()),
        "token_type": "Bearer",
        "app_id": "APP-FAKE",
        "expires_in": 32_400,
        "nonce": ids::paypal_track_id(),
    }))
    .into_response()
}

/// A repeat with the same `PayPal-Request-Id` answers with the order that the first request created.
async fn create(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, PaypalError> {
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| PaypalError::invalid("MALFORMED_REQUEST_JSON", &error))?;
    let request: OrderRequest = serde_json::from_value(body.clone())
        .map_err(|error| PaypalError::invalid("MISSING_REQUIRED_PARAMETER", &error))?;
    let key = request_id(&headers).map(|id| format!("paypal {id}"));
    let (order, status) = app
        .update(|state, now| {
            let first = key.as_ref().and_then(|key| state.idempotent_requests.get(key));
            match first.map(|first| first.id.clone()) {
                Some(id) => Ok(Ok((state.order(&id)?.clone(), StatusCode::OK))),
                None => Ok(create_order(state, key, &request, body, now).map(|order| (order, StatusCode::CREATED))),
            }
        })
        .map_err(PaypalError::from)??;
    let status = if order.status == Status::PayerActionRequired { StatusCode::OK } else { status };
    let answer = if wants_representation(&headers) {
        objects::order(&order, &app.options, &app.base_url)
    } else {
        json!({"id": order.id, "status": order.status, "links": objects::links(&order, &app.base_url)})
    };
    Ok((status, Json(answer)).into_response())
}

fn create_order(
    state: &mut ServiceState,
    key: Option<String>,
    request: &OrderRequest,
    body: Value,
    now: Timestamp,
) -> Result<Order, PaypalError> {
    let [unit] = request.purchase_units.as_slice() else {
        return Err(PaypalError::invalid("MAX_ITEMS_EXCEEDED", &"fake-payments supports exactly one purchase unit"));
    };
    if request.intent != "CAPTURE" {
        return Err(PaypalError::invalid("INVALID_PARAMETER_VALUE", &"fake-payments supports only the intent CAPTURE"));
    }
    let currency = &unit.amount.currency_code;
    let amount = money::parse(&unit.amount.value, money::paypal_decimals(currency))
        .ok_or_else(|| PaypalError::unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "not an amount of this currency"))?;
    let paypal = request.payment_source.as_ref().and_then(|source| source.paypal.as_ref());
    let context = paypal.and_then(|paypal| paypal.experience_context.as_ref()).or(request.application_context.as_ref());
    let order = Order {
        id: ids::paypal(),
        created: now,
        unit: PurchaseUnit {
            reference_id: unit.reference_id.clone().unwrap_or_else(|| "default".to_owned()),
            currency: currency.clone(),
            amount,
            description: unit.description.clone(),
            custom_id: unit.custom_id.clone(),
            invoice_id: unit.invoice_id.clone(),
            return_url: context.and_then(|context| context.return_url.clone()),
            cancel_url: context.and_then(|context| context.cancel_url.clone()),
        },
        status: if paypal.is_some() { Status::PayerActionRequired } else { Status::Created },
        approval: None,
        capture: None,
        declined: Vec::new(),
        first_captured: None,
        refunds: Vec::new(),
        reversals: Vec::new(),
    };
    if let Some(key) = key {
        state.idempotent_requests.insert(key, IdempotentRequest { request: body, id: order.id.clone() });
    }
    state.orders.push(order.clone());
    Ok(order)
}

async fn retrieve(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, PaypalError> {
    Ok(Json(objects::order(&app.order(&id)?, &app.options, &app.base_url)))
}

/// Answers before the notification is sent, as PayPal does. A repeat with the same `PayPal-Request-Id` gets the first answer
/// again, whatever has happened since; a captured order answers `ORDER_ALREADY_CAPTURED` to any other.
async fn capture(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, PaypalError> {
    let request_id = request_id(&headers);
    let order = app
        .update(|state, now| {
            let order = state.order(&id)?;
            let declined = order.declined.iter().find(|(used, _)| Some(used) == request_id.as_ref());
            if let Some((_, issue)) = declined {
                return Ok(Err(PaypalError::declined(issue, &id, &app.base_url)));
            }
            if let Some(capture) = &order.capture {
                let repeated = capture.request_id.is_some() && capture.request_id == request_id;
                let error = || PaypalError::unprocessable("ORDER_ALREADY_CAPTURED", "Order already captured.");
                let first = order.first_captured.as_deref().unwrap_or(order);
                return Ok(if repeated { Ok(first.clone()) } else { Err(error()) });
            }
            if order.status != Status::Approved {
                let message = "Payer has not yet approved the Order for payment.";
                return Ok(Err(PaypalError::unprocessable("ORDER_NOT_APPROVED", message)));
            }
            let setup = (&app.options, app.base_url.as_str());
            let notice = match actions::capture(order, request_id.clone(), setup, now)? {
                Ok(notice) => notice,
                Err(issue) => {
                    order.declined.extend(request_id.map(|request_id| (request_id, issue.to_owned())));
                    return Ok(Err(PaypalError::declined(issue, &id, &app.base_url)));
                }
            };
            let captured = order.clone();
            order.first_captured = Some(Box::new(captured));
            let order = order.clone();
            state.enqueue_notice(&id, notice, &app.base_url, now);
            Ok(Ok(order))
        })
        .map_err(PaypalError::from)??;
    let answer = if wants_representation(&headers) {
        objects::order(&order, &app.options, &app.base_url)
    } else {
        objects::captured_order(&order, &app.base_url)
    };
    tokio::spawn(async move { app.dispatch().await });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// <https://developer.paypal.com/docs/api/payments/v2/#captures_refund>
#[derive(Debug, Deserialize)]
struct RefundRequest {
    amount: Option<Amount>,
}

/// A repeat with the same `PayPal-Request-Id` answers with the first refund.
async fn refund(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PaypalError> {
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| PaypalError::invalid("MALFORMED_REQUEST_JSON", &error))?;
    let request: RefundRequest = serde_json::from_value(body.clone())
        .map_err(|error| PaypalError::invalid("INVALID_PARAMETER_SYNTAX", &error))?;
    let minor = |amount: &Amount| money::parse(&amount.value, money::paypal_decimals(&amount.currency_code));
    let amount = request.amount.as_ref().and_then(minor);
    let key = request_id(&headers).map(|id| format!("paypal {id}"));
    let refunded = app
        .update(|state, now| {
            if let Some(first) = key.as_ref().and_then(|key| state.idempotent_requests.get(key)) {
                return Ok(first.id.clone());
            }
            let has_capture = |order: &&mut Order| order.capture.as_ref().is_some_and(|capture| capture.id == id);
            let order = state.orders.iter_mut().find(has_capture).ok_or(ApiError::NotFound("capture"))?;
            let order_id = order.id.clone();
            let setup = (&app.options, app.base_url.as_str());
            let form = ActionForm::of_amount(amount);
            let notice = actions::apply(order, actions::Action::Refund, &form, setup, now)?;
            let refund = order.refunds.last().map(|refund| refund.id.clone()).unwrap_or_default();
            state.enqueue_notice(&order_id, notice, &app.base_url, now);
            if let Some(key) = key.clone() {
                state.idempotent_requests.insert(key, IdempotentRequest { request: body.clone(), id: refund.clone() });
            }
            Ok(refund)
        })
        .map_err(PaypalError::from)?;
    tokio::spawn(async move { app.dispatch().await });
    Ok((StatusCode::CREATED, Json(json!({ "id": refunded, "status": "COMPLETED" }))).into_response())
}

/// <https://developer.paypal.com/docs/api/webhooks/v1/#verify-webhook-signature_post>
#[derive(Debug, Deserialize)]
struct SignatureRequest {
    auth_algo: String,
    cert_url: String,
    transmission_id: String,
    transmission_sig: String,
    transmission_time: String,
    webhook_id: String,
}

/// Verifies the signature of an event that was sent. The event is compared byte for byte, as the signature covers its checksum; it
/// must be the last field.
async fn verify_signature(State(app): State<App>, body: Bytes) -> Result<Json<Value>, PaypalError> {
    let request: SignatureRequest =
        serde_json::from_slice(&body).map_err(|error| PaypalError::invalid("MISSING_REQUIRED_PARAMETER", &error))?;
    let event = body.split_at_checked(body.len().saturating_sub(1)).and_then(|(fields, _)| {
        let start = fields.windows(EVENT_FIELD.len()).position(|window| window == EVENT_FIELD)?;
        fields.get(start + EVENT_FIELD.len()..)
    });
    let is_ours = request.auth_algo == "SHA256withRSA"
        && request.cert_url.starts_with(&app.base_url)
        && request.webhook_id == app.options.paypal_webhook_id;
    let is_genuine = app
        .update(|state, _| {
            let mut sent = state.deliveries.iter_mut().filter(|delivery| {
                !matches!(delivery.status, DeliveryStatus::Held | DeliveryStatus::Dropped)
                    && Some(delivery.body.as_bytes()) == event
            });
            let is_signed = |delivery: &&mut Delivery| {
                delivery.transmission.as_ref().is_some_and(|transmission| {
                    request.transmission_id == transmission.id
                        && request.transmission_time == transmission.time
                        && request.transmission_sig == transmission.signature
                })
            };
            let found = sent.find(is_signed);
            let is_genuine = found.is_some();
            if let Some(delivery) = found {
                delivery.postbacks += 1;
            }
            Ok(is_genuine)
        })
        .map_err(PaypalError::from)?;
    Ok(Json(json!({"verification_status": if is_ours && is_genuine { "SUCCESS" } else { "FAILURE" }})))
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("paypal-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned)
}

fn wants_representation(headers: &HeaderMap) -> bool {
    headers.get("prefer").is_some_and(|prefer| prefer == "return=representation")
}

async fn authenticate(request: Request, next: Next) -> Response {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if value.strip_prefix("Bearer ").is_some_and(|token| token.starts_with(TOKEN_PREFIX)) {
        return next.run(request).await;
    }
    let error = json!({"error": "invalid_token", "error_description": "Token signature verification failed"});
    (StatusCode::UNAUTHORIZED, Json(error)).into_response()
}

impl PaypalError {
    fn invalid(issue: &'static str, message: &dyn ToString) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            name: "INVALID_REQUEST",
            issue: issue.to_owned(),
            message: message.to_string(),
            links: Vec::new(),
        }
    }

    fn unprocessable(issue: &str, message: &str) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self {
            status,
            name: "UNPROCESSABLE_ENTITY",
            issue: issue.to_owned(),
            message: message.to_owned(),
            links: Vec::new(),
        }
    }

    /// A capture that failed. `INSTRUMENT_DECLINED` links to the page where the buyer chooses another payment method.
    fn declined(issue: &str, order: &str, base_url: &str) -> Self {
        let page = json!({"href": format!("{base_url}/pay/paypal/{order}"), "rel": "redirect", "method": "GET"});
        let links = if issue == "INSTRUMENT_DECLINED" { vec![page] } else { Vec::new() };
        Self { links, ..Self::unprocessable(issue, "The payment was declined.") }
    }
}

impl From<ApiError> for PaypalError {
    fn from(error: ApiError) -> Self {
        let (status, name, issue) = match error {
            ApiError::NotFound(_) => (StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"),
            ApiError::Conflict(_) | ApiError::InvalidRequest(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", "ACTION_DOES_NOT_MATCH_INTENT")
            }
            ApiError::NotSaved(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "INTERNAL_ERROR"),
        };
        Self { status, name, issue: issue.to_owned(), message: error.to_string(), links: Vec::new() }
    }
}

impl IntoResponse for PaypalError {
    fn into_response(self) -> Response {
        let error = json!({
            "name": self.name,
            "message": "The requested action could not be performed, semantically incorrect, or failed business validation.",
            "debug_id": ids::paypal_track_id(),
            "details": [{"issue": self.issue, "description": self.message}],
            "links": self.links,
        });
        (self.status, Json(error)).into_response()
    }
}

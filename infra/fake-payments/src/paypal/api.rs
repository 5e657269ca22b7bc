//! The part of PayPal's API that Darkroom calls: <https://developer.paypal.com/docs/api/orders/v2/>.

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

use super::act;
use super::order::{self, Order, Purchase, Status};
use crate::book::{Answered, Book};
use crate::delivery::Service;
use crate::refusal::Refusal;
use crate::serve::App;
use crate::{ids, money};

/// What every access token starts with. None expires, so a restart does not take them away.
const TOKEN: &str = "A21AA";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v2/checkout/orders", post(create))
        .route("/v2/checkout/orders/{id}", get(retrieve))
        .route("/v2/checkout/orders/{id}/capture", post(capture))
        .route_layer(middleware::from_fn(authenticate))
        .route("/v1/oauth2/token", post(token))
}

#[derive(Debug, Deserialize)]
struct Asked {
    intent: String,
    purchase_units: Vec<Unit>,
    payment_source: Option<PaymentSource>,
    application_context: Option<Experience>,
}

#[derive(Debug, Deserialize)]
struct Unit {
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
    experience_context: Option<Experience>,
}

#[derive(Debug, Deserialize)]
struct Experience {
    return_url: Option<String>,
    cancel_url: Option<String>,
}

/// PayPal's error: <https://developer.paypal.com/api/rest/responses/#link-errorresponse>.
#[derive(Debug)]
struct Error {
    status: StatusCode,
    name: &'static str,
    issue: &'static str,
    message: String,
}

async fn token(headers: HeaderMap, body: Bytes) -> Response {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let client = basic.and_then(|pair| String::from_utf8(STANDARD.decode(pair).ok()?).ok());
    let known = client
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .is_some_and(|(id, secret)| !id.is_empty() && !secret.is_empty());
    if !known {
        let error = json!({"error": "invalid_client", "error_description": "Client Authentication failed"});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    if !form_urlencoded::parse(&body).any(|(name, value)| name == "grant_type" && value == "client_credentials") {
        let error = json!({"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    Json(json!({
        "scope": "https://uri.paypal.com/services/payments/payment",
        "access_token": format!("{TOKEN}{}{}", ids::paypal(), ids::paypal()),
        "token_type": "Bearer",
        "app_id": "APP-FAKE",
        "expires_in": 32_400,
        "nonce": ids::track(),
    }))
    .into_response()
}

/// The same `PayPal-Request-Id` is answered with the order that it made before.
async fn create(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|error| Error::invalid("MALFORMED_REQUEST_JSON", &error))?;
    let asked: Asked = serde_json::from_value(request.clone())
        .map_err(|error| Error::invalid("MISSING_REQUIRED_PARAMETER", &error))?;
    let key = request_id(&headers).map(|id| format!("paypal {id}"));
    let (order, status) = app
        .change(|book, now| {
            let known = key.as_ref().and_then(|key| book.answered.get(key)).map(|answered| answered.id.clone());
            match known {
                Some(id) => Ok(Ok((book.order(&id)?.clone(), StatusCode::OK))),
                None => Ok(open(book, key, &asked, request, now).map(|order| (order, StatusCode::CREATED))),
            }
        })
        .map_err(Error::from)??;
    let status = if order.status == Status::PayerActionRequired { StatusCode::OK } else { status };
    let answer = if wants_representation(&headers) {
        order::representation(&order, &app.options, &app.base_url)
    } else {
        json!({"id": order.id, "status": order.status, "links": order::links(&order, &app.base_url)})
    };
    Ok((status, Json(answer)).into_response())
}

fn open(book: &mut Book, key: Option<String>, asked: &Asked, request: Value, now: Timestamp) -> Result<Order, Error> {
    let [unit] = asked.purchase_units.as_slice() else {
        return Err(Error::invalid("MAX_ITEMS_EXCEEDED", &"the stand-in takes exactly one purchase unit"));
    };
    if asked.intent != "CAPTURE" {
        return Err(Error::invalid("INVALID_PARAMETER_VALUE", &"the stand-in knows only the intent CAPTURE"));
    }
    let currency = &unit.amount.currency_code;
    let amount = money::parse(&unit.amount.value, money::paypal_decimals(currency))
        .ok_or_else(|| Error::unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "not an amount of this currency"))?;
    let paypal = asked.payment_source.as_ref().and_then(|source| source.paypal.as_ref());
    let experience =
        paypal.and_then(|paypal| paypal.experience_context.as_ref()).or(asked.application_context.as_ref());
    let order = Order {
        id: ids::paypal(),
        created: now,
        purchase: Purchase {
            reference_id: unit.reference_id.clone().unwrap_or_else(|| "default".to_owned()),
            currency: currency.clone(),
            amount,
            description: unit.description.clone(),
            custom_id: unit.custom_id.clone(),
            invoice_id: unit.invoice_id.clone(),
            return_url: experience.and_then(|experience| experience.return_url.clone()),
            cancel_url: experience.and_then(|experience| experience.cancel_url.clone()),
        },
        status: if paypal.is_some() { Status::PayerActionRequired } else { Status::Created },
        approval: None,
        capture: None,
        refunds: Vec::new(),
        reversals: Vec::new(),
    };
    if let Some(key) = key {
        book.answered.insert(key, Answered { request, id: order.id.clone() });
    }
    book.paypal.push(order.clone());
    Ok(order)
}

async fn retrieve(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, Error> {
    Ok(Json(order::representation(&app.order(&id)?, &app.options, &app.base_url)))
}

/// Answers before the message goes out, as PayPal does.
async fn capture(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Error> {
    let request_id = request_id(&headers);
    let order = app
        .change(|book, now| {
            let order = book.order(&id)?;
            if let Some(made) = &order.capture {
                let repeated = made.request_id.is_some() && made.request_id == request_id;
                let error = || Error::unprocessable("ORDER_ALREADY_CAPTURED", "Order already captured.");
                return Ok(if repeated { Ok(order.clone()) } else { Err(error()) });
            }
            if order.status != Status::Approved {
                let message = "Payer has not yet approved the Order for payment.";
                return Ok(Err(Error::unprocessable("ORDER_NOT_APPROVED", message)));
            }
            let message = match act::capture(order, request_id, &app.options, now)? {
                Ok(message) => message,
                Err(issue) => {
                    return Ok(Err(Error::unprocessable(issue, "The payment cannot be taken in this way.")));
                }
            };
            let order = order.clone();
            book.send(Service::Paypal, &id, message.kind, message.body);
            Ok(Ok(order))
        })
        .map_err(Error::from)??;
    let answer = if wants_representation(&headers) {
        order::representation(&order, &app.options, &app.base_url)
    } else {
        order::captured(&order, &app.base_url)
    };
    tokio::spawn(async move { app.deliver().await });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("paypal-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned)
}

fn wants_representation(headers: &HeaderMap) -> bool {
    headers.get("prefer").is_some_and(|prefer| prefer == "return=representation")
}

async fn authenticate(request: Request, next: Next) -> Response {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if value.strip_prefix("Bearer ").is_some_and(|token| token.starts_with(TOKEN)) {
        return next.run(request).await;
    }
    let error = json!({"error": "invalid_token", "error_description": "Token signature verification failed"});
    (StatusCode::UNAUTHORIZED, Json(error)).into_response()
}

impl Error {
    fn invalid(issue: &'static str, message: &dyn ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, name: "INVALID_REQUEST", issue, message: message.to_string() }
    }

    fn unprocessable(issue: &'static str, message: &str) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { status, name: "UNPROCESSABLE_ENTITY", issue, message: message.to_owned() }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let (status, name, issue) = match refusal {
            Refusal::Unknown(_) => (StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"),
            Refusal::NotNow(_) | Refusal::Invalid(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", "ACTION_DOES_NOT_MATCH_INTENT")
            }
            Refusal::Unsaved(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "INTERNAL_ERROR"),
        };
        Self { status, name, issue, message: refusal.to_string() }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let error = json!({
            "name": self.name,
            "message": "The requested action could not be performed, semantically incorrect, or failed business validation.",
            "debug_id": ids::track(),
            "details": [{"issue": self.issue, "description": self.message}],
            "links": [],
        });
        (self.status, Json(error)).into_response()
    }
}

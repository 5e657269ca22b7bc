//! PayPal: Orders v2 (<https://developer.paypal.com/docs/api/orders/v2/>), and its two messengers,
//! [IPN](https://developer.paypal.com/api/nvp-soap/ipn/) and [webhooks](https://developer.paypal.com/api/rest/webhooks/).

pub(crate) mod ipn;
mod order;
pub(crate) mod webhook;

use domain::{
    money::Money,
    payments::payment::{CheckoutProgress, Payment, PaymentProvider},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use self::ipn::Verification;
use self::order::{Link, Order, unreadable};
use self::webhook::PaypalSignature;
use crate::outbound::{self, Answer};
use crate::settings::{Endpoints, at};
use crate::{Buyer, HostedCheckout, PaymentSettings, ProviderError, ProviderReport, kept, keys, unpaid};

/// A token is not used in its last minute.
const TOKEN_MARGIN_S: i64 = 60;
/// PayPal's limit for a description.
const DESCRIPTION_CHARACTERS: usize = 127;

/// PayPal, with the app's keys.
pub(crate) struct Paypal {
    client: Client,
    endpoints: Endpoints,
    client_id: String,
    client_secret: String,
    pub(crate) receiver_id: String,
    pub(crate) webhook_id: Option<String>,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

/// <https://developer.paypal.com/api/rest/responses/>
#[derive(Default, Deserialize)]
#[serde(default)]
struct PaypalErrorBody {
    name: String,
    details: Vec<Detail>,
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    issue: String,
}

impl Paypal {
    pub(crate) fn new(settings: &PaymentSettings, keys: keys::Paypal, client: &Client) -> Self {
        Self {
            client: client.clone(),
            endpoints: settings.endpoints.clone(),
            client_id: keys.client_id,
            client_secret: keys.client_secret,
            receiver_id: keys.receiver_id,
            webhook_id: keys.webhook_id,
            token: Mutex::new(None),
        }
    }

    pub(crate) async fn create(
        &self,
        settings: &PaymentSettings,
        payment: &Payment,
        (title, buyer): (&str, Buyer<'_>),
        now: Timestamp,
    ) -> Result<HostedCheckout, ProviderError> {
        let id = payment.id.to_string();
        let back = settings.return_to(payment.id);
        let mut source = json!({ "experience_context": {
            "return_url": back,
            "cancel_url": settings.cancel_to(payment.id),
            "shipping_preference": "NO_SHIPPING",
            "user_action": "PAY_NOW",
        } });
        if let (Some(email), Some(source)) = (buyer.billing_email, source.as_object_mut()) {
            source.insert("email_address".to_owned(), json!(email));
        }
        let order = json!({
            "intent": "CAPTURE",
            "purchase_units": [{
                "custom_id": id,
                "invoice_id": id,
                "description": title.chars().take(DESCRIPTION_CHARACTERS).collect::<String>(),
                "amount": { "currency_code": payment.price.currency.code(), "value": payment.price.decimal() },
            }],
            "payment_source": { "paypal": source },
        });
        let request = self.client.post(self.api("/v2/checkout/orders")).json(&order);
        let answer = self.call(request.header("PayPal-Request-Id", id), now).await?;
        if !answer.status.is_success() {
            return Err(refused(&answer));
        }
        let order = Order::parse(&answer.body)?;
        let checkout = kept::paypal_id(&order.id).ok_or_else(|| unreadable("the order's id"))?;
        let url = order.page().ok_or_else(|| unreadable("no page for the buyer"))?;
        Ok(HostedCheckout { checkout, url })
    }

    pub(crate) async fn poll(
        &self,
        payment: &Payment,
        checkout: &str,
        now: Timestamp,
    ) -> Result<ProviderReport, ProviderError> {
        match self.retrieve(payment, checkout, now).await? {
            Some(order) => order.report(payment, checkout, now),
            None => Ok(unpaid(payment, now)),
        }
    }

    pub(crate) async fn poll_or_capture(
        &self,
        payment: &Payment,
        checkout: &str,
        now: Timestamp,
    ) -> Result<ProviderReport, ProviderError> {
        let Some(order) = self.retrieve(payment, checkout, now).await? else { return Ok(unpaid(payment, now)) };
        let is_approved = order.is_approved();
        // An order that is not the payment's, or not for its price, is not captured.
        let report = order.report(payment, checkout, now)?;
        if !is_approved {
            return Ok(report);
        }
        match self.capture(payment, checkout, now).await {
            Err(
                ProviderError::NotApproved | ProviderError::InstrumentDeclined { .. } | ProviderError::Declined { .. },
            ) => Ok(report),
            captured => captured,
        }
    }

    /// Captures the order. Each attempt has a request id of its own: to a used one PayPal answers as before, even after the
    /// buyer chose another means of payment. An order is captured once, whatever the request ids.
    pub(crate) async fn capture(
        &self,
        payment: &Payment,
        checkout: &str,
        now: Timestamp,
    ) -> Result<ProviderReport, ProviderError> {
        let request = self
            .client
            .post(self.api(&format!("/v2/checkout/orders/{checkout}/capture")))
            .header(CONTENT_TYPE, "application/json")
            .header("PayPal-Request-Id", format!("{}-{}", payment.id, now.as_millisecond()))
            .header("Prefer", "return=representation");
        let answer = self.call(request, now).await?;
        if answer.status.is_success() {
            return Order::parse(&answer.body)?.report(payment, checkout, now);
        }
        let PaypalErrorBody { links, .. } = error_body(&answer);
        let page = links.into_iter().find(|link| ["redirect", "payer-action", "approve"].contains(&link.rel.as_str()));
        match (issue(&answer).as_str(), page) {
            ("ORDER_ALREADY_CAPTURED", _) => self.poll(payment, checkout, now).await,
            ("INSTRUMENT_DECLINED", Some(page)) => Err(ProviderError::InstrumentDeclined { page: page.href }),
            ("ORDER_NOT_APPROVED" | "PAYER_ACTION_REQUIRED" | "INSTRUMENT_DECLINED", _) => {
                Err(ProviderError::NotApproved)
            }
            _ => Err(declined(refused(&answer))),
        }
    }

    /// Retrieves the order. Returns `None` if PayPal has forgotten it after its time, as nobody approved it, or long after it was
    /// paid.
    async fn retrieve(
        &self,
        payment: &Payment,
        checkout: &str,
        now: Timestamp,
    ) -> Result<Option<Order>, ProviderError> {
        let request = self.client.get(self.api(&format!("/v2/checkout/orders/{checkout}")));
        let answer = self.call(request, now).await?;
        match answer.status {
            status if status.is_success() => Order::parse(&answer.body).map(Some),
            StatusCode::NOT_FOUND
                if matches!(payment.progress, CheckoutProgress::Created | CheckoutProgress::Paid)
                    && now >= payment.closes_at() =>
            {
                Ok(None)
            }
            _ => Err(refused(&answer)),
        }
    }

    /// <https://developer.paypal.com/docs/api/payments/v2/#captures_refund>
    pub(crate) async fn refund(
        &self,
        capture: &str,
        amount: Money,
        key: &str,
        now: Timestamp,
    ) -> Result<(), ProviderError> {
        let body = json!({ "amount": { "currency_code": amount.currency.code(), "value": amount.decimal() } });
        let request = self
            .client
            .post(self.api(&format!("/v2/payments/captures/{capture}/refund")))
            .header(CONTENT_TYPE, "application/json")
            .header("PayPal-Request-Id", key)
            .body(body.to_string());
        let answer = self.call(request, now).await?;
        if answer.status.is_success() { Ok(()) } else { Err(declined(refused(&answer))) }
    }

    /// Posts the message back as it came; only PayPal's own two words count as an answer.
    pub(crate) async fn verify_ipn(&self, raw: &[u8]) -> Verification {
        let postback = [b"cmd=_notify-validate&", raw].concat();
        let form = format!("application/x-www-form-urlencoded; charset={}", ipn::charset(raw));
        let Ok(content_type) = HeaderValue::from_str(&form) else { return Verification::Unknown };
        let request = self.client.post(self.endpoints.paypal_ipn.clone()).header(CONTENT_TYPE, content_type);
        match outbound::send(PaymentProvider::Paypal, request.body(postback)).await {
            Ok(Answer { status: StatusCode::OK, body }) => Verification::from_answer(&body),
            _ => Verification::Unknown,
        }
    }

    pub(crate) async fn verify_event(
        &self,
        event: &[u8],
        signature: &PaypalSignature,
        now: Timestamp,
    ) -> Result<Verification, ProviderError> {
        let question = self.webhook_id.as_deref().and_then(|id| signature.question(id, event).ok());
        let Some(question) = question else { return Ok(Verification::Unknown) };
        let request = self.client.post(self.api("/v1/notifications/verify-webhook-signature"));
        let answer = self.call(request.header(CONTENT_TYPE, "application/json").body(question), now).await?;
        match answer.status {
            StatusCode::OK => Ok(Verification::from_status(&answer.body)),
            // What PayPal cannot even read, it did not send.
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Ok(Verification::Invalid),
            _ => Err(refused(&answer)),
        }
    }

    /// Calls the API with a token. One that PayPal has revoked is replaced once.
    async fn call(&self, request: RequestBuilder, now: Timestamp) -> Result<Answer, ProviderError> {
        let again = request.try_clone();
        let answer = outbound::send(PaymentProvider::Paypal, request.bearer_auth(self.token(now).await?)).await?;
        match again {
            Some(again) if answer.status == StatusCode::UNAUTHORIZED => {
                *self.token.lock().await = None;
                outbound::send(PaymentProvider::Paypal, again.bearer_auth(self.token(now).await?)).await
            }
            _ => Ok(answer),
        }
    }

    /// <https://developer.paypal.com/api/rest/authentication/>
    async fn token(&self, now: Timestamp) -> Result<String, ProviderError> {
        let mut known = self.token.lock().await;
        if let Some(token) = known.as_ref().filter(|token| now < token.until) {
            return Ok(token.text.clone());
        }
        let request = self
            .client
            .post(self.api("/v1/oauth2/token"))
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer = outbound::send(PaymentProvider::Paypal, request).await?;
        if !answer.status.is_success() {
            return Err(refused(&answer));
        }
        let granted: Granted = serde_json::from_slice(&answer.body).map_err(|_| unreadable("the token"))?;
        let seconds = granted.expires_in.saturating_sub(TOKEN_MARGIN_S).clamp(0, 24 * 3600);
        let until = now + SignedDuration::from_secs(seconds);
        *known = Some(Token { text: granted.access_token.clone(), until });
        Ok(granted.access_token)
    }

    fn api(&self, path: &str) -> String {
        at(&self.endpoints.paypal, path)
    }
}

fn error_body(answer: &Answer) -> PaypalErrorBody {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The most exact of PayPal's words for what is wrong.
fn issue(answer: &Answer) -> String {
    let PaypalErrorBody { name, details, .. } = error_body(answer);
    details.into_iter().next().map(|detail| detail.issue).filter(|issue| !issue.is_empty()).unwrap_or(name)
}

/// What it means that a capture is refused: that the order is gone, or cannot be paid by this buyer, unless it is about us
/// (<https://developer.paypal.com/api/rest/reference/orders/v2/errors/>).
fn declined(refusal: ProviderError) -> ProviderError {
    match refusal {
        ProviderError::Refused { provider, status: 404 | 422, code } if !code.starts_with("PAYEE_") => {
            ProviderError::Declined { provider, code }
        }
        other => other,
    }
}

fn refused(answer: &Answer) -> ProviderError {
    outbound::refused(PaymentProvider::Paypal, answer.status, &issue(answer))
}

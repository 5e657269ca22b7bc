//! Stripe Checkout: <https://docs.stripe.com/api/checkout/sessions>.

pub(crate) mod error;
mod list;
mod objects;
mod session;
mod signature;
pub(crate) mod webhook;

use bytes::Bytes;
use domain::{money::Money, payments::payment::PaymentProvider};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stripe_client_core::{CustomizedStripeRequest, RequestBuilder, StripeClient, StripeMethod, VERSION};
use url::Url;

use crate::settings::at;
use crate::{HANDLED_EVENTS, PaymentSettings, ProviderError, SettingsError, keys, outbound};

/// How the address of our webhook ends, whatever the domain.
const WEBHOOK_PATH: &str = "/v1/webhooks/stripe";

/// Stripe, with the account's keys.
pub(crate) struct Stripe {
    client: Client,
    base: Url,
    authorization: HeaderValue,
    pub(crate) webhook_secrets: Vec<String>,
    live: bool,
}

#[derive(Deserialize)]
struct StripeErrorBody {
    error: StripeErrorDetail,
}

#[derive(Deserialize)]
struct StripeErrorDetail {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    code: Option<String>,
}

/// <https://docs.stripe.com/api/refunds/create>
#[derive(Serialize)]
struct RefundForm<'a> {
    payment_intent: &'a str,
    amount: i64,
}

/// <https://docs.stripe.com/api/webhook_endpoints/list>
#[derive(Deserialize)]
struct WebhookEndpoints {
    data: Vec<WebhookEndpoint>,
}

#[derive(Deserialize)]
struct WebhookEndpoint {
    url: String,
    status: String,
    enabled_events: Vec<String>,
    /// The account's own version, if there is none.
    #[serde(default)]
    api_version: Option<String>,
}

impl Stripe {
    pub(crate) fn new(settings: &PaymentSettings, keys: keys::Stripe, client: &Client) -> Result<Self, SettingsError> {
        let needed = if settings.live { "live" } else { "test" };
        if keys.secret_key.split('_').nth(1) != Some(needed) {
            return Err(SettingsError::StripeMode { needed });
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", keys.secret_key))
            .map_err(|_| SettingsError::Key(PaymentProvider::Stripe))?;
        authorization.set_sensitive(true);
        Ok(Self {
            client: client.clone(),
            base: settings.endpoints.stripe.clone(),
            authorization,
            webhook_secrets: keys.webhook_secrets,
            live: settings.live,
        })
    }

    pub(crate) async fn webhook_faults(&self) -> Result<Vec<String>, ProviderError> {
        let request = RequestBuilder::new(StripeMethod::Get, "/webhook_endpoints").query(&json!({ "limit": 100 }));
        let body = self.send(request, None).await?;
        let listed: WebhookEndpoints = serde_json::from_slice(&body)
            .map_err(|_| ProviderError::unreadable(PaymentProvider::Stripe, "the list of webhook endpoints"))?;
        let ours = |endpoint: &&WebhookEndpoint| endpoint.url.ends_with(WEBHOOK_PATH) && endpoint.status == "enabled";
        let ours: Vec<_> = listed.data.iter().filter(ours).collect();
        let is_sent = |event: &str| {
            ours.iter().flat_map(|endpoint| &endpoint.enabled_events).any(|one| one == "*" || one == event)
        };
        let missing = HANDLED_EVENTS.iter().filter(|event| !is_sent(event)).map(|event| (*event).to_owned());
        let versions = ours.iter().filter_map(|endpoint| endpoint.api_version.as_deref());
        let other = versions.filter(|version| release(version) != release(VERSION.as_str()));
        let other = other.map(|version| format!("api_version {version} instead of {}", VERSION.as_str()));
        Ok(missing.chain(other).collect())
    }

    pub(crate) async fn refund(&self, intent: &str, amount: Money, key: &str) -> Result<(), ProviderError> {
        let form = RefundForm { payment_intent: intent, amount: amount.amount };
        let request = RequestBuilder::new(StripeMethod::Post, "/refunds").form(&form);
        match self.send(request, Some(key)).await {
            Ok(_) => Ok(()),
            Err(ProviderError::Refused { provider, status: 400 | 404, code }) => {
                Err(ProviderError::Declined { provider, code })
            }
            Err(error) => Err(error),
        }
    }

    async fn send(&self, request: RequestBuilder, idempotency_key: Option<&str>) -> Result<Bytes, ProviderError> {
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let query = request.query.map_or_else(String::new, |query| format!("?{query}"));
        let url = at(&self.base, &format!("/v1{}{query}", request.path));
        let mut sent = self
            .client
            .request(method, url)
            .header(AUTHORIZATION, self.authorization.clone())
            // The version that the types are made for, whatever the account's own is.
            .header("Stripe-Version", VERSION.as_str());
        if let Some(key) = idempotency_key {
            sent = sent.header("Idempotency-Key", key);
        }
        if let Some(body) = request.body {
            sent = sent.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let answer = outbound::send(PaymentProvider::Stripe, sent).await?;
        if answer.status.is_success() {
            return Ok(answer.body.into());
        }
        let refusal = serde_json::from_slice(&answer.body).ok();
        let code = refusal.map(|StripeErrorBody { error }| error.code.unwrap_or(error.kind)).unwrap_or_default();
        Err(outbound::refused(PaymentProvider::Stripe, answer.status, &code))
    }
}

impl StripeClient for Stripe {
    type Err = ProviderError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, ProviderError> {
        let (request, customized) = request.into_pieces();
        let key = customized.request_strategy.and_then(|strategy| strategy.get_key());
        self.send(request, key.as_ref().map(|key| key.as_str())).await
    }
}

/// The release of a version, such as `endive` of `2026-09-30.endive`. Versions of one release are compatible
/// (<https://docs.stripe.com/sdks/versioning>).
fn release(version: &str) -> &str {
    version.split_once('.').map_or(version, |(_, release)| release)
}

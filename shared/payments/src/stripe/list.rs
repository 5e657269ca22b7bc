//! What Stripe lists of refunds, disputes and undelivered events: it is applied as if a webhook had reported it.

use domain::payments::payment::PaymentProvider;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use stripe_client_core::{RequestBuilder, StripeMethod};

use super::{
    Stripe,
    error::WebhookError,
    objects::{Disputed, Refund},
    webhook,
};
use crate::{HANDLED_EVENTS, ProviderError, WebhookEvent};

/// The largest page of a list.
const PAGE: u32 = 100;

/// <https://docs.stripe.com/api/pagination>
#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    has_more: bool,
}

impl Stripe {
    pub(crate) async fn list(&self, from: Timestamp, to: Timestamp) -> Result<Vec<WebhookEvent>, ProviderError> {
        let created = json!({ "gte": from.as_second(), "lt": to.as_second() });
        let mut listed = Vec::new();
        for refund in self.all("/refunds", &json!({ "created": created })).await? {
            listed.push(read(refund, Refund::event));
        }
        for dispute in self.all("/disputes", &json!({ "created": created })).await? {
            listed.push(read(dispute, |dispute: Disputed| dispute.event(false)));
        }
        let undelivered = json!({ "created": created, "delivery_success": false, "types": HANDLED_EVENTS });
        for event in self.all("/events", &undelivered).await? {
            listed.push(webhook::read_trusted(event.to_string().as_bytes(), self.live).unwrap_or_else(unreadable));
        }
        Ok(listed)
    }

    async fn all(&self, path: &'static str, query: &Value) -> Result<Vec<Value>, ProviderError> {
        let (mut all, mut query) = (Vec::new(), query.clone());
        loop {
            if let Value::Object(query) = &mut query {
                query.insert("limit".to_owned(), PAGE.into());
            }
            let body = self.send(RequestBuilder::new(StripeMethod::Get, path).query(&query), None).await?;
            let page: Page = serde_json::from_slice(&body)
                .map_err(|_| ProviderError::unreadable(PaymentProvider::Stripe, "a list"))?;
            let last = page.data.last().and_then(|last| last.get("id")).cloned();
            all.extend(page.data);
            match (page.has_more, last, &mut query) {
                (true, Some(last), Value::Object(query)) => query.insert("starting_after".to_owned(), last),
                _ => return Ok(all),
            };
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(
    object: Value,
    event: impl FnOnce(T) -> Result<WebhookEvent, WebhookError>,
) -> WebhookEvent {
    let read = serde_json::from_value(object).map_err(|_| WebhookError::Unreadable("object"));
    read.and_then(event).unwrap_or_else(unreadable)
}

/// One object that cannot be read does not keep the others from being applied.
fn unreadable(_: WebhookError) -> WebhookEvent {
    WebhookEvent::UnknownValue("object of a list")
}

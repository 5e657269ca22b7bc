//! The saved state of both fake services.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::delivery::{Delivery, DeliveryStatus, Provider, Transmission};
use crate::error::ApiError;
use crate::ids;
use crate::paypal::order::Order;
use crate::paypal::webhook::{self, Notice};
use crate::stripe::events::{EVENT_TYPES, Event};
use crate::stripe::objects;
use crate::stripe::payment::Payment;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ServiceState {
    /// Stripe's checkout sessions with their payments, oldest first.
    pub(crate) payments: Vec<Payment>,
    /// PayPal's orders, oldest first.
    pub(crate) orders: Vec<Order>,
    pub(crate) deliveries: Vec<Delivery>,
    /// Whether new messages are held until a release.
    pub(crate) hold: bool,
    pub(crate) postback_mode: PostbackMode,
    /// The provider whose API answers 503 to every request.
    pub(crate) outage: Option<Provider>,
    pub(crate) enabled_events: EnabledEvents,
    /// The event types that PayPal's webhook subscribes to. `None` before the first start.
    #[serde(default)]
    pub(crate) paypal_events: Option<EnabledEvents>,
    /// The first request with each idempotency key.
    pub(crate) idempotent_requests: BTreeMap<String, IdempotentRequest>,
    last_sequence: u64,
}

/// The event types that a webhook subscribes to; `*` stands for all. By default those of Stripe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EnabledEvents(pub(crate) Vec<String>);

/// A request with an idempotency key, and the id of the object that it created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IdempotentRequest {
    pub(crate) request: Value,
    pub(crate) id: String,
}

/// How PayPal answers postbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PostbackMode {
    /// `VERIFIED` for a message that was sent, else `INVALID`.
    #[default]
    Honest,
    /// `INVALID` for every message. PayPal has answered so to genuine messages.
    Invalid,
    /// 500.
    Error,
    /// 200 with a page that is neither answer.
    Garbage,
}

impl Default for EnabledEvents {
    fn default() -> Self {
        Self(EVENT_TYPES.iter().map(|event_type| (*event_type).to_owned()).collect())
    }
}

impl EnabledEvents {
    fn has(&self, event_type: &str) -> bool {
        self.0.iter().any(|enabled| enabled == event_type || enabled == "*")
    }
}

impl ServiceState {
    /// Reads the state from `path`. A missing file, or no path, is an empty state.
    pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("cannot read {}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the state to `path` through a rename, so that an interrupted write keeps the old file.
    pub(crate) fn save(&self, path: Option<&Path>) -> io::Result<()> {
        let Some(path) = path else { return Ok(()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs::rename(new, path)
    }

    pub(crate) fn payment(&mut self, session: &str) -> Result<&mut Payment, ApiError> {
        self.payments.iter_mut().find(|payment| payment.id == session).ok_or(ApiError::NotFound("session"))
    }

    pub(crate) fn order(&mut self, id: &str) -> Result<&mut Order, ApiError> {
        self.orders.iter_mut().find(|order| order.id == id).ok_or(ApiError::NotFound("order"))
    }

    pub(crate) fn delivery(&mut self, id: usize) -> Result<&mut Delivery, ApiError> {
        self.deliveries.iter_mut().find(|delivery| delivery.id == id).ok_or(ApiError::NotFound("delivery"))
    }

    /// Adds a message that is due now, or held while `hold` is set.
    pub(crate) fn enqueue(&mut self, provider: Provider, object_id: &str, event_type: &str, body: String) {
        let id = self.deliveries.len() + 1;
        let status =
            if self.hold { DeliveryStatus::Held } else { DeliveryStatus::Due { sequence: self.next_sequence() } };
        self.deliveries.push(Delivery {
            id,
            provider,
            object_id: object_id.to_owned(),
            event_type: event_type.to_owned(),
            body,
            status,
            attempts: Vec::new(),
            postbacks: 0,
            transmission: None,
        });
    }

    /// Adds the messages of PayPal about `order`: a notification, and an event if the webhook subscribes to it.
    pub(crate) fn enqueue_notice(&mut self, order: &str, notice: Notice, base_url: &str, now: Timestamp) {
        if let Some(ipn) = notice.ipn {
            self.enqueue(Provider::Paypal, order, ipn.event_type, ipn.body);
        }
        let is_enabled =
            |event: &webhook::Event| self.paypal_events.as_ref().is_some_and(|all| all.has(event.event_type));
        if let Some(event) = notice.event.filter(is_enabled) {
            self.enqueue_paypal_event(order, event.event_type, event.body(base_url, now), now);
        }
    }

    /// Adds an event of PayPal, whether or not the webhook subscribes to it.
    pub(crate) fn enqueue_paypal_event(&mut self, order: &str, event_type: &str, body: String, now: Timestamp) {
        self.enqueue(Provider::Paypal, order, event_type, body);
        if let Some(delivery) = self.deliveries.last_mut() {
            let (id, signature) = (ids::paypal_transmission(), ids::paypal_signature());
            delivery.transmission = Some(Transmission { id, time: webhook::time(now), signature });
        }
    }

    /// Adds the Stripe events about `session` that the webhook endpoint subscribes to.
    pub(crate) fn enqueue_events(&mut self, session: &str, events: Vec<Event>, now: Timestamp) {
        for Event { event_type, object, previous } in events {
            if self.enabled_events.has(event_type) {
                let event = objects::event(&ids::stripe("evt_1"), now.as_second(), event_type, object, previous);
                self.enqueue(Provider::Stripe, session, event_type, format!("{event:#}"));
            }
        }
    }

    /// Makes a message due after all messages that are due already, whatever its status was.
    pub(crate) fn schedule(&mut self, id: usize) -> Result<(), ApiError> {
        let sequence = self.next_sequence();
        self.delivery(id)?.status = DeliveryStatus::Due { sequence };
        Ok(())
    }

    fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }
}

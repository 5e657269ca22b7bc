//! Everything that the stand-in remembers.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::delivery::{Delivery, Service, State};
use crate::paypal::order::Order;
use crate::paypal::postback::Postback;
use crate::refusal::Refusal;
use crate::stripe::event;
use crate::stripe::payment::Payment;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) stripe: Vec<Payment>,
    pub(crate) paypal: Vec<Order>,
    pub(crate) deliveries: Vec<Delivery>,
    /// Messages wait until they are let go.
    pub(crate) hold: bool,
    pub(crate) postback: Postback,
    /// Whose API answers nothing but that it is not available.
    #[serde(default)]
    pub(crate) out: Option<Service>,
    /// What Stripe's webhook endpoint is subscribed to.
    pub(crate) subscribed: Subscribed,
    /// What was answered to a request with an idempotency key.
    pub(crate) answered: BTreeMap<String, Answered>,
    /// How many times a message was made due: the order in which they go out.
    turns: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subscribed(pub(crate) Vec<String>);

/// The first request with an idempotency key, and what it made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) request: Value,
    pub(crate) id: String,
}

impl Default for Subscribed {
    fn default() -> Self {
        Self(event::KINDS.iter().map(|kind| (*kind).to_owned()).collect())
    }
}

impl Book {
    pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Writes beside the file and renames, so that a stop half way leaves the old state.
    pub(crate) fn save(&self, path: Option<&Path>) -> io::Result<()> {
        let Some(path) = path else { return Ok(()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("new");
        fs::write(&beside, serde_json::to_vec_pretty(self)?)?;
        fs::rename(beside, path)
    }

    pub(crate) fn payment(&mut self, session: &str) -> Result<&mut Payment, Refusal> {
        self.stripe.iter_mut().find(|payment| payment.id == session).ok_or(Refusal::Unknown("session"))
    }

    pub(crate) fn order(&mut self, id: &str) -> Result<&mut Order, Refusal> {
        self.paypal.iter_mut().find(|order| order.id == id).ok_or(Refusal::Unknown("order"))
    }

    /// Writes down that a message is to be sent: at once, or when it is let go.
    pub(crate) fn send(&mut self, service: Service, about: &str, kind: &str, body: String) {
        let id = self.deliveries.len() + 1;
        let state = if self.hold { State::Held } else { State::Due { turn: self.turn() } };
        let delivery = Delivery {
            id,
            service,
            about: about.to_owned(),
            kind: kind.to_owned(),
            body,
            state,
            attempts: Vec::new(),
            questions: 0,
        };
        self.deliveries.push(delivery);
    }

    pub(crate) fn delivery(&mut self, id: usize) -> Result<&mut Delivery, Refusal> {
        self.deliveries.iter_mut().find(|delivery| delivery.id == id).ok_or(Refusal::Unknown("delivery"))
    }

    /// Makes a message due after all that are due already, whatever became of it before.
    pub(crate) fn make_due(&mut self, id: usize) -> Result<(), Refusal> {
        let turn = self.turn();
        self.delivery(id)?.state = State::Due { turn };
        Ok(())
    }

    fn turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }
}

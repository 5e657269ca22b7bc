//! Events: what they are, and how they are signed.

use jiff::Timestamp;
use ring::hmac;
use serde_json::Value;

use super::object;
use crate::book::Book;
use crate::delivery::Service;
use crate::ids;

/// All that are ever sent.
pub(crate) const KINDS: [&str; 15] = [
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refund.updated",
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "radar.early_fraud_warning.created",
    "refund.created",
    "refund.failed",
    "refund.updated",
];

/// Something happened to an object.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: &'static str,
    pub(crate) object: Value,
    /// What changed, as it was before.
    pub(crate) previous: Option<Value>,
}

impl Event {
    pub(crate) fn new(kind: &'static str, object: Value) -> Self {
        Self { kind, object, previous: None }
    }

    pub(crate) fn after(self, previous: Value) -> Self {
        Self { previous: Some(previous), ..self }
    }
}

impl Book {
    /// Sends the events about `session` that the endpoint is subscribed to.
    pub(crate) fn announce(&mut self, session: &str, events: Vec<Event>, now: Timestamp) {
        for Event { kind, object, previous } in events {
            if self.subscribed.0.iter().any(|subscribed| subscribed == kind || subscribed == "*") {
                let event = object::event(&ids::stripe("evt_1"), now.as_second(), kind, object, previous);
                self.send(Service::Stripe, session, kind, format!("{event:#}"));
            }
        }
    }
}

/// The `Stripe-Signature` of `body`: <https://docs.stripe.com/webhooks#verify-manually>.
pub(crate) fn signature(secret: &str, at: Timestamp, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let seconds = at.as_second();
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        let at = Timestamp::from_second(1_492_774_577).unwrap();
        // From `printf '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test`.
        let expected = "t=1492774577,v1=0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b";
        assert_eq!(signature("whsec_test", at, "{}"), expected);
    }
}

//! Instant Payment Notification: <https://developer.paypal.com/api/nvp-soap/ipn/IPNandPDTVariables/>.
//!
//! The body is in the charset that the seller's account is set to. Every field that is read here is ASCII in all of them,
//! so nothing is ever converted.

mod error;
mod form;

use domain::{
    PaymentId,
    money::{Currency, Money},
    payments::payment::{PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, RefundState},
};
use jiff::{Timestamp, civil, tz};

pub use self::error::IpnError;
use self::form::Form;
use crate::{MessageClaim, ProviderReport, WebhookEvent, cards, kept};

/// What PayPal's messages are in if they do not say.
const CHARSET: &str = "windows-1252";

/// What PayPal answered to a postback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It sent this message.
    Verified,
    /// It did not, or not like this. It has said so of genuine messages too, and corrected it later.
    Invalid,
    /// It did not say. Ask again later; until then the message counts for nothing.
    Unknown,
}

impl Verification {
    pub(super) fn from_answer(body: &[u8]) -> Self {
        match body.trim_ascii() {
            b"VERIFIED" => Self::Verified,
            b"INVALID" => Self::Invalid,
            _ => Self::Unknown,
        }
    }
}

/// The charset that the message says it is in.
pub(super) fn charset(raw: &[u8]) -> String {
    let is_name = |name: &&str| {
        (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let form = Form::parse(raw).unwrap_or_default();
    form.text("charset").filter(is_name).unwrap_or(CHARSET).to_owned()
}

/// Reads what the body of an IPN says it is about. Anyone may have sent it.
///
/// # Errors
/// The body is no form, or can be read in two ways.
pub fn ipn_claim(raw: &[u8]) -> Result<MessageClaim, IpnError> {
    let form = Form::parse(raw)?;
    let ours = ["invoice", "custom"].map(|name| form.text(name).and_then(kept::payment_id));
    let theirs = ["parent_txn_id", "txn_id"].map(|name| form.text(name).and_then(kept::paypal_id));
    let mut references: Vec<_> = ours.into_iter().flatten().map(PaymentReference::Payment).collect();
    let is_paid = !references.is_empty() && form.text("payment_status") == Some("Completed");
    references.dedup();
    references
        .extend(theirs.into_iter().flatten().map(|id| PaymentReference::Transaction(PaymentProvider::Paypal, id)));
    Ok(MessageClaim { references, is_paid })
}

/// Reads a message about money that this receiver got.
pub(crate) fn read(raw: &[u8], receiver_id: &str, live: bool) -> Result<WebhookEvent, IpnError> {
    let form = Form::parse(raw)?;
    if (form.text("test_ipn") == Some("1")) == live {
        return Err(IpnError::Mode);
    }
    if form.text("txn_type") == Some("adjustment") {
        return adjustment(&form, receiver_id);
    }
    if form.text("receiver_id") != Some(receiver_id) {
        return Err(IpnError::Receiver);
    }
    // A case may come with the status of the payment that it is about. It moves nothing.
    if form.text("txn_type") == Some("new_case") {
        let parent = if form.has("parent_txn_id") { "parent_txn_id" } else { "txn_id" };
        let case = if form.has("case_id") { "case_id" } else { "txn_id" };
        return Ok(about(transaction(&form, parent)?, PaymentFact::Case { id: id(&form, case)? }));
    }
    match form.text("payment_status") {
        Some("Completed") => {
            let Some(payment) = payment(&form)? else { return Ok(WebhookEvent::Ignored) };
            let instrument = form.text("payer_id").map(str::to_owned);
            Ok(WebhookEvent::Report(
                PaymentReference::Payment(payment),
                ProviderReport { facts: vec![PaymentFact::Paid(receipt(&form)?)], instrument },
            ))
        }
        Some("Pending") => progress(&form, PaymentFact::Pending),
        Some("Denied" | "Failed" | "Voided") => progress(&form, PaymentFact::Failed),
        Some("Expired") => progress(&form, PaymentFact::Expired),
        Some("Refunded" | "Partially_Refunded") => {
            let (id, amount) = (id(&form, "txn_id")?, gross(&form)?.magnitude());
            Ok(about(
                transaction(&form, "parent_txn_id")?,
                PaymentFact::Refund { id, amount, state: RefundState::Succeeded },
            ))
        }
        Some("Reversed") => {
            let (id, amount) = (id(&form, "txn_id")?, gross(&form)?.magnitude());
            Ok(about(transaction(&form, "parent_txn_id")?, PaymentFact::Reversal { id, amount }))
        }
        Some("Canceled_Reversal") => {
            let (id, amount) = (id(&form, "txn_id")?, gross(&form)?.magnitude());
            Ok(about(transaction(&form, "parent_txn_id")?, PaymentFact::Restoration { id, amount }))
        }
        // The first two say nothing about money yet; a message without a status is not about a payment.
        Some("Created" | "Processed") | None => Ok(WebhookEvent::Ignored),
        Some(_) => Ok(WebhookEvent::UnknownValue("payment_status")),
    }
}

/// The settlement of a chargeback. It names no receiver, as the money went from the merchant: the merchant is the payer.
/// Negative is a reversal, and freezes the account as a case does; positive is a restoration.
fn adjustment(form: &Form, receiver_id: &str) -> Result<WebhookEvent, IpnError> {
    let merchant = if form.has("receiver_id") { "receiver_id" } else { "payer_id" };
    if form.text(merchant) != Some(receiver_id) {
        return Err(IpnError::Receiver);
    }
    match form.text("payment_status") {
        Some("Completed") => {}
        Some("Created" | "Pending" | "Processed") | None => return Ok(WebhookEvent::Ignored),
        Some(_) => return Ok(WebhookEvent::UnknownValue("payment_status")),
    }
    let reference = match (form.has("parent_txn_id"), payment(form)?) {
        (true, _) => transaction(form, "parent_txn_id")?,
        (false, Some(payment)) => PaymentReference::Payment(payment),
        (false, None) => return Ok(WebhookEvent::Ignored),
    };
    let (id, gross) = (id(form, "txn_id")?, gross(form)?);
    let facts = if gross.amount < 0 {
        let case = if form.has("case_id") { self::id(form, "case_id")? } else { id.clone() };
        vec![PaymentFact::Case { id: case }, PaymentFact::Reversal { id, amount: gross.magnitude() }]
    } else {
        vec![PaymentFact::Restoration { id, amount: gross }]
    };
    Ok(WebhookEvent::Report(reference, ProviderReport { facts, instrument: None }))
}

fn about(reference: PaymentReference, fact: PaymentFact) -> WebhookEvent {
    WebhookEvent::Report(reference, fact.into())
}

fn progress(form: &Form, fact: PaymentFact) -> Result<WebhookEvent, IpnError> {
    Ok(payment(form)?.map_or(WebhookEvent::Ignored, |payment| about(PaymentReference::Payment(payment), fact)))
}

/// Our own id, which we gave the order twice. A message without it is about another sale of the same account.
fn payment(form: &Form) -> Result<Option<PaymentId>, IpnError> {
    let [invoice, custom] = ["invoice", "custom"].map(|name| form.text(name).and_then(kept::payment_id));
    match (invoice, custom) {
        (Some(invoice), Some(custom)) if invoice != custom => Err(IpnError::Field("custom")),
        (invoice, custom) => Ok(invoice.or(custom)),
    }
}

fn receipt(form: &Form) -> Result<PaymentReceipt, IpnError> {
    let paid = gross(form)?;
    Ok(PaymentReceipt {
        provider: PaymentProvider::Paypal,
        net: paid,
        total: paid,
        transaction: id(form, "txn_id")?,
        billing_email: form.text("payer_email").and_then(kept::email),
        country: form.text("residence_country").and_then(kept::country),
        at: form.text("payment_date").and_then(date).ok_or(IpnError::Field("payment_date"))?,
    })
}

fn transaction(form: &Form, name: &'static str) -> Result<PaymentReference, IpnError> {
    Ok(PaymentReference::Transaction(PaymentProvider::Paypal, id(form, name)?))
}

fn id(form: &Form, name: &'static str) -> Result<String, IpnError> {
    form.text(name).and_then(kept::paypal_id).ok_or(IpnError::Field(name))
}

/// What moved, with a minus sign where it went back.
fn gross(form: &Form) -> Result<Money, IpnError> {
    let currency: Currency =
        form.text("mc_currency").and_then(|code| code.parse().ok()).ok_or(IpnError::Field("mc_currency"))?;
    form.text("mc_gross").and_then(|gross| Money::from_decimal(gross, currency)).ok_or(IpnError::Field("mc_gross"))
}

/// `20:12:59 Jan 13, 2009 PST`: always Pacific time, and the abbreviation says which one.
fn date(text: &str) -> Option<Timestamp> {
    let (time, zone) = text.rsplit_once(' ')?;
    let offset = match zone {
        "PST" => tz::offset(-8),
        "PDT" => tz::offset(-7),
        _ => return None,
    };
    let time = civil::DateTime::strptime("%H:%M:%S %b %d, %Y", time).ok()?;
    offset.to_timestamp(time).ok()
}

/// The fields of an IPN that may look like a card number and are none: PayPal's numbers of a receipt and of a message.
const NO_CARDS: [&str; 2] = ["receipt_id", "ipn_track_id"];

/// Says whether the body of an IPN has a card number in it. `receipt_id`, `ipn_track_id` and our own
/// ids are left out: they may look like one.
#[must_use]
pub fn ipn_has_card_number(raw: &[u8]) -> bool {
    form_urlencoded::parse(raw).any(|(name, value)| {
        cards::any_in(&name)
            || (!NO_CARDS.contains(&&*name) && kept::payment_id(&value).is_none() && cards::any_in(&value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p7_a_form_is_looked_through_field_by_field() {
        for body in
            ["memo=4242+4242+4242+4242", "memo=%34242424242424242", "4242424242424242=1", "a=1&b=4242%2d4242-42424242"]
        {
            assert!(ipn_has_card_number(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "receipt_id=4242-4242-4242-4242&txn_id=8MC585209K746392H",
            "ipn_track_id=4222222222222",
            "custom=01a59737-6812-7579-8109-f4d43d5b9dd4",
            "a=42424242&b=42424242",
            "%zz=%",
        ] {
            assert!(!ipn_has_card_number(body.as_bytes()), "{body}");
        }
    }
}

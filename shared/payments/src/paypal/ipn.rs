//! Instant Payment Notification: <https://developer.paypal.com/api/nvp-soap/ipn/IPNandPDTVariables/>.
//!
//! The body is in the charset that the seller's account is set to. Every field that is read here is ASCII in all of them,
//! so nothing is ever converted.

mod form;

use domain::{
    PaymentId,
    money::{Currency, Money},
    payments::payment::{PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, RefundState},
};
use jiff::{Timestamp, civil, tz};

use self::form::Form;
use crate::{ProviderReport, WebhookEvent, kept};

/// What PayPal's messages are in if they do not say.
const CHARSET: &str = "windows-1252";

/// What PayPal answered to a postback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It sent this message.
    Verified,
    /// It did not, or not like this. Asking again gives the same answer.
    Invalid,
    /// It did not say. Ask again later; until then the message counts for nothing.
    Unknown,
}

/// Why a message cannot be about a payment of ours. It will not be read differently another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpnError {
    /// PayPal is off.
    #[error("a message from PayPal, which is off here: turn it on, or remove the notification address in PayPal")]
    NotConfigured,
    /// No bytes.
    #[error("the message is empty")]
    Empty,
    /// More than PayPal ever sends.
    #[error("the message is larger than {} bytes", form::BYTES)]
    TooLarge,
    /// Not a form as browsers encode it.
    #[error("the message is not a form")]
    Encoding,
    /// A field comes twice, so it is not known which one counts.
    #[error("the message has a field twice")]
    Duplicate,
    /// Test money where real money is taken, or the other way round.
    #[error("the message is about the other kind of money, test or live")]
    Mode,
    /// Money that another account received.
    #[error("the message is about another receiver: check paypal_receiver_id in the payments secret")]
    Receiver,
    /// A field that is needed is missing, or not as documented.
    #[error("the message's {0} is not as documented")]
    Field(&'static str),
}

impl IpnError {
    /// Whether it is not even a message, whoever sent it.
    #[must_use]
    pub const fn is_junk(self) -> bool {
        match self {
            Self::Empty | Self::TooLarge | Self::Encoding | Self::Duplicate => true,
            Self::NotConfigured | Self::Mode | Self::Receiver | Self::Field(_) => false,
        }
    }
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

/// Reads a message about money that this receiver got.
pub(crate) fn read(raw: &[u8], receiver_id: &str, live: bool) -> Result<WebhookEvent, IpnError> {
    let form = Form::parse(raw)?;
    if (form.text("test_ipn") == Some("1")) == live {
        return Err(IpnError::Mode);
    }
    if form.text("receiver_id") != Some(receiver_id) {
        return Err(IpnError::Receiver);
    }
    // A case may come with the status of the payment that it is about. It moves nothing.
    if matches!(form.text("txn_type"), Some("new_case" | "adjustment")) {
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
        // `Created` and `Processed` say nothing about money yet; other messages are not about a payment.
        _ => Ok(WebhookEvent::Ignored),
    }
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

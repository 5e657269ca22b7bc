//! Webhooks of PayPal: <https://developer.paypal.com/api/rest/webhooks/event-names/>.
//!
//! They report the same facts as IPN, under the same ids of PayPal, so that a fact that both report counts once. They also report
//! what IPN does not: an approved order, and a refund that failed. IPN in turn reports canceled reversals and settled
//! chargebacks, which no documented event does.

use domain::{
    money::{Currency, Money},
    payments::payment::{PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, RefundState},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::ipn::Verification;
use crate::{MessageClaim, PaypalEvent, ProviderReport, WebhookError, WebhookEvent, kept};

/// The headers of a webhook that its signature is verified with. PayPal refuses longer ones.
const HEADERS: [(&str, usize); 5] = [
    ("paypal-auth-algo", 100),
    ("paypal-cert-url", 500),
    ("paypal-transmission-id", 50),
    ("paypal-transmission-sig", 500),
    ("paypal-transmission-time", 100),
];

/// What the headers of a webhook say about its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaypalSignature {
    auth_algo: String,
    cert_url: String,
    transmission_id: String,
    transmission_sig: String,
    transmission_time: String,
}

/// <https://developer.paypal.com/docs/api/webhooks/v1/#verify-webhook-signature_post>, without the event.
#[derive(Serialize)]
struct Question<'a> {
    #[serde(flatten)]
    signature: &'a PaypalSignature,
    webhook_id: &'a str,
}

#[derive(Deserialize)]
struct VerificationAnswer {
    verification_status: String,
}

#[derive(Deserialize)]
struct Envelope {
    event_type: String,
    #[serde(default)]
    resource: Value,
}

/// A capture, or a refund of one: <https://developer.paypal.com/docs/api/payments/v2/>. Reversals have the form of refunds.
#[derive(Deserialize)]
struct Transaction {
    id: String,
    amount: Amount,
    #[serde(default)]
    status: String,
    custom_id: Option<String>,
    invoice_id: Option<String>,
    create_time: Option<Timestamp>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Amount {
    currency_code: String,
    value: String,
}

#[derive(Deserialize)]
struct Link {
    href: String,
    #[serde(default)]
    rel: String,
}

/// <https://developer.paypal.com/docs/api/orders/v2/#orders_get>
#[derive(Deserialize)]
struct Order {
    id: String,
    #[serde(default)]
    purchase_units: Vec<Unit>,
}

#[derive(Deserialize)]
struct Unit {
    custom_id: Option<String>,
    invoice_id: Option<String>,
}

/// <https://developer.paypal.com/docs/api/customer-disputes/v1/#disputes_get>
#[derive(Deserialize)]
struct Dispute {
    dispute_id: String,
    seller_response_due_date: Option<String>,
    #[serde(default)]
    disputed_transactions: Vec<DisputedTransaction>,
}

#[derive(Deserialize)]
struct DisputedTransaction {
    seller_transaction_id: Option<String>,
}

impl PaypalSignature {
    /// Reads the headers of a webhook. Returns `None` if one is missing, or longer than PayPal's.
    #[must_use]
    pub fn from_headers<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let read = |(name, longest): (&str, usize)| {
            header(name).filter(|value| (1..=longest).contains(&value.len())).map(str::to_owned)
        };
        let [auth_algo, cert_url, transmission_id, transmission_sig, transmission_time] = HEADERS.map(read);
        Some(Self {
            auth_algo: auth_algo?,
            cert_url: cert_url?,
            transmission_id: transmission_id?,
            transmission_sig: transmission_sig?,
            transmission_time: transmission_time?,
        })
    }

    /// Returns the body that asks PayPal about the signature. The event is in it byte for byte, as the signature is over its
    /// bytes.
    pub(super) fn question(&self, webhook_id: &str, event: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let mut body = serde_json::to_vec(&Question { signature: self, webhook_id })?;
        // Without the brace that closes the fields.
        body.pop();
        body.extend_from_slice(b",\"webhook_event\":");
        body.extend_from_slice(event);
        body.push(b'}');
        Ok(body)
    }
}

impl Verification {
    pub(super) fn from_status(body: &[u8]) -> Self {
        let answer = serde_json::from_slice(body).ok();
        match answer.map(|VerificationAnswer { verification_status }| verification_status).as_deref() {
            Some("SUCCESS") => Self::Verified,
            Some("FAILURE") => Self::Invalid,
            _ => Self::Unknown,
        }
    }
}

/// Reads an event: `body` as it came.
///
/// # Errors
/// [`WebhookError::Unreadable`] if it is no event of PayPal at all.
pub fn read_paypal_event(body: &[u8]) -> Result<PaypalEvent, WebhookError> {
    let Envelope { event_type, resource } =
        serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("event_type"))?;
    let mut event = match event_type.as_str() {
        "CHECKOUT.ORDER.APPROVED" => read(resource, Order::references, Order::events),
        "PAYMENT.CAPTURE.COMPLETED" => read(resource, Transaction::references, Transaction::completed),
        "PAYMENT.CAPTURE.PENDING" => {
            read(resource, Transaction::references, |capture| Ok(capture.progress(PaymentFact::Pending)))
        }
        "PAYMENT.CAPTURE.DENIED" | "PAYMENT.CAPTURE.DECLINED" => {
            read(resource, Transaction::references, |capture| Ok(capture.progress(PaymentFact::Failed)))
        }
        "PAYMENT.CAPTURE.REVERSED" => read(resource, Transaction::references, Transaction::reversed),
        kind if kind == "PAYMENT.CAPTURE.REFUNDED" || kind.starts_with("PAYMENT.REFUND.") => {
            read(resource, Transaction::references, Transaction::refunded)
        }
        kind if kind.starts_with("CUSTOMER.DISPUTE.") => read(resource, Dispute::references, Dispute::events),
        _ => return Ok(PaypalEvent { claim: MessageClaim::default(), events: Ok(Vec::new()) }),
    }?;
    let names_ours = event.claim.references.iter().any(|reference| matches!(reference, PaymentReference::Payment(_)));
    event.claim.is_paid = names_ours && event_type == "PAYMENT.CAPTURE.COMPLETED";
    Ok(event)
}

/// Reads the resource of an event that is handled.
fn read<T: DeserializeOwned>(
    resource: Value,
    references: impl FnOnce(&T) -> Vec<PaymentReference>,
    events: impl FnOnce(&T) -> Result<Vec<WebhookEvent>, WebhookError>,
) -> Result<PaypalEvent, WebhookError> {
    let resource: T = serde_json::from_value(resource).map_err(|_| WebhookError::Unreadable("resource"))?;
    let claim = MessageClaim { references: references(&resource), is_paid: false };
    Ok(PaypalEvent { claim, events: events(&resource) })
}

impl Transaction {
    /// Our own id, which we gave the order twice; then the capture.
    fn references(&self) -> Vec<PaymentReference> {
        let ours = ours(self.custom_id.as_deref(), self.invoice_id.as_deref());
        let capture = self.captured().or_else(|| kept::paypal_id(&self.id).map(transaction));
        ours.into_iter().chain(capture).collect()
    }

    /// The capture that a refund or a reversal is of.
    fn captured(&self) -> Option<PaymentReference> {
        let up = self.links.iter().find(|link| link.rel == "up" && link.href.contains("/captures/"))?;
        kept::paypal_id(up.href.rsplit('/').next()?).map(transaction)
    }

    fn completed(&self) -> Result<Vec<WebhookEvent>, WebhookError> {
        let Some(reference) = ours(self.custom_id.as_deref(), self.invoice_id.as_deref()) else {
            return Ok(Vec::new());
        };
        let Some(amount) = self.amount.read()? else { return Ok(vec![WebhookEvent::OtherCurrency(reference)]) };
        let receipt = PaymentReceipt {
            provider: PaymentProvider::Paypal,
            net: amount,
            total: amount,
            transaction: own_id(&self.id)?,
            // The event does not name the payer: the capture, the order or IPN does.
            billing_email: None,
            country: None,
            at: self.create_time.ok_or(WebhookError::Unreadable("create_time"))?,
        };
        Ok(vec![WebhookEvent::Report(reference, PaymentFact::Paid(receipt).into())])
    }

    fn progress(&self, fact: PaymentFact) -> Vec<WebhookEvent> {
        let reference = ours(self.custom_id.as_deref(), self.invoice_id.as_deref());
        reference.map(|reference| WebhookEvent::Report(reference, fact.into())).into_iter().collect()
    }

    fn refunded(&self) -> Result<Vec<WebhookEvent>, WebhookError> {
        let state = match self.status.as_str() {
            "COMPLETED" | "PENDING" => RefundState::Succeeded,
            "FAILED" | "CANCELLED" => RefundState::Reverted,
            _ => return Ok(vec![WebhookEvent::UnknownValue("refund.status")]),
        };
        self.returned(|id, amount| PaymentFact::Refund { id, amount, state })
    }

    fn reversed(&self) -> Result<Vec<WebhookEvent>, WebhookError> {
        self.returned(|id, amount| PaymentFact::Reversal { id, amount })
    }

    /// Money went back to the buyer. As with IPN, the payment is found by its transaction: our own id may be missing.
    fn returned(&self, fact: impl FnOnce(String, Money) -> PaymentFact) -> Result<Vec<WebhookEvent>, WebhookError> {
        let reference = self.captured().or_else(|| ours(self.custom_id.as_deref(), self.invoice_id.as_deref()));
        let Some(reference) = reference else { return Ok(Vec::new()) };
        let Some(amount) = self.amount.read()? else { return Ok(vec![WebhookEvent::OtherCurrency(reference)]) };
        Ok(vec![WebhookEvent::Report(reference, fact(own_id(&self.id)?, amount.magnitude()).into())])
    }
}

impl Amount {
    /// Returns `None` in a currency in which nothing is sold.
    fn read(&self) -> Result<Option<Money>, WebhookError> {
        let Ok(currency) = self.currency_code.parse::<Currency>() else { return Ok(None) };
        Money::from_decimal(&self.value, currency).map(Some).ok_or(WebhookError::Unreadable("amount"))
    }
}

impl Order {
    fn references(&self) -> Vec<PaymentReference> {
        let of_unit = |unit: &Unit| ours(unit.custom_id.as_deref(), unit.invoice_id.as_deref());
        self.purchase_units.iter().filter_map(of_unit).collect()
    }

    fn events(&self) -> Result<Vec<WebhookEvent>, WebhookError> {
        let checkout = own_id(&self.id)?;
        let poll = |reference| match reference {
            PaymentReference::Payment(payment) => {
                Some(WebhookEvent::Poll { payment, checkout: checkout.clone(), paid: false })
            }
            PaymentReference::Transaction(..) => None,
        };
        Ok(self.references().into_iter().filter_map(poll).collect())
    }
}

impl Dispute {
    fn references(&self) -> Vec<PaymentReference> {
        let ids = self.disputed_transactions.iter().filter_map(|disputed| disputed.seller_transaction_id.as_deref());
        ids.filter_map(kept::paypal_id).map(transaction).collect()
    }

    /// Whatever happens in a dispute, the money that it moves is reported by refunds and reversals.
    fn events(&self) -> Result<Vec<WebhookEvent>, WebhookError> {
        let id = own_id(&self.dispute_id)?;
        // The case counts, whatever its date says.
        let respond_by = self.seller_response_due_date.as_deref().and_then(|date| date.parse().ok());
        let respond_by = respond_by.map(|at| PaymentFact::RespondBy { id: id.clone(), at });
        let facts: Vec<_> = [PaymentFact::Case { id }].into_iter().chain(respond_by).collect();
        let case = |reference| {
            let report = ProviderReport { facts: facts.clone(), instrument: None };
            WebhookEvent::Report(reference, report)
        };
        Ok(self.references().into_iter().map(case).collect())
    }
}

fn ours(custom_id: Option<&str>, invoice_id: Option<&str>) -> Option<PaymentReference> {
    let id = custom_id.and_then(kept::payment_id).or_else(|| invoice_id.and_then(kept::payment_id));
    id.map(PaymentReference::Payment)
}

fn transaction(id: String) -> PaymentReference {
    PaymentReference::Transaction(PaymentProvider::Paypal, id)
}

fn own_id(text: &str) -> Result<String, WebhookError> {
    kept::paypal_id(text).ok_or(WebhookError::Unreadable("id"))
}

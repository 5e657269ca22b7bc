//! Stripe and PayPal: making a checkout, asking what became of it, checking what their messengers say.
//!
//! All of it is translated into [facts](Fact) of the domain, which decides what follows. This crate decides what may be
//! believed: an answer must be about our payment, in its amount and currency ([`ProviderError::Mismatch`]), a message must
//! be from its sender, and test money is no money where real money is taken.
//!
//! Of what a provider says only the fields of a fact are read, and only [ids and one address](Fact) can be in them. Card
//! numbers stay with the providers; [`ipn_has_card_number`] finds those that come in a message all the same.
//!
//! Calls change nothing of ours and may be repeated: making a checkout again gives the same checkout, capturing again gives
//! what was captured.

mod cards;
mod error;
mod kept;
mod keys;
mod outbound;
mod paypal;
mod settings;
mod stripe;

use domain::{
    PaymentId,
    money::Money,
    payments::payment::{Payment, PaymentFact, PaymentProvider, PaymentReference},
};
use jiff::Timestamp;

pub use error::ProviderError;
pub use keys::{Keys, KeysError};
pub use paypal::{
    ipn::{IpnError, Verification, ipn_claim, ipn_has_card_number},
    webhook::{PaypalSignature, read_paypal_event},
};
pub use settings::{Endpoints, PaymentSettings, SettingsError};
pub use stripe::{error::WebhookError, webhook::HANDLED_EVENTS};

/// A checkout at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedCheckout {
    /// The provider's id of it.
    pub checkout: String,
    /// The page that the buyer is sent to.
    pub url: String,
}

/// Who buys, as far as a provider is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buyer<'a> {
    /// The address that signs in.
    pub email: &'a str,
    /// The address of receipts, if the person gave one.
    pub billing_email: Option<&'a str>,
}

/// What a provider says about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    /// In the order in which they are to be learned. None of a checkout means that the buyer did nothing yet.
    pub facts: Vec<PaymentFact>,
    /// What was paid with: the same for the same card or PayPal account, and meaningless otherwise. For counting; it is
    /// never kept as it is.
    pub instrument: Option<String>,
}

/// Without a word about what was paid with.
impl From<PaymentFact> for ProviderReport {
    fn from(fact: PaymentFact) -> Self {
        Self { facts: vec![fact], instrument: None }
    }
}

/// What a messenger wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookEvent {
    /// Something became of a checkout: [ask](Payments::ask).
    Poll {
        /// Of which payment.
        payment: PaymentId,
        /// The provider's id of the checkout.
        checkout: String,
        /// Whether the messenger says that it is paid.
        paid: bool,
    },
    /// This is so.
    Report(PaymentReference, ProviderReport),
    /// It is about this transaction, in a currency in which nothing is sold here. If the transaction is known, it contradicts
    /// its payment.
    OtherCurrency(PaymentReference),
    /// It has a value in this field that is not known here. It moves nothing, now or when it is repeated.
    UnknownValue(&'static str),
    /// Nothing that concerns us.
    Ignored,
}

/// What a message of PayPal says it is about. Nothing is verified, so it decides only whether verifying it is worth a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageClaim {
    /// What it names its payment by, our own id first.
    pub references: Vec<PaymentReference>,
    /// Whether it says that a payment of ours was completed: money that must not be lost even if the payment was deleted.
    pub is_paid: bool,
}

/// An event of a webhook of PayPal. It counts for nothing until it is [verified](PaymentProviders::verify_paypal_event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaypalEvent {
    /// What it says it is about.
    pub claim: MessageClaim,
    /// What it reports, or why that cannot be read.
    pub events: Result<Vec<WebhookEvent>, WebhookError>,
}

/// The providers that have keys.
pub struct PaymentProviders {
    settings: PaymentSettings,
    stripe: Option<stripe::Stripe>,
    paypal: Option<paypal::Paypal>,
}

impl PaymentProviders {
    /// Builds the providers that have keys.
    ///
    /// # Errors
    /// [`SettingsError`] says what the operator must correct.
    pub fn new(settings: PaymentSettings, keys: Keys) -> Result<Self, SettingsError> {
        settings.check()?;
        let client = outbound::client()?;
        let stripe = keys.stripe.map(|keys| stripe::Stripe::new(&settings, keys, &client)).transpose()?;
        let paypal = keys.paypal.map(|keys| paypal::Paypal::new(&settings, keys, &client));
        Ok(Self { settings, stripe, paypal })
    }

    /// Whether payments can be taken there.
    #[must_use]
    pub const fn takes(&self, provider: PaymentProvider) -> bool {
        match provider {
            PaymentProvider::Stripe => self.stripe.is_some(),
            PaymentProvider::Paypal => self.paypal.is_some(),
        }
    }

    /// Makes the checkout of a payment. `title` is what the buyer reads there, Stripe fills in the
    /// address of receipts or the one that signs in; PayPal knows its buyers, and is told the address of receipts where there
    /// is one. A repeat with the same arguments gives the same checkout.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub async fn create(
        &self,
        payment: &Payment,
        title: &str,
        buyer: Buyer<'_>,
        now: Timestamp,
    ) -> Result<HostedCheckout, ProviderError> {
        match payment.provider {
            PaymentProvider::Stripe => self.stripe()?.create(&self.settings, payment, title, buyer).await,
            PaymentProvider::Paypal => self.paypal()?.create(&self.settings, payment, (title, buyer), now).await,
        }
    }

    /// Asks what became of a checkout. A payment without one was never handed out: it expires when its time is over.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub async fn poll(&self, payment: &Payment, now: Timestamp) -> Result<ProviderReport, ProviderError> {
        let Some(checkout) = payment.checkout.as_deref() else { return Ok(unpaid(payment, now)) };
        match payment.provider {
            PaymentProvider::Stripe => self.stripe()?.poll(payment, checkout).await,
            PaymentProvider::Paypal => self.paypal()?.poll(payment, checkout, now).await,
        }
    }

    /// Polls, and captures a PayPal order that the buyer approved for this payment and its price, as the buyer's browser may
    /// never return. A capture that PayPal refuses leaves the checkout as it is. A repeat captures nothing more.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub async fn poll_or_capture(&self, payment: &Payment, now: Timestamp) -> Result<ProviderReport, ProviderError> {
        match (payment.provider, payment.checkout.as_deref()) {
            (PaymentProvider::Paypal, Some(checkout)) => self.paypal()?.poll_or_capture(payment, checkout, now).await,
            _ => self.poll(payment, now).await,
        }
    }

    /// Asks Stripe for the transaction and the total of a checkout whose payment was deleted here. Returns `None` if it is not
    /// paid.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub async fn paid_total(
        &self,
        payment: PaymentId,
        checkout: &str,
    ) -> Result<Option<(String, Money)>, ProviderError> {
        self.stripe()?.paid_total(payment, checkout).await
    }

    /// Takes the money of a PayPal order that the buyer approved, and says what came of it. A repeat takes nothing more.
    /// Stripe takes the money by itself, and is asked.
    ///
    /// # Errors
    /// [`ProviderError::NotApproved`] if the buyer has to approve it first, [`ProviderError::InstrumentDeclined`] if they have to
    /// choose another means of payment; otherwise as [`Self::ask`].
    pub async fn capture(&self, payment: &Payment, now: Timestamp) -> Result<ProviderReport, ProviderError> {
        match (payment.provider, payment.checkout.as_deref()) {
            (PaymentProvider::Paypal, Some(checkout)) => self.paypal()?.capture(payment, checkout, now).await,
            _ => self.poll(payment, now).await,
        }
    }

    /// Asks the provider to refund this amount of a payment. What comes of it is reported as every refund is. A repeat
    /// with the same key and amount refunds nothing more.
    ///
    /// # Errors
    /// [`ProviderError::Declined`] if the provider refuses this refund; otherwise as for a [checkout](Self::create).
    pub async fn refund(
        &self,
        payment: &Payment,
        amount: Money,
        key: &str,
        now: Timestamp,
    ) -> Result<(), ProviderError> {
        let receipt = payment.receipt.as_ref().ok_or(ProviderError::NotApproved)?;
        match receipt.provider {
            PaymentProvider::Stripe => self.stripe()?.refund(&receipt.transaction, amount, key).await,
            PaymentProvider::Paypal => self.paypal()?.refund(&receipt.transaction, amount, key, now).await,
        }
    }

    /// Reads an event of Stripe: `body` as it came, and the header `Stripe-Signature`.
    ///
    /// # Errors
    /// [`WebhookError`] says whether Stripe should send it again.
    pub fn read_event(&self, body: &[u8], signature: &str, now: Timestamp) -> Result<WebhookEvent, WebhookError> {
        let stripe = self.stripe.as_ref().ok_or(WebhookError::NotConfigured)?;
        stripe::webhook::read(body, signature, &stripe.webhook_secrets, self.settings.live, now)
    }

    /// Lists what is wrong with the endpoints at Stripe whose address ends in `/v1/webhooks/stripe`: each
    /// [event](HANDLED_EVENTS) that none of them is sent, and each API version of another release than the one that is read.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub async fn webhook_faults(&self) -> Result<Vec<String>, ProviderError> {
        self.stripe()?.webhook_faults().await
    }

    /// Lists what Stripe knows of refunds and disputes that were created in this time, and of events that it could not deliver,
    /// of all payments of the account at Stripe. Stripe keeps events for 30 days.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub async fn list_stripe(&self, (from, to): (Timestamp, Timestamp)) -> Result<Vec<WebhookEvent>, ProviderError> {
        self.stripe()?.list(from, to).await
    }

    /// Asks PayPal whether it sent this IPN: `raw` as it came. That says nothing about what is in it.
    ///
    /// # Errors
    /// [`ProviderError::NotConfigured`]; everything else is a [`Verification`].
    pub async fn verify_ipn(&self, raw: &[u8]) -> Result<Verification, ProviderError> {
        Ok(self.paypal()?.verify_ipn(raw).await)
    }

    /// Reads an IPN: `raw` as it came. It counts for nothing until it is [verified](Self::verify_ipn).
    ///
    /// # Errors
    /// [`IpnError`]; the same body is never read differently.
    pub fn read_ipn(&self, raw: &[u8]) -> Result<WebhookEvent, IpnError> {
        let paypal = self.paypal.as_ref().ok_or(IpnError::NotConfigured)?;
        paypal::ipn::read(raw, &paypal.receiver_id, self.settings.live)
    }

    /// Says whether events of PayPal's webhook can be verified: there are keys of PayPal, and the id of the webhook.
    #[must_use]
    pub fn has_paypal_webhook(&self) -> bool {
        self.paypal.as_ref().is_some_and(|paypal| paypal.webhook_id.is_some())
    }

    /// Asks PayPal whether it sent this event to our webhook: `body` as it came. That says nothing about what is in it.
    ///
    /// # Errors
    /// [`ProviderError`] if PayPal does not answer. Without [an id](Self::has_paypal_webhook) nothing is verified.
    pub async fn verify_paypal_event(
        &self,
        body: &[u8],
        signature: &PaypalSignature,
        now: Timestamp,
    ) -> Result<Verification, ProviderError> {
        self.paypal()?.verify_event(body, signature, now).await
    }

    fn stripe(&self) -> Result<&stripe::Stripe, ProviderError> {
        self.stripe.as_ref().ok_or(ProviderError::NotConfigured(PaymentProvider::Stripe))
    }

    fn paypal(&self) -> Result<&paypal::Paypal, ProviderError> {
        self.paypal.as_ref().ok_or(ProviderError::NotConfigured(PaymentProvider::Paypal))
    }
}

/// What is to be said of a checkout that nobody paid, or whose provider has forgotten it.
fn unpaid(payment: &Payment, now: Timestamp) -> ProviderReport {
    let is_open = now < payment.closes_at() || payment.receipt.is_some();
    let facts = if is_open { Vec::new() } else { vec![PaymentFact::Expired] };
    ProviderReport { facts, instrument: None }
}

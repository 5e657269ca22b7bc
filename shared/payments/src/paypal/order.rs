//! An order, held against the payment that it was made for.

use domain::{
    money::Money,
    payments::payment::{Payment, PaymentFact, PaymentProvider, PaymentReceipt, RefundState},
};
use jiff::Timestamp;
use serde::Deserialize;

use crate::error::must;
use crate::{ProviderError, ProviderReport, kept, unpaid};

/// <https://developer.paypal.com/docs/api/orders/v2/#orders_get>, as far as it is needed.
#[derive(Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    payer: Payer,
    #[serde(default)]
    purchase_units: Vec<Unit>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payer {
    payer_id: Option<String>,
    email_address: Option<String>,
    address: Option<Address>,
}

#[derive(Deserialize)]
struct Address {
    country_code: Option<String>,
}

#[derive(Deserialize)]
struct Unit {
    custom_id: Option<String>,
    amount: Amount,
    #[serde(default)]
    payments: OrderPayments,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OrderPayments {
    captures: Vec<Capture>,
    refunds: Vec<Refund>,
}

#[derive(Deserialize)]
struct Amount {
    currency_code: String,
    value: String,
}

#[derive(Deserialize)]
struct Capture {
    id: String,
    status: CaptureStatus,
    amount: Amount,
    create_time: Timestamp,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum CaptureStatus {
    Completed,
    PartiallyRefunded,
    Refunded,
    Pending,
    Declined,
    Failed,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    status: RefundStatus,
    amount: Amount,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum RefundStatus {
    Pending,
    Completed,
    Cancelled,
    Failed,
}

#[derive(Deserialize)]
pub(super) struct Link {
    pub(super) rel: String,
    pub(super) href: String,
}

impl Order {
    pub(super) fn parse(body: &[u8]) -> Result<Self, ProviderError> {
        serde_json::from_slice(body).map_err(|_| unreadable("the order"))
    }

    /// The page on which the buyer approves it.
    pub(super) fn page(&self) -> Option<String> {
        let is_page = |link: &&Link| ["payer-action", "approve"].contains(&link.rel.as_str());
        self.links.iter().find(is_page).map(|link| link.href.clone())
    }

    /// Says whether the buyer approved it, and nobody captured it yet.
    pub(super) fn is_approved(&self) -> bool {
        self.status == "APPROVED"
    }

    /// What it says about the payment. Only a capture is money: an order that the buyer approved is not paid.
    pub(super) fn report(
        self,
        payment: &Payment,
        checkout: &str,
        now: Timestamp,
    ) -> Result<ProviderReport, ProviderError> {
        must(self.id == checkout, "id")?;
        let [unit] = self.purchase_units.as_slice() else { return Err(ProviderError::Mismatch("purchase_units")) };
        must(unit.custom_id == Some(payment.id.to_string()), "custom_id")?;
        must(unit.amount.read(payment)? == payment.price, "amount")?;
        let mut facts = Vec::new();
        for capture in &unit.payments.captures {
            facts.push(capture.fact(payment, &self.payer)?);
        }
        for refund in &unit.payments.refunds {
            facts.push(refund.fact(payment)?);
        }
        match (facts.is_empty(), self.status.as_str()) {
            (false, _) => Ok(ProviderReport { facts, instrument: self.payer.payer_id }),
            (true, "COMPLETED") => Err(unreadable("completed, without a capture")),
            (true, _) => Ok(unpaid(payment, now)),
        }
    }
}

impl Amount {
    fn read(&self, payment: &Payment) -> Result<Money, ProviderError> {
        let currency = payment.price.currency;
        must(self.currency_code == currency.code(), "currency")?;
        Money::from_decimal(&self.value, currency).ok_or_else(|| unreadable("an amount"))
    }
}

impl Capture {
    fn fact(&self, payment: &Payment, payer: &Payer) -> Result<PaymentFact, ProviderError> {
        let amount = self.amount.read(payment)?;
        must(amount == payment.price, "amount")?;
        Ok(match self.status {
            CaptureStatus::Completed | CaptureStatus::PartiallyRefunded | CaptureStatus::Refunded => {
                PaymentFact::Paid(PaymentReceipt {
                    provider: PaymentProvider::Paypal,
                    net: amount,
                    total: amount,
                    transaction: kept::paypal_id(&self.id).ok_or_else(|| unreadable("a capture's id"))?,
                    billing_email: payer.email_address.as_deref().and_then(kept::email),
                    country: payer.address.as_ref().and_then(|address| kept::country(address.country_code.as_deref()?)),
                    at: self.create_time,
                })
            }
            CaptureStatus::Pending => PaymentFact::Pending,
            CaptureStatus::Declined | CaptureStatus::Failed => PaymentFact::Failed,
        })
    }
}

impl Refund {
    fn fact(&self, payment: &Payment) -> Result<PaymentFact, ProviderError> {
        let state = match self.status {
            RefundStatus::Pending | RefundStatus::Completed => RefundState::Succeeded,
            RefundStatus::Cancelled | RefundStatus::Failed => RefundState::Reverted,
        };
        let id = kept::paypal_id(&self.id).ok_or_else(|| unreadable("a refund's id"))?;
        Ok(PaymentFact::Refund { id, amount: self.amount.read(payment)?, state })
    }
}

pub(super) const fn unreadable(what: &'static str) -> ProviderError {
    ProviderError::unreadable(PaymentProvider::Paypal, what)
}

//! A Checkout Session: made for a payment, and held against it when it is asked about.

use domain::{
    PaymentId,
    money::{Currency, Money},
    payments::{
        payment::{Payment, PaymentFact, PaymentProvider, PaymentReceipt},
        tax::Tax,
    },
};
use jiff::Timestamp;
use stripe::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAdaptivePricing, CreateCheckoutSessionAutomaticTax,
    CreateCheckoutSessionInvoiceCreation, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionLineItemsPriceDataTaxBehavior as TaxBehavior, CreateCheckoutSessionPaymentIntentData,
    CreateCheckoutSessionTaxIdCollection, ProductData, RetrieveCheckoutSession,
};
use stripe_shared::{
    CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus, CheckoutSessionStatus, PaymentIntent,
    PaymentIntentStatus,
};

use super::Stripe;
use crate::error::must;
use crate::{Buyer, HostedCheckout, PaymentSettings, ProviderError, ProviderReport, kept};

impl Stripe {
    pub(crate) async fn create(
        &self,
        settings: &PaymentSettings,
        payment: &Payment,
        title: &str,
        buyer: Buyer<'_>,
    ) -> Result<HostedCheckout, ProviderError> {
        let id = payment.id.to_string();
        let key = IdempotencyKey::new(&id).map_err(|_| unreadable("no key"))?;
        let request = request(settings, payment, title, buyer.billing_email.unwrap_or(buyer.email)).customize();
        let session = request.request_strategy(RequestStrategy::Idempotent(key)).send(self).await?;
        let checkout = kept::stripe_id(session.id.as_str()).ok_or_else(|| unreadable("the session's id"))?;
        must(session.client_reference_id == Some(id), "client_reference_id")?;
        must(session.livemode == self.live, "livemode")?;
        let url = session.url.ok_or_else(|| unreadable("no page for the buyer"))?;
        Ok(HostedCheckout { checkout, url })
    }

    pub(crate) async fn poll(&self, payment: &Payment, checkout: &str) -> Result<ProviderReport, ProviderError> {
        let expanded = ["line_items", "payment_intent.latest_charge"].map(str::to_owned);
        let session = RetrieveCheckoutSession::new(checkout).expand(expanded).send(self).await?;
        check(&session, payment, checkout, self.live)?;
        let intent = session.payment_intent.as_ref().and_then(|intent| intent.as_object());
        let fact = match (&session.payment_status, &session.status) {
            (CheckoutSessionPaymentStatus::Paid, _) => {
                let intent = intent.ok_or_else(|| unreadable("paid, without a payment intent"))?;
                return paid(&session, intent, payment);
            }
            (CheckoutSessionPaymentStatus::Unpaid, Some(CheckoutSessionStatus::Open)) => None,
            (CheckoutSessionPaymentStatus::Unpaid, Some(CheckoutSessionStatus::Expired)) => Some(PaymentFact::Expired),
            (CheckoutSessionPaymentStatus::Unpaid, Some(CheckoutSessionStatus::Complete)) => Some(delayed(intent)),
            _ => return Err(unreadable("the session's status")),
        };
        Ok(ProviderReport { facts: fact.into_iter().collect(), instrument: None })
    }
}

impl Stripe {
    pub(crate) async fn paid_total(
        &self,
        payment: PaymentId,
        checkout: &str,
    ) -> Result<Option<(String, Money)>, ProviderError> {
        let session = RetrieveCheckoutSession::new(checkout).send(self).await?;
        must(session.id.as_str() == checkout, "id")?;
        must(session.client_reference_id == Some(payment.to_string()), "client_reference_id")?;
        must(session.livemode == self.live, "livemode")?;
        if session.payment_status != CheckoutSessionPaymentStatus::Paid {
            return Ok(None);
        }
        let intent = session.payment_intent.as_ref().and_then(|intent| kept::stripe_id(intent.id().as_str()));
        let intent = intent.ok_or_else(|| unreadable("paid, without a payment intent"))?;
        let currency = session.currency.and_then(|currency| currency.to_string().parse().ok());
        let currency = currency.ok_or(ProviderError::Mismatch("currency"))?;
        let total = session.amount_total.ok_or_else(|| unreadable("paid, without a total"))?;
        Ok(Some((intent, Money::new(total, currency))))
    }
}

fn request(settings: &PaymentSettings, payment: &Payment, title: &str, email: &str) -> CreateCheckoutSession {
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(currency(payment.price.currency));
    price.unit_amount = Some(payment.price.amount);
    price.product_data = Some(ProductData::new(title));
    price.tax_behavior = match settings.tax {
        Tax::None => None,
        Tax::Exclusive => Some(TaxBehavior::Exclusive),
        Tax::Inclusive => Some(TaxBehavior::Inclusive),
    };
    let is_taxed = settings.tax != Tax::None;
    let mut item = CreateCheckoutSessionLineItems::new();
    item.price_data = Some(price);
    item.quantity = Some(1);
    // The buyer pays what the catalogue says, in the currency in which it says it.
    let mut pricing = CreateCheckoutSessionAdaptivePricing::new();
    pricing.enabled = Some(false);

    let back = settings.return_to(payment.id);
    let session = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .client_reference_id(payment.id.to_string())
        .customer_email(email)
        .line_items([item])
        .adaptive_pricing(pricing)
        .automatic_tax(CreateCheckoutSessionAutomaticTax::new(is_taxed))
        .expires_at(payment.closes_at().as_second())
        .success_url(&back)
        .cancel_url(settings.cancel_to(payment.id));
    // A business names its tax id, which may free it from the tax, and everyone gets an invoice that shows the tax.
    let session = if is_taxed {
        session
            .tax_id_collection(CreateCheckoutSessionTaxIdCollection::new(true))
            .invoice_creation(CreateCheckoutSessionInvoiceCreation::new(true))
    } else {
        session
    };
    match &settings.statement_descriptor_suffix {
        None => session,
        Some(suffix) => {
            let mut intent = CreateCheckoutSessionPaymentIntentData::new();
            intent.statement_descriptor_suffix = Some(suffix.clone());
            session.payment_intent_data(intent)
        }
    }
}

/// Whether the session is the payment's, for its price. What the buyer pays may be more than the price only by the tax. A price
/// with the tax in it is the subtotal as well as the total.
fn check(session: &CheckoutSession, payment: &Payment, checkout: &str, live: bool) -> Result<(), ProviderError> {
    let Money { amount, currency: priced } = payment.price;
    must(session.id.as_str() == checkout, "id")?;
    must(session.client_reference_id == Some(payment.id.to_string()), "client_reference_id")?;
    must(session.mode == CheckoutSessionMode::Payment, "mode")?;
    must(session.livemode == live, "livemode")?;
    must(session.currency == Some(currency(priced)), "currency")?;
    must(session.amount_subtotal == Some(amount), "amount_subtotal")?;
    let items = session.line_items.as_ref().map(|items| items.data.as_slice());
    let Some([item]) = items else { return Err(ProviderError::Mismatch("line_items")) };
    must(item.quantity == Some(1), "quantity")?;
    must(item.amount_subtotal == amount && item.currency == currency(priced), "line_items")?;
    let (tax, total) = (tax(session), session.amount_total);
    let is_price = total == amount.checked_add(tax) || total == Some(amount);
    must((0..=amount).contains(&tax) && is_price, "amount_total")
}

/// The tax in the total.
fn tax(session: &CheckoutSession) -> i64 {
    session.total_details.as_ref().map_or(0, |details| details.amount_tax)
}

fn paid(session: &CheckoutSession, intent: &PaymentIntent, payment: &Payment) -> Result<ProviderReport, ProviderError> {
    let charge = intent.latest_charge.as_ref().and_then(|charge| charge.as_object());
    let charge = charge.ok_or_else(|| unreadable("paid, without a charge"))?;
    let total = session.amount_total.ok_or_else(|| unreadable("paid, without a total"))?;
    let customer = session.customer_details.as_ref();
    let email = customer.and_then(|customer| customer.email.as_deref());
    let country = customer.and_then(|customer| customer.address.as_ref()?.country.as_deref());
    let receipt = PaymentReceipt {
        provider: PaymentProvider::Stripe,
        net: Money::new(total.saturating_sub(tax(session)), payment.price.currency),
        total: Money::new(total, payment.price.currency),
        transaction: kept::stripe_id(intent.id.as_str()).ok_or_else(|| unreadable("the payment intent's id"))?,
        billing_email: email.and_then(kept::email),
        country: country.and_then(kept::country),
        at: Timestamp::from_second(charge.created).map_err(|_| unreadable("the charge's time"))?,
    };
    let card = charge.payment_method_details.as_ref().and_then(|method| method.card.as_ref());
    let instrument = card.and_then(|card| card.fingerprint.clone());
    Ok(ProviderReport { facts: vec![PaymentFact::Paid(receipt)], instrument })
}

/// A method that pays later: still on its way, or failed by now
/// (<https://docs.stripe.com/payments/paymentintents/lifecycle>).
const fn delayed(intent: Option<&PaymentIntent>) -> PaymentFact {
    let status = match intent {
        Some(intent) => Some(&intent.status),
        None => None,
    };
    match status {
        Some(PaymentIntentStatus::RequiresPaymentMethod | PaymentIntentStatus::Canceled) => PaymentFact::Failed,
        _ => PaymentFact::Pending,
    }
}

const fn currency(currency: Currency) -> stripe_types::Currency {
    match currency {
        Currency::Usd => stripe_types::Currency::USD,
        Currency::Eur => stripe_types::Currency::EUR,
        Currency::Gbp => stripe_types::Currency::GBP,
        Currency::Jpy => stripe_types::Currency::JPY,
    }
}

const fn unreadable(what: &'static str) -> ProviderError {
    ProviderError::unreadable(PaymentProvider::Stripe, what)
}

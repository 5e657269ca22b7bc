//! What is heard of payments, from whichever messenger: found, settled, written, once.
//!
//! A grant and a claw-back happen in one transaction with the ledger entry, conditioned on the versions of the payment and
//! the account, so of two messengers that come at once the second finds nothing new. What is heard of a payment that is not
//! known yet is parked, and `sweep` looks at it again until the payment is there.

use ::payments::{
    Buyer, Endpoints, HostedCheckout, Keys, KeysError, MessageClaim, PaymentProviders as Providers, PaymentSettings,
    ProviderError, ProviderReport, SettingsError, WebhookEvent,
};
use domain::{
    AccountId, LedgerEntryId, PaymentId, Refusal,
    accounts::account::Account,
    credits::ledger::{Cause, CreditBucket},
    money::Money,
    payments::{
        payment::{
            CheckoutProgress, Mismatch, Payment, PaymentFact, PaymentProvider, PaymentReference, UnclaimedPayment,
        },
        review::ReviewDecision,
        settlement::{self, Settlement, SettlementContext},
        tax::Tax,
    },
    privacy::erasure::RetainedPayment,
};
use jiff::Timestamp;
use runtime::{
    Error,
    clients::{AppKeyError, Clients},
    clock,
    config::Environment,
    secrets::SecretUnreadable,
    telemetry::{Metric, metric},
};
use std::sync::{Arc, Mutex, PoisonError};
use store::{ParkedFact, Records, StoreError, Table, Write};

use crate::ATTEMPTS;

/// Seconds of the window in which different cards are counted.
const CARDS_WINDOW_S: i64 = 3_600;
/// Seconds for which the keys of the providers are good without another look.
pub const KEYS_S: i64 = 3_600;
/// Seconds after which keys that turn out wrong make us look whether they were rotated.
pub const ROTATED_KEYS_S: i64 = 60;

/// The window, in seconds, in which a repeat of an IPN that was applied is recognised by a keyed hash of its body.
pub const APPLIED_IPN: (&str, i64) = ("applied-ipn", 86_400);

/// Why something that was heard was not written. Nothing was, or nothing is known; hearing it again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// A call failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no application key to count cards under.
    #[error(transparent)]
    AppKey(#[from] AppKeyError),
    /// It cannot be about this payment. Hearing it again helps nobody: a person must look.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The provider did not do what was asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The secret with the keys was not given.
    #[error(transparent)]
    Secret(#[from] SecretUnreadable),
    /// It is no good.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The keys do not fit the settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Others wrote every time.
    #[error("it is being changed by others")]
    Contended,
}

impl PaymentError {
    /// Whether it cannot be about the payment that it names. A repeat does not help: a staff member must look.
    #[must_use]
    pub const fn is_mismatch(&self) -> bool {
        matches!(self, Self::Mismatch(_) | Self::Provider(ProviderError::Mismatch(_)))
    }
}

/// What came of something that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    /// It is about this payment, and written if it was new.
    Applied(Box<Payment>),
    /// It is about a payment of an erased account, and written to what is retained of that if it was new.
    Retained,
    /// Its payment is not known yet; it waits.
    Parked,
    /// It is money for an account that is gone. It is recorded, to be refunded.
    Unclaimed,
    /// It is about nothing that is known here and moves nothing.
    Unknown,
}

/// Says whether a message is about a payment that is known here, or retained of an erased account.
///
/// # Errors
/// A call failed.
pub async fn is_known(table: &Table, records: &Records, claim: &MessageClaim) -> Result<bool, StoreError> {
    if table.has_payment(&claim.references).await? {
        return Ok(true);
    }
    for reference in &claim.references {
        if let PaymentReference::Transaction(provider, transaction) = reference
            && records.retained_payment(*provider, transaction).await?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Settles payments, and asks their providers.
pub struct PaymentService {
    table: Table,
    records: Records,
    clients: Arc<Clients>,
    app_key_secret: String,
    keys_secret: String,
    settings: PaymentSettings,
    providers: Mutex<Option<(Arc<Providers>, Timestamp)>>,
}

/// Lists the payment providers that are enabled in this deployment.
///
/// # Errors
/// The variable names another one.
pub fn payment_providers(environment: &Environment) -> Result<Vec<PaymentProvider>, UnknownPaymentProvider> {
    let names = environment.optional("PAYMENT_PROVIDERS").unwrap_or_default().split(',').map(str::trim);
    let providers = names.filter(|name| !name.is_empty()).map(|name| {
        let known = [PaymentProvider::Stripe, PaymentProvider::Paypal];
        let known = known.into_iter().find(|provider| provider.as_str() == name);
        known.ok_or_else(|| UnknownPaymentProvider(name.to_owned()))
    });
    providers.collect()
}

/// Returns whether this deployment adds tax.
///
/// # Errors
/// The variable is missing, or names no tax setting.
pub fn tax(environment: &Environment) -> Result<Tax, Error> {
    Ok(environment.required("TAX")?.parse()?)
}

/// The name of an unknown payment provider.
#[derive(Debug, thiserror::Error)]
#[error("PAYMENT_PROVIDERS names {0}: it may name stripe and paypal, separated by a comma")]
pub struct UnknownPaymentProvider(String);

/// What checkouts are made with in this deployment.
///
/// # Errors
/// A variable is missing or no good; the message says what to do.
pub fn settings(environment: &Environment) -> Result<PaymentSettings, Error> {
    let live = environment.required("STAGE")? == "prod";
    Ok(PaymentSettings {
        live,
        endpoints: Endpoints::parse(live, environment.optional("PAYMENT_ENDPOINTS").unwrap_or_default())?,
        return_url: environment.required("RETURN_URL")?,
        tax: tax(environment)?,
        statement_descriptor_suffix: environment.optional("STATEMENT_SUFFIX").map(str::to_owned),
    })
}

impl PaymentService {
    /// On this table, with what the environment names. Asks nobody for anything yet.
    ///
    /// # Errors
    /// A variable is missing or no good; it is named.
    pub fn open(environment: &Environment, clients: &Arc<Clients>, table: Table) -> Result<Self, Error> {
        Ok(Self {
            table,
            records: Records::new(clients.dynamodb().clone(), environment.required("RECORDS")?),
            clients: clients.clone(),
            app_key_secret: environment.required("APP_KEY_SECRET")?,
            keys_secret: environment.required("PAYMENT_KEYS_SECRET")?,
            settings: settings(environment)?,
            providers: Mutex::new(None),
        })
    }

    /// The providers, with the keys of the secret: fetched when they are first needed, and again once they are older than
    /// `at_most_s` seconds, so that a caller whose key was refused can look whether it was rotated.
    ///
    /// # Errors
    /// The secret cannot be read, or is no good.
    pub async fn providers(&self, at_most_s: i64, now: Timestamp) -> Result<Arc<Providers>, PaymentError> {
        let known = self.providers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((providers, since)) = known
            && (0..at_most_s).contains(&now.duration_since(since).as_secs())
        {
            return Ok(providers);
        }
        let keys = Keys::parse(&self.clients.secret(&self.keys_secret).await?)?;
        let providers = Arc::new(Providers::new(self.settings.clone(), keys)?);
        *self.providers.lock().unwrap_or_else(PoisonError::into_inner) = Some((providers.clone(), now));
        Ok(providers)
    }

    /// Calls a provider, and once more if it has no keys here or does not take them, and the secret was read again since.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn call<T, F: Future<Output = Result<T, ProviderError>>>(
        &self,
        now: Timestamp,
        call: impl Fn(Arc<Providers>) -> F,
    ) -> Result<T, PaymentError> {
        call_with_keys(|at_most_s| self.providers(at_most_s, now), call).await
    }

    /// Makes the checkout of a payment at its provider. A repeat gives the same checkout.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn create(
        &self,
        payment: &Payment,
        title: &str,
        buyer: Buyer<'_>,
        now: Timestamp,
    ) -> Result<HostedCheckout, PaymentError> {
        self.call(now, |providers| async move { providers.create(payment, title, buyer, now).await }).await
    }

    /// Asks the provider to refund this amount of a payment. Its messages report what comes of it. A repeat with the same key and amount
    /// refunds nothing more.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn refund(
        &self,
        payment: &Payment,
        amount: Money,
        key: &str,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        self.call(now, |providers| async move { providers.refund(payment, amount, key, now).await }).await
    }

    /// Asks the provider what became of a checkout, and writes what it says: the one way in which a payment is fulfilled,
    /// safe to take again and at the same time by several.
    ///
    /// # Errors
    /// [`PaymentError`]. `None` if the payment or its account is gone.
    pub async fn fulfil(&self, payment: &Payment, now: Timestamp) -> Result<Option<Payment>, PaymentError> {
        let said = self.call(now, |providers| async move { providers.poll(payment, now).await }).await?;
        self.apply_facts((payment.account, payment.id), &said, now).await
    }

    /// Polls the provider as [`fulfil`](Self::fulfil) does, and captures a PayPal order that the buyer approved and whose capture
    /// the browser did not request.
    ///
    /// # Errors
    /// [`PaymentError`]. `None` if the payment or its account is gone.
    pub async fn fulfil_or_capture(&self, payment: &Payment, now: Timestamp) -> Result<Option<Payment>, PaymentError> {
        let report = self.call(now, |providers| async move { providers.poll_or_capture(payment, now).await }).await?;
        self.apply_facts((payment.account, payment.id), &report, now).await
    }

    /// Takes the money of a checkout with PayPal that the buyer has approved, and writes what came of it. A repeat takes
    /// nothing more.
    ///
    /// # Errors
    /// [`PaymentError`]. `None` if the payment or its account is gone.
    pub async fn capture(&self, payment: &Payment, now: Timestamp) -> Result<Option<Payment>, PaymentError> {
        let said = self.call(now, |providers| async move { providers.capture(payment, now).await }).await?;
        self.apply_facts((payment.account, payment.id), &said, now).await
    }

    /// Hears something of a payment that a messenger names.
    ///
    /// # Errors
    /// [`PaymentError`].
    pub async fn apply_event(
        &self,
        reference: &PaymentReference,
        said: &ProviderReport,
        now: Timestamp,
    ) -> Result<EventOutcome, PaymentError> {
        if let Some(heard) = self.apply_to_known_payment(reference, said, now).await? {
            return Ok(heard);
        }
        if self.apply_to_retained_payment(reference, said).await? {
            return Ok(EventOutcome::Retained);
        }
        if let PaymentReference::Payment(id) = reference {
            // A payment is written before anybody hears of it, so this one is gone, or was never ours.
            return self.record_if_paid(*id, &said.facts, now).await;
        }
        for fact in &said.facts {
            let parked = ParkedFact::new(reference.clone(), fact.clone(), now);
            if !self.table.try_commit(&[Write::Park(&parked)]).await? {
                return Err(PaymentError::Contended);
            }
        }
        // It may have become known since. If it becomes known after this, the next look finds it, within an hour.
        Ok(self.apply_to_known_payment(reference, said, now).await?.unwrap_or(EventOutcome::Parked))
    }

    /// Applies what a verified message reports. If something became of a checkout, Stripe is polled now, and PayPal by the next
    /// sweep: the buyer's browser usually is faster.
    ///
    /// # Errors
    /// [`PaymentError`].
    pub async fn apply_message(
        &self,
        provider: PaymentProvider,
        event: &WebhookEvent,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        match event {
            WebhookEvent::Report(reference, report) => self.apply_event(reference, report, now).await.map(drop),
            WebhookEvent::OtherCurrency(reference) => self.refuse_currency(reference).await,
            WebhookEvent::UnknownValue(field) => {
                measure_unknown_value(provider, field);
                Ok(())
            }
            WebhookEvent::Poll { payment, checkout, paid } => match provider {
                PaymentProvider::Stripe => self.poll_now(*payment, paid.then_some(checkout.as_str()), now).await,
                PaymentProvider::Paypal => self.poll_soon(*payment, now).await,
            },
            WebhookEvent::Ignored => Ok(()),
        }
    }

    /// Applies what Stripe lists, if it is about a payment that is known here, or that was paid and deleted.
    ///
    /// # Errors
    /// [`PaymentError`].
    pub async fn apply_listed(&self, event: &WebhookEvent, now: Timestamp) -> Result<(), PaymentError> {
        match event {
            WebhookEvent::Report(reference, report) => {
                if self.apply_to_known_payment(reference, report, now).await?.is_none() {
                    self.apply_to_retained_payment(reference, report).await?;
                }
                Ok(())
            }
            // Its webhook measured it: a list would do so each day.
            WebhookEvent::UnknownValue(_) => Ok(()),
            event => self.apply_message(PaymentProvider::Stripe, event, now).await,
        }
    }

    /// Polls Stripe about a payment, and fulfils it if it is paid. Records money for a payment that does not exist.
    async fn poll_now(&self, id: PaymentId, paid_as: Option<&str>, now: Timestamp) -> Result<(), PaymentError> {
        let found = match self.table.find_payment(&PaymentReference::Payment(id)).await? {
            Some((account, id)) => self.table.payment(account, id).await?,
            None => None,
        };
        let fulfilled = match found {
            Some(payment) => self.fulfil(&payment, now).await?,
            None => None,
        };
        let (None, Some(checkout)) = (fulfilled, paid_as) else { return Ok(()) };
        let call = |providers: Arc<Providers>| async move { providers.paid_total(id, checkout).await };
        let (transaction, total) = match self.call(now, call).await {
            Ok(Some((transaction, total))) => (transaction, Some(total)),
            // The event is Stripe's, so the money is recorded even if Stripe does not show the checkout as paid.
            Ok(None) | Err(PaymentError::Provider(ProviderError::Refused { .. })) => (checkout.to_owned(), None),
            Err(error) => return Err(error),
        };
        let unclaimed = UnclaimedPayment::new(id, PaymentProvider::Stripe, transaction, total, now);
        self.record_unclaimed(&unclaimed).await
    }

    /// Has the next sweep poll a checkout that waits for its buyer.
    async fn poll_soon(&self, id: PaymentId, now: Timestamp) -> Result<(), PaymentError> {
        for _ in 0..ATTEMPTS {
            let Some((account, id)) = self.table.find_payment(&PaymentReference::Payment(id)).await? else {
                return Ok(());
            };
            let payment = self.table.payment(account, id).await?;
            let Some(payment) = payment.filter(|payment| payment.progress == CheckoutProgress::Created) else {
                return Ok(());
            };
            if self.table.try_commit(&[Write::Payment(&payment.poll_due(now))]).await? {
                return Ok(());
            }
        }
        Err(PaymentError::Contended)
    }

    /// Remembers for a day or two that this IPN was applied, so that a repeat of the same bytes costs nothing. One that was not
    /// verified is never remembered, as PayPal may still verify its repeat.
    ///
    /// # Errors
    /// A call failed.
    pub async fn remember_ipn(&self, raw: &[u8], now: Timestamp) -> Result<(), PaymentError> {
        let (window, window_s) = APPLIED_IPN;
        let hash = self.clients.sealer(&self.app_key_secret).await?.keyed_hash(&format!("window {window}"), raw);
        self.table.count_in_window(window, &hash, window_s, now).await?;
        Ok(())
    }

    /// Says whether a message is about a payment that is known here.
    ///
    /// # Errors
    /// A call failed.
    pub async fn knows(&self, claim: &MessageClaim) -> Result<bool, PaymentError> {
        Ok(is_known(&self.table, &self.records, claim).await?)
    }

    /// Refuses what a provider reports in a currency in which nothing is sold here, if its payment is known.
    ///
    /// # Errors
    /// A call failed, or [`PaymentError::Mismatch`] if the payment is known.
    pub async fn refuse_currency(&self, reference: &PaymentReference) -> Result<(), PaymentError> {
        match self.table.find_payment(reference).await? {
            Some(_) => Err(Mismatch("currency").into()),
            None => Ok(()),
        }
    }

    /// Learns something of a payment. What was known already writes nothing. What was paid with is counted under a keyed
    /// hash for an hour and kept nowhere else.
    ///
    /// # Errors
    /// [`PaymentError`]. `None` if there is no such payment, or no such account any more.
    pub async fn apply_facts(
        &self,
        (account, id): (AccountId, PaymentId),
        said: &ProviderReport,
        now: Timestamp,
    ) -> Result<Option<Payment>, PaymentError> {
        let rules = self.table.settings(now).await?.fraud_rules;
        let mut cards = None;
        for _ in 0..ATTEMPTS {
            let (Some(owner), Some(payment)) = self.table.account_and_payment(account, id).await? else {
                return Ok(None);
            };
            let cards_in_hour = match cards {
                Some(counted) => counted,
                None => self.count_cards(&payment, said, now).await?,
            };
            cards = Some(cards_in_hour);
            let others = others(&self.table, &payment).await?;
            let gift = self.table.gift_of(&payment).await?;
            let around = SettlementContext {
                account: &owner,
                others: &others,
                cards_in_hour,
                rules: &rules,
                gift: gift.as_ref(),
            };
            let entry = LedgerEntryId(clock::uuid_at(now));
            let Some(settlement) = settlement::apply_facts(&payment, &said.facts, around, entry, now)? else {
                return Ok(Some(payment));
            };
            let pointers = changed_pointers(&payment, &settlement.payment);
            self.check_transaction_unused(&pointers, (account, id)).await?;
            if self.table.try_commit(&writes(&settlement, &pointers)).await? {
                measure(&settlement);
                measure_delay(&payment, &settlement, now);
                return Ok(Some(settlement.payment));
            }
        }
        Err(PaymentError::Contended)
    }

    /// Looks once more at a fact that waits: whether its payment is known by now.
    ///
    /// # Errors
    /// [`PaymentError`].
    pub async fn retry_parked(&self, parked: &ParkedFact, now: Timestamp) -> Result<bool, PaymentError> {
        let report = parked.fact.clone().into();
        let heard = match self.apply_to_known_payment(&parked.reference, &report, now).await {
            Ok(None) => {
                let retained = self.apply_to_retained_payment(&parked.reference, &report).await;
                retained.map(|retained| retained.then_some(EventOutcome::Retained))
            }
            heard => heard,
        };
        let postponed = parked.postponed(now);
        let (write, found) = match &heard {
            Ok(Some(_)) => (Write::Unpark(parked), true),
            Ok(None) => (Write::Park(&postponed), false),
            // It is logged, and nothing that it could wait for makes it fit.
            Err(PaymentError::Mismatch(_)) => (Write::Unpark(parked), true),
            Err(_) => return heard.map(|_| false),
        };
        self.table.try_commit(&[write]).await?;
        heard.map(|_| found)
    }

    async fn apply_to_known_payment(
        &self,
        reference: &PaymentReference,
        said: &ProviderReport,
        now: Timestamp,
    ) -> Result<Option<EventOutcome>, PaymentError> {
        let Some(found) = self.table.find_payment(reference).await? else { return Ok(None) };
        let learned = self.apply_facts(found, said, now).await?;
        Ok(learned.map(|payment| EventOutcome::Applied(Box::new(payment))))
    }

    /// Applies a report to what is retained of a payment of an erased account. Returns whether there is any.
    async fn apply_to_retained_payment(
        &self,
        reference: &PaymentReference,
        report: &ProviderReport,
    ) -> Result<bool, PaymentError> {
        let PaymentReference::Transaction(provider, transaction) = reference else { return Ok(false) };
        for _ in 0..ATTEMPTS {
            let Some(retained) = self.records.retained_payment(*provider, transaction).await? else {
                return Ok(false);
            };
            let next = retained.with_facts(&report.facts)?;
            // Also if nothing is new: another message may have been overtaken between this write and the next.
            if !lessen_gift(&self.table, next.as_ref().unwrap_or(&retained)).await? {
                continue;
            }
            let Some(next) = next else { return Ok(true) };
            if self.records.retain_payment(&next).await? {
                return Ok(true);
            }
        }
        Err(PaymentError::Contended)
    }

    async fn record_if_paid(
        &self,
        id: PaymentId,
        facts: &[PaymentFact],
        now: Timestamp,
    ) -> Result<EventOutcome, PaymentError> {
        let paid =
            facts.iter().find_map(|fact| if let PaymentFact::Paid(receipt) = fact { Some(receipt) } else { None });
        let Some(receipt) = paid else { return Ok(EventOutcome::Unknown) };
        let transaction = receipt.transaction.clone();
        self.record_unclaimed(&UnclaimedPayment::new(id, receipt.provider, transaction, Some(receipt.total), now))
            .await?;
        Ok(EventOutcome::Unclaimed)
    }

    /// Records money that no account claims, and raises the alarm: staff must refund it. A repeat does neither, nor does a repeat
    /// of what was paid before the account was erased.
    ///
    /// # Errors
    /// The call failed.
    pub async fn record_unclaimed(&self, unclaimed: &UnclaimedPayment) -> Result<(), PaymentError> {
        if self.records.retained_payment(unclaimed.provider, &unclaimed.transaction).await?.is_some() {
            return Ok(());
        }
        if self.table.try_commit(&[Write::Unclaimed(unclaimed)]).await? {
            let UnclaimedPayment { payment, transaction, .. } = unclaimed;
            tracing::error!(%payment, transaction, "money arrived for a payment that is gone: refund it");
            metric(Metric::UnclaimedPayments, 1, &[]);
        }
        Ok(())
    }

    /// One transaction pays one payment.
    async fn check_transaction_unused(
        &self,
        pointers: &[PaymentReference],
        payment: (AccountId, PaymentId),
    ) -> Result<(), PaymentError> {
        for transaction in pointers.iter().filter(|pointer| matches!(pointer, PaymentReference::Transaction(..))) {
            if self.table.find_payment(transaction).await?.is_some_and(|other| other != payment) {
                return Err(Mismatch("transaction").into());
            }
        }
        Ok(())
    }

    /// The different cards that the account pays with in this hour. Counts one only where it pays now.
    async fn count_cards(&self, payment: &Payment, said: &ProviderReport, now: Timestamp) -> Result<u32, PaymentError> {
        let pays = payment.receipt.is_none() && said.facts.iter().any(|fact| matches!(fact, PaymentFact::Paid(_)));
        let Some(instrument) = said.instrument.as_deref().filter(|_| pays) else { return Ok(0) };
        let sealer = self.clients.sealer(&self.app_key_secret).await?;
        let account = sealer.keyed_hash("window cards account", payment.account.0.as_bytes());
        let card = sealer.keyed_hash("window cards", instrument.as_bytes());
        Ok(self.table.count_different_in_window("cards", (&account, &card), CARDS_WINDOW_S, now).await?)
    }
}

/// Calls with the keys that are known. If the provider has none, or does not take them, reads keys that are younger than
/// [`ROTATED_KEYS_S`] and calls once more, unless they are the same: a provider may have been turned on, or its keys rotated.
async fn call_with_keys<P, T, R, C>(read: impl Fn(i64) -> R, call: impl Fn(Arc<P>) -> C) -> Result<T, PaymentError>
where
    R: Future<Output = Result<Arc<P>, PaymentError>>,
    C: Future<Output = Result<T, ProviderError>>,
{
    let known = read(KEYS_S).await?;
    let refused = match call(known.clone()).await {
        Err(error @ (ProviderError::WrongKeys(_) | ProviderError::NotConfigured(_))) => error,
        answered => return Ok(answered?),
    };
    let newest = read(ROTATED_KEYS_S).await?;
    if Arc::ptr_eq(&known, &newest) { Err(refused.into()) } else { Ok(call(newest).await?) }
}

/// Has the code of a gift give what is left of the money of its retained payment. Returns `false` if another write came first.
///
/// # Errors
/// A call failed.
pub async fn lessen_gift(table: &Table, retained: &RetainedPayment) -> Result<bool, StoreError> {
    let Some(id) = retained.gift else { return Ok(true) };
    let gift = table.gift(id).await?;
    match gift.and_then(|gift| gift.after_return(retained.returned, retained.total.amount)) {
        Some(less) => table.try_commit(&[Write::Gift(&less)]).await,
        None => Ok(true),
    }
}

/// What follows from a decision of staff about a payment whose credits wait for one, with the account as it was read. Writes
/// nothing.
///
/// # Errors
/// A call failed.
pub async fn decide(
    table: &Table,
    (account, id): (AccountId, PaymentId),
    decision: &ReviewDecision,
    now: Timestamp,
) -> Result<Result<(Account, Settlement), Refusal>, StoreError> {
    let (Some(owner), Some(payment)) = table.account_and_payment(account, id).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    let others = others(table, &payment).await?;
    let gift = table.gift_of(&payment).await?;
    let rules = table.settings(now).await?.fraud_rules;
    let around =
        SettlementContext { account: &owner, others: &others, cards_in_hour: 0, rules: &rules, gift: gift.as_ref() };
    let entry = LedgerEntryId(clock::uuid_at(now));
    let settled = settlement::apply_decision(&payment, decision.clone(), around, entry, now);
    Ok(settled.map(|settlement| (owner, settlement)))
}

async fn others(table: &Table, payment: &Payment) -> Result<Vec<Payment>, StoreError> {
    let mut others = table.all_payments(payment.account).await?;
    others.retain(|other| other.id != payment.id);
    Ok(others)
}

/// Measures a value of a provider that is not known here, and names its field to the operator.
fn measure_unknown_value(provider: PaymentProvider, field: &'static str) {
    tracing::error!(provider = provider.as_str(), field, "value is not known and moved nothing");
    metric(Metric::UnknownWebhookValues, 1, &[provider.as_str()]);
}

/// Measures what a settlement that was written moved.
pub fn measure(settlement: &Settlement) {
    let Settlement { payment, entry, .. } = settlement;
    let outcome = payment.status();
    metric(Metric::Payments, 1, &[payment.provider.as_str(), outcome.as_str()]);
    let Some(entry) = entry else { return };
    let gained = |bucket| {
        let postings = entry.postings.iter().filter(|posting| posting.bucket == bucket);
        postings.map(|posting| posting.amount.0).sum::<i64>()
    };
    metric(Metric::CreditsBought, -gained(CreditBucket::Bought), &[]);
    metric(Metric::CreditsReversed, gained(CreditBucket::Reversed), &[]);
}

/// Measures how long a buyer waited for what was paid, if that is granted now. With a method that pays later the time runs
/// from when the buyer confirmed, which says nothing about us.
fn measure_delay(before: &Payment, settlement: &Settlement, now: Timestamp) {
    let granted = settlement.entry.as_ref().is_some_and(|entry| matches!(entry.cause, Cause::Purchase { .. }));
    let receipt =
        settlement.payment.receipt.as_ref().filter(|_| granted && before.progress != CheckoutProgress::Pending);
    if let Some(receipt) = receipt {
        let delay_ms = i64::try_from(now.duration_since(receipt.at).as_millis()).unwrap_or(i64::MAX);
        metric(Metric::GrantDelayMs, delay_ms, &[]);
    }
}

/// What one transaction writes of a settlement, with the pointers that change.
#[must_use]
pub fn writes<'a>(settlement: &'a Settlement, pointers: &'a [PaymentReference]) -> Vec<Write<'a>> {
    let Settlement { payment, account, entry, gift, plan_change, sums } = settlement;
    let mut writes = vec![Write::Payment(payment)];
    writes.extend(account.as_ref().map(Write::Account));
    writes.extend(entry.as_ref().map(|entry| Write::LedgerEntry(payment.account, entry)));
    writes.extend(gift.as_ref().map(Write::Gift));
    writes.extend(plan_change.as_ref().map(Write::PlanChange));
    writes.extend(sums.iter().map(|sum| Write::DailySum(sum, payment.id.0)));
    writes.extend(pointers.iter().map(|reference| Write::PaymentPointer(reference, payment)));
    writes
}

/// From now on a paid one is found by its transaction as well; and a pointer goes when its payment goes.
fn changed_pointers(before: &Payment, after: &Payment) -> Vec<PaymentReference> {
    let receipt = after.receipt.as_ref().filter(|_| before.receipt.is_none());
    let paid = receipt.map(|receipt| PaymentReference::Transaction(after.provider, receipt.transaction.clone()));
    let own = (before.kept_until() != after.kept_until()).then_some(PaymentReference::Payment(after.id));
    paid.into_iter().chain(own).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::ready;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    struct Keys(&'static str);

    /// Calls with these keys, of which the first are known and the last are those of the secret. Returns the response, how old keys
    /// were allowed to be at each read, and the keys of each call.
    fn called(
        keys: [&Arc<Keys>; 2],
        refused: impl Fn(&str) -> Option<ProviderError>,
    ) -> (Result<(), PaymentError>, Vec<i64>, Vec<&'static str>) {
        let (reads, calls) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let read = |at_most_s| {
            reads.borrow_mut().push(at_most_s);
            ready(Ok(keys[usize::from(at_most_s < KEYS_S)].clone()))
        };
        let call = |keys: Arc<Keys>| {
            calls.borrow_mut().push(keys.0);
            ready(refused(keys.0).map_or(Ok(()), Err))
        };
        let mut calling = pin!(call_with_keys(read, call));
        let Poll::Ready(response) = calling.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("every call is answered at once")
        };
        (response, reads.take(), calls.take())
    }

    #[test]
    fn keys_that_are_missing_or_refused_are_read_again_once() {
        let (old, new) = (Arc::new(Keys("old")), Arc::new(Keys("new")));
        for error in
            [ProviderError::NotConfigured(PaymentProvider::Stripe), ProviderError::WrongKeys(PaymentProvider::Paypal)]
        {
            let of_old = |keys: &str| (keys == "old").then(|| error.clone());
            let (response, reads, calls) = called([&old, &new], of_old);
            assert!(response.is_ok(), "{response:?}");
            assert_eq!((reads, calls), (vec![KEYS_S, ROTATED_KEYS_S], vec!["old", "new"]));

            let (response, _, calls) = called([&old, &new], |_| Some(error.clone()));
            assert!(matches!(response, Err(PaymentError::Provider(refused)) if refused == error));
            assert_eq!(calls, ["old", "new"]);

            let (response, _, calls) = called([&old, &old], |_| Some(error.clone()));
            assert!(matches!(response, Err(PaymentError::Provider(refused)) if refused == error));
            assert_eq!(calls, ["old"], "the same keys are not tried again");
        }
    }

    #[test]
    fn other_failure_reads_no_keys() {
        let (old, new) = (Arc::new(Keys("old")), Arc::new(Keys("new")));
        let (response, reads, calls) = called([&old, &new], |_| Some(ProviderError::NotApproved));
        assert!(matches!(response, Err(PaymentError::Provider(ProviderError::NotApproved))));
        assert_eq!((reads, calls), (vec![KEYS_S], vec!["old"]));
    }
}

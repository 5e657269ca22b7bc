//! What is due about payments.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use domain::{
    PaymentId,
    payments::payment::{Payment, PaymentProvider, PaymentReference},
};
use jiff::Timestamp;
use lifecycle::payments::PaymentError;
use runtime::telemetry::{Metric, metric};
use store::{DueItem, Write};

use crate::{
    Sweep,
    actions::BATCH,
    round::{Action, Pace, Round, SweepError},
};

/// Who does not answer in this sweep.
#[derive(Default)]
pub(crate) struct UnresponsiveProviders(Mutex<BTreeSet<PaymentProvider>>);

impl UnresponsiveProviders {
    fn has(&self, provider: PaymentProvider) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&provider)
    }

    fn add(&self, provider: PaymentProvider) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(provider);
    }
}

impl Sweep {
    /// Asks the provider about a checkout. Whatever it says, the next question is a while away, so that one that cannot be
    /// answered keeps none from being asked. A provider that is `silent` is not asked again in this sweep, and what it would
    /// have been asked makes way for the other's.
    pub(crate) async fn checkout(
        &self,
        item: DueItem,
        silent: &UnresponsiveProviders,
        now: Timestamp,
    ) -> Result<Action, SweepError> {
        let found = self.table.payment(item.account, PaymentId(item.id)).await?;
        let Some(payment) = found.filter(|payment| payment.poll_at.is_some_and(|at| at <= now)) else {
            return Ok(Action::Nothing);
        };
        if silent.has(payment.provider) {
            self.ask_later(&payment.postponed(now)).await?;
            return Ok(Action::Nothing);
        }
        let answered = self.payments.fulfil_or_capture(&payment, now).await;
        match &answered {
            Ok(Some(known)) if known.version != payment.version => return Ok(Action::Settled),
            Ok(_) => {}
            Err(error) => {
                metric(Metric::UnansweredCheckouts, 1, &[payment.provider.as_str()]);
                if matches!(error, PaymentError::Provider(error) if error.retryable()) {
                    silent.add(payment.provider);
                }
            }
        }
        self.ask_later(&payment.polled(now)).await?;
        answered?;
        Ok(Action::Nothing)
    }

    async fn ask_later(&self, payment: &Payment) -> Result<(), SweepError> {
        self.table.try_commit(&[Write::Payment(payment)]).await?;
        Ok(())
    }

    /// Looks again at what was heard of payments before they were known.
    pub(crate) async fn parked(&self, pace: Pace, round: &mut Round) {
        let now = round.now;
        // Reads on past what fails, as `each` does.
        let (mut handled, mut after) = (0, None);
        while handled < BATCH {
            let parked = match self.table.due_parked(now, BATCH, after).await {
                Ok(parked) => parked,
                Err(error) => {
                    round.swept.failed += 1;
                    tracing::error!(error = %error, "what waits for its payment could not be read");
                    return;
                }
            };
            for waiting in parked.items {
                if !round.has_time(pace) {
                    return;
                }
                let swept = &mut round.swept;
                match self.payments.retry_parked(&waiting, now).await {
                    Ok(settled) => {
                        handled += 1;
                        if settled {
                            swept.settled += 1;
                            metric(Metric::SweepActions, 1, &["settled"]);
                        }
                    }
                    Err(error) => {
                        swept.failed += 1;
                        metric(Metric::SweepActions, 1, &["failed"]);
                        if let (true, PaymentReference::Transaction(provider, _)) =
                            (error.is_mismatch(), &waiting.reference)
                        {
                            metric(Metric::PaymentMismatches, 1, &[provider.as_str()]);
                        }
                        tracing::error!(error = %error, fact = waiting.fact.name(), "a fact that waited was not settled");
                    }
                }
            }
            match parked.next {
                Some(next) => after = Some(next),
                None => return,
            }
        }
    }

    /// Applies the refunds, disputes and undelivered events that Stripe lists for the time of this sweep.
    pub(crate) async fn list_stripe(&self, pace: Pace, silent: &UnresponsiveProviders, round: &mut Round) {
        let stripe = PaymentProvider::Stripe;
        if !self.payment_providers.contains(&stripe) || silent.has(stripe) || !round.has_time(pace) {
            return;
        }
        let (now, listed) = (round.now, round.listed());
        let events = match self.payments.call(now, |providers| async move { providers.list_stripe(listed).await }).await
        {
            Ok(events) => events,
            Err(error) => {
                round.swept.failed += 1;
                metric(Metric::SweepActions, 1, &["failed"]);
                tracing::error!(error = %error, "Stripe could not be asked for refunds and disputes: asked again in a day");
                return;
            }
        };
        for event in events {
            if !round.has_time(pace) {
                return;
            }
            if let Err(error) = self.payments.apply_listed(&event, now).await {
                round.swept.failed += 1;
                metric(Metric::SweepActions, 1, &["failed"]);
                if error.is_mismatch() {
                    metric(Metric::PaymentMismatches, 1, &[stripe.as_str()]);
                }
                tracing::error!(error = %error, "a refund, dispute or event that Stripe lists was not applied");
            }
        }
    }

    /// Whether Stripe sends all the events that are handled.
    pub(crate) async fn check_webhook(&self, pace: Pace, round: &Round) {
        if !self.payment_providers.contains(&PaymentProvider::Stripe) || !round.has_time(pace) {
            return;
        }
        match self.payments.call(round.now, |providers| async move { providers.webhook_faults().await }).await {
            Ok(faults) if faults.is_empty() => {}
            Ok(faults) => {
                let count = i64::try_from(faults.len()).unwrap_or(i64::MAX);
                let faults = faults.join(", ");
                tracing::error!(faults, "webhook endpoint at Stripe lacks these events or has another API version");
                metric(Metric::MissingWebhookEvents, count, &[]);
            }
            Err(error) => tracing::warn!(error = %error, "Stripe could not be asked which events it sends"),
        }
    }
}

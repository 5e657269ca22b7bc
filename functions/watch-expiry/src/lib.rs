//! Asks others what ends soon: AI providers, once a day, whether they still have the models of the catalogue, and when they end
//! them; AWS, every hour, how long the [certificate] of the web client is valid. Triggered by a schedule every hour.
//!
//! It is no part of the sweep, which has no keys of AI providers and must not wait for them. The event of the first hour of a
//! day of UTC asks; those after it ask those who did not answer, until all did. What was learned is one item, written over the
//! version that was read:
//!
//! | step | crash before it | crash after it | done twice |
//! |---|---|---|---|
//! | ask the providers | the event of the next hour asks | the same | they are asked twice, for free |
//! | measure what presses | the event of the next hour measures | it is measured again in an hour | the alarm takes the maximum |
//! | write what was learned | the event of the next hour asks | nothing is left to do that day | the second finds another version, and writes nothing |
//!
//! A provider that cannot be asked, for whatever reason, has said nothing: that is counted, what is known about its models stays,
//! and it is asked again in the next hour. If it did not answer in any hour of a day, the first event of the next day measures
//! that, for an alarm. Nothing else depends on this function: a model that is gone in fact fails with its first
//! job, and the next offer gets it.

mod certificate;

use std::{sync::Arc, time::Duration};

use domain::catalogue::{
    models::{Model, Offer},
    watch::{ModelNotice, ModelWatch, OfferAnswer},
};
use futures_util::{future::join_all, join};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::LambdaEvent;
use lifecycle::catalogue::Catalogues;
use providers::ModelStatus;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    events,
    telemetry::{Metric, metric},
};
use serde::{Deserialize, Serialize};
use store::{Table, Write};
use worker::Configured;

use crate::certificate::SiteCertificate;

/// The offers that are asked about at once.
const AT_ONCE: usize = 8;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time that is kept for writing what was learned.
const RESERVE: SignedDuration = SignedDuration::from_secs(5);

/// The event of the schedule.
#[derive(Debug, Deserialize)]
pub struct ScheduleEvent {
    /// The time for which the event was scheduled.
    pub time: Timestamp,
}

/// What came of an event.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct WatchReport {
    /// The offers that were asked about.
    pub asked: usize,
    /// Those whose provider could not be asked.
    pub unanswered: usize,
    /// Those that could not be asked about on the whole day before.
    pub silent_all_day: usize,
    /// What the operator must act on.
    pub pressing: usize,
}

/// The state of the function.
pub struct Watch {
    table: Table,
    providers: Configured,
    certificate: Option<SiteCertificate>,
}

/// Handles events until Lambda ends the process.
///
/// # Errors
/// A setting is missing or invalid.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let watch = Arc::new(Watch::open(&environment)?);
        Ok(move |event: LambdaEvent<ScheduleEvent>| {
            let watch = Arc::clone(&watch);
            async move {
                let deadline = clock::at_millisecond(event.context.deadline);
                let certificate = async {
                    if let Some(certificate) = &watch.certificate {
                        certificate.measure(clock::now()).await;
                    }
                };
                join!(watch.ask(event.payload.time, deadline), certificate).0
            }
        })
    })
    .await
}

impl Watch {
    /// Opens what the environment names. Calls nothing yet.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub fn open(environment: &Environment) -> Result<Self, Error> {
        let clients = Arc::new(Clients::new(environment)?);
        let shards = environment.integer("INDEX_SHARDS")?;
        let table = Table::new(clients.dynamodb().clone(), environment.required("TABLE")?, shards);
        let certificate = SiteCertificate::open(environment, &clients);
        Ok(Self { table, providers: Configured::new(environment, clients)?, certificate })
    }

    /// Asks about every offer of a model that can be asked for, unless its provider answered on this day. What cannot be asked in
    /// the time until the deadline counts as unanswered.
    ///
    /// # Errors
    /// A call to the table failed. The event of the next hour repeats everything.
    pub async fn ask(&self, now: Timestamp, deadline: Timestamp) -> Result<WatchReport, Error> {
        let previous = self.table.model_watch().await?;
        let is_of_today = previous.as_ref().is_some_and(|watch| watch.is_of(now));
        if is_of_today && previous.as_ref().is_some_and(|watch| watch.silent.is_empty()) {
            return Ok(WatchReport::default());
        }
        let catalogue = Catalogues::new(self.providers.enabled().to_vec()).present(&self.table, now).await?;
        let open = catalogue.open(now);
        let offers = ModelWatch::due(previous.as_ref(), &open, now);
        if is_of_today && offers.is_empty() {
            return Ok(WatchReport::default());
        }
        let silent_all_day = previous.as_ref().map_or(0, |watch| watch.silent_all_day(&open, now));
        if silent_all_day > 0 {
            tracing::error!("a provider did not answer about its models on the whole day before");
            metric(Metric::SilentModels, i64::try_from(silent_all_day).unwrap_or(i64::MAX), &[]);
        }
        let mut answers: Vec<(&Model, &Offer, OfferAnswer)> = Vec::new();
        for some in offers.chunks(AT_ONCE) {
            let has_time = clock::now() + PATIENCE + RESERVE <= deadline;
            let said = join_all(some.iter().map(|(_, offer)| async {
                if has_time { self.answer(offer, now).await } else { OfferAnswer::Unanswered }
            }));
            let said = said.await;
            answers.extend(some.iter().zip(said).map(|((model, offer), answer)| (*model, *offer, answer)));
        }
        for (_, offer, _) in answers.iter().filter(|(_, _, answer)| *answer == OfferAnswer::Unanswered) {
            metric(Metric::UnansweredModels, 1, &[&offer.provider]);
        }
        let asked = answers.len();
        let watch = ModelWatch::after(previous.as_ref(), answers, now);
        let pressing = watch.pressing(&catalogue, now);
        if pressing > 0 {
            tracing::error!("a provider does not have or will end a model that is offered");
            metric(Metric::EndingModels, i64::try_from(pressing).unwrap_or(i64::MAX), &[]);
        }
        self.table.try_commit(&[Write::ModelWatch(&watch)]).await?;
        Ok(WatchReport { asked, unanswered: watch.silent.len(), silent_all_day, pressing })
    }

    async fn answer(&self, offer: &Offer, now: Timestamp) -> OfferAnswer {
        let provider = match self.providers.provider(&offer.provider, now).await {
            Ok(Some(provider)) => provider,
            Ok(None) => {
                tracing::warn!(provider = offer.provider, "not asked about a model: it has no usable key");
                return OfferAnswer::Unanswered;
            }
            Err(error) => {
                tracing::warn!(error = %error, provider = offer.provider, "not asked about a model");
                return OfferAnswer::Unanswered;
            }
        };
        match tokio::time::timeout(PATIENCE, provider.model_status(&offer.model)).await {
            Ok(Ok(ModelStatus::Untold | ModelStatus::Available)) => OfferAnswer::Unremarkable,
            Ok(Ok(ModelStatus::Deprecated)) => OfferAnswer::Notice(ModelNotice::Deprecated),
            Ok(Ok(ModelStatus::ShutsDown(on))) => OfferAnswer::Notice(ModelNotice::ShutsDown { on }),
            Ok(Ok(ModelStatus::Gone)) => OfferAnswer::Notice(ModelNotice::Gone),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, provider = offer.provider, "a provider said nothing about a model");
                OfferAnswer::Unanswered
            }
            Err(_) => {
                tracing::warn!(provider = offer.provider, "a provider did not answer about a model in time");
                OfferAnswer::Unanswered
            }
        }
    }
}

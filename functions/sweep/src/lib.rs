//! Handles everything that is due. Triggered by a schedule every minute.
//!
//! - Generations: sends a lost message again; fails and refunds a generation past its deadline; deletes one that expired or
//!   that its owner deleted, files first, item last; deletes the received files of one that ended without them.
//! - Uploads: deletes those that were not completed, that expired, or that their owner deleted.
//! - Plans: has the expiry of files follow a change of the plan of their account, a thousand files in a sweep.
//! - Legal holds: held data is hidden when it expires, and deleted once the hold is released. Disclosures are deleted after a
//!   week.
//! - Sign-ups: deletes a user who never signed in after some days.
//! - Email addresses: completes a confirmed change that is not complete after a minute.
//! - Moderation: sends the mails about decisions that were not sent at once, and answers to reports whose case was erased with its
//!   account; counts each hour the cases that staff must decide soon.
//! - Account deletion: sends an erasure that is late to `erase-account` again.
//! - Exports: sends a lost message again; fails an export that is not ready within a day, and counts it; deletes a ready one
//!   after seven days, file first, item last.
//! - Checkouts: polls the provider some minutes after the checkout was opened; grants what was paid without a webhook, and
//!   closes what expired. Applies parked facts whose payment is known by now.
//! - Refunds and disputes: each sweep lists those of some hours at Stripe, so that a day covers the last 180, with the events that
//!   Stripe could not deliver, and applies what no webhook reported. Paid orders of PayPal are polled daily.
//! - Once a day: asks Stripe whether it sends all handled events, and counts the tickets that wait too long for a reply.
//! - Ledger: replays the ledger of each account that something was done for, and compares it with the balance. As all
//!   generated files expire, each account that generates is checked at some time.
//!
//! The time is the `time` of the event. A repeat finds nothing to do; of two concurrent sweeps one writes. A failure is logged,
//! is due again in a minute, and does not stop the rest: the sweep reads on past what fails. Nor does an unresponsive payment
//! provider stop it. Work on our own table and bucket comes first. The sweep begins nothing that may not end before its deadline:
//! the rest is due in the next minute.

mod actions;
mod payments;
mod round;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::LambdaEvent;
use lifecycle::{address::EmailChanges, payments::PaymentService, user_pool::UserDirectory};
use runtime::{Error, clients::Clients, clock, config::Environment, events};
use serde::Deserialize;
use store::{Bucket, DueKind, GenerationQueues, Queue, Table};

pub use actions::Sweep;
pub use round::SweepReport;

use crate::{
    payments::UnresponsiveProviders,
    round::{Pace, Round},
};

/// The pace of work on our own table, bucket and queues.
const OWN: Pace = Pace { at_once: 1, takes: SignedDuration::from_secs(3) };
/// The pace of requests to payment providers: each item may need two requests with ten seconds each.
const QUESTIONS: Pace = Pace { at_once: 10, takes: SignedDuration::from_secs(25) };

/// The event of the schedule.
#[derive(Debug, Deserialize)]
pub struct SweepEvent {
    /// The time for which the sweep was scheduled.
    pub time: Timestamp,
}

/// Handles events until Lambda ends the process.
///
/// # Errors
/// A setting is missing or invalid.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let sweep = Sweep::open(&environment)?;
        Ok(move |event: LambdaEvent<SweepEvent>| {
            let sweep = sweep.clone();
            async move {
                let deadline = clock::at_millisecond(event.context.deadline);
                Ok::<_, Error>(sweep.all(event.payload.time, deadline).await)
            }
        })
    })
    .await
}

impl Sweep {
    /// Opens what the environment names. Calls nothing yet.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub fn open(environment: &Environment) -> Result<Self, Error> {
        let clients = Arc::new(Clients::new(environment)?);
        let table = Table::new(
            clients.dynamodb().clone(),
            environment.required("TABLE")?,
            environment.integer("INDEX_SHARDS")?,
        );
        Ok(Self {
            payments: Arc::new(PaymentService::open(environment, &clients, table.clone())?),
            payment_providers: lifecycle::payments::payment_providers(environment)?.into(),
            addresses: Arc::new(EmailChanges::open(environment, &clients, table.clone())?),
            users: Arc::new(UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?)),
            table,
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queues: GenerationQueues::new(
                clients.sqs().clone(),
                environment.required("IMAGE_QUEUE_URL")?,
                environment.required("VIDEO_QUEUE_URL")?,
            ),
            finishing: Queue::new(clients.sqs().clone(), environment.required("FINISH_QUEUE_URL")?),
            erasures: Queue::new(clients.sqs().clone(), environment.required("ERASURE_QUEUE_URL")?),
            exports: Queue::new(clients.sqs().clone(), environment.required("EXPORT_QUEUE_URL")?),
        })
    }

    /// Handles what is due: a bounded number of each kind, and only what can end before the deadline. The rest is due in the
    /// next minute.
    pub async fn all(&self, now: Timestamp, deadline: Timestamp) -> SweepReport {
        let mut round = Round::new(now, deadline);
        let unfinished = async |item| self.unfinished(item, now).await;
        self.each(DueKind::Generation, OWN, &mut round, unfinished).await;
        let erasure = async |item| self.erasure(item, now).await;
        self.each(DueKind::Erasure, OWN, &mut round, erasure).await;
        let export = async |item| self.export(item, now).await;
        self.each(DueKind::Export, OWN, &mut round, export).await;
        // Before what expired is deleted: a larger plan may keep it.
        let plan_change = async |item| self.plan_change(item, now).await;
        self.each(DueKind::PlanChange, OWN, &mut round, plan_change).await;
        let upload = async |item| self.upload(item, now).await;
        self.each(DueKind::Upload, OWN, &mut round, upload).await;
        let expired = async |item| self.expired(item, now).await;
        self.each(DueKind::Media, OWN, &mut round, expired).await;
        let hold_check = async |item| self.hold_check(item, now).await;
        self.each(DueKind::HoldCheck, OWN, &mut round, hold_check).await;
        let email_change = async |item| self.email_change(item, now).await;
        self.each(DueKind::EmailChange, OWN, &mut round, email_change).await;
        let sign_up = async |item| self.sign_up(item, now).await;
        self.each(DueKind::SignUp, OWN, &mut round, sign_up).await;
        let disclosure = async |item| self.disclosure(item, now).await;
        self.each(DueKind::Disclosure, OWN, &mut round, disclosure).await;
        let case_notice = async |item| self.case_notice(item).await;
        self.each(DueKind::CaseNotice, OWN, &mut round, case_notice).await;
        self.gone_reports(OWN, &mut round).await;
        if round.begins_hour() {
            self.check_cases(now).await;
        }
        if round.begins_day() {
            self.check_answers(now).await;
            self.check_webhook(QUESTIONS, &round).await;
        }
        let silent = UnresponsiveProviders::default();
        let checkout = async |item| self.checkout(item, &silent, now).await;
        self.each(DueKind::Checkout, QUESTIONS, &mut round, checkout).await;
        self.list_stripe(QUESTIONS, &silent, &mut round).await;
        // The checkouts above may have made their payments known.
        self.parked(OWN, &mut round).await;
        for account in std::mem::take(&mut round.accounts) {
            if !round.has_time(OWN) {
                break;
            }
            if let Err(error) = lifecycle::audit_ledger(&self.table, account, now).await {
                tracing::warn!(error = %error, %account, "ledger not compared with the balance");
            }
        }
        round.swept
    }
}

//! Every minute: whatever is due.
//!
//! A generation whose message should have been handled by now gets another; one whose deadline has passed fails and its
//! credits come back. An upload that was not finished, or whose time is over, goes, and so does a generation whose time is
//! over or that its owner deleted: files first, item last.
//!
//! What a legal hold names is hidden when its time is over, and stays; once the hold is released it goes. A disclosure
//! that was put together for a lawful request goes after a week.
//!
//! An address that was confirmed, and is not changed everywhere a minute later, is.
//!
//! A user who signed up and never signed in is deleted after some days.
//!
//! An account that is being deleted, and has not gone by the time it should, is handed to `erase-account` again.
//!
//! An archive that is being made, and whose message should have been handled by now, gets another; one that was not ready
//! within a day has failed, which is counted; a ready one goes after seven days, file first, item last.
//!
//! A checkout that is still open some minutes later is asked about at its provider: what is paid is granted though its
//! webhook never came, what nobody can pay any more is closed. What was heard of a payment before the payment was known is
//! held against it once more. Once a day Stripe is asked whether it sends all the events that are handled, and the
//! questions to staff that have waited too long are counted.
//!
//! The ledger of every account that something was done for is replayed, and compared with its balance: as everything that
//! is made goes one day, no account that makes anything stays unseen.
//!
//! `now` is the event's own `time`, so that an event from any day can be sent. A repeat finds nothing more to do; of two
//! at once one writes. What fails is logged and due again in a minute; it does not keep the rest from being done, and
//! neither does a provider that is silent. What takes only our own table and bucket comes first. Nothing is begun that
//! may not end in time: the rest is due in the next minute.

mod actions;
mod payments;
mod round;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::LambdaEvent;
use lifecycle::{address::EmailChanges, payments::PaymentService, user_pool::UserDirectory};
use runtime::{Error, clients::Clients, clock, events};
use serde::{Deserialize, Serialize};
use store::{Bucket, DueKind, GenerationQueues, Queue, Table};

pub use actions::Sweep;

use crate::{
    payments::UnresponsiveProviders,
    round::{Pace, Round},
};

/// What takes only our own table, bucket and queues.
const OWN: Pace = Pace { at_once: 1, takes: SignedDuration::from_secs(3) };
/// Questions to the providers of payments: each may wait for two answers, and ten seconds for each.
const QUESTIONS: Pace = Pace { at_once: 10, takes: SignedDuration::from_secs(25) };

/// The schedule's event.
#[derive(Debug, Deserialize)]
pub struct SweepEvent {
    /// When it was due.
    pub time: Timestamp,
}

/// What one sweep did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Messages sent again.
    pub reminded: u32,
    /// Generations and archives failed for their deadline.
    pub overdue: u32,
    /// Generations, uploads, archives, disclosures and users without an account removed.
    pub removed: u32,
    /// Checkouts of which it became known how they end, facts that found their payment, changes of addresses.
    pub settled: u32,
    /// Drawers that were brought in line with the legal holds on them.
    pub checked: u32,
    /// What did not work out, and is due again.
    pub failed: u32,
}

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Arc::new(Clients::new(&environment)?);
        let table = Table::new(clients.dynamodb().clone(), environment.required("TABLE")?);
        let sweep = Sweep {
            payments: Arc::new(PaymentService::open(&environment, &clients, table.clone())?),
            payment_providers: lifecycle::payments::payment_providers(&environment)?.into(),
            addresses: Arc::new(EmailChanges::open(&environment, &clients, table.clone())?),
            users: Arc::new(UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?)),
            table,
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queues: GenerationQueues::new(
                clients.sqs().clone(),
                environment.required("IMAGE_QUEUE_URL")?,
                environment.required("VIDEO_QUEUE_URL")?,
            ),
            erasures: Queue::new(clients.sqs().clone(), environment.required("ERASURE_QUEUE_URL")?),
            exports: Queue::new(clients.sqs().clone(), environment.required("EXPORT_QUEUE_URL")?),
            retention: lifecycle::retention(&environment)?,
        };
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
    /// Does what is due, a bounded number of each kind and as much as can end before the deadline; the rest is due in the
    /// next minute.
    pub async fn all(&self, now: Timestamp, deadline: Timestamp) -> SweepReport {
        let mut round = Round::new(now, deadline);
        let unfinished = async |item| self.unfinished(item, now).await;
        self.each(DueKind::Generation, OWN, &mut round, unfinished).await;
        let erasure = async |item| self.erasure(item, now).await;
        self.each(DueKind::Erasure, OWN, &mut round, erasure).await;
        let export = async |item| self.export(item, now).await;
        self.each(DueKind::Export, OWN, &mut round, export).await;
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
        if round.begins_day() {
            self.check_answers(now).await;
            self.check_webhook(QUESTIONS, &round).await;
        }
        let silent = UnresponsiveProviders::default();
        let checkout = async |item| self.checkout(item, &silent, now).await;
        self.each(DueKind::Checkout, QUESTIONS, &mut round, checkout).await;
        // Some of them may just have become known.
        self.parked(OWN, &mut round).await;
        for account in std::mem::take(&mut round.accounts) {
            if !round.has_time(OWN) {
                break;
            }
            if let Err(error) = lifecycle::audit_ledger(&self.table, account).await {
                tracing::warn!(error = %error, %account, "the ledger was not compared with the balance");
            }
        }
        round.swept
    }
}

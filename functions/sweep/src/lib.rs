//! Every minute: whatever is due.
//!
//! A generation whose message should have been handled by now gets another; one whose deadline has passed fails and its
//! credits come back. An upload that was not finished, or whose time is over, goes, and so does a generation whose time is
//! over or that its owner deleted: files first, item last.
//!
//! What a legal hold names is hidden when its time is over, and stays; once the hold is released it goes. A disclosure
//! that was put together for a lawful request goes after a week.
//!
//! An account that is being deleted, and has not gone by the time it should, is handed to `erase-account` again.
//!
//! A checkout that is still open some minutes later is asked about at its provider: what is paid is granted though its
//! webhook never came, what nobody can pay any more is closed. What was heard of a payment before the payment was known is
//! held against it once more. Once a day Stripe is asked whether it sends all the events that are handled.
//!
//! The ledger of every account that something was done for is replayed, and compared with its balance: as everything that
//! is made goes one day, no account that makes anything stays unseen.
//!
//! `now` is the event's own `time`, so that an event from any day can be sent. A repeat finds nothing more to do; of two
//! at once one writes. What fails is logged and due again in a minute; it does not keep the rest from being done.

mod actions;
mod payments;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use lifecycle::payments::Payments;
use runtime::{Error, clients::Clients, events};
use serde::{Deserialize, Serialize};
use store::{Bucket, DueKind, Queue, Queues, Table};

pub use actions::Sweep;

/// Checkouts that the providers are asked about at once: a sweep has less than a minute.
const QUESTIONS_AT_ONCE: usize = 10;

/// The schedule's event.
#[derive(Debug, Deserialize)]
pub struct Tick {
    /// When it was due.
    pub time: Timestamp,
}

/// What one sweep did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Messages sent again.
    pub reminded: u32,
    /// Generations failed for their deadline.
    pub overdue: u32,
    /// Generations, uploads and disclosures removed.
    pub removed: u32,
    /// Checkouts of which it became known how they end, and facts that found their payment.
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
            payments: Arc::new(Payments::open(&environment, &clients, table.clone())?),
            rails: lifecycle::payments::rails(&environment)?.into(),
            table,
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queues: Queues::new(
                clients.sqs().clone(),
                environment.required("IMAGE_QUEUE_URL")?,
                environment.required("VIDEO_QUEUE_URL")?,
            ),
            erasures: Queue::new(clients.sqs().clone(), environment.required("ERASURE_QUEUE_URL")?),
            retention: lifecycle::retention(&environment)?,
        };
        Ok(move |event: LambdaEvent<Tick>| {
            let sweep = sweep.clone();
            async move { Ok::<_, Error>(sweep.all(event.payload.time).await) }
        })
    })
    .await
}

impl Sweep {
    /// Does everything that is due, a bounded number of each kind; the rest is due in the next minute.
    pub async fn all(&self, now: Timestamp) -> Swept {
        let mut swept = Swept::default();
        let mut accounts = BTreeSet::new();
        let unfinished = async |item| self.unfinished(item, now).await;
        self.each((DueKind::Generation, 1), now, (&mut swept, &mut accounts), unfinished).await;
        let erasure = async |item| self.erasure(item, now).await;
        self.each((DueKind::Erasure, 1), now, (&mut swept, &mut accounts), erasure).await;
        let upload = async |item| self.upload(item, now).await;
        self.each((DueKind::Upload, 1), now, (&mut swept, &mut accounts), upload).await;
        let expired = async |item| self.expired(item, now).await;
        self.each((DueKind::Media, 1), now, (&mut swept, &mut accounts), expired).await;
        let hold_check = async |item| self.hold_check(item, now).await;
        self.each((DueKind::HoldCheck, 1), now, (&mut swept, &mut accounts), hold_check).await;
        let disclosure = async |item| self.disclosure(item, now).await;
        self.each((DueKind::Disclosure, 1), now, (&mut swept, &mut accounts), disclosure).await;
        let silent = Mutex::new(BTreeSet::new());
        let checkout = async |item| self.checkout(item, &silent, now).await;
        self.each((DueKind::Checkout, QUESTIONS_AT_ONCE), now, (&mut swept, &mut accounts), checkout).await;
        self.parked(now, &mut swept).await;
        self.check_webhook(now).await;
        for account in accounts {
            if let Err(error) = lifecycle::audit(&self.table, account).await {
                tracing::warn!(error = %error, %account, "the ledger was not compared with the balance");
            }
        }
        swept
    }
}

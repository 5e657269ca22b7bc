//! The erasure of accounts: everything, everywhere, and a receipt.
//!
//! A message names an account that is closing. The first one comes at once and takes back what is public or shared; once
//! the time of grace is over everything goes, from the outside in: generations that run are canceled, copies that
//! providers keep are deleted, files in all versions, pointers, items, letters from its address, the user in the user pool, and the account itself
//! last. Before that last step the function looks again, and writes the receipt only when nothing is left. Whoever was at
//! work when it began may still write: as long as a lease of then lasts, the last step waits and all is done once more.
//!
//! What a repeat does: each step finds less to do. If the function dies anywhere, the account is still there and due, and
//! `sweep` sends the message again. What a legal hold names stays, and with it the account, which nobody can use.
//!
//! `{"replay": {}}` as the event erases again whatever a restored table brought back of accounts that were erased before:
//! the step between a restore and traffic. It answers how many it erased, and a `next` to go on from if it ran out of time:
//! `{"replay": {"after": <next>}}`. It fails if an erasure fails; a repeat goes on.

mod erasure;

use std::sync::Arc;

use domain::{
    AccountId, ReceiptId, Refusal, accounts::account::Account, privacy::deletion::DeletionReason,
    privacy::erasure::TOMBSTONE, support::guest_ticket::GUEST,
};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use lifecycle::{
    LifecycleError,
    user_pool::{UserDirectory, UserPoolError},
};
use providers::ProviderError;
use runtime::{Error, clients::Clients, clock, config::Environment, events, secrets::SecretUnreadable, sqs};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Bucket, CommitError, EraseAccountMessage, Queue, Records, ScanPosition, StoreError, Table, Write};

use worker::Configured;

/// A replay stops when less than this is left of the invocation: what one account may take.
const LEAST_TIME: SignedDuration = SignedDuration::from_secs(120);

/// Why an erasure did not get on. A repeat goes on from where it is.
#[derive(Debug, thiserror::Error)]
enum ErasureError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    #[error("the account is being changed by others")]
    Contended,
    #[error(transparent)]
    UserPool(#[from] UserPoolError),
    #[error("a provider does not delete its copy now")]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Secret(#[from] SecretUnreadable),
    #[error("the application key cannot be had")]
    Key(#[from] runtime::clients::AppKeyError),
    #[error("the rules forbid it: {0}")]
    Refused(#[from] Refusal),
    #[error("after the erasure there is still: {0}")]
    Left(String),
}

impl From<CommitError> for ErasureError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            _ => Self::Contended,
        }
    }
}

/// What an erasure works on.
struct Eraser {
    table: Table,
    records: Records,
    bucket: Bucket,
    queue: Queue,
    user_pool: UserDirectory,
    providers: Configured,
    clients: Clients,
    app_key_secret: String,
    retention: domain::accounts::plan::Retention,
    /// How long the law has payments kept.
    keep: SignedDuration,
}

/// Where a replay begins: at the beginning if it is not said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    after: Option<ScanPosition>,
}

/// What a replay did.
#[derive(Debug, Serialize)]
struct Replayed {
    /// Accounts that were erased again.
    erased: u32,
    /// Where to go on; nothing if every account was looked at.
    next: Option<ScanPosition>,
}

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let eraser = Arc::new(Eraser::open(&environment)?);
        Ok(move |event: LambdaEvent<Value>| {
            let eraser = eraser.clone();
            async move {
                if let Some(replay) = event.payload.get("replay") {
                    let replay = serde_json::from_value(replay.clone())?;
                    return Ok(json!(eraser.replay(replay, &event.context).await?));
                }
                let handle = async |record: sqs::Record<EraseAccountMessage>| {
                    eraser.erase(record.body.account, clock::now()).await
                };
                Ok::<_, Error>(json!(sqs::handle_batch(event, handle).await?))
            }
        })
    })
    .await
}

impl Eraser {
    fn open(environment: &Environment) -> Result<Self, Error> {
        let clients = Clients::new(environment)?;
        let days = environment.integer("PAYMENT_RECORD_DAYS")?;
        Ok(Self {
            table: Table::new(clients.dynamodb().clone(), environment.required("TABLE")?),
            records: Records::new(clients.dynamodb().clone(), environment.required("RECORDS")?),
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queue: Queue::new(clients.sqs().clone(), environment.required("ERASURE_QUEUE_URL")?),
            user_pool: UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?),
            providers: Configured::new(environment, Clients::new(environment)?)?,
            app_key_secret: environment.required("APP_KEY_SECRET")?,
            retention: lifecycle::retention(environment)?,
            keep: SignedDuration::from_hours(24 * days),
            clients,
        })
    }

    /// Erases again what a restore brought back.
    async fn replay(&self, replay: Replay, context: &Context) -> Result<Replayed, ErasureError> {
        let (mut erased, mut after) = (0, replay.after);
        loop {
            let page = self.table.accounts(after).await?;
            for account in page.items {
                let now = clock::now();
                if self.records.has_tombstone(&self.keyed_hash(account).await?).await? {
                    self.close(account, now).await?;
                    self.erase(account, now).await?;
                    erased += 1;
                }
            }
            let left = i64::try_from(context.deadline).unwrap_or(i64::MAX) - clock::now().as_millisecond();
            if page.next.is_none() || SignedDuration::from_millis(left) < LEAST_TIME {
                return Ok(Replayed { erased, next: page.next });
            }
            after = page.next;
        }
    }

    async fn close(&self, id: AccountId, now: Timestamp) -> Result<(), ErasureError> {
        let Some(account) = self.table.account(id).await?.filter(|account| account.deletion.is_none()) else {
            return Ok(());
        };
        let receipt = ReceiptId(clock::uuid_at(now));
        let closing = account.request_deletion(receipt, DeletionReason::Restored, SignedDuration::ZERO, now)?;
        Ok(self.table.commit(&[Write::Account(&closing)]).await?)
    }

    /// Under what the letters of the account's address lie.
    async fn writer(&self, account: &Account) -> Result<String, ErasureError> {
        let sealer = self.clients.sealer(&self.app_key_secret).await?;
        Ok(sealer.keyed_hash(GUEST, account.email.as_bytes()))
    }

    async fn keyed_hash(&self, account: AccountId) -> Result<String, ErasureError> {
        let sealer = self.clients.sealer(&self.app_key_secret).await?;
        Ok(sealer.keyed_hash(TOMBSTONE, account.0.as_bytes()))
    }
}

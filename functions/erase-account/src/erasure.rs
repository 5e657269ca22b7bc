//! Erases one account in steps. Each step can be repeated at any time.

use std::collections::BTreeSet;

use domain::{
    AccountId,
    accounts::{
        account::Account,
        email,
        welcome::{WELCOME, Welcome},
    },
    generations::generation::{Generation, GenerationStatus},
    generations::submission::GenerationOutcome,
    moderation::report::REPORTER,
    payments::payment::Payment,
    privacy::deletion::{Deletion, DeletionReason},
    privacy::erasure::{Counts, ErasureReceipt, RetainedPayment, TOMBSTONE},
    support::guest_ticket::GUEST,
};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{payments::lessen_gift, user_pool::UserDirectory};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    telemetry::{Metric, metric},
};
use store::{Bucket, CommitError, EraseAccountMessage, Filter, PartitionItem, Queue, Records, Table, Write, registry};

use worker::Configured as ConfiguredProviders;

use crate::error::ErasureError;

/// Items that one read fetches.
const PAGE: usize = 500;
/// How often an account under a legal hold is checked.
const HOLD_CHECK_INTERVAL: SignedDuration = SignedDuration::from_hours(24);
/// The most attempts of a write that other writes come before.
const ATTEMPTS: usize = 16;
/// The longest delay of an SQS message. `sweep` sends messages that are due later.
const MAX_MESSAGE_DELAY_S: i64 = 900;

/// Repeats an attempt to read and write until it has written.
async fn until_written(mut attempt: impl AsyncFnMut() -> Result<bool, ErasureError>) -> Result<(), ErasureError> {
    for _ in 0..ATTEMPTS {
        if attempt().await? {
            return Ok(());
        }
    }
    Err(ErasureError::Contended)
}

/// Erases accounts.
pub(crate) struct Eraser {
    pub(crate) table: Table,
    pub(crate) records: Records,
    bucket: Bucket,
    queue: Queue,
    user_pool: UserDirectory,
    providers: ConfiguredProviders,
    clients: Clients,
    app_key_secret: String,
    /// How long payments are retained by law.
    payment_retention: SignedDuration,
}

impl Eraser {
    /// Creates the clients of the function.
    ///
    /// # Errors
    /// A variable is missing or malformed. The error names it.
    pub(crate) fn open(environment: &Environment) -> Result<Self, Error> {
        let clients = Clients::new(environment)?;
        let days: i64 = environment.integer("PAYMENT_RECORD_DAYS")?;
        Ok(Self {
            table: Table::new(
                clients.dynamodb().clone(),
                environment.required("TABLE")?,
                environment.integer("INDEX_SHARDS")?,
            ),
            records: Records::new(clients.dynamodb().clone(), environment.required("RECORDS")?),
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queue: Queue::new(clients.sqs().clone(), environment.required("ERASURE_QUEUE_URL")?),
            user_pool: UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?),
            providers: ConfiguredProviders::new(environment, Clients::new(environment)?)?,
            app_key_secret: environment.required("APP_KEY_SECRET")?,
            payment_retention: SignedDuration::from_hours(24 * days),
            clients,
        })
    }

    /// Does every step that is possible at `now`, and plans the next attempt if the account remains.
    ///
    /// # Errors
    /// A call failed. A repeat continues.
    pub(crate) async fn erase(&self, id: AccountId, now: Timestamp) -> Result<(), ErasureError> {
        let Some((account, deletion)) = self.pending_deletion(id).await? else { return Ok(()) };
        if now < deletion.erase_at {
            // Anyone can write in the name of the owner, who gets back all of it if they cancel.
            if deletion.reason != DeletionReason::InWriting {
                self.withdraw(id).await?;
            }
            return self.wait(id, deletion.erase_at, now).await;
        }
        let account = match account.release_ended_holds(now) {
            Some(released) => {
                self.table.commit(&[Write::Account(&released)]).await?;
                released
            }
            None => account,
        };
        // From now on a replay erases the account again if a backup restores it.
        self.records.write_tombstone(&self.tombstone_key(id).await?, now).await?;
        // Before the user is deleted, so that nobody signs up with the address meanwhile.
        self.remember(&account, now).await?;
        let held = account.held_kinds();
        let payments = self.table.all_payments(id).await?;
        let copies_left = self.forget_copies(id).await?;
        if account.has_doubtful_payments() {
            self.withdraw_gifts(&payments).await?;
        }
        let receipt = self.receipt(&deletion, id, &held, &payments).await?.with_provider_copies_left(copies_left);
        self.records.write_receipt(&receipt).await?;
        self.withdraw(id).await?;
        let busy_until = self.busy_until(id, &deletion, now).await?;
        self.end_generations(id, now).await?;
        self.remove_files(id, &held).await?;
        self.close_cases(id, &held, now).await?;
        self.remove_items(id, &held, &payments).await?;
        self.table.remove_guest_tickets(&self.address_key(GUEST, &account).await?).await?;
        self.table.remove_invitations(&account.email).await?;
        self.table.remove_reports(&self.address_key(REPORTER, &account).await?).await?;
        if !held.is_empty() {
            // A hold that was released meanwhile made the erasure due, and stays so.
            let until = |account: &Account| if account.held_kinds() == held { now + HOLD_CHECK_INTERVAL } else { now };
            return self.change(id, |account| account.deletion_due_next(until(account))).await;
        }
        if busy_until > now {
            return self.wait(id, busy_until, now).await;
        }
        self.user_pool.delete(id).await?;
        self.check_nothing_left(id).await?;
        self.records.write_receipt(&receipt.completed(now)).await?;
        self.remove_account(id).await?;
        metric(Metric::Erasures, 1, &[]);
        tracing::info!(receipt = %deletion.receipt, "account erased");
        Ok(())
    }

    /// Reads the account if its deletion was requested and not canceled.
    async fn pending_deletion(&self, id: AccountId) -> Result<Option<(Account, Deletion)>, ErasureError> {
        let account = self.table.account(id).await?;
        Ok(account.and_then(|account| account.deletion.clone().map(|deletion| (account, deletion))))
    }

    /// Remembers of the first and the present address of the account that it had one, and whether it was frozen or in debt.
    async fn remember(&self, account: &Account, now: Timestamp) -> Result<(), ErasureError> {
        let sealer = self.clients.sealer(&self.app_key_secret).await?;
        let present = sealer.keyed_hash(WELCOME, email::mailbox(&account.email).as_bytes());
        let keys: BTreeSet<_> = account.welcome_key.iter().chain([&present]).collect();
        for key in keys {
            self.remember_as(key, account, now).await?;
        }
        Ok(())
    }

    async fn remember_as(&self, key: &str, account: &Account, now: Timestamp) -> Result<(), ErasureError> {
        until_written(async || {
            let welcome = Welcome::erased(self.table.welcome(key).await?.as_ref(), account, now);
            Ok(self.table.try_commit(&[Write::Welcome(key, &welcome)]).await?)
        })
        .await
    }

    /// Takes the credits from the gifts that nobody redeemed: once the account is erased, nothing knows that it was frozen.
    async fn withdraw_gifts(&self, payments: &[Payment]) -> Result<(), ErasureError> {
        for payment in payments {
            until_written(async || {
                let gift = self.table.gift_of(payment).await?;
                Ok(match gift.and_then(|gift| gift.withdrawn()) {
                    Some(withdrawn) => self.table.try_commit(&[Write::Gift(&withdrawn)]).await?,
                    None => true,
                })
            })
            .await?;
        }
        Ok(())
    }

    /// Makes every output private, revokes every share link and ends every session.
    async fn withdraw(&self, id: AccountId) -> Result<(), ErasureError> {
        self.user_pool.end_sessions(id).await?;
        for share in self.table.all_shares(id).await? {
            self.table.commit(&[Write::RemoveShare(&share)]).await?;
        }
        for generation in self.generations(id, Filter::default()).await? {
            if let Some(hidden) = generation.unpublished() {
                let entries = generation.outputs.iter().map(|output| Write::GalleryEntry(&hidden, output.number));
                let writes: Vec<_> = entries.chain([Write::Generation(&hidden)]).collect();
                self.table.commit(&writes).await?;
            }
        }
        Ok(())
    }

    /// Returns when the last lease of a worker expires that existed when the erasure began. The time is stored before the
    /// items with the leases are deleted.
    async fn busy_until(&self, id: AccountId, deletion: &Deletion, now: Timestamp) -> Result<Timestamp, ErasureError> {
        if let Some(until) = deletion.busy_until {
            return Ok(until);
        }
        let mut until = now;
        self.each_page(id, async |items| {
            until = items.iter().filter_map(|item| item.lease_until).fold(until, Timestamp::max);
            Ok(())
        })
        .await?;
        self.change(id, |account| account.deletion_waiting_for_workers(until)).await?;
        Ok(until)
    }

    async fn end_generations(&self, id: AccountId, now: Timestamp) -> Result<(), ErasureError> {
        for status in [GenerationStatus::Queued, GenerationStatus::Running, GenerationStatus::Canceling] {
            let open = Filter { status: Some(status), ..Filter::default() };
            for generation in self.generations(id, open).await? {
                let id = (id, generation.id);
                lifecycle::end_generation(&self.table, id, GenerationOutcome::Canceled, now).await?;
            }
        }
        Ok(())
    }

    /// Has the AI providers cancel what runs and delete their copies. Returns the number of copies that a provider will not
    /// delete: the key is missing or has no permission.
    async fn forget_copies(&self, id: AccountId) -> Result<u64, ErasureError> {
        let mut left = 0;
        for generation in self.generations(id, Filter::default()).await? {
            let running = generation.provider_job.iter().filter(|_| !generation.status.is_final());
            for job in running {
                if let Some(provider) = self.providers.provider(&job.provider, clock::now()).await?
                    && let Err(error) = provider.cancel(&job.id).await
                {
                    tracing::warn!(error = %error, "a provider did not cancel a job of an erased account");
                }
            }
            for job in generation.jobs_with_copies() {
                let refused = match self.providers.provider(&job.provider, clock::now()).await? {
                    Some(provider) => match provider.delete_remote(&job.id).await {
                        Ok(()) => continue,
                        Err(error) if !error.retryable() => error.to_string(),
                        Err(error) => return Err(error.into()),
                    },
                    None => "no key is configured".to_owned(),
                };
                self.providers.refused(clock::now());
                left += 1;
                metric(Metric::ProviderRefusals, 1, &[job.provider.as_str()]);
                tracing::error!(provider = job.provider, refused, "a provider keeps a copy of an erased generation");
            }
        }
        Ok(left)
    }

    /// Retains the payments that the law requires, and returns the receipt with the counts of what is erased. An attempt
    /// after a legal hold adds to the receipt of the attempt before.
    async fn receipt(
        &self,
        deletion: &Deletion,
        id: AccountId,
        held: &BTreeSet<&str>,
        payments: &[Payment],
    ) -> Result<ErasureReceipt, ErasureError> {
        let retained = self.retain(payments).await?;
        let begun = ErasureReceipt::begin(deletion, self.count(id, held).await?, &retained, self.payment_retention);
        let receipt = match self.records.receipt(deletion.receipt).await? {
            Some(before) => before.with(begun),
            None => begun,
        };
        Ok(receipt)
    }

    /// Retains the payments that the law requires, with what was reported of them after an attempt before.
    async fn retain(&self, payments: &[Payment]) -> Result<Vec<RetainedPayment>, ErasureError> {
        let mut retained = Vec::new();
        for payment in payments.iter().filter_map(|payment| RetainedPayment::of(payment, self.payment_retention)) {
            until_written(async || {
                let known = self.records.retained_payment(payment.provider, &payment.transaction).await?;
                let next = match &known {
                    Some(known) => known.joined(&payment),
                    None => Some(payment.clone()),
                };
                // A restored backup has what the code gave before.
                let follows = lessen_gift(&self.table, next.as_ref().or(known.as_ref()).unwrap_or(&payment)).await?;
                Ok(match next {
                    Some(next) => self.records.retain_payment(&next).await?,
                    None => follows,
                })
            })
            .await?;
            retained.push(payment);
        }
        Ok(retained)
    }

    async fn count(&self, id: AccountId, held: &BTreeSet<&str>) -> Result<Counts, ErasureError> {
        let mut counts = Counts::new();
        for (folder, files) in self.bucket.count(&Bucket::account_prefix(id)).await? {
            let kind = registry::folder_kind(&folder).map_or("undeclared", |kind| kind.name);
            counts.insert(kind.to_owned(), files);
        }
        self.each_page(id, async |items| {
            for one in items {
                *counts.entry(kind_of(&one).to_owned()).or_default() += 1;
            }
            Ok(())
        })
        .await?;
        counts.retain(|kind, _| !held.contains(kind.as_str()));
        Ok(counts)
    }

    /// Has `sweep` tell the reporters of open cases that what they reported is gone: the cases go with the account.
    async fn close_cases(&self, id: AccountId, held: &BTreeSet<&str>, now: Timestamp) -> Result<(), ErasureError> {
        if held.contains("case") {
            return Ok(());
        }
        for case in self.table.all_cases(id).await?.iter().filter(|case| case.decision.is_none()) {
            for report in self.table.reports(&case.answered).await?.iter().filter(|report| report.gone_at.is_none()) {
                self.table.mark_report_gone(report, now).await?;
            }
        }
        Ok(())
    }

    /// Deletes all versions of the files and all unfinished uploads, except those under a legal hold.
    async fn remove_files(&self, id: AccountId, held: &BTreeSet<&str>) -> Result<(), ErasureError> {
        let everything = Bucket::account_prefix(id);
        self.bucket.abort_uploads(&everything).await?;
        if held.is_empty() {
            return Ok(self.bucket.remove_all(&everything).await?);
        }
        for folder in self.bucket.count(&everything).await?.into_keys() {
            if registry::folder_kind(&folder).is_none_or(|kind| !held.contains(kind.name)) {
                self.bucket.remove_all(&format!("{everything}{folder}/")).await?;
            }
        }
        Ok(())
    }

    /// Deletes the pointers to the payments and every item except the account and those under a legal hold.
    async fn remove_items(
        &self,
        id: AccountId,
        held: &BTreeSet<&str>,
        payments: &[Payment],
    ) -> Result<(), ErasureError> {
        if !held.contains("payment") {
            // From now on reports go to what is retained. Some may have come since that was written.
            self.table.remove_payment_pointers(payments).await?;
            self.retain(&self.table.all_payments(id).await?).await?;
        }
        self.each_page(id, async |items| {
            let is_erased = |one: &PartitionItem| !matches!(kind_of(one), "account") && !held.contains(kind_of(one));
            // Its redeemer is not known any more. First, so that another attempt finds what is left.
            if !held.contains("ledger") {
                let gifts: Vec<_> = items.iter().filter_map(|one| one.gift).collect();
                self.table.remove_gifts(&gifts).await?;
            }
            let sort_keys: Vec<_> = items.into_iter().filter(is_erased).map(|one| one.sk).collect();
            Ok(self.table.remove_items(id, &sort_keys).await?)
        })
        .await
    }

    /// Checks that nothing remains.
    ///
    /// # Errors
    /// [`ErasureError::Left`]: something does.
    async fn check_nothing_left(&self, id: AccountId) -> Result<(), ErasureError> {
        let left = self.table.partition(id, 2, None).await?.items;
        if let Some(one) = left.iter().find(|one| kind_of(one) != "account") {
            return Err(ErasureError::Left(kind_of(one).to_owned()));
        }
        if let Some((folder, _)) = self.bucket.count(&Bucket::account_prefix(id)).await?.pop_first() {
            return Err(ErasureError::Left(folder));
        }
        if self.user_pool.has(id).await? {
            return Err(ErasureError::Left("the user in the user pool".to_owned()));
        }
        Ok(())
    }

    async fn remove_account(&self, id: AccountId) -> Result<(), ErasureError> {
        let Some(account) = self.table.account(id).await? else { return Ok(()) };
        match self.table.commit(&[Write::RemoveAccount(&account)]).await {
            // Another attempt deleted it first.
            Err(CommitError::Stale) if self.table.account(id).await?.is_none() => Ok(()),
            other => Ok(other?),
        }
    }

    /// Plans the next attempt at `until`, and sends the message for it if SQS can delay it that long.
    async fn wait(&self, id: AccountId, until: Timestamp, now: Timestamp) -> Result<(), ErasureError> {
        self.change(id, |account| account.deletion_due_next(until)).await?;
        let delay_s = until.duration_since(now).as_secs() + 1;
        if delay_s <= MAX_MESSAGE_DELAY_S {
            let delay_s = u32::try_from(delay_s).unwrap_or(0);
            self.queue.send(&EraseAccountMessage { account: id }, delay_s).await?;
        }
        Ok(())
    }

    async fn change(&self, id: AccountId, change: impl Fn(&Account) -> Account) -> Result<(), ErasureError> {
        until_written(async || {
            let Some((account, _)) = self.pending_deletion(id).await? else { return Ok(true) };
            Ok(self.table.try_commit(&[Write::Account(&change(&account))]).await?)
        })
        .await
    }

    async fn generations(&self, id: AccountId, filter: Filter) -> Result<Vec<Generation>, ErasureError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.table.generations(id, filter, PAGE, after).await?;
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn each_page(
        &self,
        id: AccountId,
        mut act: impl AsyncFnMut(Vec<PartitionItem>) -> Result<(), ErasureError>,
    ) -> Result<(), ErasureError> {
        let mut after = None;
        loop {
            let page = self.table.partition(id, PAGE, after).await?;
            act(page.items).await?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns the key under which guest tickets or reports from the account's address are stored.
    async fn address_key(&self, purpose: &str, account: &Account) -> Result<String, ErasureError> {
        let sealer = self.clients.sealer(&self.app_key_secret).await?;
        Ok(sealer.keyed_hash(purpose, account.email.as_bytes()))
    }

    /// Returns the key of the account's tombstone.
    pub(crate) async fn tombstone_key(&self, account: AccountId) -> Result<String, ErasureError> {
        let sealer = self.clients.sealer(&self.app_key_secret).await?;
        Ok(sealer.keyed_hash(TOMBSTONE, account.0.as_bytes()))
    }
}

/// Returns the name of the kind that the registry declares for an item.
fn kind_of(item: &PartitionItem) -> &'static str {
    registry::account_item_kind(&item.sk).map_or("undeclared", |kind| kind.name)
}

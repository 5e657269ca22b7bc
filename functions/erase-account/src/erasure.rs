//! The steps of an erasure, in their order. Each may be repeated at any time.

use std::collections::BTreeSet;

use domain::{
    AccountId,
    accounts::account::Account,
    generations::generation::{Generation, GenerationStatus},
    generations::submission::GenerationOutcome,
    payments::payment::Payment,
    privacy::deletion::Deletion,
    privacy::erasure::{Counts, ErasureReceipt, RetainedPayment},
};
use jiff::{SignedDuration, Timestamp};
use runtime::telemetry::{Metric, metric};
use store::{Bucket, CommitError, EraseAccountMessage, Filter, PartitionItem, Write, registry};

use crate::{Eraser, ErasureError};

/// Things of a drawer that are read at once.
const PAGE: usize = 500;
/// How often an account is looked at of which something must stay.
const HELD_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Most times that an account is written against others.
const ATTEMPTS: usize = 16;
/// Longest delay of a message; what is due later is the sweep's.
const LONGEST_DELAY_S: i64 = 900;

impl Eraser {
    /// Does what can be done at `now` for the end of this account.
    pub(crate) async fn erase(&self, id: AccountId, now: Timestamp) -> Result<(), ErasureError> {
        let Some((account, closing)) = self.closing(id).await? else { return Ok(()) };
        if now < closing.erase_at {
            self.withdraw(id).await?;
            return self.wait(id, closing.erase_at, now).await;
        }
        // From here on a restored backup of this account is erased again.
        self.records.write_tombstone(&self.keyed_hash(id).await?, now).await?;
        let held = account.held_kinds();
        let payments = self.table.all_payments(id).await?;
        let copies_left = self.forget_copies(id).await?;
        let receipt = self.receipt(&closing, id, &held, &payments).await?.with_provider_copies_left(copies_left);
        self.records.write_receipt(&receipt).await?;
        self.withdraw(id).await?;
        let busy_until = self.busy_until(id, &closing, now).await?;
        self.end_generations(id, now).await?;
        self.remove_files(id, &held).await?;
        self.remove_items(id, &held, &payments).await?;
        self.table.remove_guest_tickets(&self.writer(&account).await?).await?;
        if !held.is_empty() {
            return self.wait(id, now + HELD_EVERY, now).await;
        }
        if busy_until > now {
            return self.wait(id, busy_until, now).await;
        }
        self.user_pool.delete(id).await?;
        self.nothing_is_left(id).await?;
        self.records.write_receipt(&receipt.completed(now)).await?;
        self.remove_account(id).await?;
        metric(Metric::Erasures, 1, &[]);
        tracing::info!(receipt = %closing.receipt, "an account is erased");
        Ok(())
    }

    /// The account, if its end was asked for and not taken back.
    async fn closing(&self, id: AccountId) -> Result<Option<(Account, Deletion)>, ErasureError> {
        let account = self.table.account(id).await?;
        Ok(account.and_then(|account| account.deletion.clone().map(|closing| (account, closing))))
    }

    /// Takes back what is public and what is shared, and ends every session.
    async fn withdraw(&self, id: AccountId) -> Result<(), ErasureError> {
        self.user_pool.end_sessions(id).await?;
        for share in self.table.all_shares(id).await? {
            self.table.commit(&[Write::RemoveShare(&share)]).await?;
        }
        for generation in self.generations(id, Filter::default()).await? {
            if let Some(hidden) = generation.unpublished() {
                self.table.commit(&[Write::Generation(&hidden)]).await?;
            }
        }
        Ok(())
    }

    /// Until when somebody may still be at work for the account: as long as the leases last that there were when its
    /// erasure began. It is written down before what carries the leases goes.
    async fn busy_until(&self, id: AccountId, closing: &Deletion, now: Timestamp) -> Result<Timestamp, ErasureError> {
        if let Some(until) = closing.busy_until {
            return Ok(until);
        }
        let mut until = now;
        self.each_page(id, async |kept| {
            until = kept.iter().filter_map(|kept| kept.lease_until).fold(until, Timestamp::max);
            Ok(())
        })
        .await?;
        self.change(id, |account| account.deletion_waiting_for_workers(until)).await?;
        Ok(until)
    }

    async fn end_generations(&self, id: AccountId, now: Timestamp) -> Result<(), ErasureError> {
        for status in [GenerationStatus::Queued, GenerationStatus::Running] {
            let open = Filter { status: Some(status), ..Filter::default() };
            for generation in self.generations(id, open).await? {
                let id = (id, generation.id);
                lifecycle::end_generation(&self.table, id, GenerationOutcome::Canceled, self.retention, now).await?;
            }
        }
        Ok(())
    }

    /// Has the providers delete what they keep, and answers how often one refused for good: its key may not, or is gone.
    async fn forget_copies(&self, id: AccountId) -> Result<u64, ErasureError> {
        let mut left = 0;
        for job in self.generations(id, Filter::default()).await?.into_iter().filter_map(|made| made.provider_job) {
            let refused = match self.providers.provider(&job.provider).await? {
                Some(provider) => match provider.delete_remote(&job.id).await {
                    Ok(()) => continue,
                    Err(error) if !error.retryable() => error.to_string(),
                    Err(error) => return Err(error.into()),
                },
                None => "there is no key".to_owned(),
            };
            left += 1;
            metric(Metric::OurMistake, 1, &[job.provider.as_str()]);
            tracing::error!(provider = job.provider, refused, "a provider keeps its copy of what was erased");
        }
        Ok(left)
    }

    /// Keeps what the law has kept, and begins the receipt with what there is to erase, or adds to it what a hold kept
    /// from being erased before.
    async fn receipt(
        &self,
        closing: &Deletion,
        id: AccountId,
        held: &BTreeSet<&str>,
        payments: &[Payment],
    ) -> Result<ErasureReceipt, ErasureError> {
        let kept: Vec<_> = payments.iter().filter_map(|payment| RetainedPayment::of(payment, self.keep)).collect();
        for payment in &kept {
            self.records.retain_payment(payment).await?;
        }
        let begun = ErasureReceipt::begin(closing, self.count(id, held).await?, &kept, self.keep);
        let receipt = match self.records.receipt(closing.receipt).await? {
            Some(before) => before.with(begun),
            None => begun,
        };
        Ok(receipt)
    }

    async fn count(&self, id: AccountId, held: &BTreeSet<&str>) -> Result<Counts, ErasureError> {
        let mut counts = Counts::new();
        for (folder, files) in self.bucket.count(&Bucket::account_prefix(id)).await? {
            let kind = registry::folder_kind(&folder).map_or("undeclared", |kind| kind.name);
            counts.insert(kind.to_owned(), files);
        }
        self.each_page(id, async |kept| {
            for one in kept {
                *counts.entry(kind_of(&one).to_owned()).or_default() += 1;
            }
            Ok(())
        })
        .await?;
        counts.retain(|kind, _| !held.contains(kind.as_str()));
        Ok(counts)
    }

    /// Removes the files in all versions, and those that are being written, but for what is held.
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

    /// Removes what points to the payments, and every item but the account and what is held.
    async fn remove_items(
        &self,
        id: AccountId,
        held: &BTreeSet<&str>,
        payments: &[Payment],
    ) -> Result<(), ErasureError> {
        if !held.contains("payment") {
            self.table.remove_payment_pointers(payments).await?;
        }
        self.each_page(id, async |kept| {
            let goes = |one: &PartitionItem| !matches!(kind_of(one), "account") && !held.contains(kind_of(one));
            let sort_keys: Vec<_> = kept.into_iter().filter(goes).map(|one| one.sk).collect();
            Ok(self.table.remove_items(id, &sort_keys).await?)
        })
        .await
    }

    /// Looks everywhere once more.
    async fn nothing_is_left(&self, id: AccountId) -> Result<(), ErasureError> {
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
            // Whoever removed it first has done as well.
            Err(CommitError::Stale) if self.table.account(id).await?.is_none() => Ok(()),
            other => Ok(other?),
        }
    }

    /// Has the account looked at again.
    async fn wait(&self, id: AccountId, until: Timestamp, now: Timestamp) -> Result<(), ErasureError> {
        self.change(id, |account| account.deletion_due_next(until)).await?;
        let delay_s = until.duration_since(now).as_secs() + 1;
        if delay_s <= LONGEST_DELAY_S {
            let delay_s = u32::try_from(delay_s).unwrap_or(0);
            self.queue.send(&EraseAccountMessage { account: id }, delay_s).await?;
        }
        Ok(())
    }

    async fn change(&self, id: AccountId, change: impl Fn(&Account) -> Account) -> Result<(), ErasureError> {
        for _ in 0..ATTEMPTS {
            let Some((account, _)) = self.closing(id).await? else { return Ok(()) };
            match self.table.commit(&[Write::Account(&change(&account))]).await {
                Err(CommitError::Stale) => {}
                other => return Ok(other?),
            }
        }
        Err(ErasureError::Contended)
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
}

/// The name of its kind in the registry.
fn kind_of(kept: &PartitionItem) -> &'static str {
    registry::account_item_kind(&kept.sk).map_or("undeclared", |kind| kind.name)
}

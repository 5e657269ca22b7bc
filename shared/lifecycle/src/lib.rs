//! Ends generations and deletes generations, uploads and exports, for workers, dead letters, the sweep and account owners.
//!
//! Each function may be repeated after any failure, and run concurrently: an outcome is written in one conditional
//! transaction, and a deletion removes files first and the item last, so that the item shows what is left to delete.

pub mod address;
mod budget;
pub mod callback;
pub mod cases;
pub mod catalogue;
mod fence;
pub mod gate;
pub mod holds;
pub mod payments;
pub mod user_pool;

pub use budget::{enabled_providers, has_budget, provider_budget, spend_budget};
use domain::{
    AccountId, GenerationId, LedgerEntryId,
    accounts::{account::Account, strikes::StrikePolicy},
    credits::ledger::{Balance, Cause, CreditBucket as Credited},
    generations::generation::Generation,
    generations::submission::{self, CreditTransaction, GenerationOutcome},
    generations::upload::Upload,
    moderation::verdict::Verdict,
    privacy::export::Export,
};
pub use fence::{Waiting, Written, record_wait, write_generation};
use jiff::Timestamp;
use runtime::{
    clock,
    telemetry::{Metric, metric},
};
use store::{Bucket, StoreError, Table, Write};

/// The most attempts to write after other writes came first.
const ATTEMPTS: usize = 16;
/// The number of ledger entries in one read.
const LEDGER_PAGE: usize = 500;

/// The error of a call that did nothing, or an unknown part of its work. A repeat does the rest.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// A call failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Other writes came first each time.
    #[error("other writes came first each time")]
    Contended,
}

/// The result of ending a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndResult {
    /// It ended now, with this transaction.
    Ended(Box<CreditTransaction>),
    /// It had ended before, in this state.
    AlreadyEnded(Box<Generation>),
    /// It no longer exists.
    Gone,
}

/// Ends a generation and settles or releases its credits, once. A repeat or a concurrent call returns
/// [`EndResult::AlreadyEnded`].
///
/// # Errors
/// [`LifecycleError`].
pub async fn end_generation(
    table: &Table,
    ids: (AccountId, GenerationId),
    end: GenerationOutcome,
    now: Timestamp,
) -> Result<EndResult, LifecycleError> {
    let no_strikes = StrikePolicy { limit: 0, days: 0 };
    end_checked_generation(table, ids, end, (Vec::new(), no_strikes), now).await
}

/// Does what [`end_generation`] does, and keeps these verdicts. What they block is a strike of the account.
///
/// # Errors
/// [`LifecycleError`].
pub async fn end_checked_generation(
    table: &Table,
    (account, generation): (AccountId, GenerationId),
    end: GenerationOutcome,
    (verdicts, strikes): (Vec<Verdict>, StrikePolicy),
    now: Timestamp,
) -> Result<EndResult, LifecycleError> {
    let settings = table.settings(now).await?;
    for _ in 0..ATTEMPTS {
        let (Some(owner), Some(current)) = table.account_and_generation(account, generation).await? else {
            return Ok(EndResult::Gone);
        };
        let entry = LedgerEntryId(clock::uuid_at(now));
        let Ok(transaction) = submission::finish(&owner, &current, end.clone(), &settings.plans, entry, now) else {
            return Ok(EndResult::AlreadyEnded(Box::new(current)));
        };
        let transaction = transaction.with_verdicts(verdicts.clone(), strikes, now);
        let mut writes = vec![
            Write::Account(&transaction.account),
            Write::Generation(&transaction.generation),
            Write::LedgerEntry(account, &transaction.entry),
        ];
        writes.extend(transaction.margin.as_ref().map(|margin| Write::Margin(margin, generation)));
        writes.extend(transaction.sum.as_ref().map(|sum| Write::DailySum(sum, generation.0)));
        if table.try_commit(&writes).await? {
            record_metrics(&transaction);
            verdicts.iter().for_each(gate::record_verdict);
            return Ok(EndResult::Ended(Box::new(transaction)));
        }
    }
    Err(LifecycleError::Contended)
}

/// Measures the credits of a transaction that was written.
pub fn record_metrics(transaction: &CreditTransaction) {
    let credited = |bucket: Credited| {
        let postings = transaction.entry.postings.iter().filter(|posting| posting.bucket == bucket);
        postings.map(|posting| posting.amount.0).filter(|amount| *amount > 0).sum::<i64>()
    };
    match transaction.entry.cause {
        Cause::Reserve { .. } => metric(Metric::CreditsReserved, credited(Credited::Held), &[]),
        Cause::Settle { .. } | Cause::Release { .. } => {
            metric(Metric::CreditsSettled, credited(Credited::Spent), &[]);
            metric(Metric::CreditsReleased, credited(Credited::Available), &[]);
        }
        Cause::Welcome
        | Cause::Purchase { .. }
        | Cause::ClawBack { .. }
        | Cause::Restore { .. }
        | Cause::Adjustment { .. }
        | Cause::Redemption { .. }
        | Cause::Gift { .. } => {}
    }
}

/// Replays the ledger of an account and measures by how many credits its balance differs. Measures nothing if the account
/// changes meanwhile, as ledger and account cannot be read at the same time.
///
/// # Errors
/// A call failed.
pub async fn audit_ledger(table: &Table, id: AccountId, now: Timestamp) -> Result<(), LifecycleError> {
    // While evidence of it is held, an account whose erasure began has no ledger any more.
    let has_ledger = |account: &Account| account.deletion.as_ref().is_none_or(|deletion| now < deletion.erase_at);
    let Some(account) = table.account(id).await?.filter(has_ledger) else { return Ok(()) };
    let mut replayed = Balance::default();
    let mut after = None;
    loop {
        let page = table.entries(id, (Timestamp::UNIX_EPOCH, Timestamp::MAX), LEDGER_PAGE, after).await?;
        replayed = page.items.iter().fold(replayed, |balance, entry| balance.after(&entry.postings));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if table.account(id).await?.is_none_or(|now| now.version != account.version) {
        return Ok(());
    }
    let [available, held] = [
        account.balance.available.minus(replayed.available).0.saturating_abs(),
        account.balance.held.minus(replayed.held).0.saturating_abs(),
    ];
    let drift = available.saturating_add(held);
    if drift != 0 {
        tracing::error!(account = %id, drift, "balance differs from the ledger");
    }
    metric(Metric::LedgerDrift, drift, &[]);
    Ok(())
}

/// Removes what is left of the outputs that were deleted, or of the whole generation if it has
/// [expired](Generation::is_expired): gallery entries, share links, files in all versions, and last what the item says of
/// them. A legal hold keeps files and item, and the generation is not due until the hold is released. An item that names
/// copies at providers is kept until they are deleted. Returns `false` if another write came first; a repeat removes the rest.
///
/// # Errors
/// A call failed; a repeat removes the rest.
pub async fn remove_deleted(
    table: &Table,
    bucket: &Bucket,
    generation: &Generation,
    now: Timestamp,
) -> Result<bool, LifecycleError> {
    let mut generation = generation.clone();
    // What has expired is hidden before its first file is deleted.
    if generation.is_expired(now)
        && let Ok(hidden) = generation.deleted(now)
    {
        if !table.try_commit(&[Write::Generation(&hidden)]).await? {
            return Ok(false);
        }
        generation = hidden;
    }
    let owner = table.account(generation.account).await?;
    let holds = |kind| owner.as_ref().filter(|owner| owner.held_kinds().contains(kind));
    for output in generation.deleted_outputs() {
        for share in table.shares(generation.account, generation.id, output.number).await? {
            if !table.try_commit(&[Write::RemoveShare(&share)]).await? {
                return Ok(false);
            }
        }
        if !table.try_commit(&[Write::GalleryEntry(&generation, output.number)]).await? {
            return Ok(false);
        }
        if !generation.deleting && holds("generations").is_none() {
            let keys = [Some(&output.file.key), output.file.thumbnail_key.as_ref()];
            for key in keys.into_iter().flatten() {
                bucket.remove_all(key).await?;
            }
        }
    }
    if generation.deleting && holds("generations").is_none() {
        bucket.remove_all(&Bucket::generation_prefix(generation.account, generation.id)).await?;
    }
    // The item says which copies the providers must delete. A worker does that, and the sweep sends the message.
    if generation.deleting && generation.jobs_with_copies().next().is_some() {
        return Ok(true);
    }
    let held_by = if generation.deleting {
        holds("generation")
    } else {
        // The item of a generation that goes on says which files must be deleted once the hold is released.
        holds("generation").or_else(|| holds("generations"))
    };
    Ok(match (held_by, generation.purged()) {
        // Conditioned on the account, so that a concurrent release of the hold finds it.
        (Some(owner), _) if !generation.held => {
            table.try_commit(&[Write::Generation(&generation.retained_by_hold()), Write::Unchanged(owner)]).await?
        }
        (Some(_), _) => true,
        (None, _) if generation.deleting => table.try_commit(&[Write::RemoveGeneration(&generation)]).await?,
        (None, Some(purged)) => table.try_commit(&[Write::Generation(&purged)]).await?,
        (None, None) => true,
    })
}

/// Deletes an upload that was [deleted](Upload::deleted): all versions of its files, its item. Retains what a legal hold
/// covers. Returns `false` if another write came first; a repeat deletes the rest.
///
/// # Errors
/// A call failed. A repeat deletes the rest.
pub async fn remove_upload(table: &Table, bucket: &Bucket, upload: &Upload) -> Result<bool, LifecycleError> {
    let owner = table.account(upload.account).await?;
    let holds = |kind| owner.as_ref().filter(|owner| owner.held_kinds().contains(kind));
    if holds("uploads").is_none() {
        bucket.remove_all(&Bucket::upload_prefix(upload.account, upload.id)).await?;
    }
    Ok(match holds("upload") {
        Some(owner) if !upload.held => {
            table.try_commit(&[Write::Upload(&upload.retained_by_hold()), Write::Unchanged(owner)]).await?
        }
        Some(_) => true,
        None => table.try_commit(&[Write::RemoveUpload(upload)]).await?,
    })
}

/// Deletes all versions of the files of an export, and its incomplete multipart uploads.
///
/// # Errors
/// A call failed. A repeat deletes the rest.
pub async fn remove_archive(bucket: &Bucket, export: &Export) -> Result<(), LifecycleError> {
    let prefix = Bucket::export_prefix(export.account, export.id);
    bucket.abort_uploads(&prefix).await?;
    Ok(bucket.remove_all(&prefix).await?)
}

/// Deletes an [expired](Export::is_expired) export: files first, item last.
///
/// # Errors
/// A call failed. A repeat deletes the rest.
pub async fn remove_export(table: &Table, bucket: &Bucket, export: &Export) -> Result<(), LifecycleError> {
    remove_archive(bucket, export).await?;
    table.try_commit(&[Write::RemoveExport(export)]).await?;
    Ok(())
}

//! Keeps data under a legal hold from expiring, and deletes it once the hold is released.

use domain::{AccountId, accounts::account::Account, privacy::hold::HOLDABLE_KINDS, registry::RetentionRule};
use jiff::{SignedDuration, Timestamp};
use store::{
    Bucket, HeldItem, HoldCheck, Table, Write,
    registry::{self, DataLocation, StoredKind},
};

use crate::{LifecycleError, remove_deleted, remove_upload};

/// The time between two checks of an account with a hold: items that were added meanwhile must not expire either.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Releases the legal holds of an account whose time is over, and brings its items in line with the others: stops the time to live
/// of held items, and deletes retained items that are no longer held. The next call continues a check that did not reach the end
/// of a large partition.
///
/// Returns whether a check was due.
///
/// # Errors
/// A call failed. A repeat does the rest.
pub async fn check(table: &Table, bucket: &Bucket, id: AccountId, now: Timestamp) -> Result<bool, LifecycleError> {
    let Some(mut check) = table.hold_check(id).await?.filter(|check| check.next_at <= now) else { return Ok(false) };
    let Some(mut account) = table.account(id).await? else {
        table.try_commit(&[Write::RemoveHoldCheck(&check)]).await?;
        return Ok(true);
    };
    if let Some(released) = account.release_ended_holds(now) {
        if !table.try_commit(&[Write::Account(&released)]).await? {
            return Err(LifecycleError::Contended);
        }
        tracing::info!(account = %id, "legal holds ended and are released");
        account = released;
        // What is before the position is not held any more.
        check.after = None;
    }
    if check.after.is_none() {
        apply_expiry(table, &account).await?;
    }
    let page = table.held_items(id, check.after.clone()).await?;
    for held in page.items {
        let removed = match held {
            HeldItem::Generation(generation) => match table.generation(id, generation).await? {
                Some(generation) => remove_deleted(table, bucket, &generation, now).await?,
                None => true,
            },
            HeldItem::Upload(upload) => match table.upload(id, upload).await? {
                Some(upload) => remove_upload(table, bucket, &upload).await?,
                None => true,
            },
        };
        if !removed {
            // Nothing else would find it: the check stays due.
            return Err(LifecycleError::Contended);
        }
    }
    // If the holds changed meanwhile, this write fails, and the new check is due.
    let write = match page.next {
        Some(after) => Some(HoldCheck { after: Some(after), next_at: now, ..check.clone() }),
        None if account.held_kinds().is_empty() => None,
        None => Some(HoldCheck { after: None, next_at: now + EVERY, ..check.clone() }),
    };
    table.try_commit(&[write.as_ref().map_or(Write::RemoveHoldCheck(&check), Write::HoldCheckLater)]).await?;
    Ok(true)
}

async fn apply_expiry(table: &Table, account: &Account) -> Result<(), LifecycleError> {
    let held = account.held_kinds();
    for StoredKind { kind, location } in registry::kinds().filter(|stored| HOLDABLE_KINDS.contains(&stored.kind.name)) {
        let (DataLocation::AccountItem { sk }, RetentionRule::Days(days)) = (location, kind.retention) else {
            continue;
        };
        if held.contains(kind.name) {
            table.stop_expiry(account.id, sk).await?;
        } else {
            table.resume_expiry(account.id, sk, days).await?;
        }
    }
    Ok(())
}

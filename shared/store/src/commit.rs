//! Writes. All of one decision in one transaction, or none.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use domain::{
    AccountId,
    accounts::account::Account,
    accounts::correction::CorrectionRecord,
    accounts::email::EmailChange,
    credits::ledger::LedgerEntry,
    generations::generation::Generation,
    generations::share::Share,
    generations::upload::Upload,
    payments::payment::{Payment, PaymentReference, UnclaimedPayment},
    privacy::disclosure::Disclosure,
    privacy::export::Export,
    staff::audit::AuditEntry,
    support::guest_ticket::GuestTicket,
    support::ticket::Ticket,
};

use crate::{
    HoldCheck, ParkedFact, StoreError, Table, access, correction, hold,
    item::{self, Activity, IdempotencyRecord, Item, decode, key, keys, number},
    letter, payments,
};

/// One write of a transaction. What has a version is written only over the version before it.
#[derive(Clone, Debug)]
pub enum Write<'a> {
    /// An account: version 1 only if there is none.
    Account(&'a Account),
    /// An account that is closing is gone.
    RemoveAccount(&'a Account),
    /// An entry of an account's ledger, once.
    LedgerEntry(AccountId, &'a LedgerEntry),
    /// A generation: version 1 only if there is none.
    Generation(&'a Generation),
    /// A generation is gone.
    RemoveGeneration(&'a Generation),
    /// An upload: version 1 only if there is none.
    Upload(&'a Upload),
    /// An upload is gone.
    RemoveUpload(&'a Upload),
    /// An export: version 1 only if there is none. It is written only while its account lives, however old it is, so that
    /// whoever makes it finds out.
    Export(&'a Export),
    /// An export is gone.
    RemoveExport(&'a Export),
    /// A new share and its pointer.
    Share(&'a Share),
    /// A share and its pointer are gone. Gone already is as good.
    RemoveShare(&'a Share),
    /// A payment: version 1 only if there is none.
    Payment(&'a Payment),
    /// The pointer that finds a payment by this. A second one for the same payment is as good as the first.
    PaymentPointer(&'a PaymentReference, &'a Payment),
    /// A fact that waits for its payment. A second time it replaces the first.
    Park(&'a ParkedFact),
    /// A fact has waited. Gone already is as good.
    Unpark(&'a ParkedFact),
    /// Money that no account claims: version 1 only if it was not heard of before.
    Unclaimed(&'a UnclaimedPayment),
    /// A ticket: version 1 only if there is none.
    Ticket(&'a Ticket),
    /// A letter: version 1 only if there is none.
    GuestTicket(&'a GuestTicket),
    /// A letter is gone.
    RemoveGuestTicket(&'a GuestTicket),
    /// A record of activity.
    Activity(&'a Activity),
    /// That something was corrected.
    Correction(&'a CorrectionRecord),
    /// The change of an address: version 1 only if there is none.
    EmailChange(&'a EmailChange),
    /// The change of an address is over.
    RemoveEmailChange(&'a EmailChange),
    /// A line of the log of accesses.
    AuditEntry(&'a AuditEntry),
    /// A disclosure: version 1 only if there is none.
    Disclosure(&'a Disclosure),
    /// A disclosure is gone.
    RemoveDisclosure(&'a Disclosure),
    /// A drawer must be looked at, since holds changed. A second time it replaces the first.
    HoldCheck(&'a HoldCheck),
    /// A drawer was looked at, for the holds that there were: it is looked at again later.
    HoldCheckLater(&'a HoldCheck),
    /// A drawer was looked at, for the holds that there were, and needs no other look.
    RemoveHoldCheck(&'a HoldCheck),
    /// Nothing is written, but the account must be as it was read.
    Unchanged(&'a Account),
    /// The answer to an `Idempotency-Key`, unless there is one.
    IdempotencyRecord(&'a IdempotencyRecord),
}

/// Why a commit wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something was written since it was read: read again and decide again.
    #[error("something changed since it was read")]
    Stale,
    /// A request with this key has been answered.
    #[error("a request with this key has been answered")]
    Replayed(Box<IdempotencyRecord>),
    /// The account is gone, or going: nothing new comes into its drawer.
    #[error("the account is gone")]
    AccountGone,
    /// The call failed; nothing is known.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommitError {
    /// Says whether another write came first. Nothing was written; the caller reads again and decides again, or leaves it.
    #[must_use]
    pub const fn is_lost_race(&self) -> bool {
        match self {
            Self::Stale | Self::Replayed(_) | Self::AccountGone => true,
            Self::Store(_) => false,
        }
    }
}

enum Action {
    Put(Item, Condition),
    Delete(Item, Condition),
    /// What is there is this version.
    Check(Item, u64),
    /// The account lives. Comes last, so that its failure can be told from the others.
    CheckActive(Item),
}

enum Condition {
    None,
    Absent,
    Version(u64),
}

impl Condition {
    /// What must be there for this version to be written.
    fn over(version: u64) -> Self {
        match version.checked_sub(1) {
            None | Some(0) => Self::Absent,
            Some(previous) => Self::Version(previous),
        }
    }

    fn expression(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Absent => Some("attribute_not_exists(pk)"),
            Self::Version(_) => Some("version = :version"),
        }
    }

    fn version(&self) -> Option<i64> {
        match self {
            Self::Version(version) => i64::try_from(*version).ok(),
            Self::None | Self::Absent => None,
        }
    }
}

impl Write<'_> {
    fn actions(&self) -> Result<Vec<Action>, StoreError> {
        Ok(match self {
            Self::Account(account) => vec![Action::Put(item::account(account)?, Condition::over(account.version))],
            Self::RemoveAccount(account) => {
                vec![Action::Delete(keys(key::account(account.id), key::ACCOUNT), Condition::Version(account.version))]
            }
            Self::LedgerEntry(owner, entry) => vec![Action::Put(item::entry(*owner, entry)?, Condition::Absent)],
            Self::Generation(g) => vec![Action::Put(item::generation(g)?, Condition::over(g.version))],
            Self::RemoveGeneration(g) => {
                vec![Action::Delete(
                    keys(key::account(g.account), key::generation(g.id)),
                    Condition::Version(g.version),
                )]
            }
            Self::Upload(upload) => vec![Action::Put(item::upload(upload)?, Condition::over(upload.version))],
            Self::RemoveUpload(upload) => {
                vec![Action::Delete(
                    keys(key::account(upload.account), key::upload(upload.id)),
                    Condition::Version(upload.version),
                )]
            }
            Self::Export(export) => vec![Action::Put(item::export(export)?, Condition::over(export.version))],
            Self::RemoveExport(export) => {
                let keys = keys(key::account(export.account), key::export(export.id));
                vec![Action::Delete(keys, Condition::Version(export.version))]
            }
            Self::Share(share) => vec![
                Action::Put(item::share(share)?, Condition::Absent),
                Action::Put(item::share_pointer(share)?, Condition::Absent),
            ],
            Self::RemoveShare(share) => vec![
                Action::Delete(
                    keys(key::account(share.account), key::share(share.generation, share.id)),
                    Condition::None,
                ),
                Action::Delete(keys(key::share_pointer(&share.token_hash), key::POINTER), Condition::None),
            ],
            Self::Payment(payment) => {
                vec![Action::Put(payments::payment(payment)?, Condition::over(payment.version))]
            }
            Self::PaymentPointer(reference, payment) => {
                vec![Action::Put(payments::pointer(reference, payment)?, Condition::None)]
            }
            Self::Park(parked) => vec![Action::Put(payments::parked(parked)?, Condition::None)],
            Self::Unpark(parked) => vec![Action::Delete(parked.keys(), Condition::None)],
            Self::Unclaimed(unclaimed) => {
                vec![Action::Put(payments::unclaimed_payment(unclaimed)?, Condition::over(unclaimed.version))]
            }
            Self::Ticket(ticket) => vec![Action::Put(item::ticket(ticket)?, Condition::over(ticket.version))],
            Self::GuestTicket(letter) => {
                vec![Action::Put(letter::guest_ticket(letter)?, Condition::over(letter.version))]
            }
            Self::RemoveGuestTicket(letter) => {
                let keys = keys(key::guest_tickets(&letter.guest), key::guest_ticket(letter.id));
                vec![Action::Delete(keys, Condition::Version(letter.version))]
            }
            Self::Activity(activity) => vec![Action::Put(item::activity(activity)?, Condition::None)],
            Self::Correction(corrected) => vec![Action::Put(correction::correction(corrected)?, Condition::None)],
            Self::EmailChange(change) => {
                vec![Action::Put(correction::email_change(change)?, Condition::over(change.version))]
            }
            Self::RemoveEmailChange(change) => {
                let keys = keys(key::account(change.account), key::EMAIL_CHANGE);
                vec![Action::Delete(keys, Condition::Version(change.version))]
            }
            Self::AuditEntry(line) => vec![Action::Put(access::access(line)?, Condition::Absent)],
            Self::Disclosure(disclosure) => {
                vec![Action::Put(access::disclosure(disclosure)?, Condition::over(disclosure.version))]
            }
            Self::RemoveDisclosure(disclosure) => {
                let keys = keys(key::account(disclosure.account), key::disclosure(disclosure.id));
                vec![Action::Delete(keys, Condition::Version(disclosure.version))]
            }
            Self::HoldCheck(check) => vec![Action::Put(hold::hold_check(check)?, Condition::None)],
            Self::HoldCheckLater(check) => {
                vec![Action::Put(hold::hold_check(check)?, Condition::Version(check.version))]
            }
            Self::RemoveHoldCheck(check) => vec![Action::Delete(check.keys(), Condition::Version(check.version))],
            Self::Unchanged(account) => {
                vec![Action::Check(keys(key::account(account.id), key::ACCOUNT), account.version)]
            }
            Self::IdempotencyRecord(replay) => vec![Action::Put(item::replay(replay)?, Condition::Absent)],
        })
    }

    /// Whose drawer gets something new that nothing there is conditioned on: that account must live.
    fn newcomer(&self) -> Option<AccountId> {
        match self {
            Self::Export(export) => Some(export.account),
            Self::Share(share) => Some(share.account),
            Self::Payment(payment) if payment.version == 1 => Some(payment.account),
            Self::Ticket(ticket) if ticket.version == 1 => Some(ticket.account),
            Self::Activity(activity) => Some(activity.account),
            Self::Correction(corrected) => Some(corrected.account),
            Self::EmailChange(change) if change.version == 1 => Some(change.account),
            Self::AuditEntry(line) => Some(line.account),
            Self::Disclosure(disclosure) if disclosure.version == 1 => Some(disclosure.account),
            Self::HoldCheck(check) => Some(check.account),
            Self::IdempotencyRecord(replay) => Some(replay.account),
            _ => None,
        }
    }

    fn is_account(&self, id: AccountId) -> bool {
        matches!(self, Self::Account(account) | Self::Unchanged(account) if account.id == id)
    }
}

impl Table {
    /// Writes all of these or none. What is new in a drawer comes in only while its account lives. A repeat of the same
    /// commit is [`CommitError::Stale`] or [`CommitError::Replayed`], never a second effect.
    ///
    /// # Errors
    /// [`CommitError`].
    pub async fn commit(&self, writes: &[Write<'_>]) -> Result<(), CommitError> {
        let mut actions = Vec::with_capacity(writes.len() + 1);
        for write in writes {
            actions.extend(write.actions()?);
        }
        // An account that is written or checked itself is conditioned on its version.
        let owners = writes.iter().filter_map(Write::newcomer);
        let owners: BTreeSet<_> = owners.filter(|id| !writes.iter().any(|write| write.is_account(*id))).collect();
        actions.extend(owners.into_iter().map(|id| Action::CheckActive(keys(key::account(id), key::ACCOUNT))));
        // A transaction costs twice the write units of the same writes alone.
        match (actions.pop(), actions.is_empty()) {
            (None, _) => Ok(()),
            (Some(only), true) => self.write_one(only).await,
            (Some(last), false) => {
                actions.push(last);
                self.write_all(actions).await
            }
        }
    }

    /// Writes like [`Self::commit`]. Returns `false` if another write came first, and nothing was written.
    ///
    /// # Errors
    /// The call failed; the effect is unknown.
    pub async fn try_commit(&self, writes: &[Write<'_>]) -> Result<bool, StoreError> {
        match self.commit(writes).await {
            Ok(()) => Ok(true),
            Err(CommitError::Store(error)) => Err(error),
            Err(CommitError::Stale | CommitError::Replayed(_) | CommitError::AccountGone) => Ok(false),
        }
    }

    async fn write_one(&self, action: Action) -> Result<(), CommitError> {
        match action {
            Action::Put(item, condition) => {
                let request = self
                    .db
                    .put_item()
                    .table_name(&self.name)
                    .set_item(Some(item))
                    .set_condition_expression(condition.expression().map(str::to_owned))
                    .set_expression_attribute_values(values(&condition))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
                match request.send().await {
                    Ok(_) => Ok(()),
                    Err(error) => match error.as_service_error() {
                        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                            Err(answered(failed.item()).unwrap_or(CommitError::Stale))
                        }
                        _ => Err(StoreError::of("PutItem")(error).into()),
                    },
                }
            }
            Action::Delete(key, condition) => {
                let request = self
                    .db
                    .delete_item()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .set_condition_expression(condition.expression().map(str::to_owned))
                    .set_expression_attribute_values(values(&condition));
                match request.send().await {
                    Ok(_) => Ok(()),
                    Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                        Err(CommitError::Stale)
                    }
                    Err(e) => Err(StoreError::of("DeleteItem")(e).into()),
                }
            }
            // They never come alone.
            Action::Check(..) | Action::CheckActive(_) => Ok(()),
        }
    }

    async fn write_all(&self, actions: Vec<Action>) -> Result<(), CommitError> {
        let lives_from = actions.iter().position(|action| matches!(action, Action::CheckActive(_)));
        let mut items = Vec::with_capacity(actions.len());
        for action in actions {
            items.push(self.transact_item(action)?);
        }
        match self.db.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(cancelled(error, lives_from)),
        }
    }

    fn transact_item(&self, action: Action) -> Result<TransactWriteItem, StoreError> {
        Ok(match action {
            Action::Put(item, condition) => {
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(item))
                    .set_condition_expression(condition.expression().map(str::to_owned))
                    .set_expression_attribute_values(values(&condition))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                    .build()
                    .map_err(StoreError::of("build Put"))?;
                TransactWriteItem::builder().put(put).build()
            }
            Action::Delete(key, condition) => {
                let delete = Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .set_condition_expression(condition.expression().map(str::to_owned))
                    .set_expression_attribute_values(values(&condition))
                    .build()
                    .map_err(StoreError::of("build Delete"))?;
                TransactWriteItem::builder().delete(delete).build()
            }
            Action::Check(key, version) => {
                let condition = Condition::Version(version);
                let check = ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .set_condition_expression(condition.expression().map(str::to_owned))
                    .set_expression_attribute_values(values(&condition))
                    .build()
                    .map_err(StoreError::of("build ConditionCheck"))?;
                TransactWriteItem::builder().condition_check(check).build()
            }
            Action::CheckActive(key) => {
                let check = ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .condition_expression("attribute_exists(pk) AND attribute_not_exists(deletion)")
                    .build()
                    .map_err(StoreError::of("build ConditionCheck"))?;
                TransactWriteItem::builder().condition_check(check).build()
            }
        })
    }
}

fn values(condition: &Condition) -> Option<Item> {
    condition.version().map(|version| Item::from([(":version".to_owned(), number(version))]))
}

/// What a cancelled transaction means. An answer that is there already is found among the old items, so that a replay
/// needs no further read. Any other failed condition, and a conflict with another transaction, is stale.
fn cancelled(error: SdkError<TransactWriteItemsError>, lives_from: Option<usize>) -> CommitError {
    let reasons = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons.clone().unwrap_or_default()
        }
        _ => return StoreError::of("TransactWriteItems")(error).into(),
    };
    if let Some(answered) = answered(reasons.iter().filter_map(|reason| reason.item.as_ref())) {
        return answered;
    }
    let codes = || reasons.iter().map(|reason| reason.code.as_deref().unwrap_or_default());
    let mut lives = codes().skip(lives_from.unwrap_or(usize::MAX));
    if lives.any(|code| code == "ConditionalCheckFailed") {
        return CommitError::AccountGone;
    }
    let stale = codes().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"));
    if stale { CommitError::Stale } else { StoreError::of("TransactWriteItems")(error).into() }
}

/// The answer that is there already, if it is among the items that were in the way.
fn answered<'a>(old: impl IntoIterator<Item = &'a Item>) -> Option<CommitError> {
    let prefix = key::idempotency("");
    let is_answer =
        |item: &&Item| item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(&prefix));
    let item = old.into_iter().find(is_answer)?;
    Some(decode(item.clone()).map_or_else(CommitError::from, |replay| CommitError::Replayed(Box::new(replay))))
}

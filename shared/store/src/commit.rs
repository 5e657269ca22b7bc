//! Writes: all of one decision in one transaction, or none.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{delete_item::DeleteItemError, put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use domain::{
    AccountId, CaseId, GenerationId,
    accounts::{
        account::Account, correction::CorrectionRecord, email_change::EmailChange, plan_change::PlanChange,
        second_factor::SecondFactor, sign_up::SignUp, welcome::Welcome,
    },
    catalogue::{margin::Margin, watch::ModelWatch},
    credits::{
        ledger::LedgerEntry,
        promotion::{Promotion, RedeemedCode, Redemption},
    },
    documents::DocumentVersion,
    generations::{generation::Generation, share::Share, upload::Upload},
    moderation::{blocklist::BlockedFile, case::Case, notice::CaseNotice, report::Report},
    payments::{
        gift::Gift,
        payment::{Payment, PaymentReference, UnclaimedPayment},
    },
    privacy::{disclosure::Disclosure, export::Export},
    staff::{
        administrators::LostAdministrators, approval::Approval, assignment::Assignment, audit::AuditEntry,
        daily_sum::DailySum, invitation::Invitation, notes::CaseNotes, record::StaffAct,
        reply_templates::ReplyTemplates,
    },
    support::{guest_ticket::GuestTicket, ticket::Ticket},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    accounts::{
        account,
        activity::{self, Activity},
        correction, email_change, plan_change, second_factor, sign_up, welcome,
    },
    catalogue,
    credits::{ledger, promotion},
    documents,
    error::StoreError,
    generations::{gallery, generation, share, upload},
    idempotency::{self, IdempotencyRecord},
    item::{Item, TTL, decode, number, primary_key},
    keys,
    moderation::{blocklist, case, notice, outcome, report},
    payments::{
        gift,
        parked::{self, ParkedFact},
        payment, pointer, unclaimed,
    },
    privacy::{
        disclosure, export,
        hold_check::{self, HoldCheck},
    },
    staff::{approval, audit, case_work, members, record, reply_templates},
    sums::Addition,
    support::{guest_ticket, ticket},
    table::Table,
};

/// One write of a transaction. A value with a version is written only over the version before it; version 1 only if it does
/// not exist.
#[derive(Clone, Debug)]
pub enum Write<'a> {
    /// Writes an account.
    Account(&'a Account),
    /// Deletes an account that is being deleted.
    RemoveAccount(&'a Account),
    /// Adds a ledger entry to an account, once.
    LedgerEntry(AccountId, &'a LedgerEntry),
    /// Writes a promotion.
    Promotion(&'a Promotion),
    /// Adds what an account redeemed, once. Goes with the account.
    Redemption(&'a Redemption),
    /// Adds that an account with a mailbox redeemed a code, once.
    RedeemedCode(&'a RedeemedCode),
    /// Writes a generation.
    Generation(&'a Generation),
    /// Writes the gallery entry of the output with this number if it is public, and deletes it if not. A repeat changes
    /// nothing.
    GalleryEntry(&'a Generation, u32),
    /// Deletes a generation.
    RemoveGeneration(&'a Generation),
    /// Writes an upload.
    Upload(&'a Upload),
    /// Deletes an upload.
    RemoveUpload(&'a Upload),
    /// Writes an export. Every version needs an account that is not being deleted, so that the worker learns of the
    /// deletion.
    Export(&'a Export),
    /// Deletes an export.
    RemoveExport(&'a Export),
    /// Adds a share and its pointer.
    Share(&'a Share),
    /// Deletes a share and its pointer. A repeat changes nothing.
    RemoveShare(&'a Share),
    /// Writes a payment.
    Payment(&'a Payment),
    /// Writes a gift.
    Gift(&'a Gift),
    /// Writes the pointer that finds a payment by this reference. A repeat replaces it.
    PaymentPointer(&'a PaymentReference, &'a Payment),
    /// Writes a fact that waits for its payment. A repeat replaces it.
    Park(&'a ParkedFact),
    /// Deletes a parked fact. A repeat changes nothing.
    Unpark(&'a ParkedFact),
    /// Writes an unclaimed payment.
    Unclaimed(&'a UnclaimedPayment),
    /// Writes a ticket.
    Ticket(&'a Ticket),
    /// Writes a guest ticket.
    GuestTicket(&'a GuestTicket),
    /// Deletes a guest ticket.
    RemoveGuestTicket(&'a GuestTicket),
    /// Writes a moderation case.
    Case(&'a Case),
    /// Adds a notice about a moderation case.
    CaseNotice(&'a CaseNotice),
    /// Deletes a notice. A repeat changes nothing.
    RemoveCaseNotice(&'a CaseNotice),
    /// Adds a file to the blocklist. A repeat changes nothing.
    BlockFile(&'a BlockedFile),
    /// Removes the file of a case from the blocklist, if it is there.
    UnblockFile(CaseId),
    /// Writes the outcome of a case, if it is decided. Replaces an earlier one.
    CaseOutcome(&'a Case),
    /// Adds a report.
    Report(&'a Report),
    /// Deletes a report.
    RemoveReport(&'a Report),
    /// Adds an activity record.
    Activity(&'a Activity),
    /// Adds a correction record.
    Correction(&'a CorrectionRecord),
    /// Writes an email change.
    EmailChange(&'a EmailChange),
    /// Deletes an email change.
    RemoveEmailChange(&'a EmailChange),
    /// Writes a second factor.
    SecondFactor(&'a SecondFactor),
    /// Deletes a second factor.
    RemoveSecondFactor(&'a SecondFactor),
    /// Writes a sign-up.
    SignUp(&'a SignUp),
    /// Deletes a sign-up.
    RemoveSignUp(&'a SignUp),
    /// Writes what is remembered of the address with this keyed hash.
    Welcome(&'a str, &'a Welcome),
    /// Adds a version of the document with this name, once.
    DocumentVersion(&'static str, &'a DocumentVersion),
    /// Writes what providers said about the models of the catalogue.
    ModelWatch(&'a ModelWatch),
    /// Adds what a generation earned and cost to the sums of its model. Goes with the write that ends the generation, so that
    /// it is added once.
    Margin(&'a Margin, GenerationId),
    /// Adds to a sum of a day, for the generation, payment or account that is the cause. Goes with the write that changes it, so that
    /// it is added once.
    DailySum(&'a DailySum, Uuid),
    /// Adds an entry to the audit log, and its act to the record.
    AuditEntry(&'a AuditEntry),
    /// Adds an act without an account to the record.
    StaffAct(&'a StaffAct),
    /// Writes an approval.
    Approval(&'a Approval),
    /// Writes who works on a case.
    Assignment(&'a Assignment),
    /// Writes the notes about a case.
    CaseNotes(&'a CaseNotes),
    /// Writes an invitation.
    Invitation(&'a Invitation),
    /// Deletes an invitation.
    RemoveInvitation(&'a Invitation),
    /// Writes who lost the role administrator lately.
    LostAdministrators(&'a LostAdministrators),
    /// Writes the reply templates.
    ReplyTemplates(&'a ReplyTemplates),
    /// Writes a disclosure.
    Disclosure(&'a Disclosure),
    /// Deletes a disclosure.
    RemoveDisclosure(&'a Disclosure),
    /// Has the files of an account follow its new plan. Replaces an earlier change.
    PlanChange(&'a PlanChange),
    /// Notes how far the files followed, unless the plan changed again meanwhile.
    PlanChangeLater(&'a PlanChange),
    /// Deletes a change that all files followed, unless the plan changed again meanwhile.
    RemovePlanChange(&'a PlanChange),
    /// Schedules a check of legal holds, since they changed. A repeat replaces it.
    HoldCheck(&'a HoldCheck),
    /// Reschedules a check, unless holds changed meanwhile.
    HoldCheckLater(&'a HoldCheck),
    /// Deletes a check, unless holds changed meanwhile.
    RemoveHoldCheck(&'a HoldCheck),
    /// Writes nothing, but demands that the account is at the version that was read.
    Unchanged(&'a Account),
    /// Adds the response to an `Idempotency-Key`, once.
    IdempotencyRecord(&'a IdempotencyRecord),
}

/// Why a commit wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A value changed since it was read, or is being changed. Read again and decide again.
    #[error("a value changed since it was read")]
    Stale,
    /// A request with this `Idempotency-Key` was answered before.
    #[error("a request with this key was answered before")]
    Replayed(Box<IdempotencyRecord>),
    /// The account does not exist or is being deleted, so nothing new is written for it.
    #[error("the account does not exist or is being deleted")]
    AccountGone,
    /// The call failed; the effect is unknown.
    #[error(transparent)]
    Store(#[from] StoreError),
}

enum Action {
    Put(Item, Condition),
    Delete(Item, Condition),
    /// Adds to sums. Never comes alone.
    Add(Addition),
    /// Demands this version.
    Check(Item, u64),
    /// Demands an account that is not being deleted. Comes last, so that its failure can be told from the others.
    CheckActive(Item),
}

enum Condition {
    None,
    Absent,
    /// Absent, or its time to live is over at this time.
    Expired(Timestamp),
    Version(u64),
}

impl Condition {
    /// Returns the condition for writing this version.
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
            Self::Expired(_) => Some("attribute_not_exists(pk) OR #ttl <= :now"),
            Self::Version(_) => Some("version = :version"),
        }
    }

    fn values(&self) -> Option<Item> {
        let (name, value) = match self {
            Self::Version(version) => (":version", i64::try_from(*version).ok()?),
            Self::Expired(now) => (":now", now.as_second()),
            Self::None | Self::Absent => return None,
        };
        Some(Item::from([(name.to_owned(), number(value))]))
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        matches!(self, Self::Expired(_)).then(|| HashMap::from([("#ttl".to_owned(), TTL.to_owned())]))
    }
}

impl<'a> From<&'a plan_change::ExpiringItem> for Write<'a> {
    fn from(item: &'a plan_change::ExpiringItem) -> Self {
        match item {
            plan_change::ExpiringItem::Generation(generation) => Self::Generation(generation),
            plan_change::ExpiringItem::Upload(upload) => Self::Upload(upload),
        }
    }
}

impl Write<'_> {
    fn actions(&self) -> Result<Vec<Action>, StoreError> {
        Ok(match self {
            Self::Account(account) => vec![Action::Put(account::to_item(account)?, Condition::over(account.version))],
            Self::RemoveAccount(account) => {
                vec![Action::Delete(account_key(account.id), Condition::Version(account.version))]
            }
            Self::LedgerEntry(owner, entry) => vec![Action::Put(ledger::to_item(*owner, entry)?, Condition::Absent)],
            Self::Generation(g) => vec![Action::Put(generation::to_item(g)?, Condition::over(g.version))],
            Self::GalleryEntry(g, number) => vec![match g.gallery_entry(*number) {
                Some(entry) => Action::Put(gallery::to_item(&entry)?, Condition::None),
                None => Action::Delete(
                    primary_key(keys::account(g.account), keys::gallery_entry(g.id, *number)),
                    Condition::None,
                ),
            }],
            Self::RemoveGeneration(g) => vec![delete(g.account, keys::generation(g.id), g.version)],
            Self::Upload(upload) => vec![Action::Put(upload::to_item(upload)?, Condition::over(upload.version))],
            Self::RemoveUpload(upload) => vec![delete(upload.account, keys::upload(upload.id), upload.version)],
            Self::Export(export) => vec![Action::Put(export::to_item(export)?, Condition::over(export.version))],
            Self::RemoveExport(export) => vec![delete(export.account, keys::export(export.id), export.version)],
            Self::Share(share) => vec![
                Action::Put(share::to_item(share)?, Condition::Absent),
                Action::Put(share::pointer_item(share)?, Condition::Absent),
            ],
            Self::RemoveShare(share) => {
                let item = primary_key(keys::account(share.account), share::key(share));
                let pointer = primary_key(keys::share_pointer(&share.token_hash), keys::POINTER);
                vec![Action::Delete(item, Condition::None), Action::Delete(pointer, Condition::None)]
            }
            Self::Payment(payment) => vec![Action::Put(payment::to_item(payment)?, Condition::over(payment.version))],
            Self::Gift(gift) => vec![Action::Put(gift::to_item(gift)?, Condition::over(gift.version))],
            Self::PaymentPointer(reference, payment) => {
                vec![Action::Put(pointer::to_item(reference, payment)?, Condition::None)]
            }
            Self::Park(parked) => vec![Action::Put(parked::to_item(parked)?, Condition::None)],
            Self::Unpark(parked) => vec![Action::Delete(parked.primary_key(), Condition::None)],
            Self::Unclaimed(unclaimed) => {
                vec![Action::Put(unclaimed::to_item(unclaimed)?, Condition::over(unclaimed.version))]
            }
            Self::Ticket(ticket) => vec![Action::Put(ticket::to_item(ticket)?, Condition::over(ticket.version))],
            Self::GuestTicket(ticket) => {
                vec![Action::Put(guest_ticket::to_item(ticket)?, Condition::over(ticket.version))]
            }
            Self::RemoveGuestTicket(ticket) => {
                let key = primary_key(keys::guest(&ticket.guest), keys::guest_ticket(ticket.id));
                vec![Action::Delete(key, Condition::Version(ticket.version))]
            }
            Self::Case(case) => vec![Action::Put(case::to_item(case)?, Condition::over(case.version))],
            Self::CaseNotice(notice) => vec![Action::Put(notice::to_item(notice)?, Condition::Absent)],
            Self::RemoveCaseNotice(notice) => {
                let key = primary_key(keys::account(notice.account), keys::case_notice(notice.id));
                vec![Action::Delete(key, Condition::None)]
            }
            Self::BlockFile(file) => vec![Action::Put(blocklist::to_item(file)?, Condition::None)],
            Self::UnblockFile(case) => vec![Action::Delete(blocklist::key(*case), Condition::None)],
            Self::CaseOutcome(case) => {
                outcome::to_item(case)?.map(|item| Action::Put(item, Condition::None)).into_iter().collect()
            }
            Self::Report(report) => vec![Action::Put(report::to_item(report)?, Condition::Absent)],
            Self::RemoveReport(report) => vec![Action::Delete(report::key(report), Condition::None)],
            Self::Activity(activity) => vec![Action::Put(activity::to_item(activity)?, Condition::None)],
            Self::Correction(record) => vec![Action::Put(correction::to_item(record)?, Condition::None)],
            Self::EmailChange(change) => {
                vec![Action::Put(email_change::to_item(change)?, Condition::over(change.version))]
            }
            Self::RemoveEmailChange(change) => {
                vec![delete(change.account, keys::EMAIL_CHANGE.to_owned(), change.version)]
            }
            Self::SecondFactor(factor) => {
                vec![Action::Put(second_factor::to_item(factor)?, Condition::over(factor.version))]
            }
            Self::RemoveSecondFactor(factor) => {
                vec![delete(factor.account, keys::SECOND_FACTOR.to_owned(), factor.version)]
            }
            Self::SignUp(sign_up) => vec![Action::Put(sign_up::to_item(sign_up)?, Condition::over(sign_up.version))],
            Self::RemoveSignUp(sign_up) => vec![delete(sign_up.account, keys::SIGN_UP.to_owned(), sign_up.version)],
            Self::Welcome(keyed_hash, welcome) => {
                vec![Action::Put(welcome::to_item(keyed_hash, welcome)?, Condition::over(welcome.version))]
            }
            Self::Promotion(promotion) => {
                vec![Action::Put(promotion::to_item(promotion)?, Condition::over(promotion.version))]
            }
            Self::Redemption(redemption) => {
                vec![Action::Put(promotion::redemption_item(redemption)?, Condition::Absent)]
            }
            Self::RedeemedCode(redeemed) => {
                vec![Action::Put(promotion::redeemed_code_item(redeemed)?, Condition::Absent)]
            }
            Self::DocumentVersion(document, version) => {
                vec![Action::Put(documents::version_item(document, version)?, Condition::Absent)]
            }
            Self::ModelWatch(watch) => {
                vec![Action::Put(catalogue::watch_item(watch)?, Condition::over(watch.version))]
            }
            Self::Margin(margin, generation) => vec![Action::Add(Addition::of_margin(margin, *generation)?)],
            Self::DailySum(sum, cause) => vec![Action::Add(Addition::of_sum(sum, *cause)?)],
            Self::AuditEntry(entry) => vec![Action::Put(audit::to_item(entry)?, Condition::Absent)],
            // Added to the record with all others, by [`Table::record_actions`].
            Self::StaffAct(_) => Vec::new(),
            Self::Approval(approval) => {
                vec![Action::Put(approval::to_item(approval)?, Condition::over(approval.version))]
            }
            Self::Assignment(assignment) => {
                vec![Action::Put(case_work::assignment_item(assignment)?, Condition::over(assignment.version))]
            }
            Self::CaseNotes(notes) => {
                vec![Action::Put(case_work::notes_item(notes)?, Condition::over(notes.version))]
            }
            Self::Invitation(invitation) => {
                vec![Action::Put(members::invitation_item(invitation)?, Condition::over(invitation.version))]
            }
            Self::RemoveInvitation(invitation) => {
                vec![Action::Delete(members::invitation_key(invitation.id), Condition::Version(invitation.version))]
            }
            Self::LostAdministrators(lost) => {
                vec![Action::Put(members::lost_administrators_item(lost)?, Condition::over(lost.version))]
            }
            Self::ReplyTemplates(templates) => {
                vec![Action::Put(reply_templates::to_item(templates)?, Condition::over(templates.version))]
            }
            Self::Disclosure(disclosure) => {
                vec![Action::Put(disclosure::to_item(disclosure)?, Condition::over(disclosure.version))]
            }
            Self::RemoveDisclosure(disclosure) => {
                vec![delete(disclosure.account, keys::disclosure(disclosure.id), disclosure.version)]
            }
            Self::PlanChange(change) => vec![Action::Put(plan_change::to_item(change)?, Condition::None)],
            Self::PlanChangeLater(change) => {
                vec![Action::Put(plan_change::to_item(change)?, Condition::Version(change.version))]
            }
            Self::RemovePlanChange(change) => {
                vec![delete(change.account, keys::PLAN_CHANGE.to_owned(), change.version)]
            }
            Self::HoldCheck(check) => vec![Action::Put(hold_check::to_item(check)?, Condition::None)],
            Self::HoldCheckLater(check) => {
                vec![Action::Put(hold_check::to_item(check)?, Condition::Version(check.version))]
            }
            Self::RemoveHoldCheck(check) => {
                vec![Action::Delete(check.primary_key(), Condition::Version(check.version))]
            }
            Self::Unchanged(account) => vec![Action::Check(account_key(account.id), account.version)],
            Self::IdempotencyRecord(record) => {
                vec![Action::Put(idempotency::to_item(record)?, Condition::Expired(record.at))]
            }
        })
    }

    /// Returns the account that gets a new item under no condition of its own. It must not be being deleted.
    fn account_of_new_item(&self) -> Option<AccountId> {
        match self {
            Self::Export(export) => Some(export.account),
            Self::Share(share) => Some(share.account),
            Self::GalleryEntry(g, number) => g.gallery_entry(*number).map(|entry| entry.account),
            Self::Payment(payment) if payment.version == 1 => Some(payment.account),
            Self::Ticket(ticket) if ticket.version == 1 => Some(ticket.account),
            Self::Case(case) if case.version == 1 => Some(case.account),
            Self::CaseNotice(notice) => Some(notice.account),
            Self::Activity(activity) => Some(activity.account),
            Self::Correction(record) => Some(record.account),
            Self::EmailChange(change) if change.version == 1 => Some(change.account),
            Self::SecondFactor(factor) if factor.version == 1 => Some(factor.account),
            Self::AuditEntry(entry) => Some(entry.account),
            Self::Approval(approval) if approval.version == 1 => Some(approval.account),
            Self::CaseNotes(notes) if notes.version == 1 => Some(notes.account),
            Self::Disclosure(disclosure) if disclosure.version == 1 => Some(disclosure.account),
            Self::PlanChange(change) => Some(change.account),
            Self::HoldCheck(check) => Some(check.account),
            Self::IdempotencyRecord(record) => Some(record.account),
            _ => None,
        }
    }

    fn is_account(&self, id: AccountId) -> bool {
        matches!(self, Self::Account(account) | Self::Unchanged(account) if account.id == id)
    }
}

impl Table {
    /// Writes all of these or none. A new item is written only while its account is not being deleted. A repeat of the same
    /// commit is [`CommitError::Stale`] or [`CommitError::Replayed`], never a second effect.
    ///
    /// # Errors
    /// [`CommitError`].
    pub async fn commit(&self, writes: &[Write<'_>]) -> Result<(), CommitError> {
        let mut actions = Vec::with_capacity(writes.len() + 1);
        for write in writes {
            actions.extend(write.actions()?);
        }
        actions.extend(self.record_actions(writes).await?);
        for action in &mut actions {
            if let Action::Put(item, _) = action {
                self.place_in_shards(item);
            }
        }
        // An account that is written or checked itself has a condition on its version.
        let owners = writes.iter().filter_map(Write::account_of_new_item);
        let owners: BTreeSet<_> = owners.filter(|id| !writes.iter().any(|write| write.is_account(*id))).collect();
        actions.extend(owners.into_iter().map(|id| Action::CheckActive(account_key(id))));
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

    /// Returns what adds the acts of staff among these writes to the record. Who writes the next entry first wins; the others are stale.
    async fn record_actions(&self, writes: &[Write<'_>]) -> Result<Vec<Action>, StoreError> {
        let mut acts = Vec::new();
        for write in writes {
            match write {
                Write::AuditEntry(entry) => acts.push(record::act_of(entry)?),
                Write::StaffAct(act) => acts.push((*act).clone()),
                _ => {}
            }
        }
        if acts.is_empty() {
            return Ok(Vec::new());
        }
        let entries = self.next_record_entries(acts).await?;
        entries.iter().map(|entry| Ok(Action::Put(record::to_item(entry)?, Condition::Absent))).collect()
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
                    .set_expression_attribute_names(condition.names())
                    .set_expression_attribute_values(condition.values())
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
                match request.send().await {
                    Ok(_) => Ok(()),
                    Err(error) => match error.as_service_error() {
                        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                            Err(answered(failed.item()).unwrap_or(CommitError::Stale))
                        }
                        // A transaction is writing the item.
                        Some(PutItemError::TransactionConflictException(_)) => Err(CommitError::Stale),
                        _ => Err(StoreError::call("PutItem")(error).into()),
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
                    .set_expression_attribute_values(condition.values());
                match request.send().await {
                    Ok(_) => Ok(()),
                    Err(error) => match error.as_service_error() {
                        Some(
                            DeleteItemError::ConditionalCheckFailedException(_)
                            | DeleteItemError::TransactionConflictException(_),
                        ) => Err(CommitError::Stale),
                        _ => Err(StoreError::call("DeleteItem")(error).into()),
                    },
                }
            }
            // They are never the only action.
            Action::Add(_) | Action::Check(..) | Action::CheckActive(_) => Ok(()),
        }
    }

    async fn write_all(&self, actions: Vec<Action>) -> Result<(), CommitError> {
        let active_check_at = actions.iter().position(|action| matches!(action, Action::CheckActive(_)));
        let mut items = Vec::with_capacity(actions.len());
        for action in actions {
            items.push(self.transact_item(action)?);
        }
        match self.db.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(cancelled(error, active_check_at)),
        }
    }

    fn transact_item(&self, action: Action) -> Result<TransactWriteItem, StoreError> {
        Ok(match action {
            Action::Put(item, condition) => {
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(item))
                    .set_condition_expression(condition.expression().map(str::to_owned))
                    .set_expression_attribute_names(condition.names())
                    .set_expression_attribute_values(condition.values())
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
                    .set_expression_attribute_values(condition.values())
                    .build()
                    .map_err(StoreError::of("build Delete"))?;
                TransactWriteItem::builder().delete(delete).build()
            }
            Action::Add(Addition { key, expression, names, values }) => {
                let update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .update_expression(expression)
                    .set_expression_attribute_names(Some(names))
                    .set_expression_attribute_values(Some(values))
                    .build()
                    .map_err(StoreError::of("build Update"))?;
                TransactWriteItem::builder().update(update).build()
            }
            Action::Check(key, version) => {
                let condition = Condition::Version(version);
                let check = ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .set_condition_expression(condition.expression().map(str::to_owned))
                    .set_expression_attribute_values(condition.values())
                    .build()
                    .map_err(StoreError::of("build ConditionCheck"))?;
                TransactWriteItem::builder().condition_check(check).build()
            }
            Action::CheckActive(key) => {
                let check = ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .condition_expression("attribute_exists(pk) AND attribute_not_exists(#deletion)")
                    .expression_attribute_names("#deletion", account::DELETION)
                    .build()
                    .map_err(StoreError::of("build ConditionCheck"))?;
                TransactWriteItem::builder().condition_check(check).build()
            }
        })
    }
}

fn account_key(id: AccountId) -> Item {
    primary_key(keys::account(id), keys::ACCOUNT)
}

fn delete(account: AccountId, sk: String, version: u64) -> Action {
    Action::Delete(primary_key(keys::account(account), sk), Condition::Version(version))
}

/// Interprets a cancelled transaction. A response to the same `Idempotency-Key` is found among the old items, so that a replay
/// needs no further read. Any other failed condition, and a conflict with another transaction, is stale.
fn cancelled(error: SdkError<TransactWriteItemsError>, active_check_at: Option<usize>) -> CommitError {
    let reasons = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons.clone().unwrap_or_default()
        }
        _ => return StoreError::call("TransactWriteItems")(error).into(),
    };
    if let Some(answered) = answered(reasons.iter().filter_map(|reason| reason.item.as_ref())) {
        return answered;
    }
    let codes = || reasons.iter().map(|reason| reason.code.as_deref().unwrap_or_default());
    let mut active_checks = codes().skip(active_check_at.unwrap_or(usize::MAX));
    if active_checks.any(|code| code == "ConditionalCheckFailed") {
        return CommitError::AccountGone;
    }
    if codes().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict")) {
        return CommitError::Stale;
    }
    if codes().any(|code| matches!(code, "ProvisionedThroughputExceeded" | "ThrottlingError")) {
        return StoreError::busy("TransactWriteItems")(error).into();
    }
    StoreError::call("TransactWriteItems")(error).into()
}

/// Finds the response to the same `Idempotency-Key` among the items that made a condition fail.
fn answered<'a>(old: impl IntoIterator<Item = &'a Item>) -> Option<CommitError> {
    let is_answer =
        |item: &&Item| item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(keys::IDEMPOTENCY));
    let item = old.into_iter().find(is_answer)?;
    Some(decode(item.clone()).map_or_else(CommitError::from, |record| CommitError::Replayed(Box::new(record))))
}

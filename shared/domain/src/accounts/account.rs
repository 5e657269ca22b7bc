//! An account: its profile, its balance, and what it may do.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{
        correction::{CorrectedField, Correction},
        email,
        freeze::{FreezeReason, Freezes},
        plan::Plan,
        preferences::{Preferences, is_language_tag},
        status::AccountStatus,
        strikes::{StrikePolicy, Strikes},
        terms::{self, TermsAcceptance},
    },
    credits::ledger::{Balance, Cause, CreditBucket, Credits, LedgerEntry},
    ids::{AccountId, CaseId, HoldId, LedgerEntryId, ReceiptId},
    privacy::{
        deletion::{Deletion, DeletionReason},
        hold::{Hold, Holds},
    },
    rate_limit::{HourlyCount, TokenBucket},
    refusal::{FieldError, Refusal, check_text},
    registry::DataFields,
    staff::role::Role,
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Account {
    /// Its id.
    #[data(plain)]
    pub id: AccountId,
    /// The address that signs in.
    #[data(personal)]
    pub email: String,
    /// The name that the account owner chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub display_name: Option<String>,
    /// The plan, which sets the limits.
    #[data(plain)]
    pub plan: Plan,
    /// The plan that staff granted: the account is on this one at least, whatever was paid for.
    #[serde(default)]
    #[data(plain)]
    pub granted_plan: Plan,
    /// The largest plan of the gifts that it redeemed: it is on this one at least.
    #[serde(default)]
    #[data(plain)]
    pub gifted_plan: Plan,
    /// Periods in which it may not spend credits, publish or share.
    #[serde(default, skip_serializing_if = "Freezes::is_empty")]
    #[data(nested)]
    pub freezes: Freezes,
    /// Since when it may not publish or share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub publishing_suspension: Option<PublishingSuspension>,
    /// The terms that its owner accepted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub terms: Option<TermsAcceptance>,
    /// Its credits.
    #[data(nested)]
    pub balance: Balance,
    /// The newest ledger entry. The next one gets an id after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub last_entry: Option<LedgerEntryId>,
    /// Generations that have not ended.
    #[data(plain)]
    pub jobs_in_flight: u32,
    /// The token bucket that limits how often it submits.
    #[data(nested)]
    pub submit_rate: TokenBucket,
    /// Generations that it canceled in the present hour.
    #[serde(default, skip_serializing_if = "HourlyCount::is_unused")]
    #[data(nested)]
    pub cancels: HourlyCount,
    /// Its provider calls in the present hour that failed because of what it asked for.
    #[serde(default, skip_serializing_if = "HourlyCount::is_unused")]
    #[data(nested)]
    pub failed_calls: HourlyCount,
    /// Its prompts and outputs that were blocked in the present window.
    #[serde(default, skip_serializing_if = "Strikes::is_unused")]
    #[data(nested)]
    pub strikes: Strikes,
    /// Uploads that it declared in the present hour.
    #[serde(default, skip_serializing_if = "HourlyCount::is_unused")]
    #[data(nested)]
    pub declared_uploads: HourlyCount,
    /// Uploads that exist, pending ones included.
    #[data(plain)]
    pub uploads: u32,
    /// Bytes of these uploads.
    #[data(plain)]
    pub upload_bytes: u64,
    /// Preferences of its owner.
    #[data(nested)]
    pub preferences: Preferences,
    /// Where payment providers send receipts, if not to the address that signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub billing_email: Option<String>,
    /// Legal holds on its data.
    #[serde(default, skip_serializing_if = "Holds::is_empty")]
    #[data(nested)]
    pub holds: Holds,
    /// The pending deletion. While there is one, no new item is written for the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub deletion: Option<Deletion>,
    /// The keyed hash under which it is remembered that the account was opened with its first address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub welcome_key: Option<String>,
    /// When it was opened.
    #[data(plain)]
    pub created_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// A suspension of publishing and sharing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct PublishingSuspension {
    /// When it began.
    #[data(plain)]
    pub at: Timestamp,
    /// The moderation case that it follows from. Without one a staff member suspended publishing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub case: Option<CaseId>,
}

/// Longest display name, in characters.
pub const DISPLAY_NAME_CHARACTERS: usize = 80;

impl Account {
    /// Opens an account at the first sign-in. Returns it with the ledger entry of its welcome credits, if there are any.
    #[must_use]
    pub fn open(
        id: AccountId,
        email: String,
        welcome: Credits,
        entry: LedgerEntryId,
        now: Timestamp,
    ) -> (Self, Option<LedgerEntry>) {
        let plan = Plan::default();
        let entry = (welcome > Credits::ZERO).then(|| {
            let moves = [(CreditBucket::Granted, CreditBucket::Available, welcome)];
            LedgerEntry::record(entry, now, Cause::Welcome, (Balance::default(), None), &moves)
        });
        let account = Self {
            id,
            email,
            display_name: None,
            plan,
            granted_plan: plan,
            gifted_plan: Plan::default(),
            freezes: Freezes::default(),
            publishing_suspension: None,
            terms: None,
            balance: entry.as_ref().map_or_else(Balance::default, |entry| entry.balance_after),
            last_entry: entry.as_ref().map(|entry| entry.id),
            jobs_in_flight: 0,
            submit_rate: TokenBucket::UNUSED,
            cancels: HourlyCount::default(),
            failed_calls: HourlyCount::default(),
            strikes: Strikes::default(),
            declared_uploads: HourlyCount::default(),
            uploads: 0,
            upload_bytes: 0,
            preferences: Preferences::default(),
            billing_email: None,
            holds: Holds::default(),
            deletion: None,
            welcome_key: None,
            created_at: now,
            version: 1,
        };
        (account, entry)
    }

    /// Applies a correction. Returns the corrected account and the fields that differ now.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] names each field that breaks a rule.
    pub fn correct(&self, correction: Correction) -> Result<(Self, BTreeSet<CorrectedField>), Refusal> {
        let mut errors = Vec::new();
        let mut next = self.next_version();
        if let Some(name) = correction.display_name {
            errors.extend(name.as_deref().and_then(|name| check_text("display_name", name, DISPLAY_NAME_CHARACTERS)));
            next.display_name = name;
        }
        if let Some(given) = correction.billing_email {
            next.billing_email = given.as_deref().and_then(email::normalize);
            if given.is_some() && next.billing_email.is_none() {
                errors.push(FieldError::new("billing_email", email::EMAIL_RULE));
            }
        }
        if let Some(theme) = correction.theme {
            next.preferences.theme = theme;
        }
        if let Some(language) = correction.language {
            if !is_language_tag(&language) {
                errors.push(FieldError::new("preferences.language", "a language tag such as en or pt-BR"));
            }
            next.preferences.language = language;
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        let differs = [
            (CorrectedField::DisplayName, self.display_name != next.display_name),
            (CorrectedField::BillingEmail, self.billing_email != next.billing_email),
            (CorrectedField::Theme, self.preferences.theme != next.preferences.theme),
            (CorrectedField::Language, self.preferences.language != next.preferences.language),
        ];
        let fields = differs.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect();
        Ok((next, fields))
    }

    /// Returns the address that payment providers send receipts to.
    #[must_use]
    pub fn billing_address(&self) -> &str {
        self.billing_email.as_deref().unwrap_or(&self.email)
    }

    /// Returns this account as its next version.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// Records a ledger entry. Returns it with the account as its next version.
    pub(crate) fn with_entry(
        &self,
        id: LedgerEntryId,
        now: Timestamp,
        cause: Cause,
        moves: &[(CreditBucket, CreditBucket, Credits)],
    ) -> (LedgerEntry, Self) {
        let entry = LedgerEntry::record(id, now, cause, (self.balance, self.last_entry), moves);
        let account = Self { balance: entry.balance_after, last_entry: Some(entry.id), ..self.next_version() };
        (entry, account)
    }

    /// Says whether the account may act.
    #[must_use]
    pub fn status(&self) -> AccountStatus {
        if self.deletion.is_some() {
            AccountStatus::PendingDeletion
        } else if self.is_frozen() {
            AccountStatus::Frozen
        } else {
            AccountStatus::Active
        }
    }

    /// Says whether a freeze forbids the account to spend credits.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.freezes.current().is_some()
    }

    /// Checks that the account may act.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if it is frozen or being deleted.
    pub fn check_active(&self) -> Result<(), Refusal> {
        match self.status() {
            AccountStatus::Active => Ok(()),
            status @ (AccountStatus::Frozen | AccountStatus::PendingDeletion) => Err(Refusal::AccountStatus(status)),
        }
    }

    /// Checks that the account is not being deleted.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if it is.
    pub(crate) fn check_not_deleted(&self) -> Result<(), Refusal> {
        if self.deletion.is_some() { Err(Refusal::AccountStatus(self.status())) } else { Ok(()) }
    }

    /// Checks that staff may access the account: it is not being deleted, or some of its data is held.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] otherwise.
    pub fn check_accessible(&self) -> Result<(), Refusal> {
        if self.held_kinds().is_empty() { self.check_not_deleted() } else { Ok(()) }
    }
}

/// Opening.
impl Account {
    /// Notes the keyed hash under which the opening is remembered.
    #[must_use]
    pub fn remembered_as(self, keyed_hash: String) -> Self {
        Self { welcome_key: Some(keyed_hash), ..self }
    }

    /// Notes the terms that were accepted at the sign-up.
    #[must_use]
    pub fn accepting(self, terms: Option<TermsAcceptance>) -> Self {
        Self { terms, ..self }
    }

    /// Freezes an account at its opening.
    #[must_use]
    pub fn frozen_at_opening(mut self, reason: FreezeReason, now: Timestamp) -> Self {
        self.freezes.add(reason, now);
        self
    }
}

/// Terms.
impl Account {
    /// Accepts the `present` version of the terms. A repeat keeps the time of the first acceptance, and returns nothing.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if another version is named.
    pub fn accept_terms(&self, version: &str, present: &str, now: Timestamp) -> Result<Option<Self>, Refusal> {
        terms::check_version("version", version, present).map_err(|error| Refusal::Invalid(vec![error]))?;
        if self.terms.as_ref().is_some_and(|accepted| accepted.version == present) {
            return Ok(None);
        }
        let accepted = TermsAcceptance { version: present.to_owned(), at: now };
        Ok(Some(Self { terms: Some(accepted), ..self.next_version() }))
    }
}

/// Freezes.
impl Account {
    /// Freezes the account on behalf of a staff member, with their note.
    #[must_use]
    pub fn frozen(&self, note: String, now: Timestamp) -> Self {
        let mut next = self.next_version();
        next.freezes.add_by_staff(note, now);
        next
    }

    /// Lifts every freeze that a staff member with these roles may lift, with their note.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if the account is not frozen, or only for reasons that other roles decide about.
    pub fn unfrozen(&self, roles: &[Role], note: &str, now: Timestamp) -> Result<Self, Refusal> {
        let mut next = self.next_version();
        next.freezes.lift_by(roles, note, now)?;
        Ok(next)
    }
}

/// Publishing.
impl Account {
    /// Checks that the account may publish and share: it may act, and publishing is not suspended.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] or [`Refusal::PublishingSuspended`].
    pub fn check_publishing(&self) -> Result<(), Refusal> {
        self.check_active()?;
        if self.publishing_suspension.is_some() { Err(Refusal::PublishingSuspended) } else { Ok(()) }
    }

    /// Suspends publishing, for a moderation case or on behalf of a staff member. A suspension that lasts stays.
    #[must_use]
    pub fn publishing_suspended(&self, case: Option<CaseId>, now: Timestamp) -> Self {
        let suspension = self.publishing_suspension.clone().unwrap_or(PublishingSuspension { at: now, case });
        Self { publishing_suspension: Some(suspension), ..self.next_version() }
    }

    /// Lets the account publish again.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if publishing is not suspended.
    pub fn publishing_restored(&self) -> Result<Self, Refusal> {
        if self.publishing_suspension.is_none() {
            return Err(Refusal::Conflict("publishing is not suspended"));
        }
        Ok(Self { publishing_suspension: None, ..self.next_version() })
    }

    /// Applies what a moderation case was decided to mean for the account: it is frozen, publishing is suspended, evidence is held.
    /// Returns `None` if nothing of that.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if there are too many holds.
    pub(crate) fn sanctioned(
        &self,
        case: CaseId,
        (freeze, suspend): (bool, bool),
        evidence: Option<Hold>,
        now: Timestamp,
    ) -> Result<Option<Self>, Refusal> {
        if !freeze && !suspend && evidence.is_none() {
            return Ok(None);
        }
        let mut next = if suspend { self.publishing_suspended(Some(case), now) } else { self.next_version() };
        if freeze {
            next.freezes.add(FreezeReason::Moderation { case }, now);
        }
        if let Some(hold) = evidence {
            next.holds.place(hold)?;
        }
        Ok(Some(next))
    }

    /// Lifts what followed from a moderation case: freeze, suspension, hold of evidence. Returns `None` if nothing lasts, and
    /// whether a hold was released.
    ///
    /// # Errors
    /// Never: the hold exists.
    pub(crate) fn pardoned(&self, case: CaseId, now: Timestamp) -> Result<(Option<Self>, bool), Refusal> {
        let evidence = self.holds.of_case(case);
        let mut next = if evidence.is_some() { self.deletion_due_next(now) } else { self.next_version() };
        next.freezes.lift(&FreezeReason::Moderation { case }, now);
        if self.publishing_suspension.as_ref().is_some_and(|suspension| suspension.case == Some(case)) {
            next.publishing_suspension = None;
        }
        if let Some(hold) = evidence {
            next.holds.release(hold, now)?;
        }
        let changed = evidence.is_some()
            || next.freezes != self.freezes
            || next.publishing_suspension != self.publishing_suspension;
        Ok((changed.then_some(next), evidence.is_some()))
    }
}

/// Strikes.
impl Account {
    /// Counts a blocked prompt, and returns the account as its next version. Freezes it at the limit, until a person has
    /// looked; the count begins anew then.
    #[must_use]
    pub fn struck(&self, policy: StrikePolicy, now: Timestamp) -> Self {
        let mut next = self.next_version();
        next.strike(policy, now);
        next
    }

    /// Counts what was blocked in an account that is written anyway.
    pub(crate) fn strike(&mut self, policy: StrikePolicy, now: Timestamp) {
        let (since, count) = self.strikes.counted(policy, now);
        self.strikes = Strikes { since: Some(since), count };
        if policy.limit > 0 && count >= policy.limit {
            self.freezes.add(FreezeReason::BlockedContent { since, count }, now);
            self.strikes = Strikes::default();
        }
    }
}

/// Deletion.
impl Account {
    /// Requests the deletion of the account, to be carried out after `grace`.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if a deletion is pending.
    pub fn request_deletion(
        &self,
        receipt: ReceiptId,
        reason: DeletionReason,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if self.deletion.is_some() {
            return Err(Refusal::Conflict("the account is being deleted already"));
        }
        Ok(Self { deletion: Some(Deletion::new(receipt, reason, grace, now)), ..self.next_version() })
    }

    /// Cancels the pending deletion.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if none is pending, [`Refusal::Conflict`] if the erasure has begun.
    pub fn cancel_deletion(&self, now: Timestamp) -> Result<Self, Refusal> {
        self.deletion.as_ref().ok_or(Refusal::NotFound)?.check_cancelable(now)?;
        Ok(Self { deletion: None, ..self.next_version() })
    }

    /// Notes until when a worker may still be busy for the account. Without a pending deletion only the version changes.
    #[must_use]
    pub fn deletion_waiting_for_workers(&self, until: Timestamp) -> Self {
        let deletion = self.deletion.clone().map(|deletion| deletion.waiting_for_workers(until));
        Self { deletion, ..self.next_version() }
    }

    /// Sets when the erasure continues. Without a pending deletion only the version changes.
    #[must_use]
    pub fn deletion_due_next(&self, next_at: Timestamp) -> Self {
        let deletion = self.deletion.clone().map(|deletion| deletion.due_next(next_at));
        Self { deletion, ..self.next_version() }
    }
}

/// Legal holds.
impl Account {
    /// Places a legal hold. An account that is being deleted can still have one, on the data that is left.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if the account has the most holds that it may have.
    pub fn place_hold(&self, hold: Hold) -> Result<Self, Refusal> {
        let mut next = self.next_version();
        next.holds.place(hold)?;
        Ok(next)
    }

    /// Releases a legal hold; a pending deletion continues at once. Returns `None` if the hold was released before.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such hold.
    pub fn release_hold(&self, id: HoldId, now: Timestamp) -> Result<Option<Self>, Refusal> {
        let mut next = self.deletion_due_next(now);
        Ok(next.holds.release(id, now)?.then_some(next))
    }

    /// Releases the holds whose time is over; a pending deletion continues at once. Returns `None` if there are none.
    #[must_use]
    pub fn release_ended_holds(&self, now: Timestamp) -> Option<Self> {
        let ended = self.holds.ended(now);
        if ended.is_empty() {
            return None;
        }
        let mut next = self.deletion_due_next(now);
        for id in ended {
            next.holds.release(id, now).ok()?;
        }
        Some(next)
    }

    /// Returns the names of the kinds of data that a hold keeps.
    #[must_use]
    pub fn held_kinds(&self) -> BTreeSet<&str> {
        self.holds.kinds()
    }

    /// Returns the holds in force that the account owner may know of at `now`.
    #[must_use]
    pub fn disclosed_holds(&self, now: Timestamp) -> Vec<&Hold> {
        self.holds.disclosed(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credits::ledger;

    fn account() -> Account {
        let now = Timestamp::UNIX_EPOCH;
        Account::open(uuid::Uuid::nil().into(), "a@example.com".to_owned(), Credits(5), uuid::Uuid::nil().into(), now).0
    }

    fn check(correction: Correction, field: Option<&str>) {
        let fields = match account().correct(correction.clone()) {
            Ok(_) => None,
            Err(Refusal::Invalid(errors)) => errors.first().map(|e| e.field.to_string()),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(fields.as_deref(), field, "{correction:?}");
    }

    #[test]
    fn correction_names_each_invalid_field() {
        let name = |name: &str| Correction { display_name: Some(Some(name.to_owned())), ..Correction::default() };
        let language = |tag: &str| Correction { language: Some(tag.to_owned()), ..Correction::default() };
        check(name("Ada"), None);
        check(Correction { display_name: Some(None), ..Correction::default() }, None);
        check(name(" "), Some("display_name"));
        check(name("a\u{0}"), Some("display_name"));
        check(name(&"é".repeat(80)), None);
        check(name(&"é".repeat(81)), Some("display_name"));
        check(language("pt-BR"), None);
        check(language("<b>"), Some("preferences.language"));
    }

    #[test]
    fn new_account_has_the_balance_of_its_ledger() {
        let (account, entry) = Account::open(
            uuid::Uuid::nil().into(),
            String::new(),
            Credits(7),
            uuid::Uuid::nil().into(),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(ledger::audit(&[entry.unwrap()], account.balance, &[]), Ok(()));
    }

    #[test]
    fn only_the_present_terms_are_accepted_and_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let present = "2026-11-30";
        let refused = account().accept_terms("2020-01-01", present, at(1)).unwrap_err();
        assert!(matches!(refused, Refusal::Invalid(errors) if errors[0].field == "version"));
        let older = TermsAcceptance { version: "2020-01-01".to_owned(), at: at(1) };
        let older = Account { terms: Some(older), ..account() };
        let accepted = older.accept_terms(present, present, at(2)).unwrap().expect("an older version is not enough");
        assert_eq!(accepted.terms, Some(TermsAcceptance { version: present.to_owned(), at: at(2) }));
        assert_eq!(accepted.accept_terms(present, present, at(3)), Ok(None));
    }
}

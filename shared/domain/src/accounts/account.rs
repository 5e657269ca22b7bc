//! An account: who somebody is to us, what they have, and what they may do.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Credits, LedgerEntryId, Refusal,
    accounts::correction::{CorrectedField, Correction},
    accounts::email,
    accounts::plan::Plan,
    credits::ledger::{Balance, Cause, CreditBucket, LedgerEntry},
    payments::fraud::{Freeze, FreezeReason},
    privacy::deletion::Deletion,
    privacy::hold::Hold,
    rate_limit::TokenBucket,
    refusal::{FieldError, check_text},
};

/// Whether an account may act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AccountStatus)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// It may.
    #[default]
    Active,
    /// It may look and take out, not spend.
    Frozen,
    /// It is being deleted.
    PendingDeletion,
}

impl fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::PendingDeletion => "being deleted",
        })
    }
}

/// How the client should look.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the device is set.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What a person prefers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
pub struct Preferences {
    /// How the client should look.
    pub theme: Theme,
    /// A language tag, [BCP 47](https://www.rfc-editor.org/info/bcp47).
    pub language: String,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { theme: Theme::default(), language: "en".to_owned() }
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Account {
    /// Whose.
    pub id: AccountId,
    /// The address that signs in.
    pub email: String,
    /// What the person wants to be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What they may do at once.
    pub plan: Plan,
    /// Times for which they may not spend, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// What they have.
    pub balance: Balance,
    /// The latest entry of the ledger, which the next one comes after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_entry: Option<LedgerEntryId>,
    /// Generations that have not ended.
    pub jobs_in_flight: u32,
    /// Submits that may still be made now.
    pub submit_rate: TokenBucket,
    /// Uploads that are kept or awaited.
    pub uploads: u32,
    /// Their bytes.
    pub upload_bytes: u64,
    /// What they prefer.
    pub preferences: Preferences,
    /// Where the payment providers shall send their receipts, if not to the address that signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_email: Option<String>,
    /// What must not be erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// The end that was asked for. While there is one, nothing new comes into the drawer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

/// Longest display name, in characters.
pub const DISPLAY_NAME_CHARACTERS: usize = 80;

impl Account {
    /// The account that the first sign-in makes, with its welcome credits and, where there are any, the entry that grants
    /// them.
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
            freezes: Vec::new(),
            balance: entry.as_ref().map_or_else(Balance::default, |entry| entry.balance_after),
            last_entry: entry.as_ref().map(|entry| entry.id),
            jobs_in_flight: 0,
            submit_rate: TokenBucket::full(plan.limits().submits, now),
            uploads: 0,
            upload_bytes: 0,
            preferences: Preferences::default(),
            billing_email: None,
            holds: Vec::new(),
            deletion: None,
            created_at: now,
            version: 1,
        };
        (account, entry)
    }

    /// The account with the correction made, and what is another now than it was.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] names each field and its rule.
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

    /// Where the payment providers shall send their receipts.
    #[must_use]
    pub fn billing_address(&self) -> &str {
        self.billing_email.as_deref().unwrap_or(&self.email)
    }

    /// This account as its next version.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// The next entry of its ledger, and this account as its next version, with that entry made.
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

    /// Whether it may act.
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

    /// Whether something forbids it to spend.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.freezes.iter().any(|freeze| freeze.lifted_at.is_none())
    }

    /// # Errors
    /// [`Refusal::AccountStatus`] unless the account may act.
    pub fn check_active(&self) -> Result<(), Refusal> {
        match self.status() {
            AccountStatus::Active => Ok(()),
            status @ (AccountStatus::Frozen | AccountStatus::PendingDeletion) => Err(Refusal::AccountStatus(status)),
        }
    }

    /// Freezes it, once for the same reason: what was lifted stays lifted.
    pub(crate) fn freeze(&mut self, why: FreezeReason, now: Timestamp) {
        if self.freezes.iter().all(|freeze| freeze.reason != why) {
            self.freezes.push(Freeze { reason: why, at: now, lifted_at: None, note: None });
        }
    }

    /// Lifts what this was the reason for.
    pub(crate) fn lift_freeze(&mut self, why: &FreezeReason, now: Timestamp) {
        for freeze in self.freezes.iter_mut().filter(|freeze| freeze.reason == *why && freeze.lifted_at.is_none()) {
            freeze.lifted_at = Some(now);
        }
    }

    /// Frozen from its opening: many accounts were opened from its network in that day.
    #[must_use]
    pub fn frozen_at_opening(mut self, now: Timestamp) -> Self {
        self.freeze(FreezeReason::ManyAccounts, now);
        self
    }

    /// Frozen by a member of staff, who says why.
    #[must_use]
    pub fn frozen(&self, note: String, now: Timestamp) -> Self {
        let mut next = self.next_version();
        next.freezes.push(Freeze { reason: FreezeReason::Staff, at: now, lifted_at: None, note: Some(note) });
        next
    }

    /// With every freeze lifted by a member of staff, who says why.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it is not frozen.
    pub fn unfrozen(&self, note: &str, now: Timestamp) -> Result<Self, Refusal> {
        if !self.is_frozen() {
            return Err(Refusal::Conflict("the account is not frozen"));
        }
        let mut next = self.next_version();
        for freeze in next.freezes.iter_mut().filter(|freeze| freeze.lifted_at.is_none()) {
            freeze.lifted_at = Some(now);
            freeze.note = Some(note.to_owned());
        }
        Ok(next)
    }
}

/// The shape of a [BCP 47](https://www.rfc-editor.org/info/bcp47) tag with a two- or three-letter language.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language =
        parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase()));
    language
        && tag.len() <= 35
        && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        let now = Timestamp::UNIX_EPOCH;
        Account::open(uuid::Uuid::nil().into(), "a@example.com".to_owned(), Credits(5), uuid::Uuid::nil().into(), now).0
    }

    fn check(correction: Correction, field: Option<&str>) {
        let fields = match account().correct(correction.clone()) {
            Ok(_) => None,
            Err(Refusal::Invalid(errors)) => errors.first().map(|e| e.field),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(fields, field, "{correction:?}");
    }

    #[test]
    fn a_correction_names_the_field_that_breaks_a_rule() {
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
    fn an_account_opens_with_what_its_ledger_says() {
        let (account, entry) = Account::open(
            uuid::Uuid::nil().into(),
            String::new(),
            Credits(7),
            uuid::Uuid::nil().into(),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(crate::credits::ledger::audit(&[entry.unwrap()], account.balance, &[]), Ok(()));
    }
}

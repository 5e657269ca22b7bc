//! The wire of what staff do with what is somebody's, and of the log that its owner reads.

use std::collections::BTreeSet;

use domain::{
    AccountId, AuditEntryId, DisclosureId, HoldId, Refusal,
    privacy::disclosure::{Disclosure, DisclosureScope},
    privacy::hold::Hold,
    staff::audit::{self, AuditAction, AuditEntry, Justification},
};
use jiff::{SignedDuration, Timestamp};
use runtime::seal::Sealer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::views::UploadView;

/// The purpose of the keyed hash that a member of staff has in the log.
const PURPOSE: &str = "staff";
/// Hexadecimal digits of it that are kept: enough to tell staff apart.
const STAFF_DIGITS: usize = 16;

/// What a member of staff is called in the logs of accesses: a keyed hash of their account, as the account itself is in
/// the links to what they show to everybody.
#[must_use]
pub fn staff_name(sealer: &Sealer, account: AccountId) -> String {
    sealer.keyed_hash(PURPOSE, account.0.as_bytes()).chars().take(STAFF_DIGITS).collect()
}

/// An access to what is somebody's. The owner gets ticket and reason with their data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessRequest {
    /// The reference of the request that it is for.
    #[schema(min_length = 1, max_length = 100)]
    pub reference: String,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// How long it lasts: 1 to 60.
    #[schema(minimum = 1, maximum = 60)]
    pub minutes: u32,
    /// Until when the owner must not be told, at most 366 days.
    pub undisclosed_until: Option<Timestamp>,
    /// What forbids to tell them; needed with `undisclosed_until`, and only with it.
    #[schema(min_length = 1, max_length = 500)]
    pub undisclosed_basis: Option<String>,
}

/// A legal hold. The owner is told of it, its reason included.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// The reference of the request that demands it.
    #[schema(min_length = 1, max_length = 100)]
    pub reference: String,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// What must stay: `account`, `ledger`, `payment`, `generation`, `generations` (the files), `upload`, `uploads` (the
    /// files), `activity`, `access`, `correction`, `ticket`. Files bring their items with them.
    #[schema(min_items = 1)]
    pub covers: Vec<String>,
    /// Until when the owner must not be told, at most 366 days.
    pub undisclosed_until: Option<Timestamp>,
    /// What forbids to tell them; needed with `undisclosed_until`, and only with it.
    #[schema(min_length = 1, max_length = 500)]
    pub undisclosed_basis: Option<String>,
}

/// What a lawful request demands. The owner gets ticket and reason with their data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisclosureRequest {
    /// The reference of the request.
    #[schema(min_length = 1, max_length = 100)]
    pub reference: String,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// What it demands, named as in a hold. Each kind is put together by itself: files do not bring their items.
    #[schema(min_items = 1)]
    pub kinds: Vec<String>,
    /// Only what was made from then on. The account itself is always whole.
    pub from: Option<Timestamp>,
    /// Only what was made before then.
    pub to: Option<Timestamp>,
    /// Until when the owner must not be told, at most 366 days.
    pub undisclosed_until: Option<Timestamp>,
    /// What forbids to tell them; needed with `undisclosed_until`, and only with it.
    #[schema(min_length = 1, max_length = 500)]
    pub undisclosed_basis: Option<String>,
}

impl AccessRequest {
    /// Why, and how long it lasts.
    ///
    /// # Errors
    /// Fields break rules.
    pub fn split(self, now: Timestamp) -> Result<(Justification, SignedDuration), Refusal> {
        let undisclosed = (self.undisclosed_until, self.undisclosed_basis);
        let why = Justification::new((self.reference, self.reason), undisclosed, now)?;
        Ok((why, audit::access_duration(self.minutes)?))
    }
}

impl HoldRequest {
    /// The hold from now on.
    ///
    /// # Errors
    /// Fields break rules.
    pub fn into_hold(self, id: HoldId, now: Timestamp) -> Result<Hold, Refusal> {
        let undisclosed = (self.undisclosed_until, self.undisclosed_basis);
        let why = Justification::new((self.reference, self.reason), undisclosed, now)?;
        Hold::new(id, self.covers, why, now)
    }
}

impl DisclosureRequest {
    /// Why, and what is wanted.
    ///
    /// # Errors
    /// Fields break rules.
    pub fn split(self, now: Timestamp) -> Result<(Justification, DisclosureScope), Refusal> {
        let undisclosed = (self.undisclosed_until, self.undisclosed_basis);
        let why = Justification::new((self.reference, self.reason), undisclosed, now)?;
        Ok((why, DisclosureScope::new(self.kinds, self.from, self.to)?))
    }
}

/// An access that was opened.
#[derive(Serialize, ToSchema)]
pub struct OpenedAccessView {
    /// Its id.
    pub id: AuditEntryId,
    /// What whoever opened it is called in the log.
    pub staff: String,
    /// Until when it lasts.
    pub until: Timestamp,
}

/// A line of the log of accesses.
#[derive(Serialize, ToSchema)]
pub struct AuditEntryView {
    /// Its id; of the line that opens an access, the access's.
    pub id: AuditEntryId,
    /// Who of the staff: the same person is always called the same.
    pub staff: String,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: AuditAction,
    /// Until when it had to be kept from the owner.
    pub undisclosed_until: Option<Timestamp>,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(line: AuditEntry) -> Self {
        let AuditEntry { id, staff, at, action, undisclosed_until, .. } = line;
        Self { id, staff, at, action, undisclosed_until }
    }
}

/// A page of the log of accesses, newest first.
#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    /// What is on it.
    pub items: Vec<AuditEntryView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// Uploads, newest first, without their files.
#[derive(Serialize, ToSchema)]
pub struct UploadPage {
    /// What is on it.
    pub items: Vec<UploadView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// An upload with its file.
#[derive(Serialize, ToSchema)]
pub struct StaffUploadView {
    /// The upload.
    pub upload: UploadView,
    /// Where its file is, for four minutes, if it is ready.
    pub url: Option<String>,
}

/// A legal hold that was placed. Without its ticket and reason: the answer may be kept, in the drawer of whoever placed it.
#[derive(Serialize, ToSchema)]
pub struct PlacedHoldView {
    /// Its id.
    pub id: HoldId,
    /// What must stay, with what comes with it.
    pub covers: BTreeSet<String>,
    /// Since when.
    pub at: Timestamp,
}

impl From<&Hold> for PlacedHoldView {
    fn from(hold: &Hold) -> Self {
        Self { id: hold.id, covers: hold.covers.clone(), at: hold.at }
    }
}

/// A legal hold, as staff see it.
#[derive(Serialize, ToSchema)]
pub struct HoldView {
    /// Its id.
    pub id: HoldId,
    /// The reference of the request that demands it.
    pub ticket: String,
    /// Why.
    pub reason: String,
    /// What must stay, with what comes with it.
    pub covers: BTreeSet<String>,
    /// Since when.
    pub at: Timestamp,
    /// Until when the owner must not be told.
    pub undisclosed_until: Option<Timestamp>,
    /// What forbids to tell them.
    pub undisclosed_basis: Option<String>,
    /// Since when it binds no more.
    pub released_at: Option<Timestamp>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        let Hold { id, reference: ticket, reason, covers, at, undisclosed_until, undisclosed_basis, released_at } =
            hold;
        Self { id, ticket, reason, covers, at, undisclosed_until, undisclosed_basis, released_at }
    }
}

/// The legal holds on an account, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct HoldsView {
    /// The holds.
    pub items: Vec<HoldView>,
}

/// What was put together for a lawful request.
#[derive(Serialize, ToSchema)]
pub struct DisclosureView {
    /// Its id.
    pub id: DisclosureId,
    /// What is in it.
    pub kinds: BTreeSet<String>,
    /// The start of the period, included.
    pub from: Option<Timestamp>,
    /// The end of the period, not included.
    pub to: Option<Timestamp>,
    /// How many items are in the document.
    pub items: u64,
    /// When it goes.
    pub expires_at: Timestamp,
    /// Where the document is, JSON, for four minutes; only for whoever fetches it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The files that it names, with links that live four minutes; only for whoever fetches it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<DisclosedFileView>,
}

impl DisclosureView {
    /// A disclosure without its links.
    #[must_use]
    pub fn new(disclosure: Disclosure) -> Self {
        let Disclosure { id, kinds, from, to, items, expires_at, .. } = disclosure;
        Self { id, kinds, from, to, items, expires_at, url: None, files: Vec::new() }
    }
}

/// A file that a disclosure names.
#[derive(Serialize, ToSchema)]
pub struct DisclosedFileView {
    /// Its name, as the document has it.
    pub name: String,
    /// Where it is, for four minutes.
    pub url: String,
}

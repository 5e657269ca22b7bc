//! Internal notes of staff about a case of an account.
//!
//! They are personal data of the account owner: they are in the data export, and are erased with the account. So only cases of an
//! account have notes. A guest ticket and unclaimed money belong to nobody who could ask for them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::AccountId,
    refusal::{Refusal, check_text},
    registry::{CASE_NOTE_DAYS, DataFields},
    staff::open_case::OpenCaseId,
};

/// Longest note, in characters.
pub const NOTE_CHARACTERS: usize = 1_000;
/// Most notes of a case.
pub const NOTES: usize = 30;

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
pub struct CaseNote {
    /// The staff member, as in audit logs.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// The text.
    #[data(personal)]
    pub text: String,
}

/// The notes about a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct CaseNotes {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The case: its kind and its id.
    #[data(plain)]
    pub case: String,
    /// The notes, oldest first.
    #[data(nested)]
    pub notes: Vec<CaseNote>,
    /// When the last one was written.
    #[data(plain)]
    pub updated_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl CaseNotes {
    /// Adds a note to those about a case of this account.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the text breaks a rule, [`Refusal::Conflict`] if the case has the most notes.
    pub fn add(
        current: Option<Self>,
        (account, case): (AccountId, &OpenCaseId),
        (staff, text): (&str, String),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if let Some(error) = check_text("text", &text, NOTE_CHARACTERS) {
            return Err(Refusal::Invalid(vec![error]));
        }
        let none = || Self { account, case: case.name(), notes: Vec::new(), updated_at: now, version: 0 };
        let mut notes = current.unwrap_or_else(none);
        // What has expired is deleted some time later.
        if notes.expires_at() <= now {
            notes.notes.clear();
        }
        if notes.notes.len() >= NOTES {
            return Err(Refusal::Conflict("the case has as many notes as it can have"));
        }
        notes.notes.push(CaseNote { staff: staff.to_owned(), at: now, text });
        Ok(Self { updated_at: now, version: notes.version + 1, ..notes })
    }

    /// Returns when they expire without another note.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.updated_at + SignedDuration::from_hours(24 * i64::from(CASE_NOTE_DAYS))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::TicketId;

    #[test]
    fn notes_are_added_up_to_their_limits() {
        let account = AccountId(Uuid::nil());
        let case = OpenCaseId::Ticket { account, id: TicketId(Uuid::nil()) };
        let now = Timestamp::UNIX_EPOCH;
        let add = |notes, text: &str| CaseNotes::add(notes, (account, &case), ("ada", text.to_owned()), now);
        let kept = add(None, "asked the provider").unwrap();
        let late = CaseNotes::add(Some(kept.clone()), (account, &case), ("ada", "again".to_owned()), kept.expires_at())
            .unwrap();
        assert_eq!((late.notes.len(), late.version), (1, 2), "what has expired does not come back");
        assert!(matches!(add(None, ""), Err(Refusal::Invalid(_))));
        assert!(matches!(add(None, &"a".repeat(NOTE_CHARACTERS + 1)), Err(Refusal::Invalid(_))));
        let mut notes = add(None, "asked the provider").unwrap();
        assert_eq!((notes.version, notes.case.as_str()), (1, case.name().as_str()));
        for _ in 1..NOTES {
            notes = add(Some(notes), "asked again").unwrap();
        }
        assert_eq!((notes.notes.len(), notes.version), (NOTES, NOTES as u64));
        assert!(matches!(add(Some(notes), "once more"), Err(Refusal::Conflict(_))));
    }
}

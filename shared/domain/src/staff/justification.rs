//! Why a staff member accesses, holds or discloses the data of an account.

use jiff::{SignedDuration, Timestamp};

use crate::refusal::{FieldError, Refusal, check_text};

/// Most days for which an action is not disclosed to the account owner.
pub const UNDISCLOSED_DAYS: i64 = 366;
/// Longest reference of a request, in characters.
pub const REFERENCE_CHARACTERS: usize = 100;
/// Longest reason, in characters.
pub const REASON_CHARACTERS: usize = 500;

/// Why a staff member acts on the data of an account. The account owner gets it with their data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Justification {
    pub(crate) reference: String,
    pub(crate) reason: String,
    pub(crate) undisclosed_until: Option<Timestamp>,
    pub(crate) undisclosed_basis: Option<String>,
}

impl Justification {
    /// Takes a reference and a reason. Where the law forbids to tell the account owner, takes also until when, and the legal
    /// basis.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] names each field that breaks a rule.
    pub fn new(
        (reference, reason): (String, String),
        (undisclosed_until, undisclosed_basis): (Option<Timestamp>, Option<String>),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        errors.extend(check_text("reference", &reference, REFERENCE_CHARACTERS));
        errors.extend(check_text("reason", &reason, REASON_CHARACTERS));
        let latest = now + SignedDuration::from_hours(24 * UNDISCLOSED_DAYS);
        if undisclosed_until.is_some_and(|until| until <= now || until > latest) {
            let rule = format!("a future time, at most {UNDISCLOSED_DAYS} days from now");
            errors.push(FieldError::new("undisclosed_until", rule));
        }
        match &undisclosed_basis {
            Some(basis) => errors.extend(check_text("undisclosed_basis", basis, REASON_CHARACTERS)),
            None if undisclosed_until.is_some() => {
                errors.push(FieldError::new("undisclosed_basis", "the law that forbids to tell the account owner"));
            }
            None => {}
        }
        if undisclosed_until.is_none() && undisclosed_basis.is_some() {
            errors.push(FieldError::new("undisclosed_until", "until when the account owner must not be told"));
        }
        if errors.is_empty() {
            Ok(Self { reference, reason, undisclosed_until, undisclosed_basis })
        } else {
            Err(Refusal::Invalid(errors))
        }
    }
}

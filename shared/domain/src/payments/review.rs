//! The review of a payment by staff, before its credits are granted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    refusal::{Refusal, check_text},
    registry::DataFields,
};

/// Why a payment is reviewed before its credits are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewReason {
    /// The account made many payments in an hour.
    ManyPayments,
    /// The account paid with many cards in an hour.
    ManyCards,
    /// A new account bought many credits.
    NewAccount,
}

/// The decision of a staff member about a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct ReviewDecision {
    /// Whether the credits are granted.
    #[data(plain)]
    pub release: bool,
    /// When it was made.
    #[data(plain)]
    pub at: Timestamp,
    /// Why.
    #[data(personal)]
    pub note: String,
}

/// The review of a payment whose credits wait, or waited, for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Review {
    /// The fraud rule that applied.
    #[data(plain)]
    pub reason: ReviewReason,
    /// When it began.
    #[data(plain)]
    pub at: Timestamp,
    /// The latest decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub decision: Option<ReviewDecision>,
}

impl Review {
    /// Says whether the credits are withheld by now.
    #[must_use]
    pub fn withholds(&self) -> bool {
        self.decision.as_ref().is_none_or(|decision| !decision.release)
    }
}

/// Longest note of a staff member, in characters.
const NOTE_CHARACTERS: usize = 500;

/// Checks the note of a staff member about a decision.
///
/// # Errors
/// [`Refusal::Invalid`] if it is empty, too long, or has control characters.
pub fn note(text: String) -> Result<String, Refusal> {
    match check_text("note", &text, NOTE_CHARACTERS) {
        Some(error) => Err(Refusal::Invalid(vec![error])),
        None => Ok(text),
    }
}

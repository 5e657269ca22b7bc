//! Describes the API of the credit statement.

use domain::{
    GenerationId, LedgerEntryId,
    credits::ledger::{Balance, Cause, LedgerEntry, Posting},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::{
    Parameter::{Page, Period},
    operations,
};

operations! {
    /// Lists the ledger entries of a period, oldest first, with the opening and the closing balance, and the prompts of their
    /// generations.
    SHOW = get("/v1/account/statement", "account")
        .parameters(&[Period, Page]).returns::<Statement>(200).problems(&[400, 404]);
}

/// Shows an entry of the ledger.
#[derive(Serialize, ToSchema)]
pub struct EntryView {
    /// The id.
    pub id: LedgerEntryId,
    /// When it was written.
    pub at: Timestamp,
    /// Why credits moved.
    pub cause: Cause,
    /// The amounts that moved. They sum to zero.
    pub postings: Vec<Posting>,
    /// The balance after the entry.
    pub balance_after: Balance,
}

impl From<LedgerEntry> for EntryView {
    fn from(entry: LedgerEntry) -> Self {
        let LedgerEntry { id, at, cause, postings, balance_after } = entry;
        Self { id, at, cause, postings, balance_after }
    }
}

/// Shows the prompt of a generation that moved credits.
#[derive(Serialize, ToSchema)]
pub struct PromptView {
    /// The id of the generation.
    pub generation: GenerationId,
    /// The prompt.
    pub prompt: String,
}

/// Shows a page of the statement of the period `from..to`.
#[derive(Serialize, ToSchema)]
pub struct Statement {
    /// The start of the period, included.
    pub from: Timestamp,
    /// The end of the period, excluded.
    pub to: Timestamp,
    /// The balance before the first entry of this page.
    pub opening: Balance,
    /// The balance after the last entry of this page.
    pub closing: Balance,
    /// The entries, oldest first.
    pub entries: Vec<EntryView>,
    /// The prompts of the generations of this page that were not deleted, in any order.
    pub prompts: Vec<PromptView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

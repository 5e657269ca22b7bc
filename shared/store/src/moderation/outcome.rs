//! Outcomes of moderation cases in the table, in one partition, ordered by the month of the decision.

use domain::moderation::{
    case::Case,
    outcome::{self, CaseOutcome},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::StoreError,
    item::{Item, decode_all, encode, expire_at, string},
    keys,
    query::page_limit,
    table::Table,
};

/// The most outcomes that one query returns: they fit into a page.
const MOST: usize = 2_000;
/// The days whose months are read.
const DAYS: i64 = 731;

/// Returns the item of the outcome of a case, once it is decided.
pub(crate) fn to_item(case: &Case) -> Result<Option<Item>, StoreError> {
    let Some((outcome, expires_at)) = case.outcome().zip(case.outcome_expires_at()) else { return Ok(None) };
    let sk = keys::case_outcome(&outcome.month, outcome.case);
    let mut item = encode(&outcome, keys::TRANSPARENCY_PARTITION.to_owned(), sk)?;
    expire_at(&mut item, expires_at);
    Ok(Some(item))
}

impl Table {
    /// Lists the outcomes of cases that were decided within two years, of the newest months, with one query. Returns whether
    /// these are all: if they are too many, the oldest month among them is left out, as some of it would be missing.
    ///
    /// # Errors
    /// The call failed.
    pub async fn case_outcomes(&self, now: Timestamp) -> Result<(Vec<CaseOutcome>, bool), StoreError> {
        let first = outcome::month(now - SignedDuration::from_hours(24 * DAYS));
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", string(keys::TRANSPARENCY_PARTITION))
            .expression_attribute_values(":first", string(format!("{}{first}", keys::CASE_OUTCOME)))
            .expression_attribute_values(":last", string(format!("{}~", keys::CASE_OUTCOME)))
            .scan_index_forward(false)
            .limit(page_limit(MOST));
        let answer = query.send().await.map_err(StoreError::call("Query"))?;
        let mut outcomes: Vec<CaseOutcome> = decode_all(answer.items)?;
        let complete = answer.last_evaluated_key.is_none();
        if let Some(oldest) = outcomes.last().filter(|_| !complete).map(|outcome| outcome.month.clone()) {
            outcomes.retain(|outcome| outcome.month != oldest);
        }
        Ok((outcomes, complete))
    }
}

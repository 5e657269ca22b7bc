//! Queries: pages of the items of an account, and all of their pages.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::AccountId;
use serde::de::DeserializeOwned;

use crate::{
    error::StoreError,
    item::{Item, decode_all, string},
    keys,
    table::Table,
};

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page, if there may be more.
    pub next: Option<C>,
}

impl Table {
    /// Queries the whole partition of an account.
    pub(crate) fn query_partition(&self, account: AccountId) -> QueryFluentBuilder {
        self.db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(keys::account(account)))
    }

    /// Queries the partition of an account between two sort keys, both included.
    pub(crate) fn query_range(&self, account: AccountId, (first, last): (String, String)) -> QueryFluentBuilder {
        self.db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", string(keys::account(account)))
            .expression_attribute_values(":first", string(first))
            .expression_attribute_values(":last", string(last))
    }

    /// Queries the items of an account whose sort keys begin with this.
    pub(crate) fn query_prefix(&self, account: AccountId, prefix: &str) -> QueryFluentBuilder {
        // The rest of a sort key is alphanumerics and hyphens, which sort before a tilde.
        self.query_range(account, (prefix.to_owned(), format!("{prefix}~")))
    }
}

/// Returns the items of every page of a query, with consistent reads.
///
/// # Errors
/// A call failed.
pub(crate) async fn all_items(query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
    let query = query.consistent_read(true);
    let (mut items, mut start) = (Vec::new(), None);
    loop {
        let answer = query.clone().set_exclusive_start_key(start).send().await.map_err(StoreError::call("Query"))?;
        items.extend(answer.items.unwrap_or_default());
        start = answer.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

/// Returns the values of every page of a query, with consistent reads.
///
/// # Errors
/// A call failed.
pub(crate) async fn all<T: DeserializeOwned>(query: QueryFluentBuilder) -> Result<Vec<T>, StoreError> {
    decode_all(Some(all_items(query).await?))
}

/// Returns one page of a query. The cursor is the id of its last value.
///
/// # Errors
/// The call failed.
pub(crate) async fn page<T: DeserializeOwned, C>(
    query: QueryFluentBuilder,
    limit: usize,
    id: impl Fn(&T) -> C,
) -> Result<Page<T, C>, StoreError> {
    let answer = query.limit(page_limit(limit)).send().await.map_err(StoreError::call("Query"))?;
    let mut items: Vec<T> = decode_all(answer.items)?;
    // A call also ends after a megabyte.
    let more = items.len() > limit || answer.last_evaluated_key.is_some();
    items.truncate(limit);
    let next = items.last().map(id).filter(|_| more);
    Ok(Page { items, next })
}

/// Returns one more than the page, so that a page that is exactly full has no cursor to an empty one.
pub(crate) fn page_limit(limit: usize) -> i32 {
    i32::try_from(limit + 1).unwrap_or(i32::MAX)
}

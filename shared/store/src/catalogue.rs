//! What the models of the catalogue earn and cost, as sums in the table.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{GenerationId, catalogue::margin::Margin, registry::MARGIN_DAYS};
use jiff::{civil::Date, tz::TimeZone};

use crate::{
    error::StoreError,
    item::{Item, TTL, days_after, number, primary_key, string},
    keys,
    query::all,
    table::Table,
};

/// The number of partitions over which the sums are spread, so that generations that end at the same time rarely write the same
/// item, and no partition gets more writes than it takes.
const SHARDS: u128 = 8;

/// Returns the key of the item that what a generation earned and cost is added to, always the same one.
pub(crate) fn margin_key(margin: &Margin, generation: GenerationId) -> Item {
    let shard = generation.0.as_u128() % SHARDS;
    primary_key(keys::margins(shard), keys::margin(margin.day, &margin.model))
}

/// The update that adds to that item.
pub(crate) const ADD_MARGIN: &str = "ADD generations :generations, outputs :outputs, credits :credits, cost_microusd :cost \
     SET #day = :day, model = :model, #ttl = :ttl";

/// Returns the names in that update.
pub(crate) fn margin_names() -> [(String, String); 2] {
    [("#day".to_owned(), "day".to_owned()), ("#ttl".to_owned(), TTL.to_owned())]
}

/// Returns the values in that update.
pub(crate) fn margin_values(margin: &Margin) -> Result<[(String, AttributeValue); 7], StoreError> {
    let begins = margin.day.to_zoned(TimeZone::UTC).map_err(StoreError::of("encode"))?.timestamp();
    let expires = days_after(begins, MARGIN_DAYS);
    Ok([
        (":generations".to_owned(), number(margin.generations)),
        (":outputs".to_owned(), number(margin.outputs)),
        (":credits".to_owned(), number(margin.credits.0)),
        (":cost".to_owned(), number(margin.cost_microusd)),
        (":day".to_owned(), string(margin.day.to_string())),
        (":model".to_owned(), string(margin.model.clone())),
        (":ttl".to_owned(), number(expires.as_second())),
    ])
}

impl Table {
    /// Lists what each model earned and cost on each of these days, both included, in the order of days and models.
    ///
    /// # Errors
    /// A call failed.
    pub async fn margins(&self, first: Date, last: Date) -> Result<Vec<Margin>, StoreError> {
        let mut sums: BTreeMap<(Date, String), Margin> = BTreeMap::new();
        for shard in 0..SHARDS {
            let query = self
                .db
                .query()
                .table_name(&self.name)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":pk", string(keys::margins(shard)))
                .expression_attribute_values(":first", string(keys::margin(first, "")))
                .expression_attribute_values(":last", string(keys::margin(last, "~")));
            for margin in all::<Margin>(query).await? {
                let sum = sums.remove(&(margin.day, margin.model.clone()));
                let sum = sum.map_or_else(|| margin.clone(), |sum| sum.plus(&margin));
                sums.insert((margin.day, margin.model), sum);
            }
        }
        Ok(sums.into_values().collect())
    }
}

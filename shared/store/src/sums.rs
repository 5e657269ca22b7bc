//! Sums of days in the table: each write that changes what they are about adds to them, in its own transaction, so that it is counted
//! once.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{GenerationId, catalogue::margin::Margin, registry::MARGIN_DAYS, staff::daily_sum::DailySum};
use jiff::{civil::Date, tz::TimeZone};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    error::StoreError,
    item::{Item, TTL, days_after, number, primary_key, string},
    keys,
    query::all,
    table::Table,
};

/// The number of partitions over which the sums are spread, so that writes at the same time rarely change the same item, and no
/// partition gets more writes than it takes.
const SHARDS: u128 = 8;

/// What is added to an item, which is made if it does not exist.
pub(crate) struct Addition {
    pub(crate) key: Item,
    pub(crate) expression: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Addition {
    /// Adds these numbers and sets these texts, until two years after the day. The item of a write is always the same one.
    fn new(
        (partition, sk): (impl Fn(u128) -> String, String),
        day: Date,
        cause: Uuid,
        numbers: &[(&str, i64)],
        texts: &[(&str, String)],
    ) -> Result<Self, StoreError> {
        let begins = day.to_zoned(TimeZone::UTC).map_err(StoreError::of("encode"))?.timestamp();
        let expires = number(days_after(begins, MARGIN_DAYS).as_second());
        let day = [("day", day.to_string())];
        let texts = texts.iter().chain(&day);
        let names = numbers.iter().map(|(name, _)| *name).chain(texts.clone().map(|(name, _)| *name)).chain([TTL]);
        let values = numbers.iter().map(|(name, value)| (*name, number(*value)));
        let values =
            values.chain(texts.clone().map(|(name, value)| (*name, string(value.clone())))).chain([(TTL, expires)]);
        let adds = numbers.iter().map(|(name, _)| format!("#{name} :{name}")).collect::<Vec<_>>().join(", ");
        let sets = texts.map(|(name, _)| *name).chain([TTL]).map(|name| format!("#{name} = :{name}"));
        Ok(Self {
            key: primary_key(partition(cause.as_u128() % SHARDS), sk),
            expression: format!("ADD {adds} SET {}", sets.collect::<Vec<_>>().join(", ")),
            names: names.map(|name| (format!("#{name}"), name.to_owned())).collect(),
            values: values.map(|(name, value)| (format!(":{name}"), value)).collect(),
        })
    }

    /// Adds what a generation earned and cost to the sums of its model.
    pub(crate) fn of_margin(margin: &Margin, generation: GenerationId) -> Result<Self, StoreError> {
        let numbers = [
            ("generations", margin.generations),
            ("outputs", margin.outputs),
            ("credits", margin.credits.0),
            ("cost_microusd", margin.cost_microusd),
        ];
        let place = (keys::margins, keys::margin(margin.day, &margin.model));
        Self::new(place, margin.day, generation.0, &numbers, &[("model", margin.model.clone())])
    }

    /// Adds to a sum of a day, for this cause.
    pub(crate) fn of_sum(sum: &DailySum, cause: Uuid) -> Result<Self, StoreError> {
        let numbers = [
            ("count", sum.count),
            ("credits", sum.credits.0),
            ("amount", sum.amount),
            ("timed", sum.timed),
            ("milliseconds", sum.milliseconds),
        ];
        let texts = [
            ("kind", sum.kind.as_str().to_owned()),
            ("detail", sum.detail.clone()),
            ("provider", sum.provider.clone()),
        ];
        let place = (keys::daily_sums, keys::daily_sum(sum.day, &sum.subject()));
        Self::new(place, sum.day, cause, &numbers, &texts)
    }
}

impl Table {
    /// Lists what each model earned and cost on each of these days, both included, in the order of days and models.
    ///
    /// # Errors
    /// A call failed.
    pub async fn margins(&self, first: Date, last: Date) -> Result<Vec<Margin>, StoreError> {
        self.sums(
            keys::margins,
            (first, last),
            |margin: &Margin| (margin.day, margin.model.clone()),
            |sum, margin| sum.plus(margin),
        )
        .await
    }

    /// Lists the sums of each of these days, both included, in the order of days and subjects.
    ///
    /// # Errors
    /// A call failed.
    pub async fn daily_sums(&self, first: Date, last: Date) -> Result<Vec<DailySum>, StoreError> {
        self.sums(
            keys::daily_sums,
            (first, last),
            |sum: &DailySum| (sum.day, sum.subject()),
            |sum, other| sum.plus(other),
        )
        .await
    }

    async fn sums<T: DeserializeOwned + Clone, K: Ord + Hash>(
        &self,
        partition: impl Fn(u128) -> String,
        (first, last): (Date, Date),
        subject: impl Fn(&T) -> K,
        plus: impl Fn(T, &T) -> T,
    ) -> Result<Vec<T>, StoreError> {
        let mut sums: BTreeMap<K, T> = BTreeMap::new();
        for shard in 0..SHARDS {
            let query = self
                .db
                .query()
                .table_name(&self.name)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":pk", string(partition(shard)))
                .expression_attribute_values(":first", string(keys::margin(first, "")))
                .expression_attribute_values(":last", string(keys::margin(last, "~")));
            for part in all::<T>(query).await? {
                let key = subject(&part);
                let sum = match sums.remove(&key) {
                    Some(sum) => plus(sum, &part),
                    None => part,
                };
                sums.insert(key, sum);
            }
        }
        Ok(sums.into_values().collect())
    }
}

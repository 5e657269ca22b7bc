//! The versions of the catalogue in the table, what providers say about its models, and what its models earn and cost.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    GenerationId,
    catalogue::{margin::Margin, version::CatalogueVersion, watch::ModelWatch},
    registry::MARGIN_DAYS,
};
use jiff::{civil::Date, tz::TimeZone};

use crate::{
    error::StoreError,
    item::{Item, TTL, days_after, encode, number, primary_key, string},
    keys,
    query::{Page, all, page},
    table::Table,
};

/// The number of partitions over which the sums are spread, so that generations that end at the same time rarely write the same
/// item, and no partition gets more writes than it takes.
const SHARDS: u128 = 8;

pub(crate) fn version_item(version: &CatalogueVersion) -> Result<Item, StoreError> {
    encode(version, keys::CATALOGUE_PARTITION.to_owned(), keys::catalogue_version(version.number))
}

pub(crate) fn watch_item(watch: &ModelWatch) -> Result<Item, StoreError> {
    encode(watch, keys::MODEL_WATCH_PARTITION.to_owned(), keys::MODEL_WATCH)
}

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
    /// Reads a version of the catalogue.
    ///
    /// # Errors
    /// The call failed.
    pub async fn catalogue_version(&self, number: u32) -> Result<Option<CatalogueVersion>, StoreError> {
        self.read(keys::CATALOGUE_PARTITION.to_owned(), keys::catalogue_version(number)).await
    }

    /// Reads the version of the catalogue that counts: the latest one. `None` if none was published.
    ///
    /// # Errors
    /// The call failed.
    pub async fn latest_catalogue_version(&self) -> Result<Option<CatalogueVersion>, StoreError> {
        Ok(self.catalogue_versions(1, None).await?.items.pop())
    }

    /// Lists the versions of the catalogue, the latest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn catalogue_versions(
        &self,
        limit: usize,
        after: Option<u32>,
    ) -> Result<Page<CatalogueVersion, u32>, StoreError> {
        let start =
            after.map(|number| primary_key(keys::CATALOGUE_PARTITION.to_owned(), keys::catalogue_version(number)));
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", string(keys::CATALOGUE_PARTITION))
            .expression_attribute_values(":sk", string(keys::CATALOGUE_VERSION))
            .scan_index_forward(false)
            .consistent_read(true);
        page(query.set_exclusive_start_key(start), limit, |version: &CatalogueVersion| version.number).await
    }

    /// Reads what providers said about the models of the catalogue; `None` if they were never asked.
    ///
    /// # Errors
    /// The call failed.
    pub async fn model_watch(&self) -> Result<Option<ModelWatch>, StoreError> {
        self.read(keys::MODEL_WATCH_PARTITION.to_owned(), keys::MODEL_WATCH.to_owned()).await
    }

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

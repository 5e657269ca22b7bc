//! Items of the table: their encoding, and the attributes that the time to live and the indexes need.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::StoreError;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The attribute of the time to live.
pub(crate) const TTL: &str = "ttl";

pub(crate) fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Returns an attribute that is a string.
pub(crate) fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

pub(crate) fn primary_key(pk: String, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))])
}

pub(crate) fn encode<T: Serialize>(value: &T, pk: String, sk: impl Into<String>) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(StoreError::of("encode"))?;
    item.extend(primary_key(pk, sk));
    Ok(item)
}

pub(crate) fn encode_value<T: Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(StoreError::of("encode"))
}

pub(crate) fn decode<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::of("decode"))
}

pub(crate) fn decode_all<T: DeserializeOwned>(items: Option<Vec<Item>>) -> Result<Vec<T>, StoreError> {
    items.unwrap_or_default().into_iter().map(decode).collect()
}

/// Decodes an item as JSON, without the attributes that only the table needs.
pub(crate) fn decode_json(mut item: Item) -> Result<Map<String, Value>, StoreError> {
    let technical = |name: &str| {
        matches!(name, "pk" | "sk" | TTL) || ["due_", "gallery_", "find_"].iter().any(|start| name.starts_with(start))
    };
    item.retain(|name, _| !technical(name));
    decode(item)
}

/// Returns the id at the end of a sort key that begins with this.
pub(crate) fn id_of(item: &Item, prefix: &str) -> Option<Uuid> {
    item.get("sk")?.as_s().ok()?.strip_prefix(prefix)?.parse().ok()
}

/// Sets the time to live of an item.
pub(crate) fn expire_at(item: &mut Item, at: Timestamp) {
    item.insert(TTL.to_owned(), number(at.as_second()));
}

pub(crate) fn days_after(at: Timestamp, days: u32) -> Timestamp {
    at + SignedDuration::from_hours(24 * i64::from(days))
}

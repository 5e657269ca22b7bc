//! Disclosures in the table, and the redaction of what must not be disclosed yet.

use domain::{AccountId, DisclosureId, privacy::disclosure::Disclosure};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode},
    keys,
    table::Table,
};

pub(crate) fn to_item(disclosure: &Disclosure) -> Result<Item, StoreError> {
    let mut item = encode(disclosure, keys::account(disclosure.account), keys::disclosure(disclosure.id))?;
    mark_due(&mut item, DueKind::Disclosure, disclosure.expires_at);
    Ok(item)
}

impl Table {
    /// Reads a disclosure.
    ///
    /// # Errors
    /// The call failed.
    pub async fn disclosure(&self, account: AccountId, id: DisclosureId) -> Result<Option<Disclosure>, StoreError> {
        self.read(keys::account(account), keys::disclosure(id)).await
    }
}

/// Removes from an item, as JSON, what must not be disclosed at `now`. Returns `false` if that is the whole item.
#[must_use]
pub fn redact_undisclosed(item: &mut Map<String, Value>, now: Timestamp) -> bool {
    let is_disclosed = |item: &Map<String, Value>| {
        let until = item.get("undisclosed_until").and_then(Value::as_str);
        until.is_none_or(|until| until.parse::<Timestamp>().is_ok_and(|until| until <= now))
    };
    if let Some(Value::Array(holds)) = item.get_mut("holds") {
        holds.retain(|hold| hold.as_object().is_some_and(is_disclosed));
    }
    is_disclosed(item)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(item: Value, disclosed: Option<Value>) {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let Value::Object(mut found) = item.clone() else { panic!("no object") };
        let is_disclosed = redact_undisclosed(&mut found, now);
        assert_eq!(is_disclosed.then_some(Value::Object(found)), disclosed, "{item}");
    }

    #[test]
    fn undisclosed_items_and_holds_are_redacted_until_their_time() {
        let with = |until: &str| json!({"id": 7, "undisclosed_until": until});
        check(json!({"id": 7}), Some(json!({"id": 7})));
        check(with("2026-03-01T12:00:00.001Z"), None);
        check(with("2026-03-01T12:00:00Z"), Some(with("2026-03-01T12:00:00Z")));
        check(with("never"), None);
        let account = |holds: Value| json!({"email": "ada@example.com", "holds": holds});
        check(account(json!([with("2027-01-01T00:00:00Z"), {"id": 8}])), Some(account(json!([{"id": 8}]))));
    }
}

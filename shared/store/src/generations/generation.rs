//! Generations in the table.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountId, GenerationId,
    accounts::account::Account,
    catalogue::models::MediaKind,
    generations::{
        generation::{Generation, GenerationStatus},
        output::Visibility,
    },
};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, decode, decode_all, encode, encode_value, id_of, primary_key, string, text},
    keys,
    query::{Page, page_limit},
    table::Table,
};

/// Most queries for one page. A filter that few items pass returns a short page with a cursor after that.
const QUERIES_PER_PAGE: usize = 5;

/// The index that finds a generation without its account, and its partition key. Only generations are in it.
const FIND_INDEX: &str = "find";
const FIND_ID: &str = "find_id";

pub(crate) fn to_item(generation: &Generation) -> Result<Item, StoreError> {
    let mut item = encode(generation, keys::account(generation.account), keys::generation(generation.id))?;
    if let Some(at) = generation.due_at() {
        let kind = if generation.status.is_final() { DueKind::Media } else { DueKind::Generation };
        mark_due(&mut item, kind, at);
    }
    item.insert(FIND_ID.to_owned(), string(generation.id.to_string()));
    Ok(item)
}

/// Which of the own generations to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<GenerationStatus>,
    /// Only of this kind.
    pub kind: Option<MediaKind>,
    /// Only with an output of this visibility.
    pub visibility: Option<Visibility>,
    /// Only with an output that is a favorite, or with one that is none. Each output is compared with all filters.
    pub favorite: Option<bool>,
}

impl Filter {
    /// Applies what the database cannot: it compares no fields of the items of a list.
    fn includes(&self, generation: &Generation) -> bool {
        if self.visibility.is_none() && self.favorite.is_none() {
            return true;
        }
        generation.present_outputs().any(|output| {
            self.visibility.is_none_or(|wanted| output.visibility == wanted)
                && self.favorite.is_none_or(|wanted| output.favorite == wanted)
        })
    }
}

impl Table {
    /// Reads a generation.
    ///
    /// # Errors
    /// The call failed.
    pub async fn generation(&self, account: AccountId, id: GenerationId) -> Result<Option<Generation>, StoreError> {
        self.read(keys::account(account), keys::generation(id)).await
    }

    /// Finds the account of a generation. The index may not know one of the last second.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_of_generation(&self, id: GenerationId) -> Result<Option<AccountId>, StoreError> {
        let query = self.db.query().table_name(&self.name).index_name(FIND_INDEX);
        let query =
            query.key_condition_expression("find_id = :id").expression_attribute_values(":id", string(id.to_string()));
        let answer = query.send().await.map_err(StoreError::call("Query"))?;
        Ok(answer.items().first().and_then(|item| keys::parse_account(&text(item, "pk")?)))
    }

    /// Reads an account and one of its generations in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_generation(
        &self,
        account: AccountId,
        id: GenerationId,
    ) -> Result<(Option<Account>, Option<Generation>), StoreError> {
        self.read_with_account(account, keys::generation(id)).await
    }

    /// Reads these generations of an account, in any order, without those that do not exist.
    ///
    /// # Errors
    /// The call failed.
    pub async fn generations_with_ids(
        &self,
        account: AccountId,
        ids: &BTreeSet<GenerationId>,
    ) -> Result<Vec<Generation>, StoreError> {
        let pk = keys::account(account);
        let keys = ids.iter().map(|id| primary_key(pk.clone(), keys::generation(*id))).collect();
        self.read_all(keys).await?.into_iter().map(decode).collect()
    }

    /// Lists own generations, newest first, without those that are being deleted.
    ///
    /// # Errors
    /// A call failed.
    pub async fn generations(
        &self,
        account: AccountId,
        filter: Filter,
        limit: usize,
        after: Option<GenerationId>,
    ) -> Result<Page<Generation, GenerationId>, StoreError> {
        let mut conditions = vec!["deleting = :false"];
        let mut names = HashMap::new();
        let mut values = Item::from([(":false".to_owned(), AttributeValue::Bool(false))]);
        let wanted = [
            ("#status = :status", "status", filter.status.map(|v| encode_value(&v)).transpose()?),
            ("#kind = :kind", "kind", filter.kind.map(|v| encode_value(&v)).transpose()?),
        ];
        for (condition, field, value) in wanted {
            if let Some(value) = value {
                conditions.push(condition);
                names.insert(format!("#{field}"), field.to_owned());
                values.insert(format!(":{field}"), value);
            }
        }
        let pk = keys::account(account);
        let mut start = after.map(|id| primary_key(pk.clone(), keys::generation(id)));
        let mut items: Vec<Generation> = Vec::new();
        for _ in 0..QUERIES_PER_PAGE {
            let answer = self
                .db
                .query()
                .table_name(&self.name)
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .filter_expression(conditions.join(" AND "))
                .set_expression_attribute_names((!names.is_empty()).then(|| names.clone()))
                .set_expression_attribute_values(Some(values.clone()))
                .expression_attribute_values(":pk", string(&pk))
                .expression_attribute_values(":sk", string(keys::GENERATION))
                .scan_index_forward(false)
                .limit(page_limit(limit))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::call("Query"))?;
            let found = decode_all::<Generation>(answer.items)?.into_iter();
            items.extend(found.filter(|generation| filter.includes(generation)));
            start = answer.last_evaluated_key;
            if items.len() > limit || start.is_none() {
                break;
            }
        }
        let next = if items.len() > limit {
            items.truncate(limit);
            items.last().map(|last| last.id)
        } else {
            start.as_ref().and_then(|key| id_of(key, keys::GENERATION)).map(GenerationId)
        };
        Ok(Page { items, next })
    }
}

#[cfg(test)]
mod tests {
    use domain::registry::FieldList;

    #[test]
    fn filtered_attributes_are_fields_of_a_generation() {
        let fields = FieldList::of::<super::Generation>();
        for name in ["deleting", "status", "kind"] {
            assert!(fields.iter().any(|field| field.path == name), "{name}");
        }
    }
}

//! Collects the content of a disclosure: exactly the kinds of data that it names, of its period.

use std::collections::BTreeMap;

use api::MutationError;
use domain::{
    Refusal,
    generations::generation::Generation,
    generations::upload::{Upload, UploadState},
    privacy::disclosure::{DOCUMENT_BYTES, Disclosure, FILES},
    registry::DataKind,
};
use jiff::Timestamp;
use runtime::http::Problem;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use store::{
    Bucket, Table, redact_undisclosed,
    registry::{self, DataLocation, StoredKind},
};

/// Is the content of a disclosure.
pub(crate) struct Collected {
    /// The document as JSON.
    pub(crate) document: Vec<u8>,
    /// The number of items in it.
    pub(crate) items: u64,
    /// The files that it names: their keys, without the account's prefix.
    pub(crate) files: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    disclosure: &'a Disclosure,
    /// The items by kind, oldest first, as they are stored in the table.
    items: BTreeMap<&'static str, Vec<Map<String, Value>>>,
    files: &'a [String],
}

/// Collects the data of a disclosure. Leaves out holds and access log entries that must not be disclosed at `now`: they may belong
/// to other requests.
pub(crate) async fn collect(
    table: &Table,
    disclosure: &Disclosure,
    now: Timestamp,
) -> Result<Collected, MutationError> {
    let mut bytes_left = DOCUMENT_BYTES;
    let mut items = BTreeMap::new();
    let mut files = Vec::new();
    for StoredKind { kind, location } in registry::kinds().filter(|stored| disclosure.kinds.contains(stored.kind.name))
    {
        match location {
            DataLocation::AccountItem { sk } => {
                let mut found = load(table, disclosure, kind, sk, &mut bytes_left).await?;
                found.retain_mut(|item| redact_undisclosed(item, now));
                items.insert(kind.name, found);
            }
            DataLocation::Objects { folder } => {
                files.extend(file_names(table, disclosure, kind, folder, &mut bytes_left).await?)
            }
            // A request cannot name these kinds.
            DataLocation::SharedItem { .. }
            | DataLocation::Record { .. }
            | DataLocation::Messages { .. }
            | DataLocation::Users
            | DataLocation::Cookie { .. }
            | DataLocation::Browser { .. }
            | DataLocation::Logs => {}
        }
    }
    if files.len() > FILES {
        return Err(Refusal::Conflict("There are more than 500 files. Choose a shorter period.").into());
    }
    let count = items.values().map(Vec::len).sum::<usize>();
    let document = Document { disclosure, items, files: &files };
    let document = serde_json::to_vec_pretty(&document).map_err(Problem::internal)?;
    if document.len() > DOCUMENT_BYTES {
        return Err(too_large());
    }
    Ok(Collected { document, items: u64::try_from(count).unwrap_or(u64::MAX), files })
}

/// Loads all items of a kind and of the period, unless they are too large together.
async fn load(
    table: &Table,
    disclosure: &Disclosure,
    kind: &DataKind,
    prefix: &str,
    bytes_left: &mut usize,
) -> Result<Vec<Map<String, Value>>, MutationError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = table.items_of_kind(disclosure.account, prefix, after).await?;
        for item in page.items.into_iter().filter(|item| is_in_period(disclosure, kind, item)) {
            let bytes = serde_json::to_vec(&item).map_err(Problem::internal)?.len();
            *bytes_left = bytes_left.checked_sub(bytes).ok_or_else(too_large)?;
            found.push(item);
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Tells whether an item belongs to the period: the account always, a ticket if one of its messages does, any other item by the time it
/// was created.
fn is_in_period(disclosure: &Disclosure, kind: &DataKind, item: &Map<String, Value>) -> bool {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let made_at = ["created_at", "at"].iter().find_map(|name| time(item.get(*name)?));
    let messages = item.get("messages").and_then(Value::as_array).into_iter().flatten();
    let mut times = messages.filter_map(|message| time(message.get("at")?)).chain(made_at);
    kind.name == "account" || times.any(|at| disclosure.covers(at))
}

/// Lists the files that the items of a folder name.
async fn file_names(
    table: &Table,
    disclosure: &Disclosure,
    kind: &DataKind,
    folder: &str,
    bytes_left: &mut usize,
) -> Result<Vec<String>, MutationError> {
    let account = Bucket::account_prefix(disclosure.account);
    let keys: Vec<String> = if folder == "generations" {
        let found = load(table, disclosure, kind, "GENERATION#", bytes_left).await?;
        let outputs = decode::<Generation>(found)?.into_iter().flat_map(|generation| generation.outputs);
        outputs.flat_map(|output| [Some(output.file.key), output.file.thumbnail_key]).flatten().collect()
    } else {
        let found = load(table, disclosure, kind, "UPLOAD#", bytes_left).await?;
        let ready = decode::<Upload>(found)?.into_iter();
        let ready = ready.filter(|upload| matches!(upload.state, UploadState::Ready { .. }));
        ready.map(|upload| Bucket::inspected_key(upload.account, upload.id)).collect()
    };
    Ok(keys.iter().filter_map(|key| key.strip_prefix(&account)).map(str::to_owned).collect())
}

fn decode<T: DeserializeOwned>(items: Vec<Map<String, Value>>) -> Result<Vec<T>, Problem> {
    let decoded = items.into_iter().map(|item| serde_json::from_value(Value::Object(item)));
    decoded.collect::<Result<_, _>>().map_err(Problem::internal)
}

fn too_large() -> MutationError {
    Refusal::Conflict("The document is larger than 4 MiB. Choose fewer kinds or a shorter period.").into()
}

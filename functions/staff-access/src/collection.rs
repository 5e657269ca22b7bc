//! What belongs to a disclosure: exactly the kinds that it names, of its period.

use std::collections::BTreeMap;

use api::Attempt;
use domain::{
    Refusal,
    generations::generation::Generation,
    generations::upload::{Upload, UploadState},
    privacy::disclosure::{DOCUMENT_BYTES, Disclosure, FILES},
    registry::{DATA_KINDS, DataKind, DataLocation},
};
use jiff::Timestamp;
use runtime::http::Problem;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use store::{Bucket, Table, redact_undisclosed};

/// What was collected.
pub(crate) struct Collected {
    /// The document, as JSON.
    pub(crate) document: Vec<u8>,
    /// How many things are in it.
    pub(crate) things: u64,
    /// The files that it names, by their keys behind the account's prefix.
    pub(crate) files: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    disclosure: &'a Disclosure,
    /// By kind, oldest first, as they lie in the table.
    things: BTreeMap<&'static str, Vec<Map<String, Value>>>,
    files: &'a [String],
}

/// Collects what the kinds of a disclosure hold. Holds and looks that must not be told at `now` are left out: they may be
/// of other requests.
pub(crate) async fn collect(table: &Table, disclosure: &Disclosure, now: Timestamp) -> Result<Collected, Attempt> {
    let mut left = DOCUMENT_BYTES;
    let mut things = BTreeMap::new();
    let mut files = Vec::new();
    for kind in DATA_KINDS.iter().filter(|kind| disclosure.kinds.contains(kind.name)) {
        match kind.location {
            DataLocation::Item { sk, .. } => {
                let mut found = all(table, disclosure, kind, sk, &mut left).await?;
                found.retain_mut(|thing| redact_undisclosed(thing, now));
                things.insert(kind.name, found);
            }
            DataLocation::Objects { folder } => files.extend(names(table, disclosure, kind, folder, &mut left).await?),
            // Nothing of these can be named.
            DataLocation::Record { .. }
            | DataLocation::Messages { .. }
            | DataLocation::Users
            | DataLocation::Cookie { .. }
            | DataLocation::Browser { .. }
            | DataLocation::Logs => {}
        }
    }
    if files.len() > FILES {
        return Err(Refusal::Conflict("more than 500 files: name a shorter period").into());
    }
    let count = things.values().map(Vec::len).sum::<usize>();
    let document = Document { disclosure, things, files: &files };
    let document = serde_json::to_vec_pretty(&document).map_err(Problem::internal)?;
    if document.len() > DOCUMENT_BYTES {
        return Err(too_large());
    }
    Ok(Collected { document, things: u64::try_from(count).unwrap_or(u64::MAX), files })
}

/// Everything of a kind and of the period, as long as not too much was read.
async fn all(
    table: &Table,
    disclosure: &Disclosure,
    kind: &DataKind,
    prefix: &str,
    left: &mut usize,
) -> Result<Vec<Map<String, Value>>, Attempt> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = table.items_of_kind(disclosure.account, prefix, after).await?;
        for thing in page.items.into_iter().filter(|thing| is_of_period(disclosure, kind, thing)) {
            let bytes = serde_json::to_vec(&thing).map_err(Problem::internal)?.len();
            *left = left.checked_sub(bytes).ok_or_else(too_large)?;
            found.push(thing);
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// The account is what it is now; a question is of every time when something was said, and everything else of the time when
/// it was made.
fn is_of_period(disclosure: &Disclosure, kind: &DataKind, thing: &Map<String, Value>) -> bool {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let made_at = ["created_at", "at"].iter().find_map(|name| time(thing.get(*name)?));
    let messages = thing.get("messages").and_then(Value::as_array).into_iter().flatten();
    let mut times = messages.filter_map(|message| time(message.get("at")?)).chain(made_at);
    kind.name == "account" || times.any(|at| disclosure.covers(at))
}

/// The files that the items of a folder name.
async fn names(
    table: &Table,
    disclosure: &Disclosure,
    kind: &DataKind,
    folder: &str,
    left: &mut usize,
) -> Result<Vec<String>, Attempt> {
    let account = Bucket::account_prefix(disclosure.account);
    let keys: Vec<String> = if folder == "generations" {
        let found = all(table, disclosure, kind, "GENERATION#", left).await?;
        let media = decoded::<Generation>(found)?.into_iter().flat_map(|generation| generation.media);
        media.flat_map(|media| [Some(media.key), media.thumbnail_key]).flatten().collect()
    } else {
        let found = all(table, disclosure, kind, "UPLOAD#", left).await?;
        let ready = decoded::<Upload>(found)?.into_iter();
        let ready = ready.filter(|upload| matches!(upload.state, UploadState::Ready { .. }));
        ready.map(|upload| Bucket::inspected_key(upload.account, upload.id)).collect()
    };
    Ok(keys.iter().filter_map(|key| key.strip_prefix(&account)).map(str::to_owned).collect())
}

fn decoded<T: DeserializeOwned>(things: Vec<Map<String, Value>>) -> Result<Vec<T>, Problem> {
    let decoded = things.into_iter().map(|thing| serde_json::from_value(Value::Object(thing)));
    decoded.collect::<Result<_, _>>().map_err(Problem::internal)
}

fn too_large() -> Attempt {
    Refusal::Conflict("more than 4 MiB: name fewer kinds or a shorter period").into()
}

//! Taking stock: everything that is held, as it is found once, written down beside the archive.
//!
//! The drawer goes on changing while an archive is made. All of the archive is made from what was found at its beginning,
//! so its files agree with each other, it is known how much there is, and whoever goes on after a death writes what the
//! dead one would have written.

use std::collections::BTreeMap;

use domain::{
    credits::ledger::{Cause, CreditBucket, LedgerEntry},
    privacy::export,
    registry::{DataKind, ExportRule},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{
    ExportContent,
    registry::{self, DataLocation},
};

use crate::pages::Pages;

/// What was found: how much of each kind, and on which pages it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchiveContents {
    /// The kinds of items in the order in which they lie in the drawer.
    pub runs: Vec<ItemRun>,
    /// Pages of items.
    pub pages: Pages,
    /// Bytes of the items, as JSON.
    pub item_bytes: u64,
    /// Pages of files.
    pub lists: Pages,
    /// Files.
    pub files: u64,
    /// Bytes of the files.
    pub file_bytes: u64,
    /// What moved credits, by cause.
    pub moved: BTreeMap<String, CreditTotals>,
}

/// All items of a kind lie together in the drawer, so on consecutive pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemRun {
    /// The name of the kind.
    pub kind: String,
    /// The first page with some of them.
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// How many there are.
    pub items: u64,
}

/// What entries of one cause came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreditTotals {
    /// How many there are.
    pub entries: u64,
    /// The credits that they moved.
    pub credits: i64,
}

/// An item as it will be in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ItemLine {
    /// The name of its kind.
    pub kind: String,
    /// JSON, in one line.
    pub json: String,
}

/// A file of the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedFile {
    /// Where it is.
    pub key: String,
    /// What it will be called.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// What tells another content under the same key apart.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
}

/// The kinds of items in a drawer that its owner takes out.
pub(crate) fn kinds() -> impl Iterator<Item = &'static DataKind> {
    let items = registry::kinds().filter(|stored| matches!(stored.location, DataLocation::AccountItem { .. }));
    items.map(|stored| stored.kind).filter(|kind| kind.export == ExportRule::Json)
}

impl ArchiveContents {
    /// Takes in a page of the drawer, for a writer with this version of the export. What nobody declared is exported all
    /// the same.
    pub(crate) fn add_page(&mut self, contents: Vec<ExportContent>, version: u64, now: Timestamp) -> Vec<ItemLine> {
        let page = self.pages.count();
        let mut lines = Vec::with_capacity(contents.len());
        for ExportContent { sk, value } in contents {
            let kind = registry::account_item_kind(&sk);
            if kind.is_some_and(|kind| kind.export != ExportRule::Json) {
                continue;
            }
            let kind = kind.map_or("undeclared", |kind| kind.name);
            let Some(value) = exportable(kind, value, now) else { continue };
            let line = ItemLine { kind: kind.to_owned(), json: value.to_string() };
            self.item_bytes += line.json.len() as u64;
            self.count(kind, page);
            self.sum(kind, value);
            lines.push(line);
        }
        self.pages.push(page, version);
        lines
    }

    /// Takes in a page of files, for a writer with this version of the export.
    pub(crate) fn add_list(&mut self, list: &[ListedFile], version: u64) {
        self.lists.push(self.lists.count(), version);
        self.files += list.len() as u64;
        self.file_bytes += list.iter().map(|file| file.bytes).sum::<u64>();
    }

    /// Where the items of this kind are, if there are any.
    pub(crate) fn run(&self, kind: &str) -> Option<&ItemRun> {
        self.runs.iter().find(|run| run.kind == kind)
    }

    fn count(&mut self, kind: &str, page: u32) {
        match self.runs.iter_mut().find(|run| run.kind == kind) {
            Some(run) => {
                run.last = page;
                run.items += 1;
            }
            None => self.runs.push(ItemRun { kind: kind.to_owned(), first: page, last: page, items: 1 }),
        }
    }

    fn sum(&mut self, kind: &str, value: Value) {
        if kind != "ledger" {
            return;
        }
        let Ok(entry) = serde_json::from_value::<LedgerEntry>(value) else { return };
        // What a settlement moves was not available any more: it was held, and is spent.
        let (cause, bucket) = match entry.cause {
            Cause::Welcome => ("Welcome", CreditBucket::Available),
            Cause::Reserve { .. } => ("Held for generations", CreditBucket::Held),
            Cause::Settle { .. } => ("Spent on generations", CreditBucket::Spent),
            Cause::Release { .. } => ("Given back for generations", CreditBucket::Available),
            Cause::Purchase { .. } => ("Bought", CreditBucket::Available),
            Cause::ClawBack { .. } => ("Taken back after refunds and disputes", CreditBucket::Reversed),
            Cause::Restore { .. } => ("Restored after disputes", CreditBucket::Available),
        };
        let moved = self.moved.entry(cause.to_owned()).or_default();
        moved.entries += 1;
        let postings = entry.postings.iter().filter(|posting| posting.bucket == bucket);
        moved.credits += postings.map(|posting| posting.amount.0).sum::<i64>();
    }
}

/// An item without what is withheld, and without what its owner must not be told at `now`; nothing if that is all of it.
fn exportable(kind: &str, mut value: Map<String, Value>, now: Timestamp) -> Option<Value> {
    value.retain(|name, _| !export::withheld(kind).contains(&name.as_str()));
    redact_undisclosed(Value::Object(value), now)
}

/// Wherever something says `undisclosed_until`, it is not there before that.
fn redact_undisclosed(value: Value, now: Timestamp) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let until = fields.get("undisclosed_until").and_then(Value::as_str);
            if until.and_then(|until| until.parse::<Timestamp>().ok()).is_some_and(|until| now < until) {
                return None;
            }
            let told = fields.into_iter().filter_map(|(name, value)| Some((name, redact_undisclosed(value, now)?)));
            Some(Value::Object(told.collect()))
        }
        Value::Array(values) => {
            Some(Value::Array(values.into_iter().filter_map(|value| redact_undisclosed(value, now)).collect()))
        }
        other => Some(other),
    }
}

/// A page as it is kept: the kind, a tab, the JSON, line by line.
pub(crate) fn encode(lines: &[ItemLine]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.kind.as_bytes(), b"\t", line.json.as_bytes(), b"\n"].concat()).collect()
}

/// See [`encode`]. Nothing if it is none.
pub(crate) fn decode(page: &[u8]) -> Option<Vec<ItemLine>> {
    let lines = std::str::from_utf8(page).ok()?.lines();
    lines
        .map(|line| line.split_once('\t').map(|(kind, json)| ItemLine { kind: kind.to_owned(), json: json.to_owned() }))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-11-22T12:00:00Z";

    fn content(sk: &str, value: &Value) -> ExportContent {
        ExportContent { sk: sk.to_owned(), value: value.as_object().unwrap().clone() }
    }

    fn taken(pages: &[&[(&str, Value)]]) -> (ArchiveContents, Vec<ItemLine>) {
        let (mut contents, mut lines) = (ArchiveContents::default(), Vec::new());
        for page in pages {
            let page = page.iter().map(|(sk, value)| content(sk, value)).collect();
            lines.extend(contents.add_page(page, 1, NOW.parse().unwrap()));
        }
        (contents, lines)
    }

    #[test]
    fn each_kind_is_known_by_the_pages_that_it_is_on() {
        let none = || json!({});
        let (contents, lines) = taken(&[
            &[("ACCOUNT", none()), ("GENERATION#1", none())],
            &[("GENERATION#2", none())],
            &[("GENERATION#3", none()), ("NEWS#1", none())],
        ]);
        let run = |kind: &str| contents.run(kind).map(|run| (run.first, run.last, run.items));
        assert_eq!(run("account"), Some((0, 0, 1)));
        assert_eq!(run("generation"), Some((0, 2, 3)));
        assert_eq!(run("undeclared"), Some((2, 2, 1)));
        assert_eq!((run("payment"), contents.pages.count(), lines.len()), (None, 3, 5));
        assert_eq!(decode(&encode(&lines)), Some(lines));
    }

    fn check(sk: &str, value: Value, told: &[Value]) {
        let (_, lines) = taken(&[&[(sk, value)]]);
        let found: Vec<Value> = lines.iter().map(|line| serde_json::from_str(&line.json).unwrap()).collect();
        assert_eq!(found, told);
    }

    #[test]
    fn what_must_not_be_told_yet_is_not_there() {
        let (past, future) = (json!({"undisclosed_until": NOW}), json!({"undisclosed_until": "2026-11-22T12:00:01Z"}));
        check("ACCESS#1", past.clone(), std::slice::from_ref(&past));
        check("ACCESS#1", future.clone(), &[]);
        check("ACCOUNT", json!({"holds": [future, past]}), &[json!({"holds": [{"undisclosed_until": NOW}]})]);
        check("ACCOUNT", json!({"holds": []}), &[json!({"holds": []})]);
    }

    #[test]
    fn what_opens_doors_or_is_for_staff_stays_out() {
        check("DISCLOSURE#1", json!({"id": 1}), &[]);
        check("SHARE#1#2", json!({"id": 1, "token_hash": "ab"}), &[json!({"id": 1})]);
        check("EMAILCHANGE", json!({"to": "a@b.example", "stage": {}}), &[json!({"to": "a@b.example"})]);
        check("EXPORT#1", json!({"id": 1, "checkpoint": "{}"}), &[json!({"id": 1})]);
        check("IDEMPOTENCY#k", json!({"key": "k", "answer": "sealed", "fingerprint": "f"}), &[json!({"key": "k"})]);
    }

    #[test]
    fn credits_are_summed_by_cause() {
        let entry = |available: i64| {
            let postings =
                json!([{"bucket": "granted", "amount": -available}, {"bucket": "available", "amount": available}]);
            let after = json!({"available": 0, "held": 0});
            json!({"id": uuid::Uuid::nil(), "at": NOW, "cause": {"kind": "welcome"}, "postings": postings, "balance_after": after})
        };
        let (contents, _) = taken(&[&[("LEDGER#1", entry(5)), ("LEDGER#2", entry(7))]]);
        assert_eq!(contents.moved.get("Welcome"), Some(&CreditTotals { entries: 2, credits: 12 }));
    }
}

//! The snapshot that an archive is written from: a copy of the account's items and the list of its files.
//!
//! Items change while an archive is being built. As all of it is written from the snapshot, its files are consistent, its
//! size is known, and a worker that continues after a crash writes the same bytes.

use std::collections::BTreeMap;

use domain::{
    accounts::preferences::Language,
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

/// Describes the snapshot: the number of items of each kind, and the pages with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchiveContents {
    /// The kinds of items, in the order of the partition.
    pub runs: Vec<ItemRun>,
    /// The pages of items.
    pub pages: Pages,
    /// The size of the items as JSON, in bytes.
    pub item_bytes: u64,
    /// The pages of the file list.
    pub lists: Pages,
    /// The number of files.
    pub files: u64,
    /// The size of the files, in bytes.
    pub file_bytes: u64,
    /// The sums of the ledger, by cause.
    pub moved: BTreeMap<CauseKind, CreditTotals>,
    /// The name of the service when the snapshot was begun.
    pub service: String,
    /// The language of the account, in which the index page is written.
    pub language: Language,
}

/// What changed the balance, without the payment or generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CauseKind {
    /// The account was opened.
    Welcome,
    /// Credits were bought.
    Purchase,
    /// Credits were reserved for a generation.
    Reserve,
    /// A generation was paid for.
    Settle,
    /// Reserved credits were refunded.
    Release,
    /// A payment was refunded or disputed.
    ClawBack,
    /// A dispute was won.
    Restore,
    /// Staff granted or took credits.
    Adjustment,
    /// The code of a promotion was redeemed.
    Redemption,
    /// A gift code was redeemed.
    Gift,
}

/// The items of one kind. They are adjacent in the partition, so on consecutive pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemRun {
    /// The name of the kind.
    pub kind: String,
    /// The first page with such an item.
    pub first: u32,
    /// The last page with such an item.
    pub last: u32,
    /// The number of items.
    pub items: u64,
}

/// The sums of the ledger entries with one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreditTotals {
    /// The number of entries.
    pub entries: u64,
    /// The sum of their credits.
    pub credits: i64,
}

/// An item as the archive contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ItemLine {
    /// The name of its kind.
    pub kind: String,
    /// The item as JSON on one line.
    pub json: String,
}

/// A file in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedFile {
    /// The key in the bucket.
    pub key: String,
    /// The name in the archive.
    pub name: String,
    /// The size, in bytes.
    pub bytes: u64,
    /// The ETag, which differs for another content under the same key.
    pub etag: String,
    /// The time of the last write.
    pub modified: Timestamp,
}

/// Lists the kinds of account items that are exported.
pub(crate) fn kinds() -> impl Iterator<Item = &'static DataKind> {
    let items = registry::kinds().filter(|stored| matches!(stored.location, DataLocation::AccountItem { .. }));
    items.map(|stored| stored.kind).filter(|kind| kind.export == ExportRule::Json)
}

impl ArchiveContents {
    /// Adds a page of items, for a writer with this version of the export. Items of no declared kind are exported as well.
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
            match kind {
                "account" => self.language = language_of(&value),
                "ledger" => self.sum(value),
                _ => {}
            }
            lines.push(line);
        }
        self.pages.push(page, version);
        lines
    }

    /// Adds a page of files, for a writer with this version of the export.
    pub(crate) fn add_list(&mut self, list: &[ListedFile], version: u64) {
        self.lists.push(self.lists.count(), version);
        self.files += list.len() as u64;
        self.file_bytes += list.iter().map(|file| file.bytes).sum::<u64>();
    }

    /// Returns the pages with items of this kind; `None` if there are none.
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

    fn sum(&mut self, value: Value) {
        let Ok(entry) = serde_json::from_value::<LedgerEntry>(value) else { return };
        // A settlement moves credits from held to spent: `Available` does not change.
        let (cause, bucket) = match entry.cause {
            Cause::Welcome => (CauseKind::Welcome, CreditBucket::Available),
            Cause::Reserve { .. } => (CauseKind::Reserve, CreditBucket::Held),
            Cause::Settle { .. } => (CauseKind::Settle, CreditBucket::Spent),
            Cause::Release { .. } => (CauseKind::Release, CreditBucket::Available),
            Cause::Purchase { .. } => (CauseKind::Purchase, CreditBucket::Available),
            Cause::ClawBack { .. } => (CauseKind::ClawBack, CreditBucket::Reversed),
            Cause::Restore { .. } => (CauseKind::Restore, CreditBucket::Available),
            Cause::Adjustment { .. } => (CauseKind::Adjustment, CreditBucket::Available),
            Cause::Redemption { .. } => (CauseKind::Redemption, CreditBucket::Available),
            Cause::Gift { .. } => (CauseKind::Gift, CreditBucket::Available),
        };
        let moved = self.moved.entry(cause).or_default();
        moved.entries += 1;
        let postings = entry.postings.iter().filter(|posting| posting.bucket == bucket);
        moved.credits += postings.map(|posting| posting.amount.0).sum::<i64>();
    }
}

/// Returns the language that the owner of this account chose.
fn language_of(account: &Value) -> Language {
    let tag = account.pointer("/preferences/language").and_then(Value::as_str);
    Language::from_tag(tag.unwrap_or_default())
}

/// Removes the fields of an item that are withheld, or undisclosed at `now`. Returns `None` if the whole item is undisclosed.
fn exportable(kind: &str, mut value: Map<String, Value>, now: Timestamp) -> Option<Value> {
    value.retain(|name, _| !export::withheld(kind).contains(&name.as_str()));
    redact_undisclosed(Value::Object(value), now)
}

/// Removes every object with an `undisclosed_until` after `now`, at any depth.
fn redact_undisclosed(value: Value, now: Timestamp) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let until = fields.get("undisclosed_until").and_then(Value::as_str);
            if until.and_then(|until| until.parse::<Timestamp>().ok()).is_some_and(|until| now < until) {
                return None;
            }
            let disclosed =
                fields.into_iter().filter_map(|(name, value)| Some((name, redact_undisclosed(value, now)?)));
            Some(Value::Object(disclosed.collect()))
        }
        Value::Array(values) => {
            Some(Value::Array(values.into_iter().filter_map(|value| redact_undisclosed(value, now)).collect()))
        }
        other => Some(other),
    }
}

/// Encodes a page: on each line the kind, a tab, and the JSON.
pub(crate) fn encode(lines: &[ItemLine]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.kind.as_bytes(), b"\t", line.json.as_bytes(), b"\n"].concat()).collect()
}

/// Decodes a page from [`encode`]; `None` if it is malformed.
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
    fn pages_of_each_kind_are_recorded() {
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

    fn check(sk: &str, value: Value, exported: &[Value]) {
        let (_, lines) = taken(&[&[(sk, value)]]);
        let found: Vec<Value> = lines.iter().map(|line| serde_json::from_str(&line.json).unwrap()).collect();
        assert_eq!(found, exported);
    }

    #[test]
    fn undisclosed_objects_are_left_out() {
        let (past, future) = (json!({"undisclosed_until": NOW}), json!({"undisclosed_until": "2026-11-22T12:00:01Z"}));
        check("ACCESS#1", past.clone(), std::slice::from_ref(&past));
        check("ACCESS#1", future.clone(), &[]);
        check("ACCOUNT", json!({"holds": [future, past]}), &[json!({"holds": [{"undisclosed_until": NOW}]})]);
        check("ACCOUNT", json!({"holds": []}), &[json!({"holds": []})]);
    }

    #[test]
    fn secrets_and_items_for_staff_are_left_out() {
        check("DISCLOSURE#1", json!({"id": 1}), &[]);
        check("SHARE#1#2", json!({"id": 1, "token_hash": "ab"}), &[json!({"id": 1})]);
        check("EMAILCHANGE", json!({"to": "a@b.example", "stage": {}}), &[json!({"to": "a@b.example"})]);
        check("EXPORT#1", json!({"id": 1, "checkpoint": "{}"}), &[json!({"id": 1})]);
        check(
            "SECONDFACTOR",
            json!({"app": {"secret": "s"}, "recovery_codes": ["h"], "passkeys": []}),
            &[json!({"passkeys": []})],
        );
        check("IDEMPOTENCY#k", json!({"key": "k", "answer": "sealed", "fingerprint": "f"}), &[json!({"key": "k"})]);
    }

    #[test]
    fn contents_know_the_language_of_the_account() {
        let in_language = |tag: &str| {
            let account = json!({"preferences": {"theme": "system", "language": tag}});
            taken(&[&[("ACCOUNT", account)], &[("GENERATION#1", json!({}))]]).0.language
        };
        assert_eq!((in_language("de-AT"), in_language("en")), (Language::German, Language::English));
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
        assert_eq!(contents.moved.get(&CauseKind::Welcome), Some(&CreditTotals { entries: 2, credits: 12 }));
    }
}

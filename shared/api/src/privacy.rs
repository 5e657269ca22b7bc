//! The wire of privacy requests.

use std::collections::BTreeMap;

use domain::{
    ExportId, ReceiptId,
    accounts::account::Account,
    privacy::deletion::DeletionReason,
    privacy::erasure::ErasureReceipt,
    privacy::export::{Export, ExportProgress, ExportState, LINK_S},
    privacy::hold::Hold,
    registry::{self, DataKind, DataLocation, ErasureRule, ExportRule, RetentionRule},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A deletion that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionRequest {
    /// The address that the account signs in with, typed in to confirm.
    #[schema(max_length = 128)]
    pub confirmation: String,
}

/// A deletion that was asked for.
#[derive(Serialize, ToSchema)]
pub struct DeletionView {
    /// The receipt, for `GET /v1/privacy/receipts/{id}`: keep it, it can be read without an account.
    pub receipt: ReceiptId,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// When it is carried out. Until then it can be taken back.
    #[schema(value_type = String, format = DateTime)]
    pub erase_at: Timestamp,
    /// Whether it can still be taken back.
    pub can_be_taken_back: bool,
    /// What must stay for now, and why.
    pub held: Vec<RetainedView>,
}

/// What a lawful request has kept.
#[derive(Serialize, ToSchema)]
pub struct RetainedView {
    /// The kinds, as `GET /v1/privacy/inventory` names them.
    pub kinds: Vec<String>,
    /// Why.
    pub reason: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// The receipt of a deletion. It says nothing about anybody.
#[derive(Serialize, ToSchema)]
pub struct ReceiptView {
    /// Its id.
    pub id: ReceiptId,
    /// Why the account went.
    pub reason: DeletionReason,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// When nothing was found any more; absent while the deletion goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub erased_at: Option<Timestamp>,
    /// What went, by kind.
    pub erased: BTreeMap<String, u64>,
    /// Payments that the law has kept, without the person: amount, time, transaction.
    pub payments_retained: u64,
    /// When the last of those goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub payments_retained_until: Option<Timestamp>,
    /// Jobs of which an AI provider refused to delete its copy; each keeps it as long as its own policy says.
    pub provider_copies_left: u64,
}

/// What is held, of whom, why, for how long, and how it is taken out and erased.
#[derive(Serialize, ToSchema)]
pub struct Inventory {
    /// Every kind of thing.
    pub kinds: Vec<KindView>,
}

/// One kind of thing that is held.
#[derive(Serialize, ToSchema)]
pub struct KindView {
    /// Its name, as an export has it.
    pub name: &'static str,
    /// Where it lies.
    pub place: &'static str,
    /// What it holds and what for.
    pub purpose: &'static str,
    /// Whether it says something about a person.
    pub personal: bool,
    /// How long it stays.
    pub kept: String,
    /// How its owner takes it out.
    pub exported: String,
    /// How it leaves with its owner.
    pub erased: &'static str,
    /// What it is made of.
    pub fields: Vec<FieldView>,
}

/// Something that is said in it.
#[derive(Serialize, ToSchema)]
pub struct FieldView {
    /// Its name; parts of parts behind dots, `*` for any name or place in a list.
    pub path: &'static str,
    /// Whether it says something about a person.
    pub personal: bool,
}

impl Inventory {
    /// Everything that is declared.
    #[must_use]
    pub fn of_everything() -> Self {
        Self { kinds: registry::DATA_KINDS.iter().map(KindView::from).collect() }
    }
}

impl From<&DataKind> for KindView {
    fn from(kind: &DataKind) -> Self {
        let fields = registry::fields(kind.name).iter();
        Self {
            name: kind.name,
            place: match kind.location {
                DataLocation::Item { pk: "ACCOUNT#", .. } => "in the person's drawer of the table",
                DataLocation::Item { .. } => "in the table, in nobody's drawer",
                DataLocation::Record { .. } => "in the table of records, which outlives accounts",
                DataLocation::Objects { .. } => "among the person's files in the bucket",
                DataLocation::Messages { .. } => "in a queue, until it is done",
                DataLocation::Users => "in the user pool",
                DataLocation::Cookie { .. } | DataLocation::Browser { .. } => "in the person's browser",
                DataLocation::Logs => "in the logs",
            },
            purpose: kind.purpose,
            personal: kind.personal,
            kept: match kind.retention {
                RetentionRule::Account => "as long as the account".to_owned(),
                RetentionRule::Plan => "as long as the plan says".to_owned(),
                RetentionRule::Days(1) => "1 day".to_owned(),
                RetentionRule::Days(days) => format!("{days} days"),
                RetentionRule::OwnExpiry => "as long as its owner chose".to_owned(),
                RetentionRule::InBrowser => "until the person clears it".to_owned(),
                RetentionRule::Configured(parameter) => format!("as many days as the operator set with {parameter}"),
            },
            exported: match kind.export {
                ExportRule::Json => format!("as {}.json", kind.name),
                ExportRule::Files => "as files".to_owned(),
                ExportRule::Not(reason) => format!("no: {reason}"),
            },
            erased: match kind.erasure {
                ErasureRule::WithAccount => "with the account",
                ErasureRule::WithTarget => "with what it points to",
                ErasureRule::Expires => "when its time is over: it does not say whose it was",
                ErasureRule::KeptByLaw => "not: the law has it kept, without the person",
                ErasureRule::WithAddress => "when it is answered, and with the account that has the address",
                ErasureRule::WithUser => "with the user of the account",
                ErasureRule::WithBrowser => "by the person, who has it",
            },
            fields: fields.map(|field| FieldView { path: field.path, personal: field.personal }).collect(),
        }
    }
}

/// Where an export is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportStatus {
    /// Being made, or waiting for it.
    Building,
    /// The archive is there.
    Ready,
    /// It could not be made in time: ask again.
    Failed,
}

/// An archive of everything that is held, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct ExportView {
    /// Its id.
    pub id: ExportId,
    /// Where it is.
    pub status: ExportStatus,
    /// How far it is.
    pub progress: ExportProgress,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it is ready at the latest, or has failed.
    pub due_at: Timestamp,
    /// Since when it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    /// The size of the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Until when it can be downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_until: Option<Timestamp>,
    /// When it is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Where to download it. Only for a single export, and while it can be downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download: Option<DownloadView>,
}

/// A link to an archive. Whoever has it can use it: it lives for minutes, and each look gives another. A download that has
/// begun goes on when the link has died.
#[derive(Serialize, ToSchema)]
pub struct DownloadView {
    /// Where.
    pub url: String,
    /// Until when a download can begin.
    pub expires_at: Timestamp,
}

/// Own exports.
#[derive(Serialize, ToSchema)]
pub struct Exports {
    /// Those that were not removed yet, the oldest first.
    pub items: Vec<ExportView>,
}

impl From<Export> for ExportView {
    fn from(export: Export) -> Self {
        let (status, ready_at, bytes) = match export.state {
            ExportState::Building => (ExportStatus::Building, None, None),
            ExportState::Ready { at, bytes } => (ExportStatus::Ready, Some(at), Some(bytes)),
            ExportState::Failed { .. } => (ExportStatus::Failed, None, None),
        };
        Self {
            id: export.id,
            status,
            progress: export.progress,
            requested_at: export.requested_at,
            due_at: export.deadline_at(),
            ready_at,
            bytes,
            download_until: export.download_until(),
            expires_at: export.expires_at(),
            download: None,
        }
    }
}

impl DownloadView {
    /// A link that was signed at `now`.
    #[must_use]
    pub fn new(url: String, now: Timestamp) -> Self {
        Self { url, expires_at: now + SignedDuration::from_secs(i64::try_from(LINK_S).unwrap_or(0)) }
    }
}

impl From<&Hold> for RetainedView {
    fn from(hold: &Hold) -> Self {
        Self { kinds: hold.covers.iter().cloned().collect(), reason: hold.reason.clone(), at: hold.at }
    }
}

impl DeletionView {
    /// What an account that is closing is told at `now`; nothing if it is not.
    #[must_use]
    pub fn of(account: &Account, now: Timestamp) -> Option<Self> {
        let closing = account.deletion.as_ref()?;
        let held = account.disclosed_holds(now).into_iter().map(RetainedView::from);
        Some(Self {
            receipt: closing.receipt,
            requested_at: closing.requested_at,
            erase_at: closing.erase_at,
            can_be_taken_back: now < closing.erase_at,
            held: held.collect(),
        })
    }
}

impl From<ErasureReceipt> for ReceiptView {
    fn from(receipt: ErasureReceipt) -> Self {
        Self {
            id: receipt.id,
            reason: receipt.reason,
            requested_at: receipt.requested_at,
            erased_at: receipt.erased_at,
            erased: receipt.erased,
            payments_retained: receipt.payments_retained,
            payments_retained_until: receipt.payments_retained_until,
            provider_copies_left: receipt.provider_copies_left,
        }
    }
}

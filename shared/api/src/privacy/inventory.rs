//! Describes the inventory: every kind of data that is stored, its purpose, its retention, its export, its erasure.

use domain::registry::{ErasureRule, ExportRule, RetentionRule};
use serde::Serialize;
use store::registry::{self, DataLocation, StoredKind};
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Lists every kind of data that is stored: its purpose, its retention, and how it is exported and erased. Nothing else
    /// is stored.
    SHOW = get("/v1/privacy/inventory", "openapi").public()
        .returns::<Inventory>(200);
}

/// Shows every kind of data that is stored.
#[derive(Serialize, ToSchema)]
pub struct Inventory {
    /// The kinds.
    pub kinds: Vec<KindView>,
}

/// Shows a kind of data.
#[derive(Serialize, ToSchema)]
pub struct KindView {
    /// The name, as exports have it.
    pub name: &'static str,
    /// Where it is stored.
    pub location: &'static str,
    /// What it contains and what for.
    pub purpose: &'static str,
    /// Whether it is personal data.
    pub personal: bool,
    /// How long it is kept.
    pub retention: String,
    /// How the account owner exports it.
    pub export: String,
    /// How it is erased when the account is deleted.
    pub erasure: &'static str,
    /// The fields.
    pub fields: Vec<FieldView>,
}

/// Shows a field of a kind of data.
#[derive(Serialize, ToSchema)]
pub struct FieldView {
    /// The path: parts separated by dots, `*` for any name or index.
    pub path: String,
    /// Whether it is personal data.
    pub personal: bool,
}

impl Inventory {
    /// Lists every kind of data that is declared.
    #[must_use]
    pub fn of_everything() -> Self {
        Self { kinds: registry::kinds().map(KindView::from).collect() }
    }
}

impl From<StoredKind> for KindView {
    fn from(StoredKind { kind, location: stored_at }: StoredKind) -> Self {
        let fields = registry::fields(kind.name).into_iter();
        Self {
            name: kind.name,
            location: location(&stored_at),
            purpose: kind.purpose,
            personal: kind.personal,
            retention: retention(&kind.retention),
            export: match kind.export {
                ExportRule::Json => format!("as {}.json", kind.name),
                ExportRule::Files => "as files".to_owned(),
                ExportRule::Not(reason) => format!("not exported: {reason}"),
            },
            erasure: erasure(&kind.erasure),
            fields: fields.map(|field| FieldView { path: field.path, personal: field.personal }).collect(),
        }
    }
}

fn location(location: &DataLocation) -> &'static str {
    match location {
        DataLocation::AccountItem { .. } => "in the table, with the account",
        DataLocation::SharedItem { .. } => "in the table, apart from the account",
        DataLocation::Record { .. } => "in the table of records, which are kept after an account is deleted",
        DataLocation::Objects { .. } => "in the bucket, with the account's files",
        DataLocation::Messages { .. } => "in a queue, until it is processed",
        DataLocation::Users => "in the user pool",
        DataLocation::Cookie { .. } | DataLocation::Browser { .. } => "in the browser",
        DataLocation::Logs => "in the logs",
    }
}

fn retention(rule: &RetentionRule) -> String {
    match rule {
        RetentionRule::Account => "as long as the account exists".to_owned(),
        RetentionRule::Plan => "as long as the plan says".to_owned(),
        RetentionRule::Days(1) => "1 day".to_owned(),
        RetentionRule::Days(days) => format!("{days} days"),
        RetentionRule::OwnExpiry => "as long as the account owner chose".to_owned(),
        RetentionRule::InBrowser => "until the browser's data is cleared".to_owned(),
        RetentionRule::Configured(retention) => {
            format!("as many days as the operator set with {}", registry::template_parameter(*retention))
        }
    }
}

fn erasure(rule: &ErasureRule) -> &'static str {
    match rule {
        ErasureRule::WithAccount => "with the account",
        ErasureRule::WithTarget => "with the item that it points to",
        ErasureRule::Expires => "when it expires: it does not identify the account",
        ErasureRule::RetainedByLaw => "not erased: the law retains it, without personal data",
        ErasureRule::WithAddress => "when it is answered, and with the account that has the address",
        ErasureRule::WithUser => "with the account's user in the user pool",
        ErasureRule::WithBrowser => "in the browser, by clearing its data",
    }
}

//! Describes the inventory: every kind of data that is stored, its purpose, its retention, its export, its erasure.

use domain::registry::{
    ConfiguredRetention, ErasureRule, ExportRule, LOG_DEFAULT_DAYS, PAYMENT_RECORD_DEFAULT_DAYS, RetentionRule,
    SIGN_UP_DEFAULT_DAYS,
};
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
    pub location: LocationView,
    /// What it contains and what for.
    pub purpose: &'static str,
    /// Whether it is personal data.
    pub personal: bool,
    /// How long it is kept.
    pub retention: RetentionView,
    /// How the account owner exports it.
    pub export: ExportFormat,
    /// Why it is not exported.
    pub not_exported_because: Option<&'static str>,
    /// How it is erased when the account is deleted.
    pub erasure: ErasureView,
    /// The fields.
    pub fields: Vec<FieldView>,
}

/// Shows where a kind of data is stored.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocationView {
    /// In the table, with the account.
    Account,
    /// In the table, apart from the account.
    Table,
    /// In the table of records, which are kept after an account is deleted.
    Records,
    /// In the bucket, with the files of the account.
    Files,
    /// In a queue, until it is processed.
    Queue,
    /// In the user pool.
    UserPool,
    /// In the browser.
    Browser,
    /// In the logs.
    Logs,
}

/// Shows how long a kind of data is kept.
#[derive(Serialize, ToSchema)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum RetentionView {
    /// As long as the account exists.
    Account,
    /// As long as the plan says.
    Plan,
    /// This number of days at most.
    Days {
        /// The days.
        days: u32,
    },
    /// As long as the account owner chose.
    OwnExpiry,
    /// Until the data of the browser is cleared.
    Browser,
    /// As long as the service is operated.
    Operation,
    /// The days that the operator configured.
    Configured {
        /// The days, unless the operator configured others.
        default_days: u32,
        /// The parameter of the template that configures them.
        parameter: &'static str,
    },
}

/// Shows how the account owner exports a kind of data.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// As a JSON file with the name of the kind.
    Json,
    /// As files.
    Files,
    /// It is not exported.
    None,
}

/// Shows how a kind of data is erased when the account is deleted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureView {
    /// With the account.
    Account,
    /// With the item that it points to.
    Target,
    /// When it expires: it does not identify the account.
    Expiry,
    /// Not erased: the law retains it, without personal data.
    RetainedByLaw,
    /// When it is answered, and with the account that has the address.
    Address,
    /// With the account's user in the user pool.
    User,
    /// In the browser, by clearing its data.
    Browser,
    /// Not erased: it is about the operator.
    Operator,
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
                ExportRule::Json => ExportFormat::Json,
                ExportRule::Files => ExportFormat::Files,
                ExportRule::Not(_) => ExportFormat::None,
            },
            not_exported_because: match kind.export {
                ExportRule::Not(reason) => Some(reason),
                ExportRule::Json | ExportRule::Files => None,
            },
            erasure: erasure(&kind.erasure),
            fields: fields.map(|field| FieldView { path: field.path, personal: field.personal }).collect(),
        }
    }
}

const fn location(location: &DataLocation) -> LocationView {
    match location {
        DataLocation::AccountItem { .. } => LocationView::Account,
        DataLocation::SharedItem { .. } => LocationView::Table,
        DataLocation::Record { .. } => LocationView::Records,
        DataLocation::Objects { .. } => LocationView::Files,
        DataLocation::Messages { .. } => LocationView::Queue,
        DataLocation::Users => LocationView::UserPool,
        DataLocation::Cookie { .. } | DataLocation::Browser { .. } => LocationView::Browser,
        DataLocation::Logs => LocationView::Logs,
    }
}

fn retention(rule: &RetentionRule) -> RetentionView {
    match rule {
        RetentionRule::Account => RetentionView::Account,
        RetentionRule::Plan => RetentionView::Plan,
        RetentionRule::Days(days) => RetentionView::Days { days: *days },
        RetentionRule::OwnExpiry => RetentionView::OwnExpiry,
        RetentionRule::InBrowser => RetentionView::Browser,
        RetentionRule::Operation => RetentionView::Operation,
        RetentionRule::Configured(retention) => RetentionView::Configured {
            default_days: match retention {
                ConfiguredRetention::PaymentRecords => PAYMENT_RECORD_DEFAULT_DAYS,
                ConfiguredRetention::Logs => LOG_DEFAULT_DAYS,
                ConfiguredRetention::SignUps => SIGN_UP_DEFAULT_DAYS,
            },
            parameter: registry::template_parameter(*retention),
        },
    }
}

const fn erasure(rule: &ErasureRule) -> ErasureView {
    match rule {
        ErasureRule::WithAccount => ErasureView::Account,
        ErasureRule::WithTarget => ErasureView::Target,
        ErasureRule::Expires => ErasureView::Expiry,
        ErasureRule::RetainedByLaw => ErasureView::RetainedByLaw,
        ErasureRule::WithAddress => ErasureView::Address,
        ErasureRule::WithUser => ErasureView::User,
        ErasureRule::WithBrowser => ErasureView::Browser,
        ErasureRule::OfOperator => ErasureView::Operator,
    }
}

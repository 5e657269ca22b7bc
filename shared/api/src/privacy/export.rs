//! Describes the API of data exports.

use domain::{
    ExportId,
    privacy::export::{Export, ExportProgress, ExportState, LINK_S},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Requests an export: an archive of all data of the account, ready within a day. Needs a recent sign-in. While one is
    /// being built another request gets 409. With the same Idempotency-Key a repeat gets the same response.
    REQUEST = post("/v1/privacy/exports", "privacy-export")
        .parameters(&[IdempotencyKey])
        .returns::<ExportView>(202).problems(&[400, 403, 409, 422, 429]);

    /// Lists the exports. An export is deleted seven days after it is ready.
    LIST = get("/v1/privacy/exports", "privacy-export")
        .returns::<Exports>(200);

    /// Shows an export and its progress. For a day after it is ready the response has a download link that works for five
    /// minutes.
    SHOW = get("/v1/privacy/exports/{id}", "privacy-export")
        .returns::<ExportView>(200).problems(&[404]);
}

/// Tells how far an export is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportStatus {
    /// The archive is being built, or waits for it.
    Building,
    /// The archive is ready.
    Ready,
    /// The archive could not be built in time. Request another one.
    Failed,
}

/// Shows an export to the account owner.
#[derive(Serialize, ToSchema)]
pub struct ExportView {
    /// The id.
    pub id: ExportId,
    /// How far it is.
    pub status: ExportStatus,
    /// The progress.
    pub progress: ExportProgress,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When it is ready at the latest, or has failed.
    pub due_at: Timestamp,
    /// When it became ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    /// The size of the archive in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Until when it can be downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_until: Option<Timestamp>,
    /// When it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The download link. Only when a single export is shown, and as long as it can be downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download: Option<DownloadView>,
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

/// Shows a download link. Everyone who has it can use it, so it works for minutes only, and each request signs a new one. A
/// download that has begun continues after the link expires.
#[derive(Serialize, ToSchema)]
pub struct DownloadView {
    /// The link.
    pub url: String,
    /// Until when a download can begin.
    pub expires_at: Timestamp,
}

impl DownloadView {
    /// Shows a link that was signed at `now`.
    #[must_use]
    pub fn new(url: String, now: Timestamp) -> Self {
        Self { url, expires_at: now + SignedDuration::from_secs(i64::try_from(LINK_S).unwrap_or(0)) }
    }
}

/// Shows the exports of the account.
#[derive(Serialize, ToSchema)]
pub struct Exports {
    /// The exports that are not deleted yet, oldest first.
    pub items: Vec<ExportView>,
}

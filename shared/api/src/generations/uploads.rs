//! Describes the API of uploads.

use domain::{
    UploadId,
    catalogue::models::MediaKind,
    generations::upload::{RejectionCode, Upload, UploadDeclaration, UploadState},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Creates an upload and returns a presigned request that sends its file. The request works for 15 minutes and only for
    /// the declared type, size and SHA-256. Without an Idempotency-Key a repeat creates another upload.
    CREATE = post("/v1/uploads", "upload-presign")
        .takes::<UploadRequest>(
            r#"{"content_type": "image/png", "bytes": 1, "sha256": "0000000000000000000000000000000000000000000000000000000000000000", "file_name": "vase.png"}"#,
        )
        .parameters(&[IdempotencyKey])
        .returns::<UploadView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Shows an upload and whether it is ready.
    SHOW = get("/v1/uploads/{id}", "upload-presign")
        .returns::<UploadView>(200).problems(&[404]);

    /// Deletes an upload and all versions of its file.
    DELETE = delete("/v1/uploads/{id}", "upload-presign")
        .parameters(&[IdempotencyKey]).problems(&[400, 404, 409, 422, 429]);
}

/// Declares the file that will be uploaded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadRequest {
    /// `image/jpeg`, `image/png`, `image/webp`, `video/mp4` or `video/webm`.
    pub content_type: String,
    /// The size in bytes: up to 20 MiB for images, up to 100 MiB for videos.
    #[schema(minimum = 1)]
    pub bytes: u64,
    /// The SHA-256: 64 lower-case hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// The file name, at most 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub file_name: Option<String>,
}

impl From<UploadRequest> for UploadDeclaration {
    fn from(body: UploadRequest) -> Self {
        Self { content_type: body.content_type, bytes: body.bytes, sha256: body.sha256, file_name: body.file_name }
    }
}

/// Shows a presigned request. Send it unchanged, headers included, before it expires.
#[derive(Serialize, ToSchema)]
pub struct PresignedView {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<HeaderView>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Shows a header.
#[derive(Serialize, ToSchema)]
pub struct HeaderView {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Shows an upload.
#[derive(Serialize, ToSchema)]
pub struct UploadView {
    /// The id.
    pub id: UploadId,
    /// Whether it is an image or a video.
    pub kind: MediaKind,
    /// The declared type.
    pub content_type: String,
    /// The declared size in bytes.
    pub bytes: u64,
    /// The file name.
    pub file_name: Option<String>,
    /// Whether it can be used.
    pub state: UploadStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it is deleted, with its file: an hour after its creation, or, once it can be used, the days of the plan of
    /// the account after its creation. It follows a change of the plan as the expiry of a generation does.
    pub expires_at: Timestamp,
    /// The request that sends the file. Only in the response that created the upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put: Option<PresignedView>,
}

/// Tells whether an upload can be used.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum UploadStatus {
    /// The file has not arrived, or is not inspected yet.
    Pending,
    /// The file can be used.
    Ready {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
        /// The duration of a video in milliseconds.
        duration_ms: Option<u64>,
    },
    /// The file is not what was declared, or cannot be used.
    Rejected {
        /// The broken rule.
        code: RejectionCode,
        /// What is wrong with the file, in English.
        reason: String,
    },
}

impl UploadView {
    /// Shows an upload, with the request that sends its file if it was created just now.
    #[must_use]
    pub fn new(upload: Upload, put: Option<PresignedView>) -> Self {
        Self {
            id: upload.id,
            kind: upload.kind,
            content_type: upload.content_type,
            bytes: upload.bytes,
            file_name: upload.file_name,
            state: match upload.state {
                UploadState::Pending => UploadStatus::Pending,
                UploadState::Ready { width, height, duration_ms, .. } => {
                    UploadStatus::Ready { width, height, duration_ms }
                }
                UploadState::Rejected { code, reason } => UploadStatus::Rejected { code, reason },
            },
            created_at: upload.created_at,
            expires_at: upload.expires_at,
            put,
        }
    }
}

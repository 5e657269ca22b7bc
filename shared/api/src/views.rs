//! Bodies that clients get.

mod account;

use domain::{
    AccountId, Credits, GenerationId, ShareId, UploadId,
    catalogue::models::{MediaKind, Model, Size},
    generations::generation::{Failure, Generation, GenerationStatus, Visibility},
    generations::share::Share,
    generations::upload::{Upload, UploadState},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

pub use account::{
    AccountView, ActivityPage, ActivityView, CorrectionPage, CorrectionView, EntryView, LimitsView, Statement, Used,
};

/// A session. The refresh token is in a cookie that scripts cannot read.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// For the `Authorization` header, as `Bearer`.
    pub access_token: String,
    /// Seconds until it expires.
    pub expires_in_s: u32,
    /// For the `X-CSRF-Token` header of refresh and sign-out.
    pub csrf_token: String,
    /// The account.
    pub account_id: AccountId,
}

/// The models that can be chosen.
#[derive(Serialize, ToSchema)]
pub struct Models {
    /// In the order of preference.
    pub models: Vec<ModelView>,
}

/// A model that can be chosen.
#[derive(Serialize, ToSchema)]
pub struct ModelView {
    /// Its id in requests.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it makes.
    pub kind: MediaKind,
    /// The price of one picture, or of one second of film.
    pub credits: Credits,
    /// The sizes it makes, its default first.
    pub sizes: Vec<Size>,
    /// The lengths it makes, its default first; empty for pictures.
    pub durations_ms: Vec<u32>,
    /// Outputs of one request at most.
    pub max_count: u8,
    /// Whether it takes a negative prompt.
    pub negative_prompt: bool,
    /// Whether it takes a seed.
    pub seed: bool,
    /// Whether it takes an input image.
    pub input_image: bool,
}

impl From<&Model> for ModelView {
    fn from(model: &Model) -> Self {
        Self {
            id: model.id,
            title: model.title,
            kind: model.kind,
            credits: model.unit_price,
            sizes: model.sizes.to_vec(),
            durations_ms: model.durations_ms.to_vec(),
            max_count: model.max_count,
            negative_prompt: model.negative_prompt,
            seed: model.seed,
            input_image: model.input_image,
        }
    }
}

/// What something would cost.
#[derive(Serialize, ToSchema)]
pub struct QuoteView {
    /// What would be made.
    pub kind: MediaKind,
    /// The price of it all.
    pub credits: Credits,
    /// What is available now.
    pub available: Credits,
}

/// A file of a generation.
#[derive(Serialize, ToSchema)]
pub struct MediaView {
    /// Where it is, for four minutes.
    pub url: String,
    /// Where its thumbnail is, a JPEG, for four minutes.
    pub thumbnail_url: Option<String>,
    /// Its type.
    pub content_type: String,
    /// Its size.
    pub bytes: u64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Length of a film.
    pub duration_ms: Option<u64>,
    /// Its [ThumbHash](https://evanw.github.io/thumbhash/), base64.
    pub thumbhash: Option<String>,
}

/// What was asked for.
#[derive(Serialize, ToSchema)]
pub struct SettingsView {
    /// The model.
    pub model: String,
    /// What to make.
    pub prompt: String,
    /// What to keep out.
    pub negative_prompt: Option<String>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Length of a film.
    pub duration_ms: Option<u32>,
    /// How many.
    pub count: u8,
    /// The seed.
    pub seed: Option<u32>,
    /// The input image.
    pub input_upload: Option<UploadId>,
}

/// What it costs.
#[derive(Serialize, ToSchema)]
pub struct Cost {
    /// Reserved when it was submitted.
    pub reserved: Credits,
    /// Spent in the end; the rest came back.
    pub spent: Credits,
}

/// A generation, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct GenerationView {
    /// Its id.
    pub id: GenerationId,
    /// What is made.
    pub kind: MediaKind,
    /// Where it is.
    pub status: GenerationStatus,
    /// From what.
    pub settings: SettingsView,
    /// What it costs.
    pub credits: Cost,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it fails unless it has ended.
    pub deadline_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it goes, with its files.
    pub expires_at: Option<Timestamp>,
    /// Its files.
    pub media: Vec<MediaView>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Whether they see the prompt too.
    pub show_prompt: bool,
    /// Until when the last of its links shows it, if it has one.
    pub shared_until: Option<Timestamp>,
    /// Since when it is public.
    pub published_at: Option<Timestamp>,
}

impl GenerationView {
    /// A generation with links to its files.
    #[must_use]
    pub fn new(generation: Generation, media: Vec<MediaView>) -> Self {
        let settings = generation.settings;
        Self {
            id: generation.id,
            kind: generation.kind,
            status: generation.status,
            settings: SettingsView {
                model: settings.model,
                prompt: settings.prompt,
                negative_prompt: settings.negative_prompt,
                width: settings.size.width,
                height: settings.size.height,
                duration_ms: settings.duration_ms,
                count: settings.count,
                seed: settings.seed,
                input_upload: settings.input_upload,
            },
            credits: Cost { reserved: generation.reserved, spent: generation.spent },
            created_at: generation.created_at,
            deadline_at: generation.deadline_at,
            ended_at: generation.ended_at,
            expires_at: generation.expires_at,
            media,
            failure: generation.failure,
            visibility: generation.visibility,
            show_prompt: generation.show_prompt,
            shared_until: generation.shared_until,
            published_at: generation.published_at,
        }
    }
}

/// A page of own generations, newest first.
#[derive(Serialize, ToSchema)]
pub struct GenerationPage {
    /// What is on it; may be empty while there is a next page.
    pub items: Vec<GenerationView>,
    /// Where the next page starts, if there may be one.
    pub next: Option<String>,
}

/// A generation, as others see it: nothing tells whose it is.
#[derive(Serialize, ToSchema)]
pub struct PublicView {
    /// Its id.
    pub id: GenerationId,
    /// What it is.
    pub kind: MediaKind,
    /// What it was made from, if its owner shows that.
    pub prompt: Option<String>,
    /// Its files.
    pub media: Vec<MediaView>,
    /// Since when it is public.
    pub published_at: Option<Timestamp>,
}

/// A page of the public gallery, newest first.
#[derive(Serialize, ToSchema)]
pub struct PublicPage {
    /// What is on it.
    pub items: Vec<PublicView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// What a share link shows: nothing tells whose it is.
#[derive(Serialize, ToSchema)]
pub struct SharedView {
    /// What it is.
    pub kind: MediaKind,
    /// What it was made from, if its owner shows that.
    pub prompt: Option<String>,
    /// Its files.
    pub media: Vec<MediaView>,
    /// When the link stops.
    pub expires_at: Timestamp,
}

/// A share link, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct ShareView {
    /// Its id, for revoking.
    pub id: ShareId,
    /// The secret of `GET /v1/shared/{token}`; only in the answer that made the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether it shows the prompt too.
    pub show_prompt: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops.
    pub expires_at: Timestamp,
}

impl ShareView {
    /// A share, with its token if it was made just now.
    #[must_use]
    pub fn new(share: &Share, token: Option<String>) -> Self {
        Self {
            id: share.id,
            token,
            show_prompt: share.show_prompt,
            created_at: share.created_at,
            expires_at: share.expires_at,
        }
    }
}

/// The share links of a generation, oldest first.
#[derive(Serialize, ToSchema)]
pub struct Shares {
    /// The links.
    pub items: Vec<ShareView>,
}

/// A request to make as it is, headers included, before it expires.
#[derive(Serialize, ToSchema)]
pub struct PresignedView {
    /// The method.
    pub method: String,
    /// Where.
    pub url: String,
    /// The headers to send, name and value.
    pub headers: Vec<HeaderView>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A header.
#[derive(Serialize, ToSchema)]
pub struct HeaderView {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An upload.
#[derive(Serialize, ToSchema)]
pub struct UploadView {
    /// Its id.
    pub id: UploadId,
    /// What it is.
    pub kind: MediaKind,
    /// Its declared type.
    pub content_type: String,
    /// Its declared size.
    pub bytes: u64,
    /// What it is called.
    pub file_name: Option<String>,
    /// Where it is.
    pub state: UploadStatus,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it goes, with its file.
    pub expires_at: Timestamp,
    /// How to send it; only in the answer that declared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put: Option<PresignedView>,
}

/// Where an upload is.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum UploadStatus {
    /// Not there yet, or not inspected yet.
    Pending,
    /// It can be used.
    Ready {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Length of a film.
        duration_ms: Option<u64>,
    },
    /// It was not what was declared, or cannot be used.
    Rejected {
        /// Why.
        reason: String,
    },
}

impl UploadView {
    /// An upload, with the request that sends it if it was declared just now.
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
                UploadState::Rejected { reason } => UploadStatus::Rejected { reason },
            },
            created_at: upload.created_at,
            expires_at: upload.expires_at,
            put,
        }
    }
}

/// The door's own answer to a request without a valid access token.
#[derive(Serialize, ToSchema)]
pub struct EntryPointView {
    /// `Unauthorized` or `Forbidden`.
    pub message: String,
}

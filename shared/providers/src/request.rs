//! What a provider is asked to generate.

use bytes::Bytes;

/// Holds everything that a provider receives.
///
/// Does not implement `Debug`, so that a prompt cannot reach a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderRequest {
    /// Image or video.
    pub kind: OutputKind,
    /// The provider's own name for the model.
    pub model: String,
    /// What to show.
    pub prompt: String,
    /// What not to show. Of the models without such a field, OpenAI's receive it in the prompt and the others not at all.
    pub negative_prompt: Option<String>,
    /// The width in pixels. A provider with fixed sizes uses the nearest one.
    pub width: u32,
    /// The height in pixels. A provider with fixed sizes uses the nearest one.
    pub height: u32,
    /// How much work to put into it. `None` for the default; only OpenAI has a choice.
    pub quality: Option<Quality>,
    /// The number of outputs, at least 1.
    pub count: u8,
    /// The seed of the first output; the following outputs use the following numbers. `None` for a random one.
    pub seed: Option<u64>,
    /// The duration of a video in milliseconds. A provider with fixed durations uses the nearest one.
    pub duration_ms: Option<u64>,
    /// The image to start from.
    pub reference_image: Option<ReferenceImage>,
    /// The https address to call when the job has ended. Only a provider that [`reports_jobs`](crate::Provider::reports_jobs) uses it.
    pub callback: Option<String>,
}

/// Says how much work to put into an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// A draft.
    Low,
    /// A good output.
    Medium,
    /// The best that the model can do.
    High,
}

/// Tells images and videos apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A still image.
    Image,
    /// A video, as MP4 or WebM.
    Video,
}

/// Holds an image to start from. Its metadata is already removed.
#[derive(Clone, PartialEq, Eq)]
pub struct ReferenceImage {
    /// The content of the file.
    pub bytes: Bytes,
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub mime: String,
}

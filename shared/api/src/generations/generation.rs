//! Describes the API of the account's own generations.

use domain::{
    CaseId, Credits, GenerationId, UploadId,
    catalogue::models::{MediaKind, Quality},
    generations::{
        generation::{Failure, Generation, GenerationStatus},
        output::{Output, Visibility},
    },
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Bucket, StoreError};
use utoipa::ToSchema;

use crate::{
    generations::media::MediaView,
    operation::{
        Parameter::{Filter, IdempotencyKey, Page},
        operations,
    },
};

/// The seconds after which a worker has usually begun.
const BEGUN_S: u32 = 2;

operations! {
    /// Lists the account's generations, newest first.
    LIST = get("/v1/generations", "gallery")
        .parameters(&[Filter, Page]).returns::<GenerationPage>(200).problems(&[400]);

    /// Shows a generation, with links to its files that work for four minutes.
    SHOW = get("/v1/generations/{id}", "gallery")
        .returns::<GenerationView>(200).problems(&[404]);

    /// Deletes a generation that has ended, with all its images or videos: their share links, and all versions of their
    /// files.
    DELETE = delete("/v1/generations/{id}", "gallery")
        .parameters(&[IdempotencyKey]).problems(&[400, 404, 409, 422, 429]);

    /// Deletes one image or video of a generation: its share links, and all versions of its file. Deletes the generation with
    /// the last one.
    DELETE_OUTPUT = delete("/v1/generations/{id}/outputs/{output}", "gallery")
        .parameters(&[IdempotencyKey]).problems(&[400, 404, 409, 422, 429]);
}

/// Shows the settings of a generation.
#[derive(Serialize, ToSchema)]
pub struct SettingsView {
    /// The id of the model.
    pub model: String,
    /// The prompt.
    pub prompt: String,
    /// The negative prompt.
    pub negative_prompt: Option<String>,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The duration of a video in milliseconds.
    pub duration_ms: Option<u32>,
    /// The quality, of a model that has a choice.
    pub quality: Option<Quality>,
    /// The number of images or videos.
    pub count: u8,
    /// The seed.
    pub seed: Option<u32>,
    /// The upload that is the starting image.
    pub input_upload: Option<UploadId>,
    /// Whether a visible label is drawn into the images or videos.
    pub visible_label: bool,
}

/// Shows what a generation costs.
#[derive(Serialize, ToSchema)]
pub struct Cost {
    /// The credits that were reserved when it was submitted.
    pub reserved: Credits,
    /// The credits that were spent when it ended. The rest was refunded.
    pub spent: Credits,
}

/// Shows a generation to the account owner.
#[derive(Serialize, ToSchema)]
pub struct GenerationView {
    /// The id.
    pub id: GenerationId,
    /// Whether it is an image or a video.
    pub kind: MediaKind,
    /// How far it is.
    pub status: GenerationStatus,
    /// The settings.
    pub settings: SettingsView,
    /// The cost.
    pub credits: Cost,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it fails, unless it has ended before.
    pub deadline_at: Timestamp,
    /// After how many seconds to ask again. Absent once it has ended.
    pub poll_after_s: Option<u32>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it is deleted, with its files: the days of the plan of the account after it ended. It follows a change of
    /// the plan within minutes: a larger plan makes it later. After a full refund or a lost dispute it becomes earlier,
    /// but not earlier than 7 days after that.
    pub expires_at: Option<Timestamp>,
    /// The images or videos.
    pub outputs: Vec<OutputView>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Shows an image or a video of a generation to the account owner.
#[derive(Serialize, ToSchema)]
pub struct OutputView {
    /// The number in the generation, from 1. It stays the same when others are deleted.
    pub number: u32,
    /// The file.
    pub file: MediaView,
    /// Private or public.
    pub visibility: Visibility,
    /// Whether the prompt is shown too, where the image or video is public.
    pub show_prompt: bool,
    /// Whether it is a favorite of the account owner. Only the owner sees this.
    pub favorite: bool,
    /// When the last of its share links expires, if it has one.
    pub shared_until: Option<Timestamp>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// The moderation case that hides it from everyone but its owner.
    pub restricted_by: Option<CaseId>,
}

impl OutputView {
    async fn with_links(bucket: &Bucket, output: &Output, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            number: output.number,
            file: MediaView::with_links(bucket, &output.file, now).await?,
            visibility: output.visibility,
            show_prompt: output.show_prompt,
            favorite: output.favorite,
            shared_until: output.shared_until,
            published_at: output.published_at,
            restricted_by: output.restricted_by,
        })
    }
}

impl GenerationView {
    /// Shows a generation with these outputs.
    #[must_use]
    pub fn new(generation: Generation, outputs: Vec<OutputView>, now: Timestamp) -> Self {
        let poll_after_s =
            (!generation.status.is_final()).then(|| poll_after_s(generation.created_at, generation.usual_s, now));
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
                quality: settings.quality,
                count: settings.count,
                seed: settings.seed,
                input_upload: settings.input_upload,
                visible_label: settings.visible_label,
            },
            credits: Cost { reserved: generation.reserved, spent: generation.spent },
            created_at: generation.created_at,
            deadline_at: generation.deadline_at,
            poll_after_s,
            ended_at: generation.ended_at,
            expires_at: generation.expires_at,
            outputs,
            failure: generation.failure,
        }
    }

    /// Shows a generation, and signs the links to its files.
    ///
    /// # Errors
    /// A link could not be signed.
    pub async fn with_links(bucket: &Bucket, generation: Generation, now: Timestamp) -> Result<Self, StoreError> {
        let mut outputs = Vec::with_capacity(generation.outputs.len());
        for output in generation.present_outputs() {
            outputs.push(OutputView::with_links(bucket, output, now).await?);
        }
        Ok(Self::new(generation, outputs, now))
    }
}

/// Returns the seconds after which to ask again, as each question costs: when a worker has usually begun, then when some are done
/// sooner than usual, and after that the longer it runs, the longer it may still run.
fn poll_after_s(created_at: Timestamp, usual_s: u32, now: Timestamp) -> u32 {
    let age_s = u32::try_from(now.duration_since(created_at).as_secs()).unwrap_or(0);
    let soonest_s = usual_s * 3 / 4;
    let wait_s = if age_s < BEGUN_S { soonest_s.min(BEGUN_S) } else { soonest_s.saturating_sub(age_s) };
    wait_s.max(age_s / 4).clamp(1, 15)
}

/// Shows a page of the account's generations, newest first.
#[derive(Serialize, ToSchema)]
pub struct GenerationPage {
    /// The generations. May be empty while there is a next page.
    pub items: Vec<GenerationView>,
    /// The cursor of the next page, if there may be one.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the ages at which a client asks that does as it is told.
    fn check(usual_s: u32, expected: &[u32]) {
        let (mut age_s, mut asked) = (0, Vec::new());
        while asked.len() < expected.len() {
            let now = Timestamp::from_second(age_s).unwrap();
            age_s += i64::from(poll_after_s(Timestamp::UNIX_EPOCH, usual_s, now));
            asked.push(u32::try_from(age_s).unwrap());
        }
        assert_eq!(asked, expected, "usually {usual_s} s");
    }

    #[test]
    fn client_asks_when_a_generation_may_be_done_and_then_less_and_less_often() {
        check(12, &[2, 9, 11, 13, 16, 20, 25, 31, 38, 47, 58, 72, 87, 102]);
        check(0, &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 27, 33]);
        check(1, &[1, 2, 3]);
        check(90, &[2, 17, 32, 47, 62, 77, 92]);
        let ahead = Timestamp::from_second(-60).unwrap();
        assert_eq!(poll_after_s(Timestamp::UNIX_EPOCH, 12, ahead), 2, "the clock that stored it was ahead");
    }
}

//! The built-in demo provider: it draws a landscape or an abstract flow from the prompt, the settings and the seed.
//!
//! The same request gives the same bytes on the same machine; another prompt gives another image. Every image carries the
//! caption SKETCH. Images are PNG and come at once. Videos are H.264 in MP4 and always take a job, so that polling is
//! tested without any other provider.
//!
//! # Scripted prompts
//!
//! To test failures through the whole system without an API key, [`Sketch::scripted`] obeys one of these marks in a prompt.
//! To [`Sketch::default`] and to every other provider a mark is plain text.
//!
//! | mark | effect |
//! |---|---|
//! | `[sketch:reject]` | rejected, as by moderation |
//! | `[sketch:busy]` | throttled, retry after 1 s |
//! | `[sketch:input]` | invalid input |
//! | `[sketch:account]` | account problem |
//! | `[sketch:ours]` | invalid request |
//! | `[sketch:unknown]` | invalid response |
//! | `[sketch:job]` | an image, too, takes a job, whose first poll is pending |
//! | `[sketch:job-reject]`, `[sketch:job-busy]`, `[sketch:job-unknown]`, `[sketch:job-ended]` | a job whose last poll fails like this |
//! | `[sketch:endless]` | a job that stays pending |

mod caption;
mod job;
mod noise;
mod paint;
mod palette;
mod scene;
mod video;

use std::time::Duration;

use async_trait::async_trait;
use image::{ImageError, RgbImage};

use crate::error::ProviderError;
use crate::provider::Provider;
use crate::request::{OutputKind, ProviderRequest, ReferenceImage};
use crate::response::{Outputs, PollResponse, StartResponse};
use job::Job;
use scene::Scene;

const NAME: &str = "sketch";
const POLL_AFTER: Duration = Duration::from_secs(1);
const SIDE_PX: std::ops::RangeInclusive<u32> = 16..=4096;
/// The largest video frame. H.264 level 5.2, the highest of the encoder, allows slightly more.
const VIDEO_AREA_PX: u32 = 3840 * 2160;
const DURATION_MS: std::ops::RangeInclusive<u64> = 100..=60_000;
const DEFAULT_DURATION_MS: u64 = 4_000;

/// Draws images and videos without an external service. It has no state: a job id contains everything that finishes the job.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sketch {
    obeys_marks: bool,
}

impl Sketch {
    /// Returns a provider that obeys the marks in prompts, for tests.
    #[must_use]
    pub const fn scripted() -> Self {
        Self { obeys_marks: true }
    }

    fn is_marked(self, request: &ProviderRequest, mark: &str) -> bool {
        self.obeys_marks && request.prompt.contains(&format!("[sketch:{mark}]"))
    }
}

#[async_trait]
impl Provider for Sketch {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &ProviderRequest, outputs: &dyn Outputs) -> Result<StartResponse, ProviderError> {
        check_sizes(request)?;
        let marked = |mark: &str| self.is_marked(request, mark);
        fail_if_scripted(&marked, "")?;
        let as_job = ["job", "job-reject", "job-busy", "job-unknown", "job-ended", "endless"].into_iter().any(marked);
        if request.kind == OutputKind::Video || as_job {
            let unwritten = || ProviderError::invalid_request(NAME, "the job cannot be written");
            let backdrop = request.reference_image.as_ref().map(backdrop).transpose()?;
            let job = Job::new(request, backdrop).map_err(|_| unwritten())?;
            let id = job.into_id().map_err(|_| unwritten())?;
            return Ok(StartResponse::Job { id, poll_after: POLL_AFTER });
        }
        draw(request, outputs).await?;
        Ok(StartResponse::Done)
    }

    async fn poll(&self, job: &str, outputs: &dyn Outputs) -> Result<PollResponse, ProviderError> {
        let mut job =
            Job::from_id(job).map_err(|_| ProviderError::invalid_request(NAME, "not a job of this provider"))?;
        if job.pending_polls > 0 || self.is_marked(&job.request, "endless") {
            job.pending_polls = job.pending_polls.saturating_sub(1);
            let id = job.into_id().map_err(|_| ProviderError::invalid_request(NAME, "the job cannot be written"))?;
            return Ok(PollResponse::Pending { job: Some(id), poll_after: POLL_AFTER });
        }
        fail_if_scripted(&|mark| self.is_marked(&job.request, mark), "job-")?;
        draw(&job.request, outputs).await?;
        Ok(PollResponse::Done)
    }

    /// Confirms every cancel: it charges nothing.
    async fn cancel(&self, _job: &str) -> Result<bool, ProviderError> {
        Ok(true)
    }
}

fn check_sizes(request: &ProviderRequest) -> Result<(), ProviderError> {
    let duration_ms = request.duration_ms.unwrap_or(DEFAULT_DURATION_MS);
    if !SIDE_PX.contains(&request.width) || !SIDE_PX.contains(&request.height) {
        return Err(ProviderError::invalid_request(NAME, "a side must have 16 to 4096 pixels"));
    }
    if request.kind == OutputKind::Video && request.width * request.height > VIDEO_AREA_PX {
        return Err(ProviderError::invalid_request(NAME, "a video can have at most 3840x2160 pixels"));
    }
    if request.count == 0 || !DURATION_MS.contains(&duration_ms) {
        return Err(ProviderError::invalid_request(NAME, "at least one output, of 0.1 to 60 seconds, is needed"));
    }
    Ok(())
}

fn fail_if_scripted(marked: &dyn Fn(&str) -> bool, prefix: &str) -> Result<(), ProviderError> {
    let marked = |mark: &str| marked(&format!("{prefix}{mark}"));
    if marked("reject") {
        return Err(ProviderError::rejected(
            NAME,
            "The prompt contains a mark that rejects it. Remove the mark and try again.",
        ));
    }
    if marked("busy") {
        return Err(ProviderError::throttled(NAME, "throttled, as scripted", Some(Duration::from_secs(1))));
    }
    if marked("input") {
        return Err(ProviderError::invalid_input(NAME, "The prompt contains a mark that makes it unusable."));
    }
    if marked("account") {
        return Err(ProviderError::account_problem(NAME, "account problem, as scripted"));
    }
    if marked("ended") {
        return Err(ProviderError::job_ended(NAME, "the job ended, as scripted"));
    }
    if marked("ours") {
        return Err(ProviderError::invalid_request(NAME, "invalid request, as scripted"));
    }
    if marked("unknown") {
        return Err(ProviderError::invalid_response(NAME, "invalid response, as scripted"));
    }
    Ok(())
}

async fn draw(request: &ProviderRequest, outputs: &dyn Outputs) -> Result<(), ProviderError> {
    let backdrop = request.reference_image.as_ref().map(backdrop).transpose()?;
    for index in 0..request.count {
        let scene = Scene::new(request, index);
        let bytes = match request.kind {
            OutputKind::Image => paint::png(&scene, backdrop.as_ref()).map_err(|_| "the PNG cannot be written"),
            OutputKind::Video => {
                let duration_ms = request.duration_ms.unwrap_or(DEFAULT_DURATION_MS);
                video::mp4(&scene, backdrop.as_ref(), duration_ms).map_err(|_| "the MP4 cannot be written")
            }
        };
        outputs.take(bytes.map_err(|message| ProviderError::invalid_response(NAME, message))?).await;
    }
    Ok(())
}

fn backdrop(image: &ReferenceImage) -> Result<RgbImage, ProviderError> {
    paint::decode_reference_image(&image.bytes).map_err(|error| match error {
        ImageError::Limits(_) => ProviderError::invalid_input(
            NAME,
            "The demo provider takes reference images of up to 16 megapixels. Choose a smaller image and try again.",
        ),
        _ => ProviderError::rejected(NAME, "The reference image cannot be read. Choose another image and try again."),
    })
}

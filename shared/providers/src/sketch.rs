//! The built-in provider: it paints, from the prompt, the settings and the seed, a landscape or a flow of colour.
//!
//! The same request gives the same bytes on the same machine; another prompt gives another picture. Every picture says
//! on itself that it is a sketch. Images are PNG and come at once; videos are H.264 in MP4 and always go by way of a job,
//! so that polling is exercised without any other provider.
//!
//! # Scripted prompts
//!
//! So that failures can be seen through the whole system without a key, a prompt may hold one of these marks. They mean
//! nothing to any other provider.
//!
//! | mark | what happens |
//! |---|---|
//! | `[sketch:reject]` | refused, as a prompt against the rules would be |
//! | `[sketch:busy]` | busy, with 1 s to wait |
//! | `[sketch:ours]` | our mistake |
//! | `[sketch:unknown]` | an answer that makes no sense |
//! | `[sketch:job]` | an image, too, goes by way of a job, whose first poll is pending |
//! | `[sketch:job-reject]`, `[sketch:job-busy]`, `[sketch:job-unknown]` | a job whose last poll fails so |
//! | `[sketch:endless]` | a job that stays pending |

mod caption;
mod film;
mod job;
mod noise;
mod paint;
mod palette;
mod scene;

use std::time::Duration;

use async_trait::async_trait;

use crate::{GenerationRequest, Output, OutputKind, PollResponse, Provider, ProviderError, StartResponse};
use job::Job;
use scene::Scene;

const NAME: &str = "sketch";
const POLL_AFTER: Duration = Duration::from_secs(1);
const SIDE_PX: std::ops::RangeInclusive<u32> = 16..=4096;
/// The largest picture of H.264's level 5.2, the highest that the encoder knows, less a margin.
const FILM_AREA_PX: u32 = 3840 * 2160;
const DURATION_MS: std::ops::RangeInclusive<u64> = 100..=60_000;
const DEFAULT_DURATION_MS: u64 = 4_000;

/// The painter. It has no state: a job's id carries all that is needed to finish it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sketch;

#[async_trait]
impl Provider for Sketch {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &GenerationRequest) -> Result<StartResponse, ProviderError> {
        check_sizes(request)?;
        let marked = |mark: &str| request.prompt.contains(&format!("[sketch:{mark}]"));
        fail_if_scripted(&marked, "")?;
        let by_job = ["job", "job-reject", "job-busy", "job-unknown", "endless"].into_iter().any(marked);
        if request.kind == OutputKind::Video || by_job {
            let id = Job::new(request)
                .into_id()
                .map_err(|_| ProviderError::invalid_request(NAME, "the job cannot be written"))?;
            return Ok(StartResponse::Job { id, poll_after: POLL_AFTER });
        }
        make(request).map(StartResponse::Done)
    }

    async fn poll(&self, job: &str) -> Result<PollResponse, ProviderError> {
        let mut job =
            Job::from_id(job).map_err(|_| ProviderError::invalid_request(NAME, "not a job of this provider"))?;
        let endless = job.request.prompt.contains("[sketch:endless]");
        if job.pending_polls > 0 || endless {
            job.pending_polls = job.pending_polls.saturating_sub(1);
            let id = job.into_id().map_err(|_| ProviderError::invalid_request(NAME, "the job cannot be written"))?;
            return Ok(PollResponse::Pending { job: Some(id), poll_after: POLL_AFTER });
        }
        fail_if_scripted(&|mark| job.request.prompt.contains(&format!("[sketch:{mark}]")), "job-")?;
        make(&job.request).map(PollResponse::Done)
    }
}

fn check_sizes(request: &GenerationRequest) -> Result<(), ProviderError> {
    let duration_ms = request.duration_ms.unwrap_or(DEFAULT_DURATION_MS);
    if !SIDE_PX.contains(&request.width) || !SIDE_PX.contains(&request.height) {
        return Err(ProviderError::invalid_request(NAME, "a side is 16 to 4096 pixels"));
    }
    if request.kind == OutputKind::Video && request.width * request.height > FILM_AREA_PX {
        return Err(ProviderError::invalid_request(NAME, "a film has at most 3840 by 2160 pixels"));
    }
    if request.count == 0 || !DURATION_MS.contains(&duration_ms) {
        return Err(ProviderError::invalid_request(NAME, "at least one output, of 0.1 to 60 seconds"));
    }
    Ok(())
}

fn fail_if_scripted(marked: &dyn Fn(&str) -> bool, when: &str) -> Result<(), ProviderError> {
    let marked = |mark: &str| marked(&format!("{when}{mark}"));
    if marked("reject") {
        return Err(ProviderError::rejected(NAME, "The prompt asks the sketch to refuse it."));
    }
    if marked("busy") {
        return Err(ProviderError::unavailable(NAME, "busy, as scripted", Some(Duration::from_secs(1))));
    }
    if marked("ours") {
        return Err(ProviderError::invalid_request(NAME, "our mistake, as scripted"));
    }
    if marked("unknown") {
        return Err(ProviderError::invalid_response(NAME, "nonsense, as scripted"));
    }
    Ok(())
}

fn make(request: &GenerationRequest) -> Result<Vec<Output>, ProviderError> {
    let input = match &request.reference_image {
        Some(input) => Some(
            paint::decode_input(&input.bytes)
                .map_err(|_| ProviderError::rejected(NAME, "The input image cannot be read."))?,
        ),
        None => None,
    };
    (0..request.count)
        .map(|index| {
            let scene = Scene::new(request, index);
            let bytes = match request.kind {
                OutputKind::Image => paint::png(&scene, input.as_ref()).map_err(|_| "the PNG cannot be written"),
                OutputKind::Video => {
                    let duration_ms = request.duration_ms.unwrap_or(DEFAULT_DURATION_MS);
                    film::mp4(&scene, input.as_ref(), duration_ms).map_err(|_| "the MP4 cannot be written")
                }
            };
            bytes.map(|bytes| Output { bytes }).map_err(|message| ProviderError::invalid_response(NAME, message))
        })
        .collect()
}

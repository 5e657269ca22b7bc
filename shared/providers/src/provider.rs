//! The trait that every provider implements.

use async_trait::async_trait;

use crate::error::ProviderError;
use crate::request::ProviderRequest;
use crate::response::{ModelStatus, Outputs, PollResponse, StartResponse};

/// Generates images or videos: an AI service, or the built-in [`Sketch`](crate::Sketch).
#[async_trait]
pub trait Provider: Send + Sync {
    /// Returns the provider's name in the catalogue.
    fn name(&self) -> &'static str;

    /// Starts a generation of `request.count` outputs, and hands over those that come at once. A repeat starts, and costs,
    /// another one.
    async fn start(&self, request: &ProviderRequest, outputs: &dyn Outputs) -> Result<StartResponse, ProviderError>;

    /// Returns the status of a job from [`start`](Provider::start), and hands over its outputs if it is finished. A repeat is
    /// free and hands over the same outputs while the provider keeps them (about an hour for most). Outputs that were handed
    /// over before it fails are to be dropped.
    async fn poll(&self, job: &str, outputs: &dyn Outputs) -> Result<PollResponse, ProviderError>;

    /// Says whether it calls the address of a request when a job ends. What it says then is not believed: the job is
    /// [polled](Provider::poll). A call may be lost.
    fn reports_jobs(&self) -> bool {
        false
    }

    /// Cancels a job from [`start`](Provider::start) as far as the provider charges nothing for it. Returns whether the
    /// provider confirms that nothing is charged; otherwise the job goes on and is polled as before. A repeat may return
    /// `false`, as the job has ended. Providers without jobs have nothing to cancel.
    async fn cancel(&self, job: &str) -> Result<bool, ProviderError> {
        let _ = job;
        Ok(false)
    }

    /// Deletes what the provider stores of a job from [`start`](Provider::start). Succeeds if nothing is stored any more.
    /// Providers without an API for it do nothing: they delete by themselves, Replicate
    /// [after an hour](https://replicate.com/docs/topics/predictions/data-retention).
    async fn delete_remote(&self, job: &str) -> Result<(), ProviderError> {
        let _ = job;
        Ok(())
    }

    /// Asks whether the provider still has a model, named as in the catalogue, and when it ends it. A repeat is free. Providers
    /// without an API for it say nothing: Stability lists only the engines of its first API, and none of those that are called
    /// here.
    async fn model_status(&self, model: &str) -> Result<ModelStatus, ProviderError> {
        let _ = model;
        Ok(ModelStatus::Untold)
    }
}

//! The trait that every provider implements.

use async_trait::async_trait;

use crate::error::ProviderError;
use crate::request::ProviderRequest;
use crate::response::{PollResponse, StartResponse};

/// Generates images or videos: an AI service, or the built-in [`Sketch`](crate::Sketch).
#[async_trait]
pub trait Provider: Send + Sync {
    /// Returns the provider's name in the catalogue.
    fn name(&self) -> &'static str;

    /// Starts a generation of `request.count` outputs. A repeat starts, and costs, another one.
    async fn start(&self, request: &ProviderRequest) -> Result<StartResponse, ProviderError>;

    /// Returns the status of a job from [`start`](Provider::start). A repeat is free and returns the same outputs while the
    /// provider keeps them (about an hour for most).
    async fn poll(&self, job: &str) -> Result<PollResponse, ProviderError>;

    /// Deletes what the provider stores of a job from [`start`](Provider::start). Succeeds if nothing is stored any more.
    /// Providers without an API for it do nothing: they delete by themselves, Replicate
    /// [after an hour](https://replicate.com/docs/topics/predictions/data-retention).
    async fn delete_remote(&self, job: &str) -> Result<(), ProviderError> {
        let _ = job;
        Ok(())
    }
}

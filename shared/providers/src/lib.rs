//! AI providers of images and videos behind one trait.
//!
//! Only a [`ProviderRequest`] leaves the service: prompt, settings, reference image and the address to call at the end. It has no
//! field for an account, an email address, a network address or a device, so a provider cannot receive any of them.
//!
//! A provider either answers at once or names a job that the caller [polls](Provider::poll) until it is finished. The
//! caller stores the id of the job before it waits, so that a second attempt resumes the job and does not pay for another.
//!
//! A request holds one file at most, and [`Outputs`] takes the files of a response one after another: a small function has room for
//! them, however many there are.
//!
//! Failures are of [four kinds](ProviderErrorKind), and each kind has one rule for the caller.
//!
//! [`Sketch`] is built in and needs no API key. The other [`Providers`] exist when [`ProviderConfig`] has their key.
//!
//! The modules are layers: plain data (`request`, `response`, `error`, `config`, `aspect_ratio`) and the trait
//! (`provider`), then `api_client` and `batch`, then one module for each provider, then `registry`, which builds them.

mod api_client;
mod aspect_ratio;
mod batch;
mod config;
mod error;
mod fal;
mod openai;
mod openai_moderation;
mod provider;
mod reference_image;
mod registry;
mod replicate;
mod request;
mod response;
mod sketch;
mod stability;

pub use config::{CallLimits, Endpoint, ProviderConfig, ProviderConfigError};
pub use error::{ProviderError, ProviderErrorKind};
pub use openai_moderation::{ModerationScores, OpenAiModeration};
pub use provider::Provider;
pub use registry::Providers;
pub use request::{OutputKind, ProviderRequest, Quality, ReferenceImage};
pub use response::{ModelStatus, Outputs, PollResponse, StartResponse};
pub use sketch::Sketch;

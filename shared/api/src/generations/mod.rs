//! Describes the API of generations: models, submission, the gallery, share links, uploads, webhooks of AI providers.

pub mod callbacks;
pub mod gallery;
pub mod generation;
pub mod media;
pub mod models;
pub mod shares;
pub mod submission;
pub mod uploads;

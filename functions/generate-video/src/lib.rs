//! The queue of films: claims a generation, asks the provider, stores what it made, settles.
//!
//! A message that comes twice, late, or for something that has ended does nothing; what a repeat of each step does is
//! told in `worker`, which does the work for pictures and films alike.

use domain::catalogue::models::MediaKind;

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), runtime::Error> {
    worker::run(MediaKind::Video).await
}

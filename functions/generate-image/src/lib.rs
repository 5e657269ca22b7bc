//! Handles the messages of the image queue: claims a generation, calls the provider, stores the files as received.
//!
//! A message that is delivered twice or late, or whose generation has ended, changes nothing. `worker` does the work and
//! says what a repeat of each step does.

use domain::catalogue::models::MediaKind;

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), runtime::Error> {
    worker::run(MediaKind::Image).await
}

//! Receives the reports of AI providers that a job has ended.
//!
//! A report is not believed. It has the job polled at once, by the message that polls it otherwise when it is due, so that one
//! that is repeated, late or untrue costs a poll, and one about a generation that has ended does nothing. The address names the
//! generation, sealed: a request to an address that no worker made gets 404 before a secret is read or a host is called. A report
//! to a real one must be signed by the provider.
//!
//! Nothing of a report is read but its signature, and nothing is stored. After a failure on our side, which gets 5xx, the provider
//! reports again, and the job is polled in any case.

mod fal;
mod replicate;
mod verifier;

use std::sync::Arc;

use api::{
    Routes,
    generations::callbacks::{FAL, REPLICATE},
    store_problem,
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
};
use http::{HeaderMap, StatusCode};
use lifecycle::callback;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Problem, StrictPath},
    telemetry::{Metric, metric},
};
use store::GenerationQueues;

use crate::verifier::{Refused, Verifier};

/// The largest report in bytes, as Lambda accepts it. One of Replicate has the input, and in it the starting image.
const REPORT_LIMIT: usize = 6 * 1024 * 1024;

struct AppState {
    clients: Clients,
    queues: GenerationQueues,
    app_key_secret: String,
    replicate: Verifier<replicate::Secret>,
    provider_keys_secret: String,
    fal: Verifier<fal::Keys>,
    fal_keys: fal::KeySource,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or not valid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Clients::new(&environment)?;
    let queue = |name| environment.required(name);
    let state = AppState {
        queues: GenerationQueues::new(clients.sqs().clone(), queue("IMAGE_QUEUE_URL")?, queue("VIDEO_QUEUE_URL")?),
        app_key_secret: environment.required("APP_KEY_SECRET")?,
        replicate: Verifier::default(),
        provider_keys_secret: environment.required("PROVIDER_KEYS_SECRET")?,
        fal: Verifier::default(),
        fal_keys: fal::KeySource::new(&environment)?,
        clients,
    };
    Ok(routes().into_router().layer(DefaultBodyLimit::max(REPORT_LIMIT)).with_state(Arc::new(state)))
}

fn routes() -> Routes<Arc<AppState>> {
    Routes::new().operation(&REPLICATE, receive_from_replicate).operation(&FAL, receive_from_fal)
}

async fn receive_from_replicate(
    State(state): State<Arc<AppState>>,
    StrictPath(job): StrictPath<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let report = state.report(&job, body).await?;
    let load = || async {
        let secret = state.clients.secret(&state.provider_keys_secret).await?;
        Ok(replicate::Secret::parse(&secret))
    };
    let check = |secret: &replicate::Secret| replicate::check(&headers, &report.body, secret, clock::now());
    let verified = state.replicate.verify(replicate::KNOWN_S, clock::now(), load, check).await;
    state.poll("replicate", &report, verified).await
}

async fn receive_from_fal(
    State(state): State<Arc<AppState>>,
    StrictPath(job): StrictPath<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let report = state.report(&job, body).await?;
    let load = || state.fal_keys.fetch();
    let check = |keys: &fal::Keys| fal::check(&headers, &report.body, keys, clock::now());
    let verified = state.fal.verify(fal::KNOWN_S, clock::now(), load, check).await;
    state.poll("fal", &report, verified).await
}

/// A report to an address that a worker made.
struct Report {
    job: (domain::catalogue::models::MediaKind, store::GenerationMessage),
    body: Bytes,
}

impl AppState {
    async fn report(&self, job: &str, body: Result<Bytes, BytesRejection>) -> Result<Report, Problem> {
        let sealer = self.clients.sealer(&self.app_key_secret).await.map_err(Problem::internal)?;
        let job = callback::open(sealer, job).ok_or_else(Problem::not_found)?;
        Ok(Report { job, body: body.map_err(|_| Problem::body_too_large())? })
    }

    /// Has the job polled at once, if the report is the provider's.
    async fn poll(
        &self,
        provider: &'static str,
        report: &Report,
        verified: Result<Result<(), Refused>, Error>,
    ) -> Result<StatusCode, Problem> {
        if let Err(refused) = verified.map_err(Problem::internal)? {
            tracing::error!(provider, error = %refused, "report refused: its job is polled later");
            metric(Metric::RefusedWebhooks, 1, &[provider]);
            return Err(Problem::invalid("signature", refused.to_string()));
        }
        let (kind, message) = report.job;
        self.queues.send(kind, message, 0).await.map_err(store_problem)?;
        Ok(StatusCode::NO_CONTENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("provider-webhook"));
    }
}

//! Runs requests that change something: read, decide, write, and start again when another request wrote in between.
//!
//! With an `Idempotency-Key`
//! ([draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)) the response is stored, sealed,
//! in the same transaction as the change. The same key and request get the same response for 24 hours. The same key with
//! another request gets 422. Of two equal requests at the same time one writes, and the other gets its response: no key is
//! ever taken without a response.

use std::{sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use domain::{AccountId, Refusal};
use futures_util::join;
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use jiff::Timestamp;
use runtime::{
    clients::Clients,
    clock,
    config::{Environment, InvalidVariable},
    http::{Idempotency, Problem},
    seal::Sealer,
};
use serde::{Deserialize, Serialize};
use store::{CommitError, IdempotencyRecord, StoreError, Table, Write};

use crate::problems::{refusal_problem, store_problem};

/// The number of times a decision is repeated because another request wrote in between.
const MAX_RETRIES: u32 = 16;
/// The purpose that stored responses are sealed for.
const PURPOSE: &str = "replay";

/// Runs the mutating requests of a function.
#[derive(Clone)]
pub struct Mutations {
    /// The table.
    pub table: Table,
    clients: Arc<Clients>,
    app_key_secret: String,
    pub(crate) quotas: Quotas,
}

/// Says how many requests are accepted in a minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quotas {
    /// Mutating requests of one account.
    pub(crate) writes_per_minute: u64,
    /// Requests of one network that everyone can send and that read the table.
    pub(crate) open_reads_per_minute: u64,
}

/// Is one mutating request: whose it is, its idempotency key, and its time.
pub struct Mutation<'a> {
    shared: &'a Mutations,
    account: AccountId,
    idempotency: Option<Idempotency>,
    now: Timestamp,
}

/// Holds the response of a request that succeeded.
pub struct MutationResponse<T> {
    status: StatusCode,
    location: Option<String>,
    body: T,
}

impl<T> MutationResponse<T> {
    /// Responds 200 with a body.
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, location: None, body }
    }

    /// Responds 201 with what was created.
    pub fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, location: None, body }
    }

    /// Responds 202 with what was accepted and is done later.
    pub fn accepted(body: T) -> Self {
        Self { status: StatusCode::ACCEPTED, location: None, body }
    }

    /// Adds the `Location` header.
    #[must_use]
    pub fn at(self, location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..self }
    }
}

impl MutationResponse<()> {
    /// Responds 204, without a body.
    #[must_use]
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, body: () }
    }
}

/// Says why an attempt wrote nothing, or may have written nothing.
#[derive(Debug, thiserror::Error)]
pub enum MutationError {
    /// A rule of the domain refuses the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request fails for another reason.
    #[error("{0:?}")]
    Problem(Problem),
    /// The transaction was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<StoreError> for MutationError {
    fn from(error: StoreError) -> Self {
        Self::Commit(CommitError::Store(error))
    }
}

impl From<Problem> for MutationError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Mutations {
    /// Opens the table and the application key that the environment names: connects to the table, and fetches the key.
    ///
    /// # Errors
    /// A variable is missing or no number; the error names it.
    pub async fn open(environment: &Environment, clients: &Arc<Clients>) -> Result<Self, InvalidVariable> {
        let table = environment.required("TABLE")?;
        Self::open_reading(environment, clients, async |_| clients.warm_dynamodb(&table).await).await
    }

    /// Does what [`open`](Self::open) does, and connects to the table by `reads`: two at the same time, of what the first request
    /// needs.
    ///
    /// # Errors
    /// A variable is missing or no number; the error names it.
    pub async fn open_reading(
        environment: &Environment,
        clients: &Arc<Clients>,
        reads: impl AsyncFnOnce(&Table),
    ) -> Result<Self, InvalidVariable> {
        let name = environment.required("TABLE")?;
        let app_key_secret = environment.required("APP_KEY_SECRET")?;
        let quotas = Quotas {
            writes_per_minute: environment.integer("WRITES_PER_MINUTE")?,
            open_reads_per_minute: environment.integer("OPEN_READS_PER_MINUTE")?,
        };
        let table = Table::new(clients.dynamodb().clone(), name, environment.integer("INDEX_SHARDS")?);
        tokio::join!(reads(&table), clients.warm_sealer(&app_key_secret));
        Ok(Self { table, clients: clients.clone(), app_key_secret, quotas })
    }

    /// Returns the sealer of cursors, stored responses and tokens. Its key is fetched once per process.
    ///
    /// # Errors
    /// A 500 if the key cannot be fetched.
    pub async fn sealer(&self) -> Result<&Sealer, Problem> {
        self.clients.sealer(&self.app_key_secret).await.map_err(Problem::internal)
    }

    /// Begins a mutating request of this account, and counts it. `now` is the time of every attempt.
    ///
    /// # Errors
    /// 429 with the seconds until the next minute if the account sends too many; 500.
    pub async fn begin(
        &self,
        account: AccountId,
        idempotency: Option<Idempotency>,
        now: Timestamp,
    ) -> Result<Mutation<'_>, Problem> {
        let (mutation, ()) = self.begin_with(account, idempotency, now, async {}).await?;
        Ok(mutation)
    }

    /// Does what [`begin`](Self::begin) does, and meanwhile what the first attempt begins with: reads, which must change
    /// nothing.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub async fn begin_with<T>(
        &self,
        account: AccountId,
        idempotency: Option<Idempotency>,
        now: Timestamp,
        read: impl Future<Output = T>,
    ) -> Result<(Mutation<'_>, T), Problem> {
        let (limited, read) = join!(self.limit_writes(account, now), read);
        limited?;
        Ok((Mutation { shared: self, account, idempotency, now }, read))
    }
}

impl Mutation<'_> {
    /// Runs an attempt that ends with [`commit`](Self::commit), and repeats it as long as another request writes first.
    ///
    /// A repeat of a request with the same `Idempotency-Key` gets the stored response and changes nothing.
    ///
    /// # Errors
    /// The problem of the refusal, 409 after 16 lost races, or 500.
    pub async fn run<F>(&self, attempt: impl Fn() -> F) -> Result<Response, Problem>
    where
        F: Future<Output = Result<Response, MutationError>>,
    {
        let attempt = &attempt;
        let (response, _) = self.run_with(|| async move { Ok((attempt().await?, ())) }).await?;
        Ok(response)
    }

    /// Does what [`run`](Self::run) does, and also returns what the attempt wrote: `None` if the response is a stored one.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_with<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<(Response, Option<T>), Problem>
    where
        F: Future<Output = Result<(Response, T), MutationError>>,
    {
        let mut retries = 0;
        loop {
            let error = match attempt().await {
                Ok((response, written)) => return Ok((response, Some(written))),
                Err(error) => error,
            };
            if error.is_lost_race() && retries < MAX_RETRIES {
                back_off(retries).await;
                retries += 1;
                continue;
            }
            return Ok((self.resolve(error).await?, None));
        }
    }

    /// Returns the response that the same request got before. For requests that act outside of the table first.
    ///
    /// # Errors
    /// 422 if the key was used with another request, or 500.
    pub async fn stored_response(&self) -> Result<Option<Response>, Problem> {
        let Some(idempotency) = &self.idempotency else { return Ok(None) };
        let table = &self.shared.table;
        match table.idempotency_record(self.account, &idempotency.key, self.now).await.map_err(store_problem)? {
            Some(record) => self.replay(record).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes a decision, together with its response if the request has a key.
    ///
    /// # Errors
    /// Nothing was written, or a fault leaves open whether it was.
    pub async fn commit<T: Serialize>(
        &self,
        writes: &[Write<'_>],
        response: MutationResponse<T>,
    ) -> Result<Response, MutationError> {
        let MutationResponse { status, location, body } = response;
        let body = serde_json::to_string(&body).map_err(Problem::internal)?;
        let body = if body == "null" { String::new() } else { body };
        match &self.idempotency {
            None => self.shared.table.commit(writes).await?,
            Some(idempotency) => {
                let stored = StoredResponse { location: location.clone(), body: body.clone() };
                let stored = serde_json::to_vec(&stored).map_err(Problem::internal)?;
                let record = IdempotencyRecord {
                    account: self.account,
                    key: idempotency.key.clone(),
                    fingerprint: idempotency.fingerprint.clone(),
                    status: status.as_u16(),
                    answer: self.shared.sealer().await?.seal(PURPOSE, &stored),
                    at: self.now,
                };
                let mut writes = writes.to_vec();
                writes.push(Write::IdempotencyRecord(&record));
                self.shared.table.commit(&writes).await?;
            }
        }
        Ok(respond(status, location.as_deref(), body))
    }

    async fn resolve(&self, error: MutationError) -> Result<Response, Problem> {
        let problem = match error {
            MutationError::Commit(CommitError::Stale) => return Err(contended()),
            MutationError::Commit(CommitError::Replayed(record)) => return self.replay(*record).await,
            MutationError::Commit(CommitError::AccountGone) => return Err(Problem::unauthorized()),
            MutationError::Commit(CommitError::Store(error)) => return Err(store_problem(error)),
            MutationError::Refused(refusal) => refusal_problem(refusal),
            MutationError::Problem(problem) => problem,
        };
        // What the first of two equal requests wrote may be the reason why the second is refused.
        self.stored_response().await?.ok_or(problem)
    }

    async fn replay(&self, record: IdempotencyRecord) -> Result<Response, Problem> {
        if self.idempotency.as_ref().is_none_or(|now| now.fingerprint != record.fingerprint) {
            let title = "This Idempotency-Key was used with another request.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title)
                .with_detail("Send a new key with a new request."));
        }
        let stored = self.shared.sealer().await?.open(PURPOSE, &record.answer);
        let stored = stored.and_then(|stored| serde_json::from_slice::<StoredResponse>(&stored).ok());
        let StoredResponse { location, body } = stored
            .ok_or_else(|| Problem::internal("a stored response cannot be opened: was the application key changed?"))?;
        let status = StatusCode::from_u16(record.status).map_err(Problem::internal)?;
        let mut response = respond(status, location.as_deref(), body);
        let name = HeaderName::from_static("idempotent-replayed");
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
        Ok(response)
    }
}

impl MutationError {
    /// Tells whether another request wrote first, so that a new attempt may succeed.
    #[must_use]
    pub fn is_lost_race(&self) -> bool {
        matches!(self, Self::Commit(CommitError::Stale))
    }
}

/// Makes the problem of a request that lost every race.
pub fn contended() -> Problem {
    Problem::new(StatusCode::CONFLICT, "concurrent-change", "Other requests are changing this.")
        .with_detail("Try again in a second.")
        .with_retry_after(1)
}

/// The part of a stored response that is sealed.
#[derive(Serialize, Deserialize)]
struct StoredResponse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    body: String,
}

fn respond(status: StatusCode, location: Option<&str>, body: String) -> Response {
    let empty = body.is_empty();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if !empty {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        headers.insert(LOCATION, location);
    }
    response
}

/// Waits a random time of up to 4 ms, 8 ms, .. 256 ms, so that requests that collided do not collide again.
async fn back_off(retries: u32) {
    let [chance] = clock::random::<1>();
    let most_ms = 4_u64 << retries.min(6);
    tokio::time::sleep(Duration::from_millis(most_ms * u64::from(chance) / 255)).await;
}

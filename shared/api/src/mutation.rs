//! The manners of a call that changes something: read, decide, write, and again if somebody else wrote first.
//!
//! With an `Idempotency-Key`
//! ([draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)) the answer is kept, sealed, in
//! the same transaction as what it answers. So the same key and request give the same answer for 24 hours, the same key
//! with another request is 422, and of two that run at once one wins and the other is answered like it: there is no
//! moment in which a key is taken and has no answer.

use std::{sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use domain::{AccountId, Refusal};
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

use crate::refusals::{refusal_problem, store_problem};

/// Most times that a decision is made anew because something changed in between.
const ATTEMPTS: u32 = 16;
/// The purpose that kept answers are sealed for.
const PURPOSE: &str = "replay";

/// What all mutating routes of a function share.
#[derive(Clone)]
pub struct Mutations {
    /// The table.
    pub table: Table,
    clients: Arc<Clients>,
    app_key_secret: String,
}

/// One mutating call.
pub struct Mutation<'a> {
    shared: &'a Mutations,
    account: AccountId,
    idempotency: Option<Idempotency>,
    now: Timestamp,
    tried: u32,
}

/// What a call answers when all is well.
pub struct MutationResponse<T> {
    /// The status.
    pub status: StatusCode,
    /// The `Location`.
    pub location: Option<String>,
    /// The body; `()` is none.
    pub body: T,
}

/// Why an attempt did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Attempt {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something else is wrong with the request, or with us.
    #[error("{0:?}")]
    Problem(Problem),
    /// It was not written.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<StoreError> for Attempt {
    fn from(error: StoreError) -> Self {
        Self::Commit(CommitError::Store(error))
    }
}

impl From<Problem> for Attempt {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Mutations {
    /// On the table and the application key that the environment names. Opens the connection to the table on the way.
    ///
    /// # Errors
    /// A variable is missing; it is named.
    pub async fn open(environment: &Environment, clients: &Arc<Clients>) -> Result<Self, InvalidVariable> {
        let name = environment.required("TABLE")?;
        let app_key_secret = environment.required("APP_KEY_SECRET")?;
        clients.warm_dynamodb(&name).await;
        Ok(Self { table: Table::new(clients.dynamodb().clone(), name), clients: clients.clone(), app_key_secret })
    }

    /// What seals cursors, kept answers and tokens: fetched once in the life of a process, when it is first needed.
    ///
    /// # Errors
    /// It cannot be fetched.
    pub async fn sealer(&self) -> Result<&Sealer, Problem> {
        self.clients.sealer(&self.app_key_secret).await.map_err(Problem::internal)
    }

    /// A call of this account.
    #[must_use]
    pub fn begin(&self, account: AccountId, idempotency: Option<Idempotency>, now: Timestamp) -> Mutation<'_> {
        Mutation { shared: self, account, idempotency, now, tried: 0 }
    }
}

impl Mutation<'_> {
    /// What an attempt came to: the answer, the answer that the same request got before, a refusal, or, when something
    /// was written since it was read, `None`: read again and decide again.
    ///
    /// # Errors
    /// The problem of the refusal, or of ourselves.
    pub async fn conclude(&mut self, attempt: Result<Response, Attempt>) -> Result<Option<Response>, Problem> {
        match attempt {
            Ok(response) => Ok(Some(response)),
            Err(Attempt::Commit(CommitError::Stale)) if self.tried < ATTEMPTS => {
                pause(self.tried).await;
                self.tried += 1;
                Ok(None)
            }
            Err(Attempt::Commit(CommitError::Stale)) => {
                Err(Problem::conflict("it is being changed by other requests: try again").with_retry_after(1))
            }
            Err(Attempt::Commit(CommitError::Replayed(replay))) => self.replay(*replay).await.map(Some),
            Err(Attempt::Commit(CommitError::AccountGone)) => Err(Problem::unauthorized()),
            Err(Attempt::Commit(CommitError::Store(error))) => Err(store_problem(error)),
            // What the first of two equal requests did may be why the second is refused.
            Err(Attempt::Refused(refusal)) => self.replay_or(refusal_problem(refusal)).await.map(Some),
            Err(Attempt::Problem(problem)) => self.replay_or(problem).await.map(Some),
        }
    }

    /// The answer that the same request got before, for whoever must do something outside before the decision is written.
    ///
    /// # Errors
    /// The key was used with another request, or our own problem.
    pub async fn answered(&self) -> Result<Option<Response>, Problem> {
        let Some(idempotency) = &self.idempotency else { return Ok(None) };
        match self.shared.table.idempotency_record(self.account, &idempotency.key).await.map_err(store_problem)? {
            Some(replay) => self.replay(replay).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes a decision, together with its answer if the request carries a key.
    ///
    /// # Errors
    /// [`Attempt`]: nothing was written, or nothing is known.
    pub async fn commit<T: Serialize>(
        &self,
        writes: &[Write<'_>],
        answer: MutationResponse<T>,
    ) -> Result<Response, Attempt> {
        let body = serde_json::to_string(&answer.body).map_err(Problem::internal)?;
        let body = if body == "null" { String::new() } else { body };
        match &self.idempotency {
            None => self.shared.table.commit(writes).await?,
            Some(idempotency) => {
                let kept = StoredResponse { location: answer.location.clone(), body: body.clone() };
                let kept = serde_json::to_vec(&kept).map_err(Problem::internal)?;
                let replay = IdempotencyRecord {
                    account: self.account,
                    key: idempotency.key.clone(),
                    fingerprint: idempotency.fingerprint.clone(),
                    status: answer.status.as_u16(),
                    answer: self.shared.sealer().await?.seal(PURPOSE, &kept),
                    at: self.now,
                };
                let mut writes = writes.to_vec();
                writes.push(Write::IdempotencyRecord(&replay));
                self.shared.table.commit(&writes).await?;
            }
        }
        Ok(respond(answer.status, answer.location.as_deref(), body))
    }

    async fn replay_or(&self, problem: Problem) -> Result<Response, Problem> {
        self.answered().await?.ok_or(problem)
    }

    async fn replay(&self, replay: IdempotencyRecord) -> Result<Response, Problem> {
        if self.idempotency.as_ref().is_none_or(|now| now.fingerprint != replay.fingerprint) {
            let title = "The Idempotency-Key was used with another request";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title));
        }
        let kept = self.shared.sealer().await?.open(PURPOSE, &replay.answer);
        let kept = kept.and_then(|kept| serde_json::from_slice::<StoredResponse>(&kept).ok());
        let StoredResponse { location, body } =
            kept.ok_or_else(|| Problem::internal("a kept answer does not open: was the application key changed?"))?;
        let status = StatusCode::from_u16(replay.status).map_err(Problem::internal)?;
        let mut response = respond(status, location.as_deref(), body);
        let name = HeaderName::from_static("idempotent-replayed");
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
        Ok(response)
    }
}

/// What is sealed of an answer.
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

/// Waits for up to 4 ms, 8 ms, .. 256 ms, at random, so that those who collided do not collide again.
async fn pause(tried: u32) {
    let [chance] = clock::random::<1>();
    let most_ms = 4_u64 << tried.min(6);
    tokio::time::sleep(Duration::from_millis(most_ms * u64::from(chance) / 255)).await;
}

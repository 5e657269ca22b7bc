//! `GET /v1/models`, `POST /v1/generations/quote`, `POST /v1/generations`, `POST /v1/generations/{id}/cancel`.
//!
//! A submit is three round trips: one consistent read, one transaction (account, ledger entry, generation, activity, and
//! the answer if the request carries an `Idempotency-Key`), one message. If the message cannot be sent, or we die before
//! it is, the answer is still 202 and `sweep` sends it: the generation says when it is due.
//!
//! A repeat with the same key gives the same answer and does nothing. A repeat without one is another generation.
//! Canceling twice gives the same answer; a generation that ended otherwise cannot be canceled.

use api::{
    Attempt, Mutation, MutationResponse, Mutations, refusal_problem,
    requests::GenerationRequest,
    views::{GenerationView, ModelView, Models, QuoteView},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    AccountId, ActivityId, Credits, GenerationId, LedgerEntryId, Refusal,
    accounts::plan::{PlanLimits, Retention},
    catalogue::models,
    generations::generation::GenerationStatus,
    generations::settings::{self, RequestedSettings},
    generations::submission::{self, CreditTransaction, GenerationOutcome, SubmissionIds},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER},
};
use jiff::Timestamp;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, RateLimit, RequestContext, StrictJson, StrictPath},
    telemetry::{Metric, metric},
};
use std::sync::Arc;
use store::{Activity, ActivityKind, GenerationMessage, GenerationQueues, Write};

#[derive(Clone)]
struct App {
    mutations: Mutations,
    queues: GenerationQueues,
    providers: Arc<[String]>,
    retention: Retention,
}

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let queues = GenerationQueues::new(
        clients.sqs().clone(),
        environment.required("IMAGE_QUEUE_URL")?,
        environment.required("VIDEO_QUEUE_URL")?,
    );
    let app = App {
        queues,
        providers: environment.required("PROVIDERS")?.split(',').map(|name| name.trim().to_owned()).collect(),
        retention: lifecycle::retention(&environment)?,
        mutations: Mutations::open(&environment, &clients).await?,
    };
    Ok(Router::new()
        .route("/v1/models", get(models))
        .route("/v1/generations/quote", post(quote))
        .route("/v1/generations", post(submit))
        .route("/v1/generations/{id}/cancel", post(cancel))
        .route_layer(middleware::from_fn_with_state(app.mutations.clone(), api::require_active_account))
        .with_state(app))
}

async fn models(State(app): State<App>) -> Response {
    let models = models::models(&app.providers).map(ModelView::from).collect();
    ([(CACHE_CONTROL, "public, max-age=60")], axum::Json(Models { models })).into_response()
}

async fn quote(
    State(app): State<App>,
    caller: Caller,
    StrictJson(body): StrictJson<GenerationRequest>,
) -> Result<Response, Problem> {
    let (asked, _) = body.split();
    let account = app.mutations.table.account(AccountId(caller.account_id)).await.map_err(api::store_problem)?;
    let account = account.ok_or_else(Problem::not_found)?;
    let (_, quote) = settings::validate(asked, &account.plan.limits(), &app.providers).map_err(refusal_problem)?;
    let view = QuoteView { kind: quote.kind, credits: quote.price, available: account.balance.available };
    Ok(axum::Json(view).into_response())
}

async fn submit(
    State(app): State<App>,
    caller: Caller,
    context: RequestContext,
    request: MutatingRequest<GenerationRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let (asked, max_credits) = request.body.split();
    let client = (context.client_address, context.user_agent.as_str());
    let activity = Activity::new(ActivityId(clock::uuid_at(now)), account, ActivityKind::Submit, now, client);
    let mut written: Option<CreditTransaction> = None;
    let mut mutation = app.mutations.begin(account, request.idempotency, now);
    let response = loop {
        let attempt: Result<Response, Attempt> = async {
            let movement = app.reserve(account, asked.clone(), max_credits, now).await?;
            let response = commit(&mutation, &movement, &activity).await?;
            written = Some(movement);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            break response;
        }
    };
    match written {
        Some(movement) => Ok(app.queue(movement, response).await),
        None => Ok(response),
    }
}

async fn commit(
    mutation: &Mutation<'_>,
    movement: &CreditTransaction,
    activity: &Activity,
) -> Result<Response, Attempt> {
    let writes = [
        Write::Account(&movement.account),
        Write::LedgerEntry(movement.account.id, &movement.entry),
        Write::Generation(&movement.generation),
        Write::Activity(activity),
    ];
    let answer = MutationResponse {
        status: StatusCode::ACCEPTED,
        location: Some(format!("/v1/generations/{}", movement.generation.id)),
        body: GenerationView::new(movement.generation.clone(), Vec::new()),
    };
    mutation.commit(&writes, answer).await
}

impl App {
    /// One read, one decision.
    async fn reserve(
        &self,
        id: AccountId,
        asked: RequestedSettings,
        max_credits: Option<Credits>,
        now: Timestamp,
    ) -> Result<CreditTransaction, Attempt> {
        let table = &self.mutations.table;
        let (account, input) = match asked.input_upload {
            None => (table.account(id).await?, None),
            Some(upload) => {
                let (account, upload) = table.account_and_upload(id, upload).await?;
                let missing = || Refusal::invalid("input_upload", "an image of yours that is ready");
                (account, Some(upload.ok_or_else(missing)))
            }
        };
        let account = account.ok_or(Refusal::NotFound)?;
        let limits: PlanLimits = account.plan.limits();
        let (settings, quote) = settings::validate(asked, &limits, &self.providers)?;
        if let Some(input) = input {
            input?.check_usable_as_input(now)?;
        }
        let ids =
            SubmissionIds { generation: GenerationId(clock::uuid_at(now)), entry: LedgerEntryId(clock::uuid_at(now)) };
        Ok(submission::reserve(&account, settings, quote, max_credits, ids, now)?)
    }

    /// Sends the message of a generation that was written. A message that is lost is sent by `sweep`.
    async fn queue(&self, movement: CreditTransaction, mut response: Response) -> Response {
        let CreditTransaction { account, generation, .. } = &movement;
        let job = GenerationMessage { account: account.id, generation: generation.id };
        if let Err(error) = self.queues.send(generation.kind, job, 0).await {
            tracing::warn!(error = %error, generation = %generation.id, "the message was not sent: the sweep will send it");
        }
        metric(Metric::Submits, 1, &[]);
        lifecycle::record_metrics(&movement);
        let rate = account.plan.limits().submits;
        let limit = RateLimit {
            policy: "submit",
            quota: rate.per_minute.into(),
            window_seconds: 60,
            remaining: account.submit_rate.tokens(),
            reset_seconds: 60,
        };
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        (limit, response).into_response()
    }
}

async fn cancel(
    State(app): State<App>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let mut mutation = app.mutations.begin(account, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let (owner, generation) = app.mutations.table.account_and_generation(account, id).await?;
            let (Some(owner), Some(generation)) = (owner, generation) else { return Err(Refusal::NotFound.into()) };
            generation.check_exists()?;
            let answer = |body| MutationResponse { status: StatusCode::OK, location: None, body };
            if generation.status == GenerationStatus::Canceled {
                return mutation.commit(&[], answer(GenerationView::new(generation, Vec::new()))).await;
            }
            let entry = LedgerEntryId(clock::uuid_at(now));
            let movement =
                submission::finish(&owner, &generation, GenerationOutcome::Canceled, app.retention, entry, now)?;
            let writes = [
                Write::Account(&movement.account),
                Write::LedgerEntry(account, &movement.entry),
                Write::Generation(&movement.generation),
            ];
            let view = GenerationView::new(movement.generation.clone(), Vec::new());
            let response = mutation.commit(&writes, answer(view)).await?;
            lifecycle::record_metrics(&movement);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

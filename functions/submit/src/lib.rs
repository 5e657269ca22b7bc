//! Lists models, and quotes, submits and cancels generations.
//!
//! The prompt is checked before anything is reserved, by the classifier that needs no call. A blocked prompt is a strike of the
//! account, the only thing that is written; its text is not.
//!
//! A submission is three round trips: consistent reads, and meanwhile the count of the account's requests; a transaction
//! (account, ledger entry, generation, activity, and the response if the request has an `Idempotency-Key`); and a message. If
//! the message cannot be sent, or the process crashes before it is, the response is still 202 and `sweep` sends the message.
//!
//! With the same key a repeat gets the same response and changes nothing; without one it is another generation. To cancel
//! twice changes nothing more. A generation that ended in another way cannot be canceled. One whose provider call has begun
//! is `canceling` until a worker knows what the provider charges; if its message is lost, `sweep` sends another.

use std::sync::Arc;

use api::{
    Mutation, MutationError, MutationResponse, Mutations, Routes,
    generations::{
        generation::GenerationView,
        models::{self, ModelView, Models},
        submission::{CANCEL, GenerationRequest, QUOTE, QuoteView, SUBMIT},
    },
    refusal_problem, store_problem,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, ActivityId, Credits, GenerationId, LedgerEntryId, Refusal,
    accounts::{account::Account, strikes::StrikePolicy},
    catalogue::Catalogue,
    generations::{
        budget::DailyBudget,
        generation::Generation,
        settings::{self, Quote, RequestedSettings},
        submission::{self, Cancellation, CreditTransaction, SubmissionIds},
        upload::Upload,
    },
    moderation::verdict::{Stage, Thresholds, Verdict},
    rate_limit::Rate,
    service_settings::ServiceSettings,
};
use futures_util::{join, try_join};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, RETRY_AFTER},
};
use jiff::Timestamp;
use lifecycle::catalogue::Catalogues;
use moderation::Local;
use runtime::{
    Error,
    clients::{self, Clients},
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, RateLimit, RequestContext, StrictJson, StrictPath},
    telemetry::{Metric, metric},
};
use store::{Activity, ActivityKind, GenerationMessage, GenerationQueues, StoreError, Table, Write};

/// What a submission is decided by.
struct Basis {
    account: Option<Account>,
    input: Option<Upload>,
    has_budget: bool,
    service: Arc<ServiceSettings>,
}

/// What was decided about a submission.
enum Decision {
    /// It is written, and queued.
    Reserved(Box<CreditTransaction>),
    /// It is refused for its prompt, which this account is written for.
    Blocked(Box<Account>),
}

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    queues: GenerationQueues,
    catalogues: Arc<Catalogues>,
    budget: DailyBudget,
    always_labelled: bool,
    local: Arc<Local>,
    thresholds: Thresholds,
    strikes: StrikePolicy,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or has another value than the template allows; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let queues = GenerationQueues::new(
        clients.sqs().clone(),
        environment.required("IMAGE_QUEUE_URL")?,
        environment.required("VIDEO_QUEUE_URL")?,
    );
    // Compiling the lists takes as long as the connections do.
    let local = tokio::task::spawn_blocking(Local::new);
    let catalogues = Arc::new(Catalogues::new(lifecycle::enabled_providers(&environment)?));
    // The first request finds both documents.
    let documents = async |table: &Table| {
        let now = clock::now();
        join!(clients::during_start(catalogues.present(table, now)), clients::during_start(table.settings(now)));
    };
    let mutations = Mutations::open_reading(&environment, &clients, documents);
    let (mutations, ()) = join!(mutations, clients::during_start(queues.connect()));
    let state = AppState {
        queues,
        catalogues,
        budget: lifecycle::provider_budget(&environment)?,
        always_labelled: always_labelled(&environment)?,
        local: Arc::new(local.await??),
        thresholds: lifecycle::gate::thresholds(&environment)?,
        strikes: lifecycle::gate::strike_policy(&environment)?,
        mutations: mutations?,
    };
    // Each handler with a caller reads the account, and checks that it is active.
    Ok(routes().into_router().with_state(state))
}

/// Reads whether the operator has a visible label drawn into every output.
fn always_labelled(environment: &Environment) -> Result<bool, Error> {
    match environment.required("VISIBLE_LABEL")?.as_str() {
        "optional" => Ok(false),
        "always" => Ok(true),
        _ => {
            Err("the environment variable VISIBLE_LABEL is neither optional nor always: correct it in template.yaml"
                .into())
        }
    }
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&models::LIST, list_models)
        .operation(&QUOTE, quote)
        .operation(&SUBMIT, submit)
        .operation(&CANCEL, cancel)
}

async fn list_models(State(state): State<AppState>) -> Result<Response, Problem> {
    let now = clock::now();
    let catalogue = state.open_models(now).await?;
    let settings = state.mutations.table.settings(now).await.map_err(store_problem)?;
    let view = |model| ModelView::new(model, settings.welcome.models.needs_purchase(model));
    let models = catalogue.models.iter().map(view).collect();
    let view = Models { models, always_labelled: state.always_labelled };
    Ok(([(CACHE_CONTROL, "public, max-age=30")], axum::Json(view)).into_response())
}

async fn quote(
    State(state): State<AppState>,
    caller: Caller,
    StrictJson(body): StrictJson<GenerationRequest>,
) -> Result<Response, Problem> {
    let (settings, _) = body.split();
    let (table, now) = (&state.mutations.table, clock::now());
    let read = try_join!(table.account(AccountId(caller.account_id)), table.settings(now));
    let (account, service) = read.map_err(store_problem)?;
    let account = api::active(account).map_err(|_| Problem::unauthorized())?;
    let catalogue = state.open_models(now).await?;
    let (_, quote) =
        settings::validate(settings, service.plans.limits(account.plan), &catalogue).map_err(refusal_problem)?;
    let Quote { kind, price, catalogue, .. } = quote;
    let view = QuoteView { kind, credits: price, catalogue, available: account.balance.available };
    Ok(axum::Json(view).into_response())
}

async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    context: RequestContext,
    request: MutatingRequest<GenerationRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let (mut settings, max_credits) = request.body.split();
    settings.visible_label |= state.always_labelled;
    let client = (context.client_address, context.user_agent.as_str());
    let activity = Activity::new(ActivityId(clock::uuid_at(now)), account, ActivityKind::Submit, now, client);
    let verdict = state.check_prompt(&settings);
    let catalogue = state.open_models(now).await?;
    let (state, settings, activity, verdict) = (&state, &settings, &activity, &verdict);
    let catalogue = &catalogue;
    let read = || state.read(account, settings, catalogue, now);
    let (mutation, first) = state.mutations.begin_with(account, request.idempotency, now, read()).await?;
    let (mutation, mut first) = (&mutation, Some(first));
    let (response, submitted) = mutation
        .run_with(|| {
            let first = first.take();
            async move {
                let basis = if let Some(first) = first { first } else { read().await };
                let basis = basis?;
                let service = Arc::clone(&basis.service);
                match state.decide(basis, catalogue, (settings.clone(), max_credits), verdict, now)? {
                    Decision::Reserved(transaction) => {
                        let submits = service.plans.limits(transaction.account.plan).submits;
                        Ok((commit(mutation, &transaction, activity).await?, (*transaction, submits)))
                    }
                    Decision::Blocked(account) => {
                        state.mutations.table.commit(&[Write::Account(&account)]).await?;
                        lifecycle::gate::record_verdict(verdict);
                        Err(Refusal::ContentBlocked(verdict.categories.clone()).into())
                    }
                }
            }
        })
        .await?;
    match submitted {
        Some((transaction, submits)) => Ok(state.queue(transaction, submits, response).await),
        None => Ok(response),
    }
}

async fn commit(
    mutation: &Mutation<'_>,
    transaction: &CreditTransaction,
    activity: &Activity,
) -> Result<Response, MutationError> {
    let CreditTransaction { account, entry, generation, .. } = transaction;
    let writes = [
        Write::Account(account),
        Write::LedgerEntry(account.id, entry),
        Write::Generation(generation),
        Write::Activity(activity),
    ];
    let view = GenerationView::new(generation.clone(), Vec::new(), generation.created_at);
    let response = MutationResponse::accepted(view).at(format!("/v1/generations/{}", generation.id));
    mutation.commit(&writes, response).await
}

impl AppState {
    /// Returns the catalogue that counts, with the models that can be asked for.
    async fn open_models(&self, now: Timestamp) -> Result<Catalogue, Problem> {
        Ok(self.catalogues.present(&self.mutations.table, now).await.map_err(store_problem)?.open(now))
    }

    /// Reads what a submission is decided by.
    async fn read(
        &self,
        id: AccountId,
        settings: &RequestedSettings,
        catalogue: &Catalogue,
        now: Timestamp,
    ) -> Result<Basis, StoreError> {
        let table = &self.mutations.table;
        let account = async {
            match settings.input_upload {
                None => Ok((table.account(id).await?, None)),
                Some(upload) => table.account_and_upload(id, upload).await,
            }
        };
        let budget = self.has_budget(&settings.model, catalogue, now);
        let ((account, input), has_budget, service) = try_join!(account, budget, table.settings(now))?;
        Ok(Basis { account, input, has_budget, service })
    }

    /// Checks a prompt.
    fn check_prompt(&self, settings: &RequestedSettings) -> Verdict {
        let scores = self.local.score(&settings.prompt, settings.negative_prompt.as_deref());
        Verdict::decide(Stage::Prompt, &scores, &self.thresholds, (Local::NAME, Local::VERSION))
    }

    /// Reserves the price, unless the prompt is blocked.
    fn decide(
        &self,
        basis: Basis,
        catalogue: &Catalogue,
        (settings, max_credits): (RequestedSettings, Option<Credits>),
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Decision, MutationError> {
        let account = api::active(basis.account)?;
        let ServiceSettings { plans, welcome, .. } = basis.service.as_ref();
        if settings.input_upload.is_some() && basis.input.is_none() {
            return Err(Refusal::invalid("input_upload", "must be an image that you uploaded and that is ready").into());
        }
        let (settings, quote) = settings::validate(settings, plans.limits(account.plan), catalogue)?;
        if verdict.is_blocked() {
            account.check_active()?;
            return Ok(Decision::Blocked(Box::new(account.struck(self.strikes, now))));
        }
        welcome.models.check(account.plan, &settings.model, catalogue)?;
        let settings = settings.with_chosen_seed(u32::from_be_bytes(clock::random()), catalogue);
        if !basis.has_budget {
            return Err(Refusal::DailyBudget { retry_after_s: DailyBudget::retry_after_s(now) }.into());
        }
        if let Some(input) = basis.input {
            input.check_usable_as_input(now)?;
        }
        let ids =
            SubmissionIds { generation: GenerationId(clock::uuid_at(now)), entry: LedgerEntryId(clock::uuid_at(now)) };
        let reserved = submission::reserve(&account, plans, settings, quote, max_credits, ids, now)?;
        Ok(Decision::Reserved(Box::new(reserved.with_verdicts(vec![verdict.clone()], self.strikes, now))))
    }

    /// Says whether the budget of the day is left for one of the providers of the model.
    async fn has_budget(&self, model: &str, catalogue: &Catalogue, now: Timestamp) -> Result<bool, StoreError> {
        let Some(model) = catalogue.model(model) else { return Ok(true) };
        for offer in &model.offers {
            if lifecycle::has_budget(&self.mutations.table, self.budget, offer, now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sends the message of a generation that was written. If it cannot be sent, `sweep` sends it.
    async fn send(&self, generation: &Generation) {
        let message = GenerationMessage::new(generation.account, generation.id);
        if let Err(error) = self.queues.send(generation.kind, message, 0).await {
            tracing::warn!(error = %error, generation = %generation.id, "message was not sent, sweep will send it");
        }
    }

    /// Queues a generation that was written.
    async fn queue(&self, transaction: CreditTransaction, submits: Rate, mut response: Response) -> Response {
        let CreditTransaction { account, generation, .. } = &transaction;
        self.send(generation).await;
        metric(Metric::Submits, 1, &[]);
        lifecycle::record_metrics(&transaction);
        let limit = RateLimit {
            policy: "submit",
            quota: submits.per_minute.into(),
            window_seconds: 60,
            remaining: account.submit_rate.tokens(),
            reset_seconds: 60,
        };
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        (limit, response).into_response()
    }
}

async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<GenerationId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    let (response, requested) = mutation
        .run_with(|| async {
            let table = &state.mutations.table;
            let ((owner, generation), service) =
                try_join!(table.account_and_generation(account, id), table.settings(now))?;
            let owner = api::active(owner)?;
            let generation = generation.ok_or(Refusal::NotFound)?;
            generation.check_exists()?;
            let entry = LedgerEntryId(clock::uuid_at(now));
            match submission::cancel(&owner, &generation, &service.plans, entry, now)? {
                Cancellation::Repeated => {
                    let view = GenerationView::new(generation, Vec::new(), now);
                    Ok((mutation.commit(&[], MutationResponse::ok(view)).await?, None))
                }
                Cancellation::Requested { account, generation } => {
                    let view = GenerationView::new((*generation).clone(), Vec::new(), now);
                    let writes = [Write::Account(&account), Write::Generation(&generation)];
                    Ok((mutation.commit(&writes, MutationResponse::ok(view)).await?, Some(generation)))
                }
                Cancellation::Ended(ended) => {
                    let mut writes = vec![
                        Write::Account(&ended.account),
                        Write::LedgerEntry(account, &ended.entry),
                        Write::Generation(&ended.generation),
                    ];
                    writes.extend(ended.margin.as_ref().map(|margin| Write::Margin(margin, id)));
                    writes.extend(ended.sum.as_ref().map(|sum| Write::DailySum(sum, id.0)));
                    let view = GenerationView::new(ended.generation.clone(), Vec::new(), now);
                    let response = mutation.commit(&writes, MutationResponse::ok(view)).await?;
                    lifecycle::record_metrics(&ended);
                    Ok((response, None))
                }
            }
        })
        .await?;
    if let Some(generation) = requested.flatten() {
        state.send(&generation).await;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_label_is_optional_or_always() {
        let parse = |value: &str| always_labelled(&Environment::from_iter([("VISIBLE_LABEL", value)]));
        assert!(!parse("optional").unwrap() && parse("always").unwrap());
        for other in ["", "never"] {
            assert!(parse(other).unwrap_err().to_string().contains("VISIBLE_LABEL"));
        }
    }

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("submit"));
    }
}

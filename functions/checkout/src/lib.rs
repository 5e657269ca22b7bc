//! `GET /v1/packages`, `POST, GET /v1/checkout`, `GET /v1/checkout/{id}`, `POST /v1/checkout/{id}/capture`.
//!
//! A checkout is written before the provider hears of it, so whatever a provider says about one is about one that is known.
//! If we die before its page is handed out, nobody can pay it, and `sweep` closes it.
//!
//! Whoever comes back from the provider's page asks here, and the provider is asked here: what is paid is granted at once,
//! and nobody waits for a webhook. Asking again changes nothing, and so does a second capture.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, PageQuery, Paging,
    payments::{CheckoutRequest, PackageView, Packages, PaymentPage, PaymentProviderView, PaymentView},
    refusal_problem, store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    AccountId, ActivityId, PaymentId,
    catalogue::packages,
    payments::payment::{Payment, PaymentProvider, PaymentReference},
};
use http::{StatusCode, header::CACHE_CONTROL};
use lifecycle::payments::{PaymentError, PaymentService};
use payments::{Buyer, ProviderError};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, RequestContext, StrictPath, StrictQuery},
    telemetry::{Metric, metric},
};
use store::{Activity, ActivityKind, Write};

/// Checkouts that an account may begin in an hour.
const CHECKOUTS_PER_HOUR: u64 = 30;
/// Looks of an account at open checkouts for which the provider is asked in a minute.
const QUESTIONS_PER_MINUTE: u64 = 60;
const HOUR_S: i64 = 3_600;
const MINUTE_S: i64 = 60;

#[derive(Clone)]
struct App {
    mutations: Mutations,
    payments: Arc<PaymentService>,
    rails: Arc<[PaymentProvider]>,
}

/// The routes.
///
/// # Errors
/// A variable is missing or no good; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let payments = Arc::new(PaymentService::open(&environment, &clients, mutations.table.clone())?);
    let rails = lifecycle::payments::payment_providers(&environment)?.into();
    Ok(Router::new()
        .route("/v1/packages", get(packages))
        .route("/v1/checkout", post(begin).get(list))
        .route("/v1/checkout/{id}", get(show))
        .route("/v1/checkout/{id}/capture", post(capture))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(App { mutations, payments, rails }))
}

async fn packages(State(app): State<App>) -> Response {
    let packages = packages::PACKAGES.iter().map(PackageView::from).collect();
    let providers = app.rails.iter().copied().map(PaymentProviderView::from).collect();
    ([(CACHE_CONTROL, "public, max-age=60")], axum::Json(Packages { packages, providers })).into_response()
}

async fn begin(
    State(app): State<App>,
    caller: Caller,
    context: RequestContext,
    request: MutatingRequest<CheckoutRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let id = AccountId(caller.account_id);
    let body = request.body;
    let choice = packages::choose(&body.package, body.currency).map_err(refusal_problem)?;
    if !app.rails.contains(&body.provider) {
        return Err(Problem::invalid("provider", "one that GET /v1/packages lists"));
    }
    let mut mutation = app.mutations.begin(id, request.idempotency, now);
    if let Some(response) = mutation.answered().await? {
        return Ok(response);
    }
    let account = app.mutations.table.account(id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    app.mutations.limit("checkout", id.0.as_bytes(), (HOUR_S, CHECKOUTS_PER_HOUR), now).await?;

    let payment = Payment::open(PaymentId(clock::uuid_at(now)), id, body.provider, choice, now);
    let reference = PaymentReference::Payment(payment.id);
    let writes = [Write::Payment(&payment), Write::PaymentPointer(&reference, &payment)];
    app.mutations.table.commit(&writes).await.map_err(Problem::internal)?;

    let (package, _) = choice;
    let buyer = Buyer { email: &account.email, billing_email: account.billing_email.as_deref() };
    let hosted = app.payments.create(&payment, package.title, buyer, now).await.map_err(problem)?;
    let payment = payment.with_checkout(hosted.checkout);
    let client = (context.client_address, context.user_agent.as_str());
    let activity = Activity::new(ActivityId(clock::uuid_at(now)), id, ActivityKind::Checkout, now, client);
    loop {
        let answer = MutationResponse {
            status: StatusCode::CREATED,
            location: Some(format!("/v1/checkout/{}", payment.id)),
            body: PaymentView::new(payment.clone(), Some(hosted.url.clone())),
        };
        // Nothing else is written of a payment that nobody was sent to: this cannot become stale.
        let written = mutation.commit(&[Write::Payment(&payment), Write::Activity(&activity)], answer).await;
        if let Some(response) = mutation.conclude(written).await? {
            return Ok(response);
        }
    }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let paging: Paging<'_, _, PaymentId> = Paging::open(&app.mutations, ("payments", id), query).await?;
    let page = app.mutations.table.payments(id, paging.limit, paging.after).await.map_err(store_problem)?;
    let next = paging.next(page.next)?;
    let items = page.items.into_iter().map(|payment| PaymentView::new(payment, None)).collect();
    Ok(axum::Json(PaymentPage { items, next }).into_response())
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    StrictPath(id): StrictPath<PaymentId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let mut payment = app.own(&caller, id).await?;
    // Who looks more often is told what is known: the provider's patience is everybody's.
    if payment.is_open()
        && payment.checkout.is_some()
        && app.mutations.count("checkout-look", payment.account.0.as_bytes(), MINUTE_S, now).await?
            <= QUESTIONS_PER_MINUTE
    {
        match app.payments.fulfil(&payment, now).await {
            Ok(Some(fulfilled)) => payment = fulfilled,
            Ok(None) => return Err(Problem::not_found()),
            // What is known is an answer as well: webhooks and the sweep go on asking.
            Err(error) => note(&payment, &error),
        }
    }
    Ok(axum::Json(PaymentView::new(payment, None)).into_response())
}

async fn capture(
    State(app): State<App>,
    caller: Caller,
    StrictPath(id): StrictPath<PaymentId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let mut mutation = app.mutations.begin(AccountId(caller.account_id), request.idempotency, now);
    if let Some(response) = mutation.answered().await? {
        return Ok(response);
    }
    let payment = app.own(&caller, id).await?;
    if payment.provider != PaymentProvider::Paypal || payment.checkout.is_none() {
        return Err(Problem::conflict("only a checkout with PayPal is captured"));
    }
    let payment = if payment.is_open() {
        let limit = (MINUTE_S, QUESTIONS_PER_MINUTE);
        app.mutations.limit("checkout-capture", payment.account.0.as_bytes(), limit, now).await?;
        let captured = app.payments.capture(&payment, now).await.inspect_err(|error| note(&payment, error));
        captured.map_err(problem)?.ok_or_else(Problem::not_found)?
    } else {
        payment
    };
    loop {
        // The money is taken and written down; this is only the answer.
        let body = PaymentView::new(payment.clone(), None);
        let written = mutation.commit(&[], MutationResponse { status: StatusCode::OK, location: None, body }).await;
        if let Some(response) = mutation.conclude(written).await? {
            return Ok(response);
        }
    }
}

impl App {
    async fn own(&self, caller: &Caller, id: PaymentId) -> Result<Payment, Problem> {
        let payment = self.mutations.table.payment(AccountId(caller.account_id), id).await.map_err(store_problem)?;
        payment.ok_or_else(Problem::not_found)
    }
}

/// Raises the alarm where a person must look.
fn note(payment: &Payment, error: &PaymentError) {
    tracing::warn!(payment = %payment.id, error = %error, "the provider could not be asked");
    if error.is_mismatch() {
        metric(Metric::PaymentMismatches, 1, &[payment.provider.as_str()]);
    }
}

fn problem(error: PaymentError) -> Problem {
    match error {
        PaymentError::Provider(ProviderError::NotApproved) => {
            let title = "The payment is not approved";
            Problem::new(StatusCode::CONFLICT, "payment-not-approved", title).with_detail(
                "approve it on the provider's page, with another means of payment if the first was declined",
            )
        }
        PaymentError::Provider(ProviderError::Declined { .. }) => {
            let title = "The provider does not take this payment";
            Problem::new(StatusCode::CONFLICT, "payment-declined", title)
                .with_detail("no money was taken: begin another checkout, with another means of payment")
        }
        PaymentError::Provider(error) => {
            tracing::error!(error = %error, "the payment provider did not do what was asked");
            Problem::new(StatusCode::BAD_GATEWAY, "payment-provider", "The payment provider does not answer")
                .with_retry_after(10)
        }
        error => Problem::internal(error),
    }
}

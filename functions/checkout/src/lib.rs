//! Lists packages, creates and shows checkouts, and captures PayPal payments. Has payments refunded, for staff.
//!
//! A checkout is written before the provider is called, so every report of a provider is about a payment that is known. If the
//! process crashes before the payment page is returned, the checkout cannot be paid, and `sweep` closes it.
//!
//! A buyer who returns from the payment page polls here, and the provider is polled here: the credits of a paid checkout are
//! granted at once, without a webhook. A repeat changes nothing, and a second capture captures nothing.

mod refund;

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, PageQuery, Paging, Routes, StaffDirectory,
    payments::checkout::{
        self, CheckoutRequest, PackageView, Packages, PaymentPage, PaymentProviderView, PaymentView, PlanView,
    },
    payments::gifts::{gift_code, gift_of_payment},
    refusal_problem, store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, ActivityId, PaymentId,
    catalogue::Catalogue,
    payments::{
        payment::{Payment, PaymentProvider, PaymentReference},
        tax::Tax,
    },
};
use http::{StatusCode, header::CACHE_CONTROL};
use jiff::Timestamp;
use lifecycle::{
    catalogue::Catalogues,
    payments::{PaymentError, PaymentService},
};
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

/// The number of checkouts that an account may create in an hour.
const CHECKOUTS_PER_HOUR: u64 = 30;
/// The number of times a minute that the provider is polled for an account.
const POLLS_PER_MINUTE: u64 = 60;
const HOUR_S: i64 = 3_600;
const MINUTE_S: i64 = 60;

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    payments: Arc<PaymentService>,
    providers: Arc<[PaymentProvider]>,
    tax: Tax,
    catalogues: Arc<Catalogues>,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or not valid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let payments = Arc::new(PaymentService::open(&environment, &clients, mutations.table.clone())?);
    let tax = lifecycle::payments::tax(&environment)?;
    let mut providers = lifecycle::payments::payment_providers(&environment)?;
    providers.retain(|provider| tax.allows(*provider));
    let providers = providers.into();
    // Only the packages of the catalogue are read here, which no provider offers.
    let catalogues = Arc::new(Catalogues::new(Vec::new()));
    let staff = StaffDirectory::open(&environment, &clients, &mutations.table)?;
    Ok(routes()
        .into_router()
        .merge(refund::routes().into_router().route_layer(middleware::from_fn_with_state(staff, api::require_staff)))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(AppState { mutations, payments, providers, tax, catalogues }))
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&checkout::LIST_PACKAGES, list_packages)
        .operation(&checkout::CREATE, create)
        .operation(&checkout::LIST, list)
        .operation(&checkout::SHOW, show)
        .operation(&checkout::CAPTURE, capture)
}

async fn list_packages(State(state): State<AppState>) -> Result<Response, Problem> {
    let now = clock::now();
    let catalogue = state.catalogue(now).await?;
    let packages = catalogue.packages.iter().map(PackageView::from).collect();
    let providers = state.providers.iter().copied().map(PaymentProviderView::from).collect();
    let settings = state.mutations.table.settings(now).await.map_err(store_problem)?;
    let (plans, welcome_credits) = (PlanView::all(&settings.plans), settings.welcome.credits);
    let body = Packages { packages, plans, welcome_credits, providers, tax: state.tax };
    Ok(([(CACHE_CONTROL, "public, max-age=30")], axum::Json(body)).into_response())
}

async fn create(
    State(state): State<AppState>,
    caller: Caller,
    context: RequestContext,
    request: MutatingRequest<CheckoutRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let id = AccountId(caller.account_id);
    let body = request.body;
    let catalogue = state.catalogue(now).await?;
    let choice = catalogue.choose(&body.package, body.currency).map_err(refusal_problem)?;
    if !state.providers.contains(&body.provider) {
        return Err(Problem::invalid("provider", "must be a provider that GET /v1/packages lists"));
    }
    let mutation = state.mutations.begin(id, request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    let table = &state.mutations.table;
    let account = table.account(id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    state.mutations.limit("checkout", id.0.as_bytes(), (HOUR_S, CHECKOUTS_PER_HOUR), now).await?;

    let payment = Payment::open(PaymentId(clock::uuid_at(now)), id, body.provider, choice, now);
    let payment = if body.gift {
        // Its code could not be redeemed.
        account.check_active().map_err(refusal_problem)?;
        let gift = gift_of_payment(state.mutations.sealer().await?, payment.id);
        payment.for_gift(gift)
    } else {
        payment
    };
    let reference = PaymentReference::Payment(payment.id);
    let writes = [Write::Payment(&payment), Write::PaymentPointer(&reference, &payment)];
    table.commit(&writes).await.map_err(store_problem)?;

    let title = match choice {
        (package, _) if body.gift => format!("Gift code: {}", package.title),
        (package, _) => package.title.clone(),
    };
    let buyer = Buyer { email: &account.email, billing_email: account.billing_email.as_deref() };
    let hosted = state.payments.create(&payment, &title, buyer, now).await.map_err(payment_problem)?;
    let payment = payment.with_checkout(hosted.checkout);
    let client = (context.client_address, context.user_agent.as_str());
    let activity = Activity::new(ActivityId(clock::uuid_at(now)), id, ActivityKind::Checkout, now, client);
    // No race can be lost here: no other request writes a payment whose page was not returned yet.
    mutation
        .run(|| async {
            let view = PaymentView::new(payment.clone(), None, None, Some(hosted.url.clone()));
            let response = MutationResponse::created(view).at(format!("/v1/checkout/{}", payment.id));
            mutation.commit(&[Write::Payment(&payment), Write::Activity(&activity)], response).await
        })
        .await
}

async fn list(
    State(state): State<AppState>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let paging: Paging<'_, _, PaymentId> = Paging::open(&state.mutations, ("payments", id), query).await?;
    let page = state.mutations.table.payments(id, paging.limit, paging.after).await.map_err(store_problem)?;
    let next = paging.next(page.next)?;
    let (gifts, buyer) = state.mutations.table.gifts_and_buyer(id, &page.items).await.map_err(store_problem)?;
    let view = |payment: Payment| {
        let gift = payment.gift.and_then(|id| gifts.get(&id));
        PaymentView::new(payment, gift, buyer.as_ref(), None)
    };
    let items = page.items.into_iter().map(view).collect();
    Ok(axum::Json(PaymentPage { items, next }).into_response())
}

async fn show(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<PaymentId>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let mut payment = state.own_payment(&caller, id).await?;
    // Above the limit the response shows what is known: the provider limits its polls for all accounts together.
    if payment.is_open()
        && payment.checkout.is_some()
        && state.mutations.count("checkout-look", payment.account.0.as_bytes(), MINUTE_S, now).await?
            <= POLLS_PER_MINUTE
    {
        match state.payments.fulfil(&payment, now).await {
            Ok(Some(fulfilled)) => payment = fulfilled,
            Ok(None) => return Err(Problem::not_found()),
            // The response shows what is known. Webhooks and `sweep` go on.
            Err(error) => log_failure(&payment, &error),
        }
    }
    let (sealer, id) = (state.mutations.sealer().await?, payment.id);
    let view = state.view(payment, None).await?.with_code(|| gift_code(sealer, id));
    Ok(axum::Json(view).into_response())
}

async fn capture(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<PaymentId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    let payment = state.own_payment(&caller, id).await?;
    if payment.provider != PaymentProvider::Paypal || payment.checkout.is_none() {
        return Err(Problem::conflict("Only a checkout with PayPal can be captured."));
    }
    let (payment, page) = if payment.is_open() {
        let limit = (MINUTE_S, POLLS_PER_MINUTE);
        state.mutations.limit("checkout-capture", payment.account.0.as_bytes(), limit, now).await?;
        let captured = state.payments.capture(&payment, now).await.inspect_err(|error| log_failure(&payment, error));
        match captured {
            Err(PaymentError::Provider(ProviderError::InstrumentDeclined { page })) => (payment, Some(page)),
            captured => (captured.map_err(payment_problem)?.ok_or_else(Problem::not_found)?, None),
        }
    } else {
        (payment, None)
    };
    // The payment is captured and written. Only the response is stored here.
    mutation
        .run(|| async {
            mutation.commit(&[], MutationResponse::ok(state.view(payment.clone(), page.clone()).await?)).await
        })
        .await
}

impl AppState {
    async fn catalogue(&self, now: Timestamp) -> Result<Arc<Catalogue>, Problem> {
        self.catalogues.present(&self.mutations.table, now).await.map_err(store_problem)
    }

    /// Shows a payment with its gift, if it is for one.
    async fn view(&self, payment: Payment, page: Option<String>) -> Result<PaymentView, Problem> {
        let known = self.mutations.table.gifts_and_buyer(payment.account, std::slice::from_ref(&payment)).await;
        let (gifts, buyer) = known.map_err(store_problem)?;
        let gift = payment.gift.and_then(|id| gifts.get(&id));
        Ok(PaymentView::new(payment, gift, buyer.as_ref(), page))
    }

    async fn own_payment(&self, caller: &Caller, id: PaymentId) -> Result<Payment, Problem> {
        let payment = self.mutations.table.payment(AccountId(caller.account_id), id).await.map_err(store_problem)?;
        payment.ok_or_else(Problem::not_found)
    }
}

/// Logs a failed call to the provider, and raises the alarm if its report contradicts the payment.
fn log_failure(payment: &Payment, error: &PaymentError) {
    tracing::warn!(payment = %payment.id, error = %error, "payment provider could not be polled");
    if error.is_mismatch() {
        metric(Metric::PaymentMismatches, 1, &[payment.provider.as_str()]);
    }
}

fn payment_problem(error: PaymentError) -> Problem {
    match error {
        PaymentError::Provider(ProviderError::NotApproved) => {
            let title = "The payment has not been approved.";
            Problem::new(StatusCode::CONFLICT, "payment-not-approved", title).with_detail(
                "Approve it on the payment page. If it was declined there, choose another means of payment.",
            )
        }
        PaymentError::Provider(ProviderError::Declined { .. }) => {
            let title = "The payment was declined.";
            Problem::new(StatusCode::CONFLICT, "payment-declined", title)
                .with_detail("You have not been charged. Start a new checkout with another means of payment.")
        }
        PaymentError::Provider(error) => {
            tracing::error!(error = %error, "payment provider did not respond as expected");
            Problem::new(StatusCode::BAD_GATEWAY, "payment-provider", "The payment provider is not responding.")
                .with_detail("Try again in 10 seconds.")
                .with_retry_after(10)
        }
        error => store_problem(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(&routes().served() | &refund::routes().served(), api::operations_of("checkout"));
    }
}

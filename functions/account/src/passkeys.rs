//! Adds passkeys to the second factor of an account, and removes them.
//!
//! A challenge is sealed into the response that begins. If the process crashes before the passkey is confirmed, nothing changed. A
//! repeat of the confirmation with the same `Idempotency-Key` gets the same response; another one is refused, as a challenge and a
//! credential are accepted once.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, Routes,
    accounts::passkeys::{BEGIN, CONFIRM, Ceremony, PasskeyConfirmation, PasskeySetup, REMOVE},
};
use axum::{extract::State, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    AccountId, PasskeyId, Refusal,
    accounts::second_factor::{Passkey, check_passkey_name},
};
use runtime::{
    clock,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, StrictPath},
    webauthn::{ALGORITHMS, RelyingParty},
};
use store::Write;

use crate::second_factor::{commit_removal, factor_or_new};

#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) mutations: Mutations,
    pub(crate) relying_party: Arc<RelyingParty>,
}

pub(crate) fn routes() -> Routes<AppState> {
    Routes::new().operation(&BEGIN, begin).operation(&CONFIRM, confirm).operation(&REMOVE, remove)
}

async fn begin(State(app): State<AppState>, caller: Caller, request: BodilessRequest) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let id = AccountId(caller.account_id);
    let sealer = app.mutations.sealer().await?;
    let mutation = app.mutations.begin(id, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let factor = app.mutations.table.second_factor(id).await?;
            if let Some(factor) = &factor {
                factor.check_room_for_passkey()?;
            }
            let account = app.mutations.table.account(id).await?.ok_or_else(Problem::unauthorized)?;
            let passkeys = factor.into_iter().flat_map(|factor| factor.passkeys);
            let setup = PasskeySetup {
                challenge: Ceremony::Creation.challenge(sealer, id, now),
                rp_id: app.relying_party.id().to_owned(),
                user_id: URL_SAFE_NO_PAD.encode(id.0.as_bytes()),
                user_name: account.email,
                algorithms: ALGORITHMS.to_vec(),
                exclude: passkeys.map(|passkey| passkey.credential_id).collect(),
            };
            mutation.commit(&[], MutationResponse::ok(setup)).await
        })
        .await
}

async fn confirm(
    State(app): State<AppState>,
    caller: Caller,
    request: MutatingRequest<PasskeyConfirmation>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let PasskeyConfirmation { name, client_data, attestation_object } = request.body;
    let sealer = app.mutations.sealer().await?;
    let mutation = app.mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            check_passkey_name(&name)?;
            let created = app.relying_party.verify_creation(&client_data, &attestation_object).map_err(|refused| {
                Refusal::invalid("attestation_object", format!("must be a passkey of this site: this one is {refused}"))
            })?;
            let challenge_at = Ceremony::Creation.open(sealer, account, &created.challenge, now).ok_or_else(|| {
                Refusal::invalid(
                    "client_data",
                    "must answer the challenge that the setup returned, within five minutes",
                )
            })?;
            let passkey = Passkey {
                id: PasskeyId(clock::uuid_at(now)),
                credential_id: created.credential_id,
                public_key: created.public_key,
                sign_count: created.sign_count,
                name: name.clone(),
                added_at: now,
                last_used_at: None,
            };
            let (factor, view) = factor_or_new(&app.mutations, account, now).await?;
            let factor = factor.with_passkey(passkey, challenge_at)?;
            mutation.commit(&[Write::SecondFactor(&factor)], MutationResponse::ok(view)).await
        })
        .await
}

async fn remove(
    State(app): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<PasskeyId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let account = AccountId(caller.account_id);
    let mutation = app.mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let factor = app.mutations.table.second_factor(account).await?.ok_or(Refusal::NotFound)?;
            commit_removal(&mutation, &factor, &factor.without_passkey(id)?).await
        })
        .await
}

//! Shows the second factor, adds an authenticator app with its first code, and removes it.
//!
//! The secret of a setup is sealed into its response and stored only with the first code. If the process crashes before that,
//! nothing changed. A repeat of the confirmation with the same `Idempotency-Key` gets the same recovery codes.
//!
//! The first app or passkey of an account comes with recovery codes, and the last one that is removed takes them along.

use api::{
    Mutation, MutationError, MutationResponse, Mutations, Routes,
    accounts::second_factor::{
        BEGIN, CONFIRM, PasskeyView, REMOVE, RecoveryCodesView, SHOW, SecondFactorConfirmation, SecondFactorSetup,
        SecondFactorView, hash_recovery_code, seal_secret,
    },
    store_problem,
};
use axum::{Json, extract::State, response::Response};
use domain::{
    AccountId,
    accounts::second_factor::{AuthenticatorApp, CODES_PER_HOUR, RECOVERY_CODES, SecondFactor, setup_is_open},
};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use runtime::{
    clock,
    http::{BodilessRequest, Caller, MutatingRequest, Problem},
    totp,
};
use serde::{Deserialize, Serialize};
use store::Write;

const HOUR_S: i64 = 3_600;
/// The purpose of sealed setups.
const SETUP: &str = "second factor setup";
/// The characters of recovery codes, without those that look alike: five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The characters of a recovery code: 60 bits.
const RECOVERY_CHARACTERS: usize = 12;

/// A setup that was begun.
#[derive(Serialize, Deserialize)]
struct Setup {
    account: AccountId,
    secret: [u8; totp::SECRET_BYTES],
    at: Timestamp,
}

pub(crate) fn routes() -> Routes<Mutations> {
    Routes::new()
        .operation(&SHOW, show)
        .operation(&BEGIN, begin)
        .operation(&CONFIRM, confirm)
        .operation(&REMOVE, remove)
}

async fn show(State(mutations): State<Mutations>, caller: Caller) -> Result<Json<SecondFactorView>, Problem> {
    let factor = mutations.table.second_factor(AccountId(caller.account_id)).await.map_err(store_problem)?;
    Ok(Json(match factor {
        None => SecondFactorView { app: false, passkeys: Vec::new(), recovery_codes: 0 },
        Some(factor) => SecondFactorView {
            app: factor.app.is_some(),
            recovery_codes: factor.recovery_codes.len(),
            passkeys: factor.passkeys.into_iter().map(PasskeyView::from).collect(),
        },
    }))
}

async fn begin(
    State(mutations): State<Mutations>,
    caller: Caller,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let account = AccountId(caller.account_id);
    let setup = Setup { account, secret: clock::random(), at: now };
    let sealed = mutations.sealer().await?.seal(SETUP, &serde_json::to_vec(&setup).map_err(Problem::internal)?);
    let mutation = mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            if let Some(factor) = mutations.table.second_factor(account).await? {
                factor.check_without_app()?;
            }
            let secret = totp::base32(&setup.secret);
            let texts = mutations.table.texts(now).await?;
            let issuer = utf8_percent_encode(&texts.name, NON_ALPHANUMERIC);
            let uri = format!("otpauth://totp/{issuer}?secret={secret}&issuer={issuer}");
            mutation.commit(&[], MutationResponse::ok(SecondFactorSetup { secret, uri, setup: sealed.clone() })).await
        })
        .await
}

async fn confirm(
    State(mutations): State<Mutations>,
    caller: Caller,
    request: MutatingRequest<SecondFactorConfirmation>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let SecondFactorConfirmation { setup, code } = request.body;
    let sealer = mutations.sealer().await?;
    let opened = sealer.open(SETUP, &setup).and_then(|setup| serde_json::from_slice::<Setup>(&setup).ok());
    let Some(setup) = opened.filter(|setup| setup.account == account && setup_is_open(setup.at, now)) else {
        return Err(Problem::invalid("setup", "must be what the setup returned, within ten minutes"));
    };
    let mutation = mutations.begin(account, request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    mutations.limit("second-factor", account.0.as_bytes(), (HOUR_S, CODES_PER_HOUR), now).await?;
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let last_step = totp::matching_step(&setup.secret, &code, now)
        .ok_or_else(|| Problem::invalid("code", "must be the code that the app shows now"))?;
    let app = AuthenticatorApp { secret: seal_secret(sealer, &setup.secret), last_step };
    mutation
        .run(|| async {
            let (factor, view) = factor_or_new(&mutations, account, now).await?;
            let factor = factor.with_app(app.clone())?;
            mutation.commit(&[Write::SecondFactor(&factor)], MutationResponse::ok(view)).await
        })
        .await
}

async fn remove(
    State(mutations): State<Mutations>,
    caller: Caller,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    caller.signed_in_recently(now)?;
    let account = AccountId(caller.account_id);
    let mutation = mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            match mutations.table.second_factor(account).await?.filter(|factor| factor.app.is_some()) {
                None => mutation.commit(&[], MutationResponse::no_content()).await,
                Some(factor) => commit_removal(&mutation, &factor, &factor.without_app()).await,
            }
        })
        .await
}

/// Reads the second factor, with no recovery codes to show; or makes one that has nothing but new recovery codes.
///
/// # Errors
/// The table or the application key cannot be read.
pub(crate) async fn factor_or_new(
    mutations: &Mutations,
    account: AccountId,
    now: Timestamp,
) -> Result<(SecondFactor, RecoveryCodesView), MutationError> {
    if let Some(factor) = mutations.table.second_factor(account).await? {
        return Ok((factor, RecoveryCodesView { recovery_codes: Vec::new() }));
    }
    let sealer = mutations.sealer().await?;
    let recovery_codes: Vec<_> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
    let hashes = recovery_codes.iter().map(|code| hash_recovery_code(sealer, account, code)).collect();
    Ok((SecondFactor::none(account, hashes, now), RecoveryCodesView { recovery_codes }))
}

/// Writes what is left of a second factor after a removal, and deletes it if nothing is.
///
/// # Errors
/// Nothing was written, or a fault leaves open whether it was.
pub(crate) async fn commit_removal(
    mutation: &Mutation<'_>,
    before: &SecondFactor,
    left: &SecondFactor,
) -> Result<Response, MutationError> {
    let write = if left.is_empty() { Write::RemoveSecondFactor(before) } else { Write::SecondFactor(left) };
    mutation.commit(&[write], MutationResponse::no_content()).await
}

/// Creates a random recovery code, in three groups.
fn recovery_code() -> String {
    let symbol = |byte: u8| ALPHABET.get(usize::from(byte % 32)).map(|symbol| char::from(*symbol));
    let symbols: Vec<_> = clock::random::<RECOVERY_CHARACTERS>().into_iter().filter_map(symbol).collect();
    symbols.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_random_and_unlike_codes_of_an_app() {
        let (one, other) = (recovery_code(), recovery_code());
        assert_ne!(one, other);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4]);
    }
}

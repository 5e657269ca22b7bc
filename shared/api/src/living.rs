//! The door for accounts that are gone.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use domain::AccountId;
use futures_util::join;
use runtime::http::{Caller, Problem};

use crate::{Mutations, store_problem};

/// Lets only those in whose account lives. An access token outlives its account by up to fifteen minutes, and nothing that
/// API Gateway checks can tell: so each call with a token reads, a read beside its own reading, anything else before it
/// does anything. Routes without a token pass.
///
/// # Errors
/// 401 if the account is gone, or going.
pub async fn require_active_account(
    State(mutations): State<Mutations>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Ok(caller) = Caller::from_request_parts(&mut parts, &()).await else {
        // Whoever needs one refuses it.
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let reads = parts.method.is_safe();
    let answer = next.run(Request::from_parts(parts, body));
    let lives = mutations.table.is_active(AccountId(caller.account_id));
    if reads {
        let (lives, answer) = join!(lives, answer);
        return if lives.map_err(store_problem)? { Ok(answer) } else { Err(Problem::unauthorized()) };
    }
    if lives.await.map_err(store_problem)? { Ok(answer.await) } else { Err(Problem::unauthorized()) }
}

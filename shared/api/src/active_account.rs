//! Refuses requests of accounts that are deleted, or about to be.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use domain::AccountId;
use futures_util::join;
use runtime::http::{Caller, Problem};

use crate::{mutation::Mutations, problems::store_problem};

/// Refuses a request whose account is deleted or about to be.
///
/// An access token works for up to 15 minutes after its account is deleted, and API Gateway cannot tell. So each request
/// with a token reads the account: a safe request beside its own reads, any other before it does anything. Requests without
/// a token pass; their handlers refuse them if they need one.
///
/// # Errors
/// 401 if the account is not active.
pub async fn require_active_account(
    State(mutations): State<Mutations>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Ok(caller) = Caller::from_request_parts(&mut parts, &()).await else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let safe = parts.method.is_safe();
    let response = next.run(Request::from_parts(parts, body));
    let is_active = mutations.table.is_active(AccountId(caller.account_id));
    if safe {
        let (is_active, response) = join!(is_active, response);
        return if is_active.map_err(store_problem)? { Ok(response) } else { Err(Problem::unauthorized()) };
    }
    if is_active.await.map_err(store_problem)? { Ok(response.await) } else { Err(Problem::unauthorized()) }
}

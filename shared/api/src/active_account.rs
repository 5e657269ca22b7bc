//! Refuses requests of accounts that are deleted, or about to be.
//!
//! An access token works for up to 15 minutes after its account is deleted, and API Gateway cannot tell. So each request with a
//! token reads the account.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use domain::{AccountId, accounts::account::Account};
use futures_util::join;
use runtime::http::{Caller, Problem};
use store::CommitError;

use crate::{mutation::Mutations, problems::store_problem};

/// Refuses a request whose account is deleted or about to be.
///
/// A safe request reads the account beside its own reads, any other before it does anything. Requests without a token pass;
/// their handlers refuse them if they need one. Not for functions whose handlers read the account themselves and call
/// [`active`].
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

/// Returns an account that was read, if it exists and is not about to be deleted.
///
/// # Errors
/// [`CommitError::AccountGone`], a 401 as the error of a mutation.
pub fn active(account: Option<Account>) -> Result<Account, CommitError> {
    account.filter(|account| account.deletion.is_none()).ok_or(CommitError::AccountGone)
}

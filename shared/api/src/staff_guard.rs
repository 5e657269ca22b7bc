//! Checks staff members at each request, beyond what their token says.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State},
    middleware::Next,
    response::Response,
};
use domain::AccountId;
use http::StatusCode;
use runtime::{
    clients::Clients,
    clock,
    config::{Environment, InvalidVariable},
    http::{Caller, Problem, STAFF, Staff},
};
use store::Table;
use uuid::Uuid;

use crate::problems::store_problem;

/// Knows the staff members: the user pool with its group, and the table with their second factors.
#[derive(Clone)]
pub struct StaffDirectory {
    clients: Arc<Clients>,
    user_pool: String,
    table: Table,
}

impl StaffDirectory {
    /// Opens the user pool that the environment names, beside the table.
    ///
    /// # Errors
    /// A variable is missing; the error names it.
    pub fn open(environment: &Environment, clients: &Arc<Clients>, table: &Table) -> Result<Self, InvalidVariable> {
        let user_pool = environment.required("USER_POOL_ID")?;
        Ok(Self { clients: clients.clone(), user_pool, table: table.clone() })
    }

    /// Says whether a user is in the group of staff members by now.
    ///
    /// # Errors
    /// A 500 if the call fails.
    async fn has(&self, username: &str) -> Result<bool, Problem> {
        let request = self.clients.cognito().admin_list_groups_for_user().user_pool_id(&self.user_pool);
        match request.username(username).send().await {
            Ok(answer) => Ok(answer.groups().iter().any(|group| group.group_name() == Some(STAFF))),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(Problem::internal(error)),
        }
    }

    /// Says whether the session of a staff member was opened with a second factor.
    ///
    /// # Errors
    /// A 500 if the call fails.
    async fn is_protected(&self, caller: &Caller) -> Result<bool, Problem> {
        let factor = self.table.second_factor(AccountId(caller.account_id)).await.map_err(store_problem)?;
        Ok(factor.is_some_and(|factor| factor.protects(caller.signed_in_at)))
    }
}

/// Refuses a request unless its caller is a staff member by now, who signed in recently and with a second factor, and does not act
/// on their own account.
///
/// A token names its groups for as long as it is valid. So each request asks the user pool, which costs one call, and who leaves
/// the group is refused at once. A read of the table says since when they have a second factor. Nobody accesses, holds,
/// discloses, approves or decides about their own data: the path of such an operation names the account.
///
/// # Errors
/// 404 if the caller is no staff member, 403 if the sign-in is too old or had no second factor, or the account is their own.
pub async fn require_staff(
    State(directory): State<StaffDirectory>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let staff = Staff::from_request_parts(&mut parts, &()).await?;
    if !directory.has(&staff.0.username).await? {
        return Err(Problem::not_found());
    }
    staff.signed_in_recently(clock::now())?;
    if !directory.is_protected(&staff.0).await? {
        let title = "Staff members need a second factor.";
        let problem = Problem::new(StatusCode::FORBIDDEN, "second-factor-required", title);
        return Err(problem.with_detail("Set it up in your account, then sign in again with it."));
    }
    let path = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(Problem::internal)?;
    // An account id has several spellings.
    let is_own = |value: &str| value.parse::<Uuid>().is_ok_and(|id| id == staff.0.account_id);
    if path.iter().any(|(name, value)| name == "account" && is_own(value)) {
        let title = "Staff members cannot act on their own account.";
        let problem = Problem::new(StatusCode::FORBIDDEN, "own-account", title);
        return Err(problem.with_detail("Ask another staff member to do it."));
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

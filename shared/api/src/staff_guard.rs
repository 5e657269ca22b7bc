//! Checks staff members at each request, beyond what their token says.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::Response,
};
use domain::{AccountId, staff::role::Role};
use http::{StatusCode, request::Parts};
use runtime::{
    clients::Clients,
    clock,
    config::{Environment, InvalidVariable},
    http::{Caller, Problem},
};
use store::Table;
use uuid::Uuid;

use crate::{operation::Operation, operations::operations, problems::store_problem};

/// Knows the staff members: the user pool with its groups, and the table with their second factors.
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

    /// Returns the groups that a user is in by now.
    ///
    /// # Errors
    /// A 500 if the call fails.
    async fn groups(&self, username: &str) -> Result<BTreeSet<String>, Problem> {
        let request = self.clients.cognito().admin_list_groups_for_user().user_pool_id(&self.user_pool);
        match request.username(username).send().await {
            Ok(answer) => {
                Ok(answer.groups().iter().filter_map(|group| group.group_name()).map(str::to_owned).collect())
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {
                Ok(BTreeSet::new())
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

/// Identifies a staff member whom [`require_staff`] let pass. Its groups are those that the token names and the user pool
/// confirms. A handler without that guard refuses everyone with 404.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff(pub Caller);

impl Staff {
    /// Tells whether the staff member may do what is for these roles.
    #[must_use]
    pub fn is_among(&self, roles: &[Role]) -> bool {
        is_among(&self.0, roles)
    }
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::not_found)
    }
}

/// Makes the problem of a staff member who would act on their own account.
#[must_use]
pub fn own_account() -> Problem {
    let problem = Problem::new(StatusCode::FORBIDDEN, "own-account", "Staff members cannot act on their own account.");
    problem.with_detail("Ask another staff member to do it.")
}

/// Returns the roles that the groups of a caller give.
pub fn roles_of(caller: &Caller) -> BTreeSet<Role> {
    caller.groups.iter().filter_map(|group| Role::of_group(group)).collect()
}

fn is_among(caller: &Caller, roles: &[Role]) -> bool {
    roles_of(caller).into_iter().any(|role| role.is_among(roles))
}

/// Refuses a request unless its caller is a staff member with a role of the operation by now, who signed in recently and with a
/// second factor, and does not act on their own account.
///
/// A token names its groups for as long as it is valid. So each request asks the user pool, which costs one call, and who leaves
/// a group is refused at once. A read of the table says since when they have a second factor. Nobody accesses, holds,
/// discloses, approves or decides about their own data: the path of such an operation names the account. An operation that names
/// no role is refused to everyone.
///
/// # Errors
/// 404 if the caller has no role of the operation, 403 if the sign-in is too old or had no second factor, or the account is their
/// own.
pub async fn require_staff(
    State(directory): State<StaffDirectory>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let mut caller = Caller::from_request_parts(&mut parts, &()).await?;
    let path = MatchedPath::from_request_parts(&mut parts, &()).await.map_err(Problem::internal)?;
    let served = |operation: &&Operation| {
        operation.path == path.as_str() && parts.method.as_str().eq_ignore_ascii_case(operation.method)
    };
    let roles = operations().find(served).map_or(&[][..], |operation| operation.roles);
    if !is_among(&caller, roles) {
        return Err(Problem::not_found());
    }
    let current = directory.groups(&caller.username).await?;
    caller.groups.retain(|group| current.contains(group));
    if !is_among(&caller, roles) {
        return Err(Problem::not_found());
    }
    caller.signed_in_recently_as_staff(clock::now())?;
    if !directory.is_protected(&caller).await? {
        let title = "Staff members need a second factor.";
        let problem = Problem::new(StatusCode::FORBIDDEN, "second-factor-required", title);
        return Err(problem.with_detail("Set it up in your account, then sign in again with it."));
    }
    let path = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(Problem::internal)?;
    // An account id has several spellings.
    let is_own = |value: &str| value.parse::<Uuid>().is_ok_and(|id| id == caller.account_id);
    if path.iter().any(|(name, value)| name == "account" && is_own(value)) {
        return Err(own_account());
    }
    parts.extensions.insert(Staff(caller));
    Ok(next.run(Request::from_parts(parts, body)).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_staff_and_no_others_name_roles() {
        for operation in operations() {
            assert_eq!(operation.path.starts_with("/v1/staff/"), !operation.roles.is_empty(), "{operation}");
            assert!(!operation.public || operation.roles.is_empty(), "{operation}");
        }
    }
}

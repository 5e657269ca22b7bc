//! Lists the members of staff, gives roles and takes them.
//!
//! A role is a group of the user pool. The entry of the person's access log, which is also in the record, is written before the group
//! changes: no role changes without a record. If the process crashes in between, a repeat writes another entry and changes the
//! group. A response is stored after the change, so a repeat with the same `Idempotency-Key` gets the same response and changes
//! nothing, also if the role was changed again since. Who loses a role is signed out first.
//!
//! For administrators with a recent sign-in; everyone else gets 404. Nobody changes their own roles, and an account that is frozen or
//! being deleted gets none. Two administrators who take each other's role at the same time write one common item, so that one is left.
//! A user who is in a group without an account loses the role too; of them the record knows alone.
//!
//! [`invitations`] are accepted by the account with the address that was invited; these routes need no role.

mod invitations;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use api::{
    MutationError, MutationResponse, Mutations, Routes, Staff, StaffDirectory, own_account,
    staff::{
        audit::staff_name,
        members::{self, InvitationView, MemberView, MembersView, RoleGrant},
    },
    store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, Refusal,
    accounts::{account::Account, email},
    staff::{
        administrators::LostAdministrators,
        audit::AuditAction,
        invitation::Invitation,
        role::Role::{self, Administrator},
    },
};
use lifecycle::user_pool::UserDirectory;
use mail::Mail;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Idempotency, MutatingRequest, Problem, StrictPath},
    telemetry::{Metric, metric},
};
use serde::Serialize;
use store::{Table, Write, staff_act};

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    user_pool: Arc<UserDirectory>,
    /// `None` if the operator has set up no mail.
    mail: Option<Mail>,
    /// The address of the web client, for mails.
    origin: String,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let staff = StaffDirectory::open(&environment, &clients, &mutations.table)?;
    let user_pool = UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?);
    let mail = Mail::open(&environment, &clients, &mutations.table);
    let origin = environment.required("ORIGIN")?;
    Ok(staff_routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
        .merge(owner_routes().into_router())
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(AppState { mutations, user_pool: Arc::new(user_pool), mail, origin }))
}

fn staff_routes() -> Routes<AppState> {
    Routes::new()
        .operation(&members::LIST, list)
        .operation(&members::GRANT, grant)
        .operation(&members::REVOKE, revoke)
        .operation(&members::INVITE, invitations::invite)
        .operation(&members::WITHDRAW, invitations::withdraw)
}

fn owner_routes() -> Routes<AppState> {
    Routes::new().operation(&members::LIST_OWN, invitations::list_own).operation(&members::ACCEPT, invitations::accept)
}

async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let mut found: BTreeMap<AccountId, (String, Vec<Role>)> = BTreeMap::new();
    for role in Role::ALL {
        for (account, email) in state.user_pool.members(role).await.map_err(Problem::internal)? {
            found.entry(account).or_insert_with(|| (email, Vec::new())).1.push(role);
        }
    }
    let sealer = state.mutations.sealer().await?;
    let view = |(account, (email, roles))| MemberView { account, email, staff: staff_name(sealer, account), roles };
    let mut members: Vec<_> = found.into_iter().map(view).collect();
    members.sort_by(|one, other| one.email.cmp(&other.email));
    let now = clock::now();
    let invitations = state.mutations.table.invitations().await.map_err(store_problem)?.into_iter();
    let invitations = invitations.filter(|invitation| invitation.is_open(now)).map(InvitationView::from).collect();
    Ok(axum::Json(MembersView { members, invitations }).into_response())
}

async fn grant(
    State(state): State<AppState>,
    staff: Staff,
    request: MutatingRequest<RoleGrant>,
) -> Result<Response, Problem> {
    let RoleGrant { email, role } = request.body;
    let email = email::normalize(&email).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))?;
    let account = state.user_pool.account_of(&email).await.map_err(Problem::internal)?;
    let account = account.ok_or_else(Problem::not_found)?;
    if account.0 == staff.0.account_id {
        return Err(own_account());
    }
    let name = staff_name(state.mutations.sealer().await?, account);
    let change = Change { account, role, granted: true };
    let view = |owner: Option<&Account>, roles: BTreeSet<Role>| {
        let (email, staff) = (owner.map(|owner| owner.email.clone()).unwrap_or_default(), name.clone());
        MutationResponse::created(MemberView { account, email, staff, roles: roles.into_iter().collect() })
    };
    state.change(&staff, change, request.idempotency, view).await
}

async fn revoke(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath((account, role)): StrictPath<(AccountId, Role)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let change = Change { account, role, granted: false };
    state.change(&staff, change, request.idempotency, |_, _| MutationResponse::no_content()).await
}

/// A change of the roles of a person.
#[derive(Clone, Copy)]
struct Change {
    account: AccountId,
    role: Role,
    granted: bool,
}

impl Change {
    fn action(self) -> AuditAction {
        let Self { role, granted, .. } = self;
        if granted { AuditAction::GrantedRole { role } } else { AuditAction::RevokedRole { role } }
    }
}

impl AppState {
    /// Changes the roles of a person, unless they are so already, and responds with what `response` makes of the account and its
    /// roles then.
    async fn change<T: Serialize>(
        &self,
        staff: &Staff,
        change: Change,
        idempotency: Option<Idempotency>,
        response: impl Fn(Option<&Account>, BTreeSet<Role>) -> MutationResponse<T>,
    ) -> Result<Response, Problem> {
        let Change { account, role, granted } = change;
        let now = clock::now();
        let entry = self.mutations.audit_entry(&staff.0, account, change.action(), now).await?;
        let (by, of) = (&entry.staff, staff_name(self.mutations.sealer().await?, account));
        // The group was set by hand, and its member has no account with an access log.
        let act = staff_act(by, "revoked_role", (account, role.group()), now);
        let table = &self.mutations.table;
        let mutation = self.mutations.begin(AccountId(staff.0.account_id), idempotency, now).await?;
        if let Some(stored) = mutation.stored_response().await? {
            return Ok(stored);
        }
        mutation
            .run(|| async {
                let owner = table.account(account).await?;
                let mut roles = self.user_pool.roles(account).await.map_err(Problem::internal)?;
                if owner.is_none() && (granted || roles.is_empty()) {
                    return Err(Refusal::NotFound.into());
                }
                let unchanged = owner.as_ref().map(Write::Unchanged);
                let changes = if granted { roles.insert(role) } else { roles.remove(&role) };
                if changes {
                    let mut writes = Vec::from_iter(unchanged.clone());
                    writes.push(if owner.is_some() { Write::AuditEntry(&entry) } else { Write::StaffAct(&act) });
                    // An invitation that is left over would give the role back.
                    let left = if granted { Vec::new() } else { table.invitations().await? };
                    let gives_back = |invitation: &&Invitation| {
                        let is_theirs = invitation.accepted_by == Some(account)
                            || owner.as_ref().is_some_and(|owner| invitation.is_for(owner));
                        invitation.role == role && is_theirs
                    };
                    writes.extend(left.iter().filter(gives_back).map(Write::RemoveInvitation));
                    if granted {
                        owner.as_ref().map_or(Ok(()), Account::check_active)?;
                    }
                    let lost = administrator_change(table, role, |lost| {
                        if granted { Ok(lost.give(&of, now)) } else { lost.take(by, of.clone(), now) }
                    });
                    let lost = lost.await?;
                    writes.extend(lost.iter().map(Write::LostAdministrators));
                    table.commit(&writes).await?;
                    if granted {
                        metric(Metric::GrantedRoles, 1, &[]);
                    }
                    let changed = if granted {
                        self.user_pool.grant(account, role).await
                    } else {
                        self.revoke(account, role).await
                    };
                    changed.map_err(Problem::internal)?;
                }
                mutation.commit(&Vec::from_iter(unchanged), response(owner.as_ref(), roles)).await
            })
            .await
    }

    /// Ends the sessions of a person and takes the role. In this order, a repeat after a crash does both.
    async fn revoke(&self, account: AccountId, role: Role) -> Result<(), lifecycle::user_pool::UserPoolError> {
        self.user_pool.end_sessions(account).await?;
        self.user_pool.revoke(account, role).await
    }
}

/// Changes who lost the role administrator lately, if the role that changes is that one.
async fn administrator_change(
    table: &Table,
    role: Role,
    change: impl Fn(&LostAdministrators) -> Result<LostAdministrators, Refusal>,
) -> Result<Option<LostAdministrators>, MutationError> {
    if role != Administrator {
        return Ok(None);
    }
    Ok(Some(change(&table.lost_administrators().await?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(&staff_routes().served() | &owner_routes().served(), api::operations_of("staff-members"));
    }
}

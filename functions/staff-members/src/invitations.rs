//! Invites people to roles by mail, and gives the role when the owner of the address accepts.
//!
//! The mail is sent before the invitation is written, so a crash in between leaves a mail without an invitation, and a repeat sends
//! another. An acceptance writes the entry of the access log together with who accepted, then changes the group, then deletes the
//! invitation: a repeat goes on where a crash stopped. An invitation counts only while who invited is an administrator.

use api::{
    MutationResponse, Staff, own_account,
    staff::{
        audit::staff_name,
        members::{InvitationRequest, InvitationView, OwnInvitationView, OwnInvitationsView},
    },
    store_problem,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, AuditEntryId, InvitationId, Refusal,
    accounts::email,
    staff::{
        audit::{AuditAction, AuditEntry},
        invitation::Invitation,
        role::Role::Administrator,
    },
};
use mail::{Language, Message};
use runtime::{
    clock,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, StrictPath},
    telemetry::{Metric, metric},
};
use store::{Write, staff_act};
use tokio::sync::OnceCell;

use crate::{AppState, administrator_change};

pub(crate) async fn invite(
    State(state): State<AppState>,
    Staff(caller): Staff,
    request: MutatingRequest<InvitationRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let InvitationRequest { email, role } = request.body;
    let email = email::normalize(&email).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))?;
    let no_mail = || Problem::conflict("This deployment sends no mail: its operator has not set MailFrom.");
    let mail = state.mail.as_ref().ok_or_else(no_mail)?;
    let ids = (InvitationId(clock::uuid_at(now)), state.mutations.staff_name(&caller).await?);
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    if let Some(stored) = mutation.stored_response().await? {
        return Ok(stored);
    }
    let mailed = OnceCell::new();
    mutation
        .run(|| async {
            let others = table.invitations().await?;
            let invitation = Invitation::new(&others, ids.clone(), (email.clone(), role), now)?;
            let inviter = table.account(AccountId(caller.account_id)).await?.ok_or(Refusal::NotFound)?;
            if inviter.email == email {
                return Err(own_account().into());
            }
            let language = Language::from_tag(&inviter.preferences.language);
            let days = i64::from(domain::registry::INVITATION_DAYS);
            let message = Message::StaffInvitation { role, days, origin: &state.origin };
            let send = async || mail.send(&email, language, &message).await.map_err(Problem::internal);
            mailed.get_or_try_init(send).await?;
            let act = staff_act(&ids.1, "invited_member", (ids.0, role.group()), now);
            let view = InvitationView::from(invitation.clone());
            let writes = [Write::Invitation(&invitation), Write::StaffAct(&act)];
            mutation.commit(&writes, MutationResponse::created(view)).await
        })
        .await
}

pub(crate) async fn withdraw(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath(id): StrictPath<InvitationId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let staff = state.mutations.staff_name(&caller).await?;
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let invitation = table.invitation(id).await?.ok_or(Refusal::NotFound)?;
            if invitation.accepted_by.is_some() {
                return Err(Refusal::Conflict("it was accepted: take the role from the person").into());
            }
            let act = staff_act(&staff, "withdrew_invitation", (id, invitation.role.group()), now);
            let writes = [Write::RemoveInvitation(&invitation), Write::StaffAct(&act)];
            mutation.commit(&writes, MutationResponse::no_content()).await
        })
        .await
}

pub(crate) async fn list_own(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.mutations.table;
    let account = table.account(AccountId(caller.account_id)).await.map_err(store_problem)?;
    let account = account.ok_or_else(Problem::not_found)?;
    let invitations = table.invitations().await.map_err(store_problem)?.into_iter();
    let own = invitations.filter(|invitation| invitation.is_for(&account) && invitation.is_open(now));
    let items = own.map(OwnInvitationView::from).collect();
    Ok(axum::Json(OwnInvitationsView { items }).into_response())
}

pub(crate) async fn accept(
    State(state): State<AppState>,
    caller: Caller,
    StrictPath(id): StrictPath<InvitationId>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let sealer = state.mutations.sealer().await?;
    let entry_id = AuditEntryId(clock::uuid_at(now));
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(account, request.idempotency, now).await?;
    if let Some(stored) = mutation.stored_response().await? {
        return Ok(stored);
    }
    mutation
        .run(|| async {
            let invitation = table.invitation(id).await?.ok_or(Refusal::NotFound)?;
            let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
            let accepted = invitation.accept(&owner, now)?;
            let own = staff_name(sealer, account);
            if own == invitation.staff {
                return Err(own_account().into());
            }
            let administrators = state.user_pool.members(Administrator).await.map_err(Problem::internal)?;
            if !administrators.into_iter().any(|(member, _)| staff_name(sealer, member) == invitation.staff) {
                return Err(Refusal::NotFound.into());
            }
            let role = invitation.role;
            if let Some(accepted) = &accepted {
                let by = (entry_id, invitation.staff.clone());
                let entry = AuditEntry::decision(account, by, AuditAction::GrantedRole { role }, now);
                let given = administrator_change(table, role, |lost| Ok(lost.give(&own, now)));
                let given = given.await?;
                let mut writes = vec![Write::Invitation(accepted), Write::AuditEntry(&entry), Write::Unchanged(&owner)];
                writes.extend(given.iter().map(Write::LostAdministrators));
                table.commit(&writes).await?;
                metric(Metric::GrantedRoles, 1, &[]);
            }
            state.user_pool.grant(account, role).await.map_err(Problem::internal)?;
            let stored = accepted.as_ref().unwrap_or(&invitation);
            let writes = [Write::RemoveInvitation(stored), Write::Unchanged(&owner)];
            mutation.commit(&writes, MutationResponse::no_content()).await
        })
        .await
}

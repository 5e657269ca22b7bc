//! Describes the API of the members of staff: who is in which role, and who is invited to one.

use domain::{
    AccountId, InvitationId,
    staff::{
        invitation::Invitation,
        role::Role::{self, Administrator},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Lists the members of staff with their roles, and the invitations (staff).
    LIST = get("/v1/staff/members", "staff-members")
        .staff(&[Administrator])
        .returns::<MembersView>(200).problems(&[403, 404]);

    /// Gives a role to the person with this address, who has an account (staff). They have it from their next sign-in on, and see it
    /// in their access log. A repeat changes nothing.
    GRANT = post("/v1/staff/members", "staff-members")
        .staff(&[Administrator])
        .takes::<RoleGrant>(r#"{"email": "grace@example.com", "role": "support"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<MemberView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Takes a role from a member of staff, and ends their sessions (staff). They are refused at once. A user who is in a group of the user
    /// pool without an account loses it too. A repeat changes nothing.
    REVOKE = delete("/v1/staff/members/{account}/roles/{role}", "staff-members")
        .staff(&[Administrator])
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 422, 429]);

    /// Invites the owner of an address to a role by mail (staff). They need no account yet. Without an Idempotency-Key a repeat gets
    /// 409.
    INVITE = post("/v1/staff/invitations", "staff-members")
        .staff(&[Administrator])
        .takes::<InvitationRequest>(r#"{"email": "grace@example.com", "role": "support"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<InvitationView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Withdraws an invitation (staff). A repeat gets 404.
    WITHDRAW = delete("/v1/staff/invitations/{invitation}", "staff-members")
        .staff(&[Administrator])
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 422, 429]);

    /// Lists the invitations to roles of staff for the address of the account.
    LIST_OWN = get("/v1/account/invitations", "staff-members")
        .returns::<OwnInvitationsView>(200).problems(&[404]);

    /// Accepts an invitation for the address of the account. The role counts from the next sign-in on. A repeat gets 404.
    ACCEPT = post("/v1/account/invitations/{invitation}/acceptance", "staff-members")
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 422, 429]);
}

/// Invites to a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationRequest {
    /// The address that the person signs in with, or will.
    #[schema(format = "email", max_length = 128)]
    pub email: String,
    /// The role.
    pub role: Role,
}

/// Shows an invitation to administrators.
#[derive(Serialize, ToSchema)]
pub struct InvitationView {
    /// The id.
    pub id: InvitationId,
    /// The address.
    pub email: String,
    /// The role.
    pub role: Role,
    /// The administrator who invited, as in access logs.
    pub staff: String,
    /// When.
    pub at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        let expires_at = invitation.expires_at();
        let Invitation { id, email, role, staff, at, .. } = invitation;
        Self { id, email, role, staff, at, expires_at }
    }
}

/// Shows the invitations of an account.
#[derive(Serialize, ToSchema)]
pub struct OwnInvitationsView {
    /// The invitations.
    pub items: Vec<OwnInvitationView>,
}

/// Shows an invitation to the owner of its address.
#[derive(Serialize, ToSchema)]
pub struct OwnInvitationView {
    /// The id.
    pub id: InvitationId,
    /// The role.
    pub role: Role,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl From<Invitation> for OwnInvitationView {
    fn from(invitation: Invitation) -> Self {
        Self { id: invitation.id, role: invitation.role, expires_at: invitation.expires_at() }
    }
}

/// Gives a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleGrant {
    /// The address that the person signs in with.
    #[schema(format = "email", max_length = 128)]
    pub email: String,
    /// The role.
    pub role: Role,
}

/// Shows the members of staff.
#[derive(Serialize, ToSchema)]
pub struct MembersView {
    /// The members, by their address.
    pub members: Vec<MemberView>,
    /// The invitations that wait, oldest first.
    pub invitations: Vec<InvitationView>,
}

/// Shows a member of staff.
#[derive(Serialize, ToSchema)]
pub struct MemberView {
    /// The account.
    pub account: AccountId,
    /// The address that the person signs in with.
    pub email: String,
    /// Their name in access logs and in the record.
    pub staff: String,
    /// Their roles.
    pub roles: Vec<Role>,
}

//! Describes the API of the members of staff: who is in which role.

use domain::{
    AccountId,
    staff::role::Role::{self, Administrator},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Lists the members of staff with their roles (staff).
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

    /// Takes a role from a member of staff, and ends their sessions (staff). They are refused at once. A repeat changes nothing.
    REVOKE = delete("/v1/staff/members/{account}/roles/{role}", "staff-members")
        .staff(&[Administrator])
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 422, 429]);
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

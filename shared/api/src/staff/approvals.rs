//! Describes the API with which a second staff member approves what another one requests.

use domain::staff::role::Role::Administrator;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Approves an access that the account owner is not told of, or a disclosure, which another staff member requested (staff).
    /// Writes an entry of the access log with it. The id is that of the access or the disclosure.
    APPROVE = post("/v1/staff/accounts/{account}/approvals/{approval}", "staff-access")
        .staff(&[Administrator])
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 422, 429]);
}

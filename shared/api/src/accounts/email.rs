//! Describes the API that changes the sign-in address.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Requests a change of the sign-in address. Needs a recent sign-in. Sends one code to the present address and one to
    /// the new address; the response is the same whether the new address is registered or not. A repeat replaces the
    /// codes; with the same Idempotency-Key it sends nothing.
    REQUEST_CHANGE = post("/v1/account/email", "account")
        .takes::<Address>(r#"{"email": "ada@example.com"}"#)
        .parameters(&[IdempotencyKey]).responds(202).problems(&[400, 403, 409, 413, 415, 422, 429]);

    /// Changes the sign-in address with both codes, within 15 minutes. Ends every session; access tokens work until they
    /// expire, at most 15 minutes. A mail goes to the old address.
    CONFIRM_CHANGE = post("/v1/account/email/confirm", "account")
        .takes::<EmailConfirmation>(r#"{"present_code": "12345678", "new_code": "87654321"}"#)
        .parameters(&[IdempotencyKey]).problems(&[400, 409, 413, 415, 422, 429]);
}

/// Carries an email address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
}

/// Carries the codes that were sent to both addresses.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailConfirmation {
    /// The code that was sent to the present address.
    #[schema(max_length = 8)]
    pub present_code: String,
    /// The code that was sent to the new address.
    #[schema(max_length = 8)]
    pub new_code: String,
}

//! Describes the API of sessions.

use domain::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::{email::Address, passkeys::PasskeyAssertion},
    operation::{Parameter::CsrfToken, operations},
};

operations! {
    /// Signs a person up, who accepts the terms of service with that, and sends a code to the address, with which they set their
    /// password. The response is the same whether the address is registered or not. A repeat sends another code.
    SIGN_UP = post("/v1/session/sign-up", "session").public()
        .takes::<NewUser>(r#"{"email": "ada@example.com", "terms": "2026-11-30"}"#)
        .responds(202).problems(&[400, 413, 415, 429]);

    /// Signs a person in. The first sign-in creates the account. An account with a second factor needs a code or a passkey as well:
    /// without one, the right password gets 401 `second-factor-needed`, with a challenge if there are passkeys. A repeat opens
    /// another session.
    SIGN_IN = post("/v1/session/sign-in", "session").public()
        .takes::<Credentials>(r#"{"email": "ada@example.com", "password": "correct horse battery"}"#)
        .returns::<SignedIn>(200).problems(&[400, 401, 413, 415, 429]);

    /// Renews the session: exchanges the refresh token in the cookie for a new one and a new access token.
    REFRESH = post("/v1/session/refresh", "session").public()
        .parameters(&[CsrfToken]).returns::<SignedIn>(200).problems(&[401, 429]);

    /// Ends the session. A repeat changes nothing, and neither does a request without a session.
    SIGN_OUT = post("/v1/session/sign-out", "session").public()
        .parameters(&[CsrfToken]).problems(&[401, 429]);

    /// Sends a code with which a new password can be set. The response is the same whether the address is registered or
    /// not.
    FORGOT_PASSWORD = post("/v1/session/forgot", "session").public()
        .takes::<Address>(r#"{"email": "ada@example.com"}"#)
        .responds(202).problems(&[400, 413, 415, 429]);

    /// Sets the password with the code that was sent, after a sign-up or a forgotten password, and ends every session. A code
    /// works once.
    RESET_PASSWORD = post("/v1/session/reset", "session").public()
        .takes::<PasswordReset>(r#"{"email": "ada@example.com", "code": "123456", "password": "correct horse battery"}"#)
        .problems(&[400, 413, 415, 429]);
}

/// Signs a person up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
    /// The version of the terms of service that the person read and accepts: the date on the page `/terms`.
    #[schema(format = Date, max_length = 10)]
    pub terms: String,
}

/// Carries an email address and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
    /// The password: 12 to 256 characters.
    #[schema(min_length = 1, max_length = 256)]
    pub password: String,
    /// The code of the authenticator app, or a recovery code, if the account has a second factor. Spaces and hyphens are ignored.
    #[schema(max_length = 32)]
    pub code: Option<String>,
    /// What a passkey signed, in place of a code.
    pub passkey: Option<PasskeyAssertion>,
}

/// Carries a new password and the code that allows to set it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// The email address.
    #[schema(format = Email, max_length = 128)]
    pub email: String,
    /// The code. Spaces and hyphens are ignored.
    #[schema(max_length = 32)]
    pub code: String,
    /// The new password: 12 to 256 characters, not easy to guess.
    #[schema(min_length = 1, max_length = 256)]
    pub password: String,
}

/// Shows a session. Its refresh token is in a cookie that scripts cannot read.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// The access token, for the header `Authorization: Bearer`.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in_s: u32,
    /// The CSRF token, for the header `X-CSRF-Token` of refresh and sign-out.
    pub csrf_token: String,
    /// The id of the account.
    pub account_id: AccountId,
}

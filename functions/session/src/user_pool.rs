//! Calls the user pool. Types and errors of Cognito stay in this file.

use std::error::Error;

use aws_sdk_cognitoidentityprovider::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{AuthFlowType, AuthenticationResultType},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::{AccountId, accounts::terms::SIGN_UP_METADATA};
use http::StatusCode;
use ring::hmac;
use runtime::{clock, http::Problem};
use serde::Deserialize;

use crate::fields::{Code, Email, Password};

/// The seconds for which no mail is tried after the mails of the day were used up, and after which people should try again.
pub(crate) const MAIL_PAUSE_S: i64 = 15 * 60;
/// What Cognito says when the mails of the day are used up. Its code, `LimitExceededException`, is also that of a user who asked
/// for too many codes.
const MAIL_QUOTA_MESSAGE: &str = "daily email limit";

/// Calls the user pool as the client that `template.yaml` creates.
pub(crate) struct UserPool {
    cognito: Client,
    id: String,
    client: PoolClient,
}

/// Identifies this service to the user pool. Every call carries a proof of the secret, which no browser has: without it the
/// user pool signs nobody up or in, sends no code, and accepts no refresh token.
pub(crate) struct PoolClient {
    id: String,
    secret: String,
}

impl PoolClient {
    pub(crate) fn new(id: String, secret: String) -> Self {
        Self { id, secret }
    }

    /// Computes the proof for a call about this user name
    /// ([computing secret hash values](https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash)).
    fn secret_hash(&self, username: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        STANDARD.encode(hmac::sign(&key, format!("{username}{}", self.id).as_bytes()))
    }
}

/// Connects to the user pool, by a call that it refuses: it carries no proof of the secret, which is fetched meanwhile.
///
/// # Errors
/// Always, with what the user pool says.
pub(crate) async fn connect(cognito: &Client, client_id: &str) -> Result<(), UserPoolError> {
    let request = cognito.get_tokens_from_refresh_token().client_id(client_id).refresh_token("-");
    request.send().await.map(drop).map_err(classify("GetTokensFromRefreshToken"))
}

/// Holds what a sign-in or a refresh returns beside the refresh token.
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) expires_in_s: u32,
    pub(crate) account: AccountId,
}

/// Says why a call to the user pool failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserPoolError {
    /// It refused the user, code, password or token. The client must not learn why.
    #[error("the user pool refused")]
    Refused,
    /// It refused the form of a parameter before it checked a user.
    #[error("the user pool refused the form of the request")]
    Malformed,
    /// The new password violates its policy.
    #[error("the user pool refused the new password")]
    Password,
    /// The quota of all callers together is used up.
    #[error("the user pool is busy")]
    Busy,
    /// The mails of the day are used up, for every address.
    #[error("the user pool sends no more mail today")]
    MailQuota,
    /// The mail to this address was not accepted for delivery.
    #[error("the user pool could not send the mail")]
    Undelivered,
    /// The call is wrong or the user pool failed. Its message is left out, as it may repeat what was sent.
    #[error("{operation} failed: {code}")]
    Failed {
        operation: &'static str,
        code: String,
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl UserPoolError {
    /// Converts the error into a problem. `refused` is the problem for a refusal.
    pub(crate) fn into_problem(self, refused: impl FnOnce() -> Problem) -> Problem {
        match self {
            Self::Refused | Self::Malformed => refused(),
            Self::Password => Problem::invalid("password", "must be one that the user pool's policy allows"),
            Self::Busy => Problem::busy(self),
            Self::MailQuota | Self::Undelivered => mail_unavailable(),
            Self::Failed { .. } => Problem::internal(self),
        }
    }
}

impl UserPool {
    pub(crate) fn new(cognito: Client, id: String, client: PoolClient) -> Self {
        Self { cognito, id, client }
    }

    /// Creates a user with a password that nobody knows. Refused if the address has a user.
    pub(crate) async fn create_user(&self, email: &Email, terms: &str) -> Result<(), UserPoolError> {
        let password = URL_SAFE_NO_PAD.encode(clock::random::<32>());
        let request = self.cognito.sign_up().client_id(&self.client.id).secret_hash(self.secret_hash(email));
        // The trigger of the user pool stores which terms were accepted.
        let request = request.client_metadata(SIGN_UP_METADATA, terms);
        let answer = request.username(email.as_str()).password(password).send().await;
        answer.map(drop).map_err(classify("SignUp"))
    }

    /// Mails a code that allows a new password.
    pub(crate) async fn send_code(&self, email: &Email) -> Result<(), UserPoolError> {
        let request = self.cognito.forgot_password().client_id(&self.client.id).secret_hash(self.secret_hash(email));
        let answer = request.username(email.as_str()).send().await;
        answer.map(drop).map_err(classify("ForgotPassword"))
    }

    /// Sets a new password. Works once per code.
    pub(crate) async fn set_password(
        &self,
        email: &Email,
        code: &Code,
        password: &Password,
    ) -> Result<(), UserPoolError> {
        let request =
            self.cognito.confirm_forgot_password().client_id(&self.client.id).secret_hash(self.secret_hash(email));
        let request = request.username(email.as_str()).confirmation_code(code.as_str()).password(password.as_str());
        request.send().await.map(drop).map_err(classify("ConfirmForgotPassword"))
    }

    /// Opens a session and returns its refresh token.
    pub(crate) async fn sign_in(&self, email: &Email, password: &Password) -> Result<(Tokens, String), UserPoolError> {
        const OPERATION: &str = "InitiateAuth";
        let request = self.cognito.initiate_auth().client_id(&self.client.id);
        let answer = request
            .auth_flow(AuthFlowType::UserPasswordAuth)
            .auth_parameters("USERNAME", email.as_str())
            .auth_parameters("PASSWORD", password.as_str())
            .auth_parameters("SECRET_HASH", self.secret_hash(email))
            .send()
            .await
            .map_err(classify(OPERATION))?;
        tokens(OPERATION, answer.authentication_result)
    }

    /// Replaces a refresh token and returns the new one. The old one is accepted for ten more seconds.
    pub(crate) async fn refresh(&self, token: &str) -> Result<(Tokens, String), UserPoolError> {
        const OPERATION: &str = "GetTokensFromRefreshToken";
        let request = self.cognito.get_tokens_from_refresh_token().client_id(&self.client.id);
        let answer = request.client_secret(&self.client.secret).refresh_token(token).send().await;
        tokens(OPERATION, answer.map_err(classify(OPERATION))?.authentication_result)
    }

    /// Ends a session: this refresh token and its successors are refused from now on.
    pub(crate) async fn revoke(&self, token: &str) -> Result<(), UserPoolError> {
        let request = self.cognito.revoke_token().client_id(&self.client.id).client_secret(&self.client.secret);
        request.token(token).send().await.map(drop).map_err(classify("RevokeToken"))
    }

    /// Ends every session of a user. This is the only call that needs an IAM permission.
    pub(crate) async fn end_sessions(&self, email: &Email) -> Result<(), UserPoolError> {
        let request = self.cognito.admin_user_global_sign_out().user_pool_id(&self.id);
        let answer = request.username(email.as_str()).send().await;
        answer.map(drop).map_err(classify("AdminUserGlobalSignOut"))
    }

    fn secret_hash(&self, email: &Email) -> String {
        self.client.secret_hash(email.as_str())
    }
}

/// Classifies an error of the user pool.
fn classify<E>(operation: &'static str) -> impl FnOnce(SdkError<E>) -> UserPoolError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| match error {
        SdkError::ServiceError(answer) => {
            let error = answer.err();
            meaning(operation, error.code().unwrap_or("a response without a code"), error.message().unwrap_or_default())
        }
        other => UserPoolError::Failed { operation, code: "no response".to_owned(), source: Some(Box::new(other)) },
    }
}

/// Makes the problem of a code that cannot be mailed now.
pub(crate) fn mail_unavailable() -> Problem {
    let title = "We can't send mail right now.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "mail-unavailable", title)
        .with_detail("Try again later.")
        .with_retry_after(MAIL_PAUSE_S.unsigned_abs())
}

/// Classifies an error by its code. A limit of one user counts as a refusal: only a registered address has such limits.
fn meaning(operation: &'static str, code: &str, message: &str) -> UserPoolError {
    let meaning = match code {
        "LimitExceededException" if message.contains(MAIL_QUOTA_MESSAGE) => UserPoolError::MailQuota,
        "CodeDeliveryFailureException" => UserPoolError::Undelivered,
        "CodeMismatchException"
        | "ExpiredCodeException"
        | "LimitExceededException"
        | "NotAuthorizedException"
        | "PasswordResetRequiredException"
        | "RefreshTokenReuseException"
        | "TooManyFailedAttemptsException"
        | "UnauthorizedException"
        | "UserNotConfirmedException"
        | "UserNotFoundException"
        | "UsernameExistsException" => UserPoolError::Refused,
        "InvalidParameterException" => UserPoolError::Malformed,
        "InvalidPasswordException" => UserPoolError::Password,
        "TooManyRequestsException" => UserPoolError::Busy,
        _ => UserPoolError::Failed { operation, code: code.to_owned(), source: None },
    };
    if !matches!(meaning, UserPoolError::Failed { .. }) {
        tracing::info!(operation, code, "the user pool refused");
    }
    meaning
}

/// Returns the tokens of a response. A response without them asks for a second factor or does not rotate refresh tokens,
/// which the configuration of this pool excludes.
fn tokens(
    operation: &'static str,
    result: Option<AuthenticationResultType>,
) -> Result<(Tokens, String), UserPoolError> {
    let taken = result.and_then(|result| {
        let access_token = result.access_token?;
        let expires_in_s = u32::try_from(result.expires_in).ok()?;
        Some((Tokens { account: subject(&access_token)?, access_token, expires_in_s }, result.refresh_token?))
    });
    taken.ok_or_else(|| UserPoolError::Failed {
        operation,
        code: "no new access and refresh token: enable rotation and disable second factors in the user pool's client"
            .to_owned(),
        source: None,
    })
}

/// Returns the account of an access token. The token came from the user pool over TLS, so its signature is not checked.
fn subject(access_token: &str) -> Option<AccountId> {
    #[derive(Deserialize)]
    struct Claims {
        sub: AccountId,
    }
    let payload = URL_SAFE_NO_PAD.decode(access_token.split('.').nth(1)?).ok()?;
    Some(serde_json::from_slice::<Claims>(&payload).ok()?.sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "5f0c9a52-6f0e-4c5e-9d3a-0a4d8d6c1b11";

    fn access_token(payload: &str) -> String {
        format!("header.{}.signature", URL_SAFE_NO_PAD.encode(payload))
    }

    fn check(code: &str, status: u16) {
        let problem = meaning("SignUp", code, "").into_problem(|| Problem::invalid("code", "is the refusal"));
        assert_eq!(problem.status(), status, "{code}");
    }

    #[test]
    fn errors_that_depend_on_the_user_are_one_refusal() {
        for code in [
            "CodeMismatchException",
            "ExpiredCodeException",
            "InvalidParameterException",
            "LimitExceededException",
            "NotAuthorizedException",
            "TooManyFailedAttemptsException",
            "UserNotConfirmedException",
            "UserNotFoundException",
            "UsernameExistsException",
        ] {
            let problem = meaning("ConfirmForgotPassword", code, "Attempt limit exceeded, please try after some time.")
                .into_problem(Code::refused);
            assert_eq!(problem.fields(), Code::refused().fields(), "{code}");
        }
    }

    #[test]
    fn busy_is_503_and_unknown_errors_are_500() {
        check("TooManyRequestsException", 503);
        check("InvalidPasswordException", 400);
        check("ResourceNotFoundException", 500);
        check("InternalErrorException", 500);
        check("SomethingNewException", 500);
    }

    #[test]
    fn failure_names_only_the_operation_and_the_code() {
        assert_eq!(meaning("SignUp", "ForbiddenException", "").to_string(), "SignUp failed: ForbiddenException");
    }

    #[test]
    fn secret_hash_is_the_one_of_the_documentation() {
        let client = PoolClient::new("client".to_owned(), "secret".to_owned());
        // printf 'ada@example.comclient' | openssl dgst -sha256 -hmac secret -binary | base64
        assert_eq!(client.secret_hash("ada@example.com"), "pCfmF0r7Gu0NuqTNTEkVYGLmqkeLB+7ZDlvCeFKuOH0=");
    }

    #[test]
    fn account_is_the_subject_of_the_access_token() {
        let token = access_token(&format!(r#"{{"sub":"{SUB}","token_use":"access"}}"#));
        assert_eq!(subject(&token).unwrap().to_string(), SUB);
        for garbage in ["", "a.b", "a.!.c", &access_token("{}"), &access_token(r#"{"sub":"ada"}"#), &access_token("[")]
        {
            assert!(subject(garbage).is_none(), "{garbage}");
        }
    }

    #[test]
    fn response_without_both_tokens_is_a_failure() {
        let result = AuthenticationResultType::builder()
            .access_token(access_token(&format!(r#"{{"sub":"{SUB}"}}"#)))
            .expires_in(900);
        assert!(matches!(tokens("InitiateAuth", None), Err(UserPoolError::Failed { .. })));
        assert!(matches!(tokens("InitiateAuth", Some(result.clone().build())), Err(UserPoolError::Failed { .. })));
        let tokens = tokens("InitiateAuth", Some(result.refresh_token("r").build())).ok().unwrap();
        assert_eq!((tokens.0.expires_in_s, tokens.1.as_str()), (900, "r"));
    }
}

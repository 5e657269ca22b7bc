//! The user pool. Cognito's types and errors stop here.

use std::error::Error;

use aws_sdk_cognitoidentityprovider::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{AuthFlowType, AuthenticationResultType},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::AccountId;
use http::StatusCode;
use runtime::http::Problem;
use serde::Deserialize;

use crate::fields::{Code, Email, Password};

/// Seconds after which to try again when the user pool has too much to do: its quotas are per second.
const BUSY_RETRY_AFTER_S: u64 = 2;

/// The user pool, through the one client that the template makes.
pub(crate) struct UserPool {
    cognito: Client,
    id: String,
    client_id: String,
}

/// What somebody gets who proved who they are, beside the refresh token.
pub(crate) struct OpenedSession {
    pub(crate) access_token: String,
    pub(crate) expires_in_s: u32,
    pub(crate) account: AccountId,
}

/// Why the user pool did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    /// It looked at this person's user, code, password or token and said no. Why may not be told.
    #[error("the user pool refused")]
    Refused,
    /// It did not like the form of something, before it looked at anybody.
    #[error("the user pool refused the form of the request")]
    Malformed,
    /// The new password is against its policy.
    #[error("the user pool refused the new password")]
    Password,
    /// Too many calls for everybody together.
    #[error("the user pool is busy")]
    Busy,
    /// Our mistake, or its own. The message of its answer is left out: it may repeat what was sent.
    #[error("{operation} failed: {code}")]
    Failed {
        operation: &'static str,
        code: String,
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl PoolError {
    /// The problem that this is, where a refusal is `refused`.
    pub(crate) fn into_problem(self, refused: impl FnOnce() -> Problem) -> Problem {
        match self {
            Self::Refused | Self::Malformed => refused(),
            Self::Password => Problem::invalid("password", "must be one that the user pool's policy allows"),
            Self::Busy => Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests")
                .with_retry_after(BUSY_RETRY_AFTER_S),
            Self::Failed { .. } => Problem::internal(self),
        }
    }
}

impl UserPool {
    pub(crate) fn new(cognito: Client, id: String, client_id: String) -> Self {
        Self { cognito, id, client_id }
    }

    /// Makes an unconfirmed user, and sends a code to their address. Refused if there is one already.
    pub(crate) async fn sign_up(&self, email: &Email, password: &Password) -> Result<(), PoolError> {
        let request = self.cognito.sign_up().client_id(&self.client_id);
        let answer = request.username(email.as_str()).password(password.as_str()).send().await;
        answer.map(drop).map_err(classify("SignUp"))
    }

    /// Confirms an address, once.
    pub(crate) async fn confirm(&self, email: &Email, code: &Code) -> Result<(), PoolError> {
        let request = self.cognito.confirm_sign_up().client_id(&self.client_id);
        let answer = request.username(email.as_str()).confirmation_code(code.as_str()).send().await;
        answer.map(drop).map_err(classify("ConfirmSignUp"))
    }

    /// Sends the code of the sign-up once more.
    pub(crate) async fn resend(&self, email: &Email) -> Result<(), PoolError> {
        let request = self.cognito.resend_confirmation_code().client_id(&self.client_id);
        let answer = request.username(email.as_str()).send().await;
        answer.map(drop).map_err(classify("ResendConfirmationCode"))
    }

    /// Opens a session, and gives its refresh token.
    pub(crate) async fn sign_in(
        &self,
        email: &Email,
        password: &Password,
    ) -> Result<(OpenedSession, String), PoolError> {
        const OPERATION: &str = "InitiateAuth";
        let request = self.cognito.initiate_auth().client_id(&self.client_id);
        let answer = request
            .auth_flow(AuthFlowType::UserPasswordAuth)
            .auth_parameters("USERNAME", email.as_str())
            .auth_parameters("PASSWORD", password.as_str())
            .send()
            .await
            .map_err(classify(OPERATION))?;
        tokens(OPERATION, answer.authentication_result)
    }

    /// Replaces a refresh token, which is spent by it, and gives the new one.
    pub(crate) async fn refresh(&self, token: &str) -> Result<(OpenedSession, String), PoolError> {
        const OPERATION: &str = "GetTokensFromRefreshToken";
        let request = self.cognito.get_tokens_from_refresh_token().client_id(&self.client_id);
        let answer = request.refresh_token(token).send().await.map_err(classify(OPERATION))?;
        tokens(OPERATION, answer.authentication_result)
    }

    /// Ends a session: no token comes of this refresh token or its successors any more.
    pub(crate) async fn revoke(&self, token: &str) -> Result<(), PoolError> {
        let answer = self.cognito.revoke_token().client_id(&self.client_id).token(token).send().await;
        answer.map(drop).map_err(classify("RevokeToken"))
    }

    /// Sends a code that allows a new password.
    pub(crate) async fn forgot(&self, email: &Email) -> Result<(), PoolError> {
        let request = self.cognito.forgot_password().client_id(&self.client_id);
        let answer = request.username(email.as_str()).send().await;
        answer.map(drop).map_err(classify("ForgotPassword"))
    }

    /// Sets a new password, once per code.
    pub(crate) async fn reset(&self, email: &Email, code: &Code, password: &Password) -> Result<(), PoolError> {
        let request = self.cognito.confirm_forgot_password().client_id(&self.client_id);
        let request = request.username(email.as_str()).confirmation_code(code.as_str()).password(password.as_str());
        request.send().await.map(drop).map_err(classify("ConfirmForgotPassword"))
    }

    /// Ends every session of a person. The one call that needs a permission.
    pub(crate) async fn end_sessions(&self, email: &Email) -> Result<(), PoolError> {
        let request = self.cognito.admin_user_global_sign_out().user_pool_id(&self.id);
        let answer = request.username(email.as_str()).send().await;
        answer.map(drop).map_err(classify("AdminUserGlobalSignOut"))
    }
}

/// What an error of the user pool means to us.
fn classify<E>(operation: &'static str) -> impl FnOnce(SdkError<E>) -> PoolError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| match error {
        SdkError::ServiceError(answer) => meaning(operation, answer.err().code().unwrap_or("an answer without a code")),
        other => PoolError::Failed { operation, code: "no answer".to_owned(), source: Some(Box::new(other)) },
    }
}

/// The limits that it keeps for one user mean what a refusal means: only an address that is registered has them.
fn meaning(operation: &'static str, code: &str) -> PoolError {
    let meaning = match code {
        "CodeDeliveryFailureException"
        | "CodeMismatchException"
        | "ExpiredCodeException"
        | "LimitExceededException"
        | "NotAuthorizedException"
        | "PasswordResetRequiredException"
        | "RefreshTokenReuseException"
        | "TooManyFailedAttemptsException"
        | "UnauthorizedException"
        | "UserNotConfirmedException"
        | "UserNotFoundException"
        | "UsernameExistsException" => PoolError::Refused,
        "InvalidParameterException" => PoolError::Malformed,
        "InvalidPasswordException" => PoolError::Password,
        "TooManyRequestsException" => PoolError::Busy,
        _ => PoolError::Failed { operation, code: code.to_owned(), source: None },
    };
    if !matches!(meaning, PoolError::Failed { .. }) {
        tracing::info!(operation, code, "the user pool refused");
    }
    meaning
}

/// The tokens of an answer. One without them asks for a further proof, which this pool never does, or does not rotate.
fn tokens(
    operation: &'static str,
    result: Option<AuthenticationResultType>,
) -> Result<(OpenedSession, String), PoolError> {
    let taken = result.and_then(|result| {
        let access_token = result.access_token?;
        let expires_in_s = u32::try_from(result.expires_in).ok()?;
        Some((OpenedSession { account: subject(&access_token)?, access_token, expires_in_s }, result.refresh_token?))
    });
    taken.ok_or_else(|| PoolError::Failed {
        operation,
        code: "no new access and refresh token: let the user pool's client rotate and ask for no second factor"
            .to_owned(),
        source: None,
    })
}

/// Whose access token it is. It comes from the user pool itself, over TLS, so its signature need not be checked.
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
        let problem = meaning("SignUp", code).into_problem(|| Problem::invalid("code", "is the refusal"));
        assert_eq!(problem.status(), status, "{code}");
    }

    #[test]
    fn whatever_depends_on_the_person_is_the_same_refusal() {
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
            let problem = meaning("ConfirmSignUp", code).into_problem(Code::refused);
            assert_eq!(problem.fields(), Code::refused().fields(), "{code}");
        }
    }

    #[test]
    fn too_many_calls_of_everybody_are_told_and_what_is_unknown_is_our_failure() {
        check("TooManyRequestsException", 429);
        check("InvalidPasswordException", 400);
        check("ResourceNotFoundException", 500);
        check("InternalErrorException", 500);
        check("SomethingNewException", 500);
    }

    #[test]
    fn a_failure_names_the_operation_and_the_code_and_nothing_that_was_sent() {
        assert_eq!(meaning("SignUp", "ForbiddenException").to_string(), "SignUp failed: ForbiddenException");
    }

    #[test]
    fn the_account_is_the_subject_of_the_access_token() {
        let token = access_token(&format!(r#"{{"sub":"{SUB}","token_use":"access"}}"#));
        assert_eq!(subject(&token).unwrap().to_string(), SUB);
        for garbage in ["", "a.b", "a.!.c", &access_token("{}"), &access_token(r#"{"sub":"ada"}"#), &access_token("[")]
        {
            assert!(subject(garbage).is_none(), "{garbage}");
        }
    }

    #[test]
    fn an_answer_without_both_tokens_is_our_failure() {
        let result = AuthenticationResultType::builder()
            .access_token(access_token(&format!(r#"{{"sub":"{SUB}"}}"#)))
            .expires_in(900);
        assert!(matches!(tokens("InitiateAuth", None), Err(PoolError::Failed { .. })));
        assert!(matches!(tokens("InitiateAuth", Some(result.clone().build())), Err(PoolError::Failed { .. })));
        let tokens = tokens("InitiateAuth", Some(result.refresh_token("r").build())).ok().unwrap();
        assert_eq!((tokens.0.expires_in_s, tokens.1.as_str()), (900, "r"));
    }
}

//! Holds the error of reading secrets. [`Clients::secret`](crate::clients::Clients::secret) reads them.

use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

/// Says that Secrets Manager did not return a secret.
#[derive(Debug, thiserror::Error)]
#[error("the secret {arn} cannot be read: allow secretsmanager:GetSecretValue on it to this function's role")]
pub struct SecretUnreadable {
    arn: String,
    #[source]
    source: Box<SdkError<GetSecretValueError>>,
}

impl SecretUnreadable {
    pub(crate) fn new(arn: &str, source: SdkError<GetSecretValueError>) -> Self {
        Self { arn: arn.to_owned(), source: Box::new(source) }
    }
}

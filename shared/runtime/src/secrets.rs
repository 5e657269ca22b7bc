//! Secrets, from Secrets Manager.

use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

use crate::clients::Clients;

/// Secrets Manager did not give a secret.
#[derive(Debug, thiserror::Error)]
#[error("the secret {arn} cannot be read: allow secretsmanager:GetSecretValue on it to this function's role")]
pub struct SecretUnreadable {
    arn: String,
    #[source]
    source: Box<SdkError<GetSecretValueError>>,
}

impl Clients {
    /// The text of a secret, empty where it has none. Asks each time.
    ///
    /// # Errors
    /// Secrets Manager does not give it.
    pub async fn secret(&self, arn: &str) -> Result<String, SecretUnreadable> {
        let answer = self.secrets().get_secret_value().secret_id(arn).send().await;
        let secret = answer.map_err(|error| SecretUnreadable { arn: arn.to_owned(), source: Box::new(error) })?;
        Ok(secret.secret_string().unwrap_or_default().to_owned())
    }
}

//! Mail to people, with Amazon SES. What the user pool mails by itself, codes for signing up and for a forgotten password,
//! does not come by here.
//!
//! Errors name no address and nothing of what was to be said: Amazon's own messages repeat both.

use aws_sdk_sesv2::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message},
};
use runtime::{clients::Clients, clock, config::Environment};

/// Codes have eight digits.
const CODES: u64 = 100_000_000;

/// Sends mail, from the address that the operator has set up.
#[derive(Clone, Debug)]
pub struct Mail {
    ses: Client,
    from: String,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// SES refuses this mail, and would again.
    #[error("SES refused the mail: {0}")]
    Refused(String),
    /// It may have been sent, or may be later.
    #[error("SES did not take the mail: {0}")]
    Failed(String),
}

impl From<BuildError> for MailError {
    fn from(_: BuildError) -> Self {
        Self::Refused("it is no mail".to_owned())
    }
}

impl Mail {
    /// From `MAIL_FROM`. Nothing where the operator has set up no mail.
    #[must_use]
    pub fn open(environment: &Environment, clients: &Clients) -> Option<Self> {
        let from = environment.optional("MAIL_FROM")?.to_owned();
        Some(Self { ses: clients.ses().clone(), from })
    }

    /// Sends plain text. A repeat sends it once more.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), MailError> {
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder().text(content(text)?).build();
        let message = Message::builder().subject(content(subject)?).body(body).build();
        let request = self
            .ses
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build());
        request.send().await.map(drop).map_err(|error| meaning(&error))
    }
}

/// A code to send: eight digits that nobody can guess. 2^64 is so much more that no code is likelier than another by
/// anything that counts.
#[must_use]
pub fn code() -> String {
    format!("{:08}", u64::from_le_bytes(clock::random()) % CODES)
}

/// What SES says about the mail itself it says again; about the sender or the moment it may not.
fn meaning(error: &SdkError<SendEmailError>) -> MailError {
    let Some(answer) = error.as_service_error() else { return MailError::Failed("no answer".to_owned()) };
    let code = answer.code().unwrap_or("an answer without a code").to_owned();
    match answer {
        SendEmailError::BadRequestException(_) | SendEmailError::MessageRejected(_) => MailError::Refused(code),
        _ => MailError::Failed(code),
    }
}

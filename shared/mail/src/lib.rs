//! Sends the mails of the service with Amazon SES.
//!
//! Each mail has one template per language in `templates/<language>/<mail>.txt`: a line with the subject, an empty line, the
//! plain-text body. An account owner gets the language of the account, a guest without an account English. The templates
//! cannot tell HTML from text: nothing is escaped.
//!
//! The user pool sends two mails itself: the code that confirms a new account, and the code that resets a password. Their
//! texts are set in `template.yaml`, in English only.
//!
//! Errors contain no address and no text of a mail. Amazon's own messages repeat both, so only their codes are kept.

mod message;

use aws_sdk_sesv2::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message as EmailMessage},
};
use runtime::{
    clients::Clients,
    clock,
    config::Environment,
    telemetry::{Metric, metric},
};

pub use domain::accounts::preferences::Language;
pub use message::{Message, Read};
use store::Table;

/// The number of different codes: a code has eight digits.
const CODE_COUNT: u64 = 100_000_000;

/// Sends mails from the address that the operator configured.
#[derive(Clone, Debug)]
pub struct Mail {
    ses: Client,
    from: String,
    /// Has the name of the service.
    table: Table,
}

/// Says why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// SES refuses this mail. A repeat is refused too.
    #[error("SES refused the mail: {0}")]
    Refused(String),
    /// SES did not confirm the mail. It may have been sent. A repeat may succeed.
    #[error("the mail was not sent: {0}")]
    Failed(String),
    /// The template does not fit its message. A repeat fails too.
    #[error("the template cannot be rendered")]
    Template(#[from] minijinja::Error),
}

impl From<BuildError> for MailError {
    fn from(_: BuildError) -> Self {
        Self::Refused("the mail is malformed".to_owned())
    }
}

impl Mail {
    /// Reads the sender from `MAIL_FROM`; `None` if the operator configured none.
    #[must_use]
    pub fn open(environment: &Environment, clients: &Clients, table: &Table) -> Option<Self> {
        let from = environment.optional("MAIL_FROM")?.to_owned();
        Some(Self { ses: clients.ses().clone(), from, table: table.clone() })
    }

    /// Renders a message and sends it as plain text. A repeat sends another mail.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, to: &str, language: Language, message: &Message<'_>) -> Result<(), MailError> {
        let texts = self.table.texts(clock::now()).await;
        let texts = texts.map_err(|_| MailError::Failed("the name of the service cannot be read".to_owned()))?;
        let rendered = message.render(language, &texts.name)?;
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder().text(content(&rendered.body)?).build();
        let message = EmailMessage::builder().subject(content(&rendered.subject)?).body(body).build();
        let request = self
            .ses
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build());
        request.send().await.map(drop).map_err(|error| {
            // A bad request is about this address. What else is not accepted is the operator's to mend.
            if !matches!(error.as_service_error(), Some(SendEmailError::BadRequestException(_))) {
                metric(Metric::UnsentMails, 1, &[]);
            }
            classify(&error)
        })
    }
}

/// Creates a random code of eight digits for a mail. The bias of the remainder is below 2^-37.
#[must_use]
pub fn code() -> String {
    format!("{:08}", u64::from_le_bytes(clock::random()) % CODE_COUNT)
}

/// Tells a refusal of this mail from a failure of the sender or the service, which may pass.
fn classify(error: &SdkError<SendEmailError>) -> MailError {
    let Some(answer) = error.as_service_error() else { return MailError::Failed("no response".to_owned()) };
    let code = answer.code().unwrap_or("a response without a code").to_owned();
    match answer {
        SendEmailError::BadRequestException(_) | SendEmailError::MessageRejected(_) => MailError::Refused(code),
        _ => MailError::Failed(code),
    }
}

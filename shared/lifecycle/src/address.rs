//! Completes confirmed changes of an email address.
//!
//! The user pool changes first, as it decides whether the address is free; then the account and its correction record in
//! one transaction; then all sessions end, and the old address gets a mail. Each step may be repeated. Until the last step
//! the change is stored and due, so that `sweep` completes it after a crash.

use domain::{
    AccountId, CorrectionId,
    accounts::{
        correction::{CorrectedField, CorrectionRecord},
        email_change::{EmailChange, EmailChangeStage},
    },
};
use jiff::Timestamp;
use mail::{Language, Mail, MailError, Message};
use runtime::{
    clients::Clients,
    clock,
    config::{Environment, InvalidVariable},
};
use store::{StoreError, Table, Write};

use crate::{
    ATTEMPTS, LifecycleError,
    user_pool::{EmailMove, UserDirectory, UserPoolError},
};

/// Completes changes of email addresses.
pub struct EmailChanges {
    table: Table,
    user_pool: UserDirectory,
    /// Sends mail, if the operator configured it.
    pub mail: Option<Mail>,
}

/// The error of an incomplete change. The rest of it is due.
#[derive(Debug, thiserror::Error)]
pub enum EmailChangeError {
    /// A call failed, or other writes came first each time.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// A call of the user pool failed.
    #[error(transparent)]
    UserPool(#[from] UserPoolError),
    /// The mail to the old address failed.
    #[error(transparent)]
    Mail(#[from] MailError),
}

impl From<StoreError> for EmailChangeError {
    fn from(error: StoreError) -> Self {
        Self::Lifecycle(error.into())
    }
}

impl EmailChanges {
    /// Opens the user pool of the environment.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn open(environment: &Environment, clients: &Clients, table: Table) -> Result<Self, InvalidVariable> {
        let user_pool = UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?);
        let mail = Mail::open(environment, clients, &table);
        Ok(Self { table, user_pool, mail })
    }

    /// Completes a confirmed change. The caller then [removes](Write::RemoveEmailChange) the returned change, also after
    /// [`EmailMove::Taken`] and [`EmailMove::NoUser`], which changed nothing. A repeat does the remaining steps.
    ///
    /// # Errors
    /// [`EmailChangeError`]: the remaining steps are due.
    pub async fn complete(
        &self,
        mut change: EmailChange,
        now: Timestamp,
    ) -> Result<(EmailMove, EmailChange), EmailChangeError> {
        if change.stage == EmailChangeStage::Confirmed {
            let moved = self.user_pool.move_to(change.account, &change.to).await?;
            if moved != EmailMove::Done {
                return Ok((moved, change));
            }
            match self.write(&change, now).await? {
                Some(written) => change = written,
                None => return Ok((EmailMove::NoUser, change)),
            }
        }
        if let EmailChangeStage::Changed { from } = &change.stage {
            self.user_pool.end_sessions(change.account).await?;
            match &self.mail {
                Some(mail) => {
                    match mail.send(from, self.language(change.account).await?, &Message::EmailChanged {}).await {
                        Err(MailError::Refused(why)) => tracing::warn!(why, "mail to the old address refused"),
                        sent => sent?,
                    }
                }
                None => tracing::warn!("no mail to the old address: MailFrom is not set"),
            }
        }
        Ok((EmailMove::Done, change))
    }

    /// Returns the language of the account's mails.
    async fn language(&self, account: AccountId) -> Result<Language, StoreError> {
        let account = self.table.account(account).await?;
        Ok(account.map_or(Language::English, |account| Language::from_tag(&account.preferences.language)))
    }

    /// Writes the new address to the account. Returns the change after that; `None` if account or change no longer exist.
    async fn write(&self, confirmed: &EmailChange, now: Timestamp) -> Result<Option<EmailChange>, EmailChangeError> {
        let corrected = CorrectionRecord {
            id: CorrectionId(clock::uuid_at(now)),
            account: confirmed.account,
            fields: [CorrectedField::Email].into(),
            at: now,
        };
        for _ in 0..ATTEMPTS {
            let (account, change) = self.table.account_and_email_change(confirmed.account).await?;
            let (Some(account), Some(change)) = (account, change) else { return Ok(None) };
            if change.stage != EmailChangeStage::Confirmed {
                // Another process wrote it.
                return Ok(Some(change));
            }
            let (account, changed) = change.complete(&account);
            let writes = [Write::Account(&account), Write::EmailChange(&changed), Write::Correction(&corrected)];
            if self.table.try_commit(&writes).await? {
                return Ok(Some(changed));
            }
        }
        Err(LifecycleError::Contended.into())
    }
}

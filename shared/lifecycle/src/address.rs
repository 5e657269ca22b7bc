//! The change of the address that signs in, carried out once it is confirmed.
//!
//! The user pool comes first, as it decides whether the address is free, then account and correction in one transaction,
//! then the end of every session and a mail to the old address. Each step may be repeated; as long as one is left the
//! change is there and due, so that `sweep` takes it up if whoever confirmed it dies.

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

/// Carries changes of addresses out.
pub struct EmailChanges {
    table: Table,
    user_pool: UserDirectory,
    /// Sends mail, where the operator has set that up.
    pub mail: Option<Mail>,
}

/// Why a change was not carried out. What is left of it is due.
#[derive(Debug, thiserror::Error)]
pub enum EmailChangeError {
    /// A call failed, or others wrote every time.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// The user pool did not do it.
    #[error(transparent)]
    UserPool(#[from] UserPoolError),
    /// The old address was not told.
    #[error(transparent)]
    Mail(#[from] MailError),
}

impl From<StoreError> for EmailChangeError {
    fn from(error: StoreError) -> Self {
        Self::Lifecycle(error.into())
    }
}

impl EmailChanges {
    /// On the user pool that the environment names.
    ///
    /// # Errors
    /// A variable is missing; it is named.
    pub fn open(environment: &Environment, clients: &Clients, table: Table) -> Result<Self, InvalidVariable> {
        let user_pool = UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?);
        Ok(Self { table, user_pool, mail: Mail::open(environment, clients) })
    }

    /// Carries out a change that is confirmed. What is left is to [remove](Write::RemoveEmailChange) it as it is answered;
    /// of [`Moved::Taken`] and [`Moved::NoUser`] as well, which changed nothing.
    ///
    /// # Errors
    /// [`AddressError`]: what is left is due.
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
                        Err(MailError::Refused(why)) => tracing::warn!(why, "an old address cannot be told"),
                        sent => sent?,
                    }
                }
                None => tracing::warn!("an old address is not told: MailFrom is not set"),
            }
        }
        Ok((EmailMove::Done, change))
    }

    /// Returns the language of the account's mails.
    async fn language(&self, account: AccountId) -> Result<Language, StoreError> {
        let account = self.table.account(account).await?;
        Ok(account.map_or(Language::English, |account| Language::from_tag(&account.preferences.language)))
    }

    /// The account follows the user pool. Answers the change as it is then; nothing if it is gone.
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
                // Somebody else did it.
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

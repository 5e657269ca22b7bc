//! The error of an erasure.

use domain::Refusal;
use lifecycle::{LifecycleError, user_pool::UserPoolError};
use providers::ProviderError;
use runtime::secrets::SecretUnreadable;
use store::{CommitError, StoreError};

/// Says why an erasure stopped. A repeat continues it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ErasureError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    #[error("other writes kept changing the account")]
    Contended,
    #[error(transparent)]
    UserPool(#[from] UserPoolError),
    #[error("a provider did not delete its copy")]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Secret(#[from] SecretUnreadable),
    #[error("the application key cannot be read")]
    Key(#[from] runtime::clients::AppKeyError),
    #[error("the domain refused the write: {0}")]
    Refused(#[from] Refusal),
    #[error("data remained after the erasure: {0}")]
    Left(String),
}

impl From<CommitError> for ErasureError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            _ => Self::Contended,
        }
    }
}

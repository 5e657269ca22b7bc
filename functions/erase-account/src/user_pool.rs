//! The user of an account in the user pool.

use aws_sdk_cognitoidentityprovider::Client;
use domain::AccountId;

use crate::ErasureError;

/// The user pool, which takes the `sub` of a user, our account id, for their name
/// ([`AdminDeleteUser`](https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html)).
pub(crate) struct UserPool {
    cognito: Client,
    id: String,
}

impl UserPool {
    pub(crate) fn new(cognito: Client, id: String) -> Self {
        Self { cognito, id }
    }

    /// Ends every session. No user is as good.
    pub(crate) async fn end_sessions(&self, account: AccountId) -> Result<(), ErasureError> {
        let request = self.cognito.admin_user_global_sign_out().user_pool_id(&self.id).username(account.to_string());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => Ok(()),
            Err(error) => Err(ErasureError::UserPool { operation: "AdminUserGlobalSignOut", source: error.into() }),
        }
    }

    /// Deletes the user. No user is as good.
    pub(crate) async fn delete(&self, account: AccountId) -> Result<(), ErasureError> {
        let request = self.cognito.admin_delete_user().user_pool_id(&self.id).username(account.to_string());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => Ok(()),
            Err(error) => Err(ErasureError::UserPool { operation: "AdminDeleteUser", source: error.into() }),
        }
    }

    /// Whether there is such a user.
    pub(crate) async fn has(&self, account: AccountId) -> Result<bool, ErasureError> {
        let request = self.cognito.admin_get_user().user_pool_id(&self.id).username(account.to_string());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(ErasureError::UserPool { operation: "AdminGetUser", source: error.into() }),
        }
    }
}

//! Changes the users of accounts in the user pool without their access token.

use std::collections::BTreeSet;

use aws_sdk_cognitoidentityprovider::{Client, types::AttributeType};
use domain::{AccountId, staff::role::Role};

/// A user pool. It accepts the `sub` of a user, our account id, as the user name
/// ([`AdminDeleteUser`](https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html)).
pub struct UserDirectory {
    cognito: Client,
    id: String,
}

/// A call of the user pool failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed")]
pub struct UserPoolError {
    operation: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The result of a change of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailMove {
    /// The user signs in with the new address.
    Done,
    /// Another user has the address.
    Taken,
    /// The user does not exist.
    NoUser,
}

impl UserDirectory {
    /// Opens the user pool with this id.
    #[must_use]
    pub fn new(cognito: Client, id: String) -> Self {
        Self { cognito, id }
    }

    /// Sets the confirmed email address of a user. A repeat changes nothing.
    ///
    /// # Errors
    /// The call failed.
    pub async fn move_to(&self, account: AccountId, email: &str) -> Result<EmailMove, UserPoolError> {
        const OPERATION: &str = "AdminUpdateUserAttributes";
        let mut request = self.cognito.admin_update_user_attributes().user_pool_id(&self.id);
        for (name, value) in [("email", email), ("email_verified", "true")] {
            let attribute = AttributeType::builder().name(name).value(value).build();
            let failed = |error| UserPoolError { operation: OPERATION, source: Box::new(error) };
            request = request.user_attributes(attribute.map_err(failed)?);
        }
        match request.username(account.to_string()).send().await {
            Ok(_) => Ok(EmailMove::Done),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_alias_exists_exception()) => {
                Ok(EmailMove::Taken)
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {
                Ok(EmailMove::NoUser)
            }
            Err(error) => Err(UserPoolError { operation: OPERATION, source: error.into() }),
        }
    }

    /// Returns the account of the user with this address
    /// ([`AdminGetUser`](https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminGetUser.html)).
    ///
    /// # Errors
    /// The call failed, or the `sub` of the user is not an account id.
    pub async fn account_of(&self, email: &str) -> Result<Option<AccountId>, UserPoolError> {
        const OPERATION: &str = "AdminGetUser";
        let user = match self.cognito.admin_get_user().user_pool_id(&self.id).username(email).send().await {
            Ok(user) => user,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(UserPoolError { operation: OPERATION, source: error.into() }),
        };
        account_in(user.user_attributes(), OPERATION).map(Some)
    }

    /// Lists the users with a role, each with the address that they sign in with.
    ///
    /// # Errors
    /// A call failed, or the `sub` of a user is not an account id.
    pub async fn members(&self, role: Role) -> Result<Vec<(AccountId, String)>, UserPoolError> {
        const OPERATION: &str = "ListUsersInGroup";
        let request = self.cognito.list_users_in_group().user_pool_id(&self.id).group_name(role.group());
        let mut users = request.into_paginator().items().send();
        let mut members = Vec::new();
        while let Some(user) = users.next().await {
            let user = user.map_err(|error| UserPoolError { operation: OPERATION, source: Box::new(error) })?;
            let email = value_of(user.attributes(), "email").to_owned();
            members.push((account_in(user.attributes(), OPERATION)?, email));
        }
        Ok(members)
    }

    /// Returns the roles of a user; none if the user does not exist.
    ///
    /// # Errors
    /// The call failed.
    pub async fn roles(&self, account: AccountId) -> Result<BTreeSet<Role>, UserPoolError> {
        let request = self.cognito.admin_list_groups_for_user().user_pool_id(&self.id).username(account.to_string());
        match request.send().await {
            Ok(answer) => {
                let names = answer.groups().iter().filter_map(|group| group.group_name());
                Ok(names.filter_map(Role::of_group).collect())
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {
                Ok(BTreeSet::new())
            }
            Err(error) => Err(UserPoolError { operation: "AdminListGroupsForUser", source: error.into() }),
        }
    }

    /// Gives a role to a user. A repeat changes nothing.
    ///
    /// # Errors
    /// The call failed, or the user does not exist.
    pub async fn grant(&self, account: AccountId, role: Role) -> Result<(), UserPoolError> {
        let request = self.cognito.admin_add_user_to_group().user_pool_id(&self.id).group_name(role.group());
        let answer = request.username(account.to_string()).send().await;
        answer.map(drop).map_err(|error| UserPoolError { operation: "AdminAddUserToGroup", source: error.into() })
    }

    /// Takes a role from a user. A repeat changes nothing.
    ///
    /// # Errors
    /// The call failed, or the user does not exist.
    pub async fn revoke(&self, account: AccountId, role: Role) -> Result<(), UserPoolError> {
        let request = self.cognito.admin_remove_user_from_group().user_pool_id(&self.id).group_name(role.group());
        let answer = request.username(account.to_string()).send().await;
        answer.map(drop).map_err(|error| UserPoolError { operation: "AdminRemoveUserFromGroup", source: error.into() })
    }

    /// Ends all sessions of a user. Succeeds if the user does not exist.
    ///
    /// # Errors
    /// The call failed.
    pub async fn end_sessions(&self, account: AccountId) -> Result<(), UserPoolError> {
        let request = self.cognito.admin_user_global_sign_out().user_pool_id(&self.id).username(account.to_string());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => Ok(()),
            Err(error) => Err(UserPoolError { operation: "AdminUserGlobalSignOut", source: error.into() }),
        }
    }

    /// Deletes a user. Succeeds if the user does not exist.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete(&self, account: AccountId) -> Result<(), UserPoolError> {
        let request = self.cognito.admin_delete_user().user_pool_id(&self.id).username(account.to_string());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => Ok(()),
            Err(error) => Err(UserPoolError { operation: "AdminDeleteUser", source: error.into() }),
        }
    }

    /// Returns whether the user exists.
    ///
    /// # Errors
    /// The call failed.
    pub async fn has(&self, account: AccountId) -> Result<bool, UserPoolError> {
        let request = self.cognito.admin_get_user().user_pool_id(&self.id).username(account.to_string());
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(UserPoolError { operation: "AdminGetUser", source: error.into() }),
        }
    }
}

fn value_of<'a>(attributes: &'a [AttributeType], name: &str) -> &'a str {
    let found = attributes.iter().find(|attribute| attribute.name() == name);
    found.and_then(AttributeType::value).unwrap_or_default()
}

/// Returns the account of a user, whose id is the `sub`.
fn account_in(attributes: &[AttributeType], operation: &'static str) -> Result<AccountId, UserPoolError> {
    let id = value_of(attributes, "sub").parse();
    id.map(AccountId).map_err(|error| UserPoolError { operation, source: Box::new(error) })
}

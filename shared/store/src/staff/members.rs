//! Invitations, and who lost the role administrator lately, in the table.

use domain::{
    InvitationId,
    staff::{administrators::LostAdministrators, invitation::Invitation},
};

use crate::{
    error::StoreError,
    item::{Item, encode, expire_at, primary_key, string},
    keys,
    query::all,
    table::Table,
};

pub(crate) fn invitation_item(invitation: &Invitation) -> Result<Item, StoreError> {
    let mut item = encode(invitation, keys::INVITATION_PARTITION.to_owned(), keys::invitation(invitation.id))?;
    expire_at(&mut item, invitation.expires_at());
    Ok(item)
}

pub(crate) fn invitation_key(id: InvitationId) -> Item {
    primary_key(keys::INVITATION_PARTITION.to_owned(), keys::invitation(id))
}

pub(crate) fn lost_administrators_item(lost: &LostAdministrators) -> Result<Item, StoreError> {
    encode(lost, keys::LOST_ADMINISTRATORS.to_owned(), keys::LOST_ADMINISTRATORS)
}

impl Table {
    /// Reads an invitation.
    ///
    /// # Errors
    /// The call failed.
    pub async fn invitation(&self, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        self.read(keys::INVITATION_PARTITION.to_owned(), keys::invitation(id)).await
    }

    /// Lists the invitations, oldest first. They are few, as their number is limited. Some may have expired.
    ///
    /// # Errors
    /// The call failed.
    pub async fn invitations(&self) -> Result<Vec<Invitation>, StoreError> {
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(keys::INVITATION_PARTITION));
        all(query).await
    }

    /// Deletes the invitations of an address. A repeat deletes the rest.
    ///
    /// # Errors
    /// A call failed; some may be deleted.
    pub async fn remove_invitations(&self, email: &str) -> Result<(), StoreError> {
        let invitations = self.invitations().await?.into_iter().filter(|invitation| invitation.email == email);
        self.delete_all(invitations.map(|invitation| invitation_key(invitation.id)).collect()).await
    }

    /// Reads who lost the role administrator lately.
    ///
    /// # Errors
    /// The call failed.
    pub async fn lost_administrators(&self) -> Result<LostAdministrators, StoreError> {
        let found = self.read(keys::LOST_ADMINISTRATORS.to_owned(), keys::LOST_ADMINISTRATORS).await?;
        Ok(found.unwrap_or_default())
    }
}

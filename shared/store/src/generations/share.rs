//! Share links in the table, with the pointers that find them by the hash of their token.

use domain::{
    AccountId, GenerationId, ShareId,
    generations::{generation::Generation, share::Share},
    registry::DataFields,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    item::{Item, decode, encode, expire_at, primary_key},
    keys,
    query::all,
    table::Table,
};

/// Points to a share. Contains ids only.
#[derive(Serialize, Deserialize, DataFields)]
pub(crate) struct SharePointer {
    #[data(plain)]
    account: AccountId,
    #[data(plain)]
    generation: GenerationId,
    #[data(plain)]
    share: ShareId,
}

pub(crate) fn to_item(share: &Share) -> Result<Item, StoreError> {
    let mut item = encode(share, keys::account(share.account), keys::share(share.generation, share.id))?;
    expire_at(&mut item, share.expires_at);
    Ok(item)
}

pub(crate) fn pointer_item(share: &Share) -> Result<Item, StoreError> {
    let pointer = SharePointer { account: share.account, generation: share.generation, share: share.id };
    let mut item = encode(&pointer, keys::share_pointer(&share.token_hash), keys::POINTER)?;
    expire_at(&mut item, share.expires_at);
    Ok(item)
}

impl Table {
    /// Reads the share with this token hash and its generation. Takes two round trips: one for the pointer, one for both
    /// items.
    ///
    /// # Errors
    /// A call failed.
    pub async fn shared(&self, token_hash: &str) -> Result<Option<(Share, Option<Generation>)>, StoreError> {
        let pointer = self.read(keys::share_pointer(token_hash), keys::POINTER).await?;
        let Some(SharePointer { account, generation, share }) = pointer else { return Ok(None) };
        let pk = keys::account(account);
        let share = primary_key(pk.clone(), keys::share(generation, share));
        let (share, generation) = self.both(share, primary_key(pk, keys::generation(generation))).await?;
        let Some(share) = share else { return Ok(None) };
        Ok(Some((decode(share)?, generation.map(decode).transpose()?)))
    }

    /// Lists the shares of a generation, oldest first.
    ///
    /// # Errors
    /// A call failed.
    pub async fn shares(&self, account: AccountId, generation: GenerationId) -> Result<Vec<Share>, StoreError> {
        all(self.query_prefix(account, &keys::shares(generation))).await
    }

    /// Lists every share of an account.
    ///
    /// # Errors
    /// A call failed.
    pub async fn all_shares(&self, account: AccountId) -> Result<Vec<Share>, StoreError> {
        all(self.query_prefix(account, keys::SHARE)).await
    }
}

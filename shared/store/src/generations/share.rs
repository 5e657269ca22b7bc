//! Share links in the table, with the pointers that find them by the hash of their token.

use domain::{
    AccountId, GenerationId, ShareId,
    accounts::account::Account,
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
    output: u32,
    #[data(plain)]
    share: ShareId,
}

pub(crate) fn to_item(share: &Share) -> Result<Item, StoreError> {
    let mut item = encode(share, keys::account(share.account), key(share))?;
    expire_at(&mut item, share.expires_at);
    Ok(item)
}

/// The sort key of a share.
pub(crate) fn key(share: &Share) -> String {
    keys::share(share.generation, share.output, share.id)
}

pub(crate) fn pointer_item(share: &Share) -> Result<Item, StoreError> {
    let Share { account, generation, output, id, .. } = *share;
    let pointer = SharePointer { account, generation, output, share: id };
    let mut item = encode(&pointer, keys::share_pointer(&share.token_hash), keys::POINTER)?;
    expire_at(&mut item, share.expires_at);
    Ok(item)
}

/// What a share link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The share.
    pub share: Share,
    /// The generation with the output.
    pub generation: Generation,
    /// The account.
    pub account: Account,
}

impl Table {
    /// Reads the share with this token hash, its generation and its account. Takes two round trips: one for the pointer,
    /// one for the rest. Returns `None` if one of them does not exist.
    ///
    /// # Errors
    /// A call failed.
    pub async fn shared(&self, token_hash: &str) -> Result<Option<Shared>, StoreError> {
        let pointer = self.read(keys::share_pointer(token_hash), keys::POINTER).await?;
        let Some(SharePointer { account, generation, output, share }) = pointer else { return Ok(None) };
        let sort_keys =
            [keys::share(generation, output, share), keys::generation(generation), keys::ACCOUNT.to_owned()];
        let keys = sort_keys.map(|sk| primary_key(keys::account(account), sk));
        let [Some(share), Some(generation), Some(account)] = self.batch(keys).await? else { return Ok(None) };
        Ok(Some(Shared { share: decode(share)?, generation: decode(generation)?, account: decode(account)? }))
    }

    /// Lists the shares of an output, oldest first.
    ///
    /// # Errors
    /// A call failed.
    pub async fn shares(
        &self,
        account: AccountId,
        generation: GenerationId,
        output: u32,
    ) -> Result<Vec<Share>, StoreError> {
        all(self.query_prefix(account, &keys::shares(generation, output))).await
    }

    /// Lists every share of an account.
    ///
    /// # Errors
    /// A call failed.
    pub async fn all_shares(&self, account: AccountId) -> Result<Vec<Share>, StoreError> {
        all(self.query_prefix(account, keys::SHARE)).await
    }
}

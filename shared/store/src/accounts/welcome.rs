//! What is remembered of addresses, under keyed hashes.

use domain::accounts::welcome::Welcome;

use crate::{
    error::StoreError,
    item::{Item, encode, expire_at},
    keys,
    table::Table,
};

pub(crate) fn to_item(keyed_hash: &str, welcome: &Welcome) -> Result<Item, StoreError> {
    let mut item = encode(welcome, keys::welcome(keyed_hash), keys::WELCOME)?;
    expire_at(&mut item, welcome.expires_at);
    Ok(item)
}

impl Table {
    /// Reads what is remembered of the address with this keyed hash.
    ///
    /// # Errors
    /// The call failed.
    pub async fn welcome(&self, keyed_hash: &str) -> Result<Option<Welcome>, StoreError> {
        self.read(keys::welcome(keyed_hash), keys::WELCOME).await
    }
}

//! Promotions and their redemptions in the table.

use domain::{
    PromotionId,
    accounts::account::Account,
    credits::promotion::{Promotion, RedeemedCode, Redemption},
};
use futures_util::try_join;

use crate::{
    error::StoreError,
    item::{Item, encode, expire_at, primary_key, string},
    keys,
    query::{Page, page},
    table::Table,
};

pub(crate) fn to_item(promotion: &Promotion) -> Result<Item, StoreError> {
    encode(promotion, keys::PROMOTION_PARTITION.to_owned(), keys::promotion(&promotion.code))
}

pub(crate) fn redemption_item(redemption: &Redemption) -> Result<Item, StoreError> {
    encode(redemption, keys::account(redemption.account), keys::redemption(redemption.promotion))
}

pub(crate) fn redeemed_code_item(redeemed: &RedeemedCode) -> Result<Item, StoreError> {
    let mut item = encode(redeemed, keys::redeemed_codes(&redeemed.mailbox), keys::redeemed_code(redeemed.promotion))?;
    expire_at(&mut item, redeemed.expires_at);
    Ok(item)
}

impl Table {
    /// Reads the promotion with this code.
    ///
    /// # Errors
    /// The call failed.
    pub async fn promotion(&self, code: &str) -> Result<Option<Promotion>, StoreError> {
        self.read(keys::PROMOTION_PARTITION.to_owned(), keys::promotion(code)).await
    }

    /// Lists the promotions, by code.
    ///
    /// # Errors
    /// The call failed.
    pub async fn promotions(&self, limit: usize, after: Option<String>) -> Result<Page<Promotion, String>, StoreError> {
        let start = after.map(|code| primary_key(keys::PROMOTION_PARTITION.to_owned(), keys::promotion(&code)));
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(keys::PROMOTION_PARTITION))
            .consistent_read(true);
        page(query.set_exclusive_start_key(start), limit, |promotion: &Promotion| promotion.code.clone()).await
    }

    /// Says whether an account, or another one with its mailbox, redeemed a promotion.
    ///
    /// # Errors
    /// A call failed.
    pub async fn has_redeemed(&self, account: &Account, promotion: PromotionId) -> Result<bool, StoreError> {
        let own = self.read::<Redemption>(keys::account(account.id), keys::redemption(promotion));
        let of_mailbox = async {
            let Some(mailbox) = &account.welcome_key else { return Ok(None) };
            self.read::<RedeemedCode>(keys::redeemed_codes(mailbox), keys::redeemed_code(promotion)).await
        };
        let (own, of_mailbox) = try_join!(own, of_mailbox)?;
        Ok(own.is_some() || of_mailbox.is_some())
    }
}

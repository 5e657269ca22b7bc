//! Promotions and their redemptions in the table.

use domain::{
    AccountId, PromotionId,
    credits::promotion::{Promotion, Redemption},
};

use crate::{
    error::StoreError,
    item::{Item, encode, primary_key, string},
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

    /// Reads what an account redeemed of a promotion.
    ///
    /// # Errors
    /// The call failed.
    pub async fn redemption(
        &self,
        account: AccountId,
        promotion: PromotionId,
    ) -> Result<Option<Redemption>, StoreError> {
        self.read(keys::account(account), keys::redemption(promotion)).await
    }
}

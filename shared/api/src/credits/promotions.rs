//! Describes the API of promotions, whose codes staff publish, and of redeeming a code of a promotion or a gift.

use domain::{
    Credits,
    credits::promotion::{NewPromotion, Promotion},
    staff::role::Role::Administrator,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{
    Parameter::{IdempotencyKey, Page},
    operations,
};

operations! {
    /// Redeems the code of a promotion or a gift: its credits are available at once. Each account redeems the code of a promotion
    /// once; that of a gift is redeemed once, and activates the plan of its package. 400 for a code that cannot be redeemed, also that
    /// of a gift while the account that bought it is frozen. 429 after ten attempts of an account in an hour, or a hundred of a network.
    REDEEM = post("/v1/account/redemptions", "account")
        .takes::<RedemptionRequest>(r#"{"code": "SPRING-2027"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<RedemptionView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Lists the promotions, by code (staff).
    LIST = get("/v1/staff/promotions", "catalogue")
        .staff(&[Administrator])
        .parameters(&[Page]).returns::<PromotionPage>(200).problems(&[400, 403, 404]);

    /// Publishes a promotion, whose code can be redeemed from then on (staff). 409 if there is one with this code.
    PUBLISH = post("/v1/staff/promotions", "catalogue")
        .staff(&[Administrator])
        .takes::<PromotionRequest>(
            r#"{"code": "SPRING-2027", "credits": 50, "limit": 1000, "until": "2099-01-01T00:00:00Z"}"#
        )
        .parameters(&[IdempotencyKey])
        .returns::<PromotionView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Ends a promotion (staff). Credits that it gave stay. A repeat changes nothing.
    END = post("/v1/staff/promotions/end", "catalogue")
        .staff(&[Administrator])
        .takes::<PromotionEnding>(r#"{"code": "SPRING-2027"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<PromotionView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Redeems a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedemptionRequest {
    /// The code, in upper or lower case; that of a gift with or without hyphens.
    #[schema(min_length = 1, max_length = 100)]
    pub code: String,
}

/// Shows what a code gave.
#[derive(Serialize, ToSchema)]
pub struct RedemptionView {
    /// The credits that it gave.
    pub credits: Credits,
    /// The credits that are available now.
    pub available: Credits,
}

/// Publishes a promotion.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionRequest {
    /// The code: 6 to 32 of A to Z, 0 to 9 and hyphens.
    #[schema(min_length = 6, max_length = 32)]
    pub code: String,
    /// The credits that it gives: 1 to 10,000.
    pub credits: Credits,
    /// How many accounts can redeem it.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub limit: u32,
    /// Until when it can be redeemed.
    pub until: Timestamp,
}

impl From<PromotionRequest> for NewPromotion {
    fn from(PromotionRequest { code, credits, limit, until }: PromotionRequest) -> Self {
        Self { code, credits, limit, until }
    }
}

/// Ends a promotion.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionEnding {
    /// The code.
    #[schema(min_length = 1, max_length = 100)]
    pub code: String,
}

/// Shows a promotion.
#[derive(Serialize, ToSchema)]
pub struct PromotionView {
    /// The code.
    pub code: String,
    /// The credits that it gives.
    pub credits: Credits,
    /// How many accounts can redeem it.
    pub limit: u32,
    /// How many did.
    pub redeemed: u32,
    /// Until when it can be redeemed, or when it was ended.
    pub until: Timestamp,
    /// When it was published.
    pub published_at: Timestamp,
    /// The staff member who published it, as in access logs.
    pub staff: String,
}

impl From<Promotion> for PromotionView {
    fn from(promotion: Promotion) -> Self {
        let Promotion { code, credits, limit, redeemed, until, published_at, staff, .. } = promotion;
        Self { code, credits, limit, redeemed, until, published_at, staff }
    }
}

/// Shows a page of the promotions, by code.
#[derive(Serialize, ToSchema)]
pub struct PromotionPage {
    /// The promotions.
    pub items: Vec<PromotionView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

//! Stripe's events, signed as Stripe signs them.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use ring::hmac;
use runtime::clock;
use stack::payments::WEBHOOK_SECRET;

use crate::env::{
    checkouts::Checkout,
    http::ApiResponse,
    table::{Item, account_items, string},
    test_env::{TestEnv, TestUser},
};

/// The event of a completed checkout.
pub const SESSION_COMPLETED: &str = "checkout.session.completed";

/// Returns the signature header that Stripe sends with this body.
pub fn stripe_signature(secret: &str, at_s: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at_s}.{body}").as_bytes());
    let hex = hex::encode(tag);
    format!("t={at_s},v1={hex}")
}

/// Returns the current time in seconds.
pub fn now_s() -> i64 {
    clock::now().as_second()
}

/// Posts a body with this signature header to the Stripe webhook.
pub async fn post_event(env: &'static TestEnv, body: &str, signature: Option<&str>) -> Result<ApiResponse> {
    let mut request = env.visitor()?.request(Method::POST, "/v1/webhooks/stripe");
    request = request.header("content-type", "application/json").body(body.to_owned());
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    ApiResponse::read(request.send().await?).await
}

/// Posts a body with a valid signature.
pub async fn post_signed_event(env: &'static TestEnv, body: &str) -> Result<ApiResponse> {
    post_event(env, body, Some(&stripe_signature(WEBHOOK_SECRET, now_s(), body))).await
}

/// Posts a body that is signed with another secret.
pub async fn post_forged_event(env: &'static TestEnv, body: &str) -> Result<ApiResponse> {
    post_event(env, body, Some(&stripe_signature("whsec_of_another_account", now_s(), body))).await
}

/// Starts a checkout of 200 credits for 500 cents. A new account has 40 credits.
pub async fn begin_stripe(user: &TestUser) -> Result<Checkout<'_>> {
    Checkout::start(user, "stripe", "starter").await
}

/// Returns a time after the first poll of a checkout that starts now.
pub fn after_first_poll() -> Timestamp {
    clock::now() + SignedDuration::from_mins(6)
}

/// Returns the stored item of a payment.
pub async fn payment_item(checkout: &Checkout<'_>) -> Result<Item> {
    let sk = format!("PAYMENT#{}", checkout.id);
    let items = account_items(checkout.user).await?;
    items.into_iter().find(|item| string(item, "sk") == sk).context("the payment is not stored")
}

/// Sweeps at the times of tomorrow whose lists cover today.
pub async fn sweep_lists(env: &TestEnv) -> Result<()> {
    let day_s = 86_400;
    let tomorrow = Timestamp::from_second((now_s().div_euclid(day_s) + 1) * day_s)?;
    // A list covers three hours.
    for minute in 0..10 {
        env.sweep(tomorrow + SignedDuration::from_mins(minute)).await?;
    }
    Ok(())
}

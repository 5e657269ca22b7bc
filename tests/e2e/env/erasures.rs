//! Requesting an erasure, and checking that nothing is left.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use domain::{
    ReceiptId,
    privacy::{deletion::DeletionReason, hold::Hold},
};
use jiff::SignedDuration;
use reqwest::Method;
use runtime::clock;
use serde_json::{Value, json};
use store::Write;

use crate::env::{
    checkouts::Checkout,
    http::{ApiResponse, PATIENCE, text},
    table::{Item, account_items, records, scan, string},
    test_env::{TestEnv, TestUser},
    uploads::declare_upload,
};

/// Data of an account in every place that stores data.
pub struct AccountTraces<'a> {
    pub user: &'a TestUser,
    pub share: String,
    pub transaction: String,
}

impl<'a> AccountTraces<'a> {
    /// Stores an image that is public and shared, an upload, and a payment.
    pub async fn store(user: &'a TestUser) -> Result<Self> {
        let image = text(&user.finished_image("a footprint").await?, "id")?;
        let show = json!({"visibility": "public", "show_prompt": true});
        user.put(&format!("/v1/generations/{image}/outputs/1/visibility"), &show).await?.is(200)?;
        let shares = format!("/v1/generations/{image}/outputs/1/shares");
        let share = text(&user.post(&shares, &json!({"expires_in_s": 3600})).await?.is(201)?.json, "token")?;
        declare_upload(user, "image/png", &[0; 100]).await?;
        let clients = user.env.clients()?;
        let parts = clients.s3().create_multipart_upload().bucket(user.env.output("BucketName")?);
        parts.key(format!("accounts/{}/exports/begun", user.account_id)).send().await?;
        let checkout = Checkout::paid(user, "stripe", "starter").await?;
        let items = account_items(user).await?;
        let payment = items.iter().find(|item| string(item, "sk") == format!("PAYMENT#{}", checkout.id));
        let receipt =
            payment.and_then(|item| item.get("receipt")?.as_m().ok()).context("the payment has no receipt")?;
        Ok(Self { user, share: format!("/v1/shared/{share}"), transaction: string(receipt, "transaction").to_owned() })
    }

    /// Waits for the receipt, and checks that nothing else is left.
    pub async fn check_erased(&self, receipt: &str) -> Result<Value> {
        let receipt = wait_for_erasure(self.user.env, receipt).await?;
        let visitor = self.user.env.visitor()?;
        visitor.get(&self.share).await?.is(404)?;
        check_nothing_left(self.user).await?;
        ensure!(receipt["payments_retained"] == 1, "{receipt}");
        let records = records(self.user.env).await?;
        let pk = format!("PAYMENT#stripe#{}", self.transaction);
        let payment = records.iter().find(|item| string(item, "pk") == pk).context("the payment is not stored")?;
        ensure!(string(payment, "country") == "DE", "{payment:?}");
        ensure!(!format!("{payment:?}").contains(&self.user.account_id), "{payment:?}");
        Ok(receipt)
    }
}

/// Requests the deletion of an account, retries until the response is not a server error, and returns the id of the
/// receipt.
pub async fn request_erasure(user: &TestUser) -> Result<String> {
    let started = Instant::now();
    loop {
        let request = user.request(Method::POST, "/v1/privacy/deletion").header("idempotency-key", "end");
        let request = request.json(&json!({"confirmation": user.email}));
        let response = ApiResponse::read(request.send().await?).await?;
        if !response.status.is_server_error() {
            let response = response.is(202)?;
            let receipt = text(&response.json, "receipt")?;
            let location = format!("/v1/privacy/receipts/{receipt}");
            ensure!(response.header("location") == Some(location.as_str()), "{response:?}");
            return Ok(receipt);
        }
        ensure!(started.elapsed() < PATIENCE, "{response:?}");
    }
}

/// Waits until the receipt states that everything is erased, and returns it.
pub async fn wait_for_erasure(env: &'static TestEnv, receipt: &str) -> Result<Value> {
    let (visitor, started) = (env.visitor()?, Instant::now());
    loop {
        let response = visitor.get(&format!("/v1/privacy/receipts/{receipt}")).await?;
        if response.json["erased_at"].is_string() && account_is_gone(env, &response.json).await? {
            return Ok(response.json);
        }
        ensure!(started.elapsed() < PATIENCE, "not erased: {response:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The account item is deleted right after the receipt is written.
async fn account_is_gone(env: &TestEnv, receipt: &Value) -> Result<bool> {
    let closing = |item: &Item| item.get("deletion").and_then(|closing| closing.as_m().ok()).cloned();
    let items = scan(env).await?;
    let mut receipts = items.iter().filter_map(closing).map(|closing| string(&closing, "receipt").to_owned());
    Ok(!receipts.any(|id| receipt["id"] == id.as_str()))
}

/// Checks that the table, the bucket and the user pool contain nothing of this user.
pub async fn check_nothing_left(user: &TestUser) -> Result<()> {
    let (env, clients) = (user.env, user.env.clients()?);
    for item in scan(env).await? {
        let text = format!("{item:?}");
        let about = [&user.account_id, &user.email].into_iter().find(|canary| text.contains(canary.as_str()));
        ensure!(about.is_none(), "still there: {text}");
    }
    let prefix = format!("accounts/{}/", user.account_id);
    let bucket = env.output("BucketName")?;
    let listed = clients.s3().list_object_versions().bucket(bucket).prefix(&prefix).send().await?;
    ensure!(listed.versions().is_empty() && listed.delete_markers().is_empty(), "files are left: {listed:?}");
    let parts = clients.s3().list_multipart_uploads().bucket(bucket).prefix(&prefix).send().await?;
    ensure!(parts.uploads().is_empty(), "parts of files are left: {parts:?}");
    let cognito_user = clients.cognito().admin_get_user().user_pool_id(env.output("UserPoolId")?).username(&user.email);
    match cognito_user.send().await {
        Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {}
        other => bail!("the user is still there: {other:?}"),
    }
    check_no_access(user).await
}

/// Checks that every route refuses the user's token.
pub async fn check_no_access(user: &TestUser) -> Result<()> {
    for path in ["/v1/account", "/v1/generations", "/v1/checkout", "/v1/account/statement", "/v1/account/activity"] {
        user.get(path).await?.is(401)?;
    }
    user.post("/v1/generations", &json!({"model": "sketch-image", "prompt": "a ghost"})).await?.is(401)?;
    let declared = json!({"content_type": "image/png", "bytes": 100, "sha256": "0".repeat(64)});
    user.post("/v1/uploads", &declared).await?.is(401)?;
    user.patch("/v1/account", &json!({"display_name": "Ghost"})).await?.is(401)?;
    Ok(())
}

/// Marks an account as pending deletion with the given grace period, without a message to the worker.
pub async fn schedule_deletion(user: &TestUser, grace: SignedDuration, holds: Vec<Hold>) -> Result<String> {
    let (table, now) = (user.env.table()?, clock::now());
    let receipt = ReceiptId(clock::uuid_at(now));
    let account = table.account(user.account()?).await?.context("the account does not exist")?;
    let closing = account.request_deletion(receipt, DeletionReason::Requested, grace, now)?;
    table
        .commit(&[Write::Account(&domain::accounts::account::Account {
            holds: holds.into_iter().collect(),
            ..closing
        })])
        .await?;
    Ok(receipt.to_string())
}

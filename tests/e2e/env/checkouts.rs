//! Checkouts, and the control routes of `fake-payments`.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    faults::retry_until_answered,
    http::{ApiResponse, text},
    table::{Item, account_items, scan, string},
    test_env::{TestEnv, TestUser},
};

/// A checkout that a user started.
pub struct Checkout<'a> {
    /// The user who pays.
    pub user: &'a TestUser,
    /// The id of the payment.
    pub id: String,
    /// `stripe` or `paypal`.
    pub provider: &'static str,
    /// The provider's id of the checkout.
    pub hosted: String,
}

impl<'a> Checkout<'a> {
    /// Starts a checkout in euros.
    pub async fn start(user: &'a TestUser, provider: &'static str, package: &str) -> Result<Self> {
        Self::start_in(user, provider, (package, "EUR")).await
    }

    /// Starts a checkout in the given currency.
    pub async fn start_in(
        user: &'a TestUser,
        provider: &'static str,
        (package, currency): (&str, &str),
    ) -> Result<Self> {
        let body = json!({"package": package, "currency": currency, "provider": provider});
        Self::of(user, provider, &user.post("/v1/checkout", &body).await?.is(201)?.json)
    }

    /// Starts a checkout, and repeats the request while the response is a server error.
    pub async fn start_until_answered(user: &'a TestUser, provider: &'static str) -> Result<Self> {
        let body = json!({"package": "starter", "currency": "EUR", "provider": provider});
        let started = retry_until_answered(async || {
            let request = user.request(Method::POST, "/v1/checkout").header("idempotency-key", "again");
            ApiResponse::read(request.json(&body).send().await?).await
        });
        Self::of(user, provider, &started.await?.is(201)?.json)
    }

    /// Reads the checkout from the response that started it.
    pub fn of(user: &'a TestUser, provider: &'static str, started: &Value) -> Result<Self> {
        let url = text(started, "url")?;
        let hosted = url.rsplit('/').next().and_then(|id| id.split(['?', '#']).next()).unwrap_or_default();
        Ok(Self { user, id: text(started, "id")?, provider, hosted: hosted.to_owned() })
    }

    /// Starts a checkout and pays it; its credits are granted.
    pub async fn paid(user: &'a TestUser, provider: &'static str, package: &str) -> Result<Self> {
        let checkout = Self::start(user, provider, package).await?;
        checkout.pay().await?;
        Ok(checkout)
    }

    /// Pays as the buyer and returns to the page.
    pub async fn pay(&self) -> Result<Value> {
        if self.provider == "stripe" {
            self.act("pay", &[]).await?;
            return self.poll().await;
        }
        self.act("approve", &[]).await?;
        Ok(self.capture().await?.is(200)?.json)
    }

    /// Returns the checkout from the API, which asks the provider.
    pub async fn poll(&self) -> Result<Value> {
        Ok(self.user.get(&format!("/v1/checkout/{}", self.id)).await?.is(200)?.json)
    }

    /// Returns the checkout from the listing, which does not ask the provider.
    pub async fn known(&self) -> Result<Value> {
        let listed = self.user.get("/v1/checkout").await?.is(200)?.json;
        let found =
            listed["items"].as_array().and_then(|items| items.iter().find(|item| item["id"] == self.id.as_str()));
        Ok(found.context("the payment is not listed")?.clone())
    }

    /// Checks the stored status, the credits granted and clawed back, and the credits available.
    pub async fn check(&self, status: &str, granted: i64, clawed_back: i64, available: i64) -> Result<()> {
        let known = self.known().await?;
        let as_it_should =
            known["status"] == status && known["granted"] == granted && known["clawed_back"] == clawed_back;
        ensure!(as_it_should, "not {status}, {granted}, {clawed_back}: {known}");
        let credits = self.user.credits().await?;
        ensure!(credits == (available, 0), "not {available}, but {credits:?}: {known}");
        Ok(())
    }

    /// Returns the provider's messages about it, the oldest first.
    pub async fn messages(&self) -> Result<Vec<Value>> {
        let all = read_control(self.user.env, "/control/deliveries").await?;
        let all = all.as_array().context("no deliveries")?;
        Ok(all.iter().filter(|message| message["object_id"] == self.hosted.as_str()).cloned().collect())
    }

    /// Returns the latest message of this kind.
    pub async fn message(&self, kind: &str) -> Result<Value> {
        let messages = self.messages().await?;
        let last = messages.into_iter().rev().find(|message| message["event_type"] == kind);
        last.with_context(|| format!("the provider sent no {kind}"))
    }

    /// Captures the approved PayPal order.
    pub async fn capture(&self) -> Result<ApiResponse> {
        let path = format!("/v1/checkout/{}/capture", self.id);
        ApiResponse::read(self.user.request(Method::POST, &path).send().await?).await
    }

    /// Performs an action at the provider. Returns after the first delivery attempt of its messages.
    pub async fn act(&self, action: &str, fields: &[(&str, &str)]) -> Result<()> {
        let path = format!("/control/{}/{}/{action}", self.provider, self.hosted);
        post_control(self.user.env, &path, fields).await
    }
}

/// Posts a form to a control route of `fake-payments`.
pub async fn post_control(env: &TestEnv, path: &str, fields: &[(&str, &str)]) -> Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut form = url_encoded(fields);
    if form.is_empty() {
        form.push('_');
    }
    let request = client.post(format!("{}{path}", env.fake_payments));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let response = ApiResponse::read(request.send().await?).await?;
    ensure!(response.status == 303, "{path}: {} {}", response.status, String::from_utf8_lossy(&response.bytes));
    Ok(())
}

/// Makes the provider deliver a message, again or early.
pub async fn deliver_message(env: &TestEnv, message: &Value) -> Result<()> {
    post_control(env, &format!("/control/deliveries/{}/deliver", message["id"]), &[]).await
}

/// Makes the provider drop a message that is held back.
pub async fn drop_message(env: &TestEnv, message: &Value) -> Result<()> {
    post_control(env, &format!("/control/deliveries/{}/drop", message["id"]), &[]).await
}

/// Holds the providers' messages back while `act` runs. Only for tests that have the stack to themselves.
pub async fn with_messages_held(env: &TestEnv, act: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    post_control(env, "/control/deliveries/hold", &[]).await?;
    let acted = act().await;
    post_control(env, "/control/deliveries/release", &[]).await?;
    acted
}

/// Deletes all items of an account, the pointers to it, and what names it where its address is remembered, as an erasure does.
pub async fn delete_account_items(user: &TestUser) -> Result<()> {
    let (clients, table) = (user.env.clients()?, user.env.output("TableName")?);
    let mut items = account_items(user).await?;
    let account = AttributeValue::S(user.account_id.clone());
    let points_there =
        |item: &Item| ["POINTER", "WELCOME"].contains(&string(item, "sk")) && item.get("account") == Some(&account);
    items.extend(scan(user.env).await?.into_iter().filter(points_there));
    for item in items {
        let request = clients.dynamodb().delete_item().table_name(table);
        let key = |name: &str| item.get(name).cloned().with_context(|| format!("an item without {name}"));
        request.key("pk", key("pk")?).key("sk", key("sk")?).send().await?;
    }
    Ok(())
}

/// Reads a control route of `fake-payments` as JSON.
pub async fn read_control(env: &TestEnv, path: &str) -> Result<Value> {
    let response = reqwest::get(format!("{}{path}", env.fake_payments)).await?;
    Ok(response.json().await?)
}

fn url_encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

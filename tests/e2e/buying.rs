//! Buys credits as a person does: through Stripe and PayPal, on the pages of `fake-payments`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    afterwards::{scan, string},
    authorization::{Item, kept},
    tests,
    world::{Answer, Person, TestEnv, text},
};

tests![
    p5_p34_p35_a_package_is_bought_with_stripe,
    p6_p35_a_package_is_bought_with_paypal,
    p8_of_a_payment_is_kept_what_it_needs_and_nothing_else,
    p9_p34_p37_packages_are_shown_with_their_prices_and_with_who_takes_the_money,
    b2_a_price_without_cents_is_paid_as_it_is,
    a_capture_with_the_same_key_gives_the_same_answer,
];

/// A checkout that a person began.
pub struct Checkout<'a> {
    /// Who pays.
    pub person: &'a Person,
    /// Our id of the payment.
    pub id: String,
    /// `stripe` or `paypal`.
    pub provider: &'static str,
    /// The provider's id of the checkout.
    pub hosted: String,
}

impl<'a> Checkout<'a> {
    /// Begins to buy a package in euros.
    pub async fn begin(person: &'a Person, provider: &'static str, package: &str) -> Result<Self> {
        Self::begin_in(person, provider, (package, "EUR")).await
    }

    /// Begins to buy a package in another currency.
    pub async fn begin_in(
        person: &'a Person,
        provider: &'static str,
        (package, currency): (&str, &str),
    ) -> Result<Self> {
        let body = json!({"package": package, "currency": currency, "provider": provider});
        Self::of(person, provider, &person.post("/v1/checkout", &body).await?.is(201)?.json)
    }

    /// The one that was begun with this answer.
    pub fn of(person: &'a Person, provider: &'static str, begun: &Value) -> Result<Self> {
        let url = text(begun, "url")?;
        let hosted = url.rsplit('/').next().and_then(|id| id.split(['?', '#']).next()).unwrap_or_default();
        Ok(Self { person, id: text(begun, "id")?, provider, hosted: hosted.to_owned() })
    }

    /// One that is paid, and whose credits are there.
    pub async fn paid(person: &'a Person, provider: &'static str, package: &str) -> Result<Self> {
        let checkout = Self::begin(person, provider, package).await?;
        checkout.pay().await?;
        Ok(checkout)
    }

    /// The buyer pays, and comes back.
    pub async fn pay(&self) -> Result<Value> {
        if self.provider == "stripe" {
            self.act("pay", &[]).await?;
            return self.look().await;
        }
        self.act("approve", &[]).await?;
        Ok(self.capture().await?.is(200)?.json)
    }

    /// What the API says of it.
    pub async fn look(&self) -> Result<Value> {
        Ok(self.person.get(&format!("/v1/checkout/{}", self.id)).await?.is(200)?.json)
    }

    /// What is known of it. The provider is not asked.
    pub async fn known(&self) -> Result<Value> {
        let listed = self.person.get("/v1/checkout").await?.is(200)?.json;
        let found =
            listed["items"].as_array().and_then(|items| items.iter().find(|item| item["id"] == self.id.as_str()));
        Ok(found.context("the payment is not listed")?.clone())
    }

    /// Holds what is known of it, and the credits that there are, against what should be.
    pub async fn check(&self, status: &str, granted: i64, taken_back: i64, available: i64) -> Result<()> {
        let known = self.known().await?;
        let as_it_should =
            known["status"] == status && known["granted"] == granted && known["clawed_back"] == taken_back;
        ensure!(as_it_should, "not {status}, {granted}, {taken_back}: {known}");
        let credits = self.person.credits().await?;
        ensure!(credits == (available, 0), "not {available}, but {credits:?}: {known}");
        Ok(())
    }

    /// The provider's messages about it, the oldest first.
    pub async fn messages(&self) -> Result<Vec<Value>> {
        let all = fake_payments(self.person.world, "/control/deliveries").await?;
        let all = all.as_array().context("no deliveries")?;
        Ok(all.iter().filter(|message| message["object_id"] == self.hosted.as_str()).cloned().collect())
    }

    /// The latest message of this kind.
    pub async fn message(&self, kind: &str) -> Result<Value> {
        let messages = self.messages().await?;
        let last = messages.into_iter().rev().find(|message| message["event_type"] == kind);
        last.with_context(|| format!("the provider sent no {kind}"))
    }

    /// Takes the money that was approved with PayPal.
    pub async fn capture(&self) -> Result<Answer> {
        let path = format!("/v1/checkout/{}/capture", self.id);
        Answer::read(self.person.request(Method::POST, &path).send().await?).await
    }

    /// Something happens to it at the provider. Answers once its messages were attempted.
    pub async fn act(&self, action: &str, fields: &[(&str, &str)]) -> Result<()> {
        let path = format!("/control/{}/{}/{action}", self.provider, self.hosted);
        play(self.person.world, &path, fields).await
    }
}

/// Posts a form to a control route of `fake-payments`.
pub async fn play(world: &TestEnv, path: &str, fields: &[(&str, &str)]) -> Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut form = url_encoded(fields);
    if form.is_empty() {
        form.push('_');
    }
    let request = client.post(format!("{}{path}", world.fake_payments));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = Answer::read(request.send().await?).await?;
    ensure!(answer.status == 303, "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.bytes));
    Ok(())
}

/// Has the provider send a message, again or early.
pub async fn deliver(world: &TestEnv, message: &Value) -> Result<()> {
    play(world, &format!("/control/deliveries/{}/deliver", message["id"]), &[]).await
}

/// Has the provider lose a message that is held back.
pub async fn lose(world: &TestEnv, message: &Value) -> Result<()> {
    play(world, &format!("/control/deliveries/{}/drop", message["id"]), &[]).await
}

/// Holds the providers' messages back until this is done. For tests that have the stack to themselves.
pub async fn held(world: &TestEnv, act: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    play(world, "/control/deliveries/hold", &[]).await?;
    let acted = act().await;
    play(world, "/control/deliveries/release", &[]).await?;
    acted
}

/// Removes all that lies in somebody's drawer, and what points there, as an erasure does.
pub async fn erase(person: &Person) -> Result<()> {
    let (clients, table) = (person.world.clients()?, person.world.output("TableName")?);
    let mut items = kept(person).await?;
    let account = AttributeValue::S(person.account_id.clone());
    let points_there = |item: &Item| string(item, "sk") == "POINTER" && item.get("account") == Some(&account);
    items.extend(scan(person.world).await?.into_iter().filter(points_there));
    for item in items {
        let request = clients.dynamodb().delete_item().table_name(table);
        let key = |name: &str| item.get(name).cloned().with_context(|| format!("an item without {name}"));
        request.key("pk", key("pk")?).key("sk", key("sk")?).send().await?;
    }
    Ok(())
}

/// Reads a control route of `fake-payments` as JSON.
pub async fn fake_payments(world: &TestEnv, path: &str) -> Result<Value> {
    let answer = reqwest::get(format!("{}{path}", world.fake_payments)).await?;
    Ok(answer.json().await?)
}

fn url_encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn p5_p34_p35_a_package_is_bought_with_stripe(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = Checkout::begin(&ada, "stripe", "starter").await?;
    ensure!(checkout.look().await?["status"] == "created");
    ensure!(ada.credits().await? == (40, 0));
    let paid = checkout.pay().await?;
    ensure!(paid["status"] == "paid" && paid["granted"] == 200, "{paid}");
    ensure!(ada.credits().await? == (240, 0));
    ensure!(ada.get("/v1/account").await?.is(200)?.json["plan"] == "plus");
    Ok(())
}

async fn p6_p35_a_package_is_bought_with_paypal(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = Checkout::begin(&ada, "paypal", "starter").await?;
    checkout.capture().await?.is(409)?;
    let paid = checkout.pay().await?;
    ensure!(paid["status"] == "paid" && paid["granted"] == 200, "{paid}");
    ensure!(ada.credits().await? == (240, 0));
    let listed = ada.get("/v1/checkout").await?.is(200)?.json;
    let only = listed["items"].as_array().and_then(|items| items.first()).context("no payment is listed")?;
    ensure!(only["id"] == paid["id"], "{listed}");
    Ok(())
}

async fn p8_of_a_payment_is_kept_what_it_needs_and_nothing_else(world: &'static TestEnv) -> Result<()> {
    for (provider, action) in [("stripe", "pay"), ("paypal", "approve")] {
        let ada = world.person().await?;
        let checkout = Checkout::begin(&ada, provider, "starter").await?;
        let email = "billing@buyer.example";
        checkout.act(action, &[("email", email), ("name", "Josefine Mustermann")]).await?;
        if provider == "paypal" {
            checkout.capture().await?.is(200)?;
        }
        ensure!(checkout.look().await?["billing_email"] == email);
        checkout.messages().await?;
        let items = kept(&ada).await?;
        let payment = items.iter().find(|item| string(item, "sk").starts_with("PAYMENT#")).context("no payment")?;
        let names: Vec<_> = names(payment).into_iter().collect();
        let expected = [
            "account",
            "checkout",
            "clawed_back",
            "created_at",
            "credits",
            "disputes",
            "granted",
            "id",
            "package",
            "pk",
            "plan",
            "price.amount",
            "price.currency",
            "progress",
            "provider",
            "receipt.at",
            "receipt.billing_email",
            "receipt.country",
            "receipt.net.amount",
            "receipt.net.currency",
            "receipt.provider",
            "receipt.total.amount",
            "receipt.total.currency",
            "receipt.transaction",
            "refunds",
            "restorations",
            "reversals",
            "sk",
            "version",
            "warnings",
        ];
        ensure!(names == expected, "{names:#?}");
        // Not in another place either: neither a name nor an instrument.
        let mut table = scan(world).await?;
        // An answer to an `Idempotency-Key` has a fingerprint of the request.
        table.retain(|item| !string(item, "sk").starts_with("IDEMPOTENCY#"));
        let table = format!("{table:?}");
        for other in ["Mustermann", "Josefine", "fingerprint"] {
            ensure!(!table.contains(other), "{other} is kept");
        }
    }
    Ok(())
}

/// The names of the attributes, those within others behind a dot.
fn names(item: &Item) -> BTreeSet<String> {
    let within = |name: &String, value: &AttributeValue| match value {
        AttributeValue::M(fields) if !fields.is_empty() => {
            names(fields).into_iter().map(|inner| format!("{name}.{inner}")).collect()
        }
        _ => vec![name.clone()],
    };
    item.iter().flat_map(|(name, value)| within(name, value)).collect()
}

async fn p9_p34_p37_packages_are_shown_with_their_prices_and_with_who_takes_the_money(
    world: &'static TestEnv,
) -> Result<()> {
    let shown = world.stranger()?.get("/v1/packages").await?.is(200)?.json;
    let packages = shown["packages"].as_array().context("no packages")?;
    ensure!(packages.len() == domain::catalogue::packages::PACKAGES.len());
    for package in packages {
        ensure!(package["prices"].as_array().is_some_and(|prices| prices.len() == 4), "{package}");
        let fields: Vec<_> = package.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
        ensure!(fields == ["credits", "id", "plan", "prices", "title"], "one payment, and that is all: {package}");
    }
    for (index, (id, host)) in
        [("stripe", "https://stripe.com/"), ("paypal", "https://www.paypal.com/")].iter().enumerate()
    {
        let provider = &shown["providers"][index];
        ensure!(provider["id"] == *id && text(provider, "privacy_policy")?.starts_with(host), "{provider}");
    }
    Ok(())
}

async fn b2_a_price_without_cents_is_paid_as_it_is(world: &'static TestEnv) -> Result<()> {
    for provider in ["stripe", "paypal"] {
        let ada = world.person().await?;
        let checkout = Checkout::begin_in(&ada, provider, ("starter", "JPY")).await?;
        let paid = checkout.pay().await?;
        let yen = json!({"amount": 750, "currency": "JPY"});
        ensure!(paid["status"] == "paid" && paid["price"] == yen && paid["total"] == yen, "{paid}");
        checkout.act("refund", &[("amount", "75")]).await?;
        let ends = |listed: &Value| listed["items"][0]["status"] == "partly_refunded";
        ada.eventually("/v1/checkout", ends).await?;
        checkout.check("partly_refunded", 200, 20, 220).await?;
        ensure!(checkout.known().await?["refunds"][0]["amount"] == json!({"amount": 75, "currency": "JPY"}));
    }
    Ok(())
}

async fn a_capture_with_the_same_key_gives_the_same_answer(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let (checkout, other) =
        (Checkout::begin(&ada, "paypal", "starter").await?, Checkout::begin(&ada, "paypal", "starter").await?);
    let capture = async |checkout: &Checkout<'_>, key: &str| -> Result<Answer> {
        let path = format!("/v1/checkout/{}/capture", checkout.id);
        Answer::read(ada.request(Method::POST, &path).header("idempotency-key", key).send().await?).await
    };
    // What came to nothing is no answer.
    capture(&checkout, "once").await?.is(409)?;
    checkout.act("approve", &[]).await?;
    let first = capture(&checkout, "once").await?.is(200)?;
    ensure!(first.json["status"] == "paid" && first.header("idempotent-replayed").is_none(), "{first:?}");
    checkout.act("refund", &[]).await?;
    ada.eventually("/v1/checkout", |listed| listed["items"][1]["status"] == "refunded").await?;
    let again = capture(&checkout, "once").await?.is(200)?;
    ensure!(again.json == first.json && again.header("idempotent-replayed") == Some("true"), "{again:?}");
    ensure!(capture(&checkout, "anew").await?.is(200)?.json["status"] == "refunded");
    let reused = capture(&other, "once").await?.is(422)?;
    ensure!(reused.json["type"] == "urn:darkroom:problem:idempotency-key-reused", "{}", reused.json);
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

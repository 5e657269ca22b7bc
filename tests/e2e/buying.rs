//! Buying credits, as a person does it: through Stripe and PayPal, on the pages of a stand-in.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    tests,
    world::{Answer, Person, World, text},
};

tests![p5_p34_p35_a_package_is_bought_with_stripe, p6_p35_a_package_is_bought_with_paypal];

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
        let body = json!({"package": package, "currency": "EUR", "provider": provider});
        let begun = person.post("/v1/checkout", &body).await?.is(201)?.json;
        let url = text(&begun, "url")?;
        let hosted = url.rsplit('/').next().and_then(|id| id.split(['?', '#']).next()).unwrap_or_default();
        Ok(Self { person, id: text(&begun, "id")?, provider, hosted: hosted.to_owned() })
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

    /// Takes the money that was approved with PayPal.
    pub async fn capture(&self) -> Result<Answer> {
        let path = format!("/v1/checkout/{}/capture", self.id);
        Answer::read(self.person.request(Method::POST, &path).send().await?).await
    }

    /// Something happens to it at the provider. Answers once its messages were attempted.
    pub async fn act(&self, action: &str, fields: &[(&str, &str)]) -> Result<()> {
        let path = format!("/standin/{}/{}/{action}", self.provider, self.hosted);
        play(self.person.world, &path, fields).await
    }
}

/// Does what a button of the stand-in does.
pub async fn play(world: &World, path: &str, fields: &[(&str, &str)]) -> Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut form = url_encoded(fields);
    if form.is_empty() {
        form.push('_');
    }
    let request = client.post(format!("{}{path}", world.standin));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = Answer::read(request.send().await?).await?;
    ensure!(answer.status == 303, "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.bytes));
    Ok(())
}

/// What the stand-in knows, as JSON.
pub async fn standin(world: &World, path: &str) -> Result<Value> {
    let answer = reqwest::get(format!("{}{path}", world.standin)).await?;
    Ok(answer.json().await?)
}

fn url_encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn p5_p34_p35_a_package_is_bought_with_stripe(world: &'static World) -> Result<()> {
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

async fn p6_p35_a_package_is_bought_with_paypal(world: &'static World) -> Result<()> {
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

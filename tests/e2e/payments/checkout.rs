//! Buying credits with Stripe and PayPal, on the pages of `fake-payments`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    checkouts::Checkout,
    http::{ApiResponse, text},
    table::{Item, account_items, scan, string},
    test_env::TestEnv,
    trial::tests,
};

tests![
    p5_p34_p35_stripe_payment_grants_the_credits,
    p6_p35_paypal_payment_grants_the_credits,
    p8_payment_record_stores_only_declared_fields,
    p9_p34_p37_packages_list_prices_and_payment_providers,
    b2_zero_decimal_currency_is_charged_and_refunded_exactly,
    capture_with_the_same_key_repeats_the_response,
];

async fn p5_p34_p35_stripe_payment_grants_the_credits(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::start(&ada, "stripe", "starter").await?;
    ensure!(checkout.poll().await?["status"] == "created");
    ensure!(ada.credits().await? == (40, 0));
    let paid = checkout.pay().await?;
    ensure!(paid["status"] == "paid" && paid["granted"] == 200, "{paid}");
    ensure!(ada.credits().await? == (240, 0));
    ensure!(ada.get("/v1/account").await?.is(200)?.json["plan"] == "plus");
    Ok(())
}

async fn p6_p35_paypal_payment_grants_the_credits(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::start(&ada, "paypal", "starter").await?;
    checkout.capture().await?.is(409)?;
    let paid = checkout.pay().await?;
    ensure!(paid["status"] == "paid" && paid["granted"] == 200, "{paid}");
    ensure!(ada.credits().await? == (240, 0));
    let listed = ada.get("/v1/checkout").await?.is(200)?.json;
    let only = listed["items"].as_array().and_then(|items| items.first()).context("no payment is listed")?;
    ensure!(only["id"] == paid["id"], "{listed}");
    Ok(())
}

async fn p8_payment_record_stores_only_declared_fields(env: &'static TestEnv) -> Result<()> {
    for (provider, action) in [("stripe", "pay"), ("paypal", "approve")] {
        let ada = env.user().await?;
        let checkout = Checkout::start(&ada, provider, "starter").await?;
        let email = "billing@buyer.example";
        checkout.act(action, &[("email", email), ("name", "Josefine Mustermann")]).await?;
        if provider == "paypal" {
            checkout.capture().await?.is(200)?;
        }
        ensure!(checkout.poll().await?["billing_email"] == email);
        checkout.messages().await?;
        let items = account_items(&ada).await?;
        let payment = items.iter().find(|item| string(item, "sk").starts_with("PAYMENT#")).context("no payment")?;
        let mut names = names(payment);
        if provider == "paypal" {
            // PayPal is asked every day what became of it.
            for due in ["due_at", "due_partition", "poll_at"] {
                ensure!(names.remove(due), "{due} is not stored");
            }
        }
        let names: Vec<_> = names.into_iter().collect();
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
        // No other item has the name or the payment instrument.
        let mut table = scan(env).await?;
        // An idempotency record has a fingerprint of the request, and images and videos have fingerprints of their own.
        let have_their_own = ["IDEMPOTENCY#", "GENERATION#", "UPLOAD#"];
        table.retain(|item| !have_their_own.iter().any(|prefix| string(item, "sk").starts_with(prefix)));
        let table = format!("{table:?}");
        for other in ["Mustermann", "Josefine", "fingerprint"] {
            ensure!(!table.contains(other), "{other} is stored");
        }
    }
    Ok(())
}

/// Returns the paths of the attributes.
fn names(item: &Item) -> BTreeSet<String> {
    let within = |name: &String, value: &AttributeValue| match value {
        AttributeValue::M(fields) if !fields.is_empty() => {
            names(fields).into_iter().map(|inner| format!("{name}.{inner}")).collect()
        }
        _ => vec![name.clone()],
    };
    item.iter().flat_map(|(name, value)| within(name, value)).collect()
}

async fn p9_p34_p37_packages_list_prices_and_payment_providers(env: &'static TestEnv) -> Result<()> {
    let shown = env.visitor()?.get("/v1/packages").await?.is(200)?.json;
    let packages = shown["packages"].as_array().context("no packages")?;
    ensure!(packages.len() == domain::catalogue::compiled().packages.len());
    for package in packages {
        ensure!(package["prices"].as_array().is_some_and(|prices| prices.len() == 4), "{package}");
        let fields: BTreeSet<_> = package.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        ensure!(
            fields == BTreeSet::from(["credits", "id", "plan", "prices", "title"]),
            "a package must have only these fields: {package}"
        );
    }
    for (index, (id, host)) in
        [("stripe", "https://stripe.com/"), ("paypal", "https://www.paypal.com/")].iter().enumerate()
    {
        let provider = &shown["providers"][index];
        ensure!(provider["id"] == *id && text(provider, "privacy_policy")?.starts_with(host), "{provider}");
    }
    Ok(())
}

async fn b2_zero_decimal_currency_is_charged_and_refunded_exactly(env: &'static TestEnv) -> Result<()> {
    for provider in ["stripe", "paypal"] {
        let ada = env.user().await?;
        let checkout = Checkout::start_in(&ada, provider, ("starter", "JPY")).await?;
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

async fn capture_with_the_same_key_repeats_the_response(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let (checkout, other) =
        (Checkout::start(&ada, "paypal", "starter").await?, Checkout::start(&ada, "paypal", "starter").await?);
    let capture = async |checkout: &Checkout<'_>, key: &str| -> Result<ApiResponse> {
        let path = format!("/v1/checkout/{}/capture", checkout.id);
        ApiResponse::read(ada.request(Method::POST, &path).header("idempotency-key", key).send().await?).await
    };
    // A refusal is not stored under the key.
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

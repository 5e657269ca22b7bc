//! Outbound traffic: recorders keep every request to a provider or a payment service, and a monitor keeps every
//! connection of every function.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::json;

use crate::env::{
    checkouts::Checkout,
    http::{ApiResponse, text},
    recorder::locked,
    test_env::{TestEnv, TestUser},
    trial::{TestEnvs, tests, trial},
    uploads::{hex_sha256, photo, put_file, wait_for_inspection},
};

tests![p24_providers_receive_only_what_the_request_needs,];

/// Returns the check of the functions' connections on a stack.
pub fn check(envs: Option<&'static TestEnvs>) -> Trial {
    let name = "outbound::p25_functions_connect_only_to_aws_and_configured_hosts".to_owned();
    trial(envs, name, |env| Box::pin(async { only_configured_hosts(env) }))
        .with_ignored_flag(!Path::new("/proc/net/tcp").exists())
}

fn only_configured_hosts(env: &TestEnv) -> Result<()> {
    let aws: SocketAddr = env.endpoint.trim_start_matches("http://").replace("localhost", "127.0.0.1").parse()?;
    let configured: BTreeMap<_, _> =
        env.recorders.each().iter().map(|(name, recorder)| (recorder.address, *name)).chain([(aws, "AWS")]).collect();
    let seen = locked(&env.watch.seen).clone();
    ensure!(seen.contains_key(&aws), "no connection to AWS was seen");
    let unknown: Vec<_> = seen.iter().filter(|(remote, _)| !configured.contains_key(remote)).collect();
    ensure!(unknown.is_empty(), "functions connected to hosts that are not configured: {unknown:?}");
    Ok(())
}

async fn p24_providers_receive_only_what_the_request_needs(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let seed = text(&json!({"id": ada.account_id}), "id")?.replace('-', "");
    let word = |what: &str| format!("{what}-{seed}");
    ada.patch("/v1/account", &json!({"display_name": word("name")})).await?.is(200)?;
    let photo = photo("image/jpeg")?;
    let body = json!({
        "content_type": "image/jpeg", "bytes": photo.len(), "sha256": hex_sha256(&photo),
        "file_name": word("file"),
    });
    let declared = ada.post("/v1/uploads", &body).await?.is(201)?.json;
    put_file(&declared, &photo, |_, _| {}).await?.is(200)?;
    let upload = text(&wait_for_inspection(&ada, &declared).await?, "id")?;
    let mut generations = Vec::new();
    for body in [
        json!({"model": "gpt-image", "prompt": word("edited"), "quality": "low", "input_upload": upload}),
        json!({"model": "stable-image-core", "prompt": word("painted"), "negative_prompt": word("unwanted")}),
        json!({"model": "flux-schnell", "prompt": word("queued")}),
    ] {
        generations.push(made(&ada, &body, &word("client")).await?);
    }
    let mut payments = Vec::new();
    for provider in ["stripe", "paypal"] {
        let checkout = Checkout::start(&ada, provider, "starter").await?;
        checkout.pay().await?;
        payments.push(checkout.id);
    }

    let received = |words: &str| env.recorders.received(words);
    for prompt in ["edited", "painted", "unwanted", "queued"] {
        ensure!(received(&word(prompt)) == ["providers"], "the {prompt} prompt went to {:?}", received(&word(prompt)));
    }
    // The payment page of Stripe gets the address filled in; PayPal asks for it itself.
    ensure!(received(&ada.email) == ["stripe"], "the address went to {:?}", received(&ada.email));
    let [with_stripe, with_paypal] = payments.as_slice() else { anyhow::bail!("not two payments") };
    ensure!(
        received(with_stripe) == ["stripe"] && received(with_paypal) == ["paypal"],
        "a payment id went to another host"
    );
    let mut unknown = vec![ada.account_id.clone(), upload, "203.0.113.77".to_owned(), "x-forwarded-for".to_owned()];
    unknown.extend(["name", "file", "client"].map(word));
    unknown.extend(generations);
    unknown.extend(ada.token.clone());
    for words in &unknown {
        ensure!(received(words).is_empty(), "{words} was sent to {:?}", received(words));
    }
    Ok(())
}

/// Generates an image with headers that describe the client, and returns its id.
async fn made(user: &TestUser, body: &serde_json::Value, client: &str) -> Result<String> {
    let request = user.request(Method::POST, "/v1/generations").json(body);
    let request = request.header("user-agent", client).header("x-forwarded-for", "203.0.113.77");
    let id = text(&ApiResponse::read(request.send().await?).await?.is(202)?.json, "id")?;
    let generation = user.ended(&id).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    generation["outputs"].as_array().filter(|media| !media.is_empty()).context("the generation has no media")?;
    Ok(id)
}

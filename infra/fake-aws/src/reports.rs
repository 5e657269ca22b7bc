//! Signs the reports of AI providers that a job has ended, as the providers do.

use anyhow::{Result, anyhow};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use ring::{
    digest::{SHA256, digest},
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

/// The key that Replicate signs with.
const REPLICATE_KEY: [u8; 24] = [7; 24];
/// The private key of fal.
const FAL_KEY: [u8; 32] = [9; 32];
/// Signatures of events that are to stay as they are.
const FORGED: [&str; 2] = ["v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", FORGED_BY_FAL];
const FORGED_BY_FAL: &str = concat!(
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000"
);

/// Returns the content of the secret with the keys of the AI providers.
#[must_use]
pub fn keys() -> Value {
    json!({ "openai": "key", "replicate_webhook_secret": replicate_secret() })
}

/// Returns the signing secret of Replicate.
#[must_use]
pub fn replicate_secret() -> String {
    format!("whsec_{}", STANDARD.encode(REPLICATE_KEY))
}

/// Returns the headers with which [Replicate](https://replicate.com/docs/topics/webhooks/verify-webhook) sends a report.
#[must_use]
pub fn replicate_headers(id: &str, body: &str, now: Timestamp) -> [(&'static str, String); 3] {
    let at = now.as_second().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &REPLICATE_KEY);
    let tag = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag));
    [("webhook-id", id.to_owned()), ("webhook-timestamp", at), ("webhook-signature", signature)]
}

fn fal_pair() -> Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(&FAL_KEY).map_err(|error| anyhow!("no key of fal: {error}"))
}

/// Returns the public keys of fal, as its host serves them.
///
/// # Errors
/// There is none.
pub fn fal_keys() -> Result<Value> {
    let key = URL_SAFE_NO_PAD.encode(fal_pair()?.public_key());
    Ok(json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "1", "x": key }] }))
}

/// Returns the headers with which [fal](https://fal.ai/docs/model-apis/webhooks) sends a report about this request.
///
/// # Errors
/// There is none.
pub fn fal_headers(request: &str, body: &str, now: Timestamp) -> Result<[(&'static str, String); 4]> {
    let (user, at) = ("github|1234567", now.as_second().to_string());
    let hash = hex::encode(digest(&SHA256, body.as_bytes()));
    let signed = format!("{request}\n{user}\n{at}\n{hash}");
    let signature = fal_pair()?.sign(signed.as_bytes());
    Ok([
        ("x-fal-webhook-request-id", request.to_owned()),
        ("x-fal-webhook-user-id", user.to_owned()),
        ("x-fal-webhook-timestamp", at),
        ("x-fal-webhook-signature", hex::encode(signature)),
    ])
}

/// Returns the event with a new signature if it is a signed report, where a signature is valid for five minutes.
///
/// # Errors
/// There is none.
pub(crate) fn signed(mut event: Value, now: Timestamp) -> Result<Value> {
    let body = event.pointer("/body").and_then(Value::as_str).unwrap_or_default().to_owned();
    let signed = |id: &str, signature: &str| {
        let header = |name: &str| event.pointer(&format!("/headers/{name}")).and_then(Value::as_str).map(str::to_owned);
        let (id, signature) = header(id).zip(header(signature))?;
        (!FORGED.contains(&signature.as_str())).then_some(id)
    };
    let headers = if let Some(id) = signed("webhook-id", "webhook-signature") {
        replicate_headers(&id, &body, now).to_vec()
    } else if let Some(id) = signed("x-fal-webhook-request-id", "x-fal-webhook-signature") {
        fal_headers(&id, &body, now)?.to_vec()
    } else {
        Vec::new()
    };
    if let Some(Value::Object(sent)) = event.pointer_mut("/headers") {
        sent.extend(headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    }
    Ok(event)
}

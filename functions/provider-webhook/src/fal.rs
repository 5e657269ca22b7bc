//! The signature of a report of fal: <https://fal.ai/docs/model-apis/webhooks>.

use std::{
    sync::{Once, OnceLock},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hex::FromHex;
use http::HeaderMap;
use jiff::Timestamp;
use reqwest::{Client, redirect};
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, ED25519_PUBLIC_KEY_LEN, UnparsedPublicKey},
};
use runtime::{Error, config::Environment};
use serde::Deserialize;

use crate::verifier::{Refused, check_time};

/// How long keys may be used before they are fetched again, in seconds: fal allows a day.
pub(crate) const KNOWN_S: i64 = 24 * 60 * 60;

/// The host of the keys.
const HOST: &str = "https://rest.fal.ai";
const PATH: &str = "/.well-known/jwks.json";
/// fal waits for 15 seconds.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest accepted set of keys, in bytes.
const KEYS_BYTES: usize = 64 * 1024;
const SIGNATURE_BYTES: usize = 64;

/// Holds the public keys of fal.
pub(crate) struct Keys(Vec<[u8; ED25519_PUBLIC_KEY_LEN]>);

/// Fetches the keys from one host, and follows no redirect.
pub(crate) struct KeySource {
    url: String,
    client: OnceLock<Client>,
}

/// A JSON Web Key Set ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)) with keys of
/// [Ed25519](https://www.rfc-editor.org/rfc/rfc8037#section-2).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    crv: Option<String>,
    x: Option<String>,
}

#[derive(Deserialize)]
struct Endpoints {
    fal: Option<String>,
}

impl KeySource {
    /// Takes the host from the environment: fal's, or that of a stub server.
    ///
    /// # Errors
    /// `PROVIDER_ENDPOINTS` is no JSON object, or is set in `prod`.
    pub(crate) fn new(environment: &Environment) -> Result<Self, Error> {
        let stub = match environment.optional("PROVIDER_ENDPOINTS") {
            None => None,
            Some(_) if environment.required("STAGE")? == "prod" => {
                return Err("PROVIDER_ENDPOINTS is for stub servers: leave it empty where STAGE is prod".into());
            }
            Some(json) => serde_json::from_str::<Endpoints>(json)?.fal,
        };
        let url = format!("{}{PATH}", stub.as_deref().unwrap_or(HOST));
        Ok(Self { url, client: OnceLock::new() })
    }

    /// Fetches the keys. The first call builds the HTTP client.
    ///
    /// # Errors
    /// The host does not respond with a set of keys.
    pub(crate) async fn fetch(&self) -> Result<Keys, Error> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let built = client()?;
                self.client.get_or_init(|| built)
            }
        };
        let mut response = client.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > KEYS_BYTES {
                return Err("the set of fal's keys is too large".into());
            }
            body.extend_from_slice(&chunk);
        }
        Keys::parse(&body)
    }
}

fn client() -> Result<Client, Error> {
    static TLS: Once = Once::new();
    // Another crate of the same process may have installed a provider already, which then serves here too.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    Ok(Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(TIMEOUT).build()?)
}

impl Keys {
    fn parse(json: &[u8]) -> Result<Self, Error> {
        let set: KeySet = serde_json::from_slice(json)?;
        let keys = set.keys.into_iter().filter(|key| key.crv.as_deref() == Some("Ed25519"));
        let keys = keys.filter_map(|key| BASE64_URL_SAFE_NO_PAD.decode(key.x?).ok()?.try_into().ok());
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() { Err("fal has no key of Ed25519".into()) } else { Ok(Self(keys)) }
    }
}

/// Checks that fal signed exactly this body, just now, with one of these keys.
pub(crate) fn check(headers: &HeaderMap, body: &[u8], keys: &Keys, now: Timestamp) -> Result<(), Refused> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Refused::Unsigned);
    let (request, user) = (header("x-fal-webhook-request-id")?, header("x-fal-webhook-user-id")?);
    let (at, signature) = (header("x-fal-webhook-timestamp")?, header("x-fal-webhook-signature")?);
    let signature = <[u8; SIGNATURE_BYTES]>::from_hex(signature).map_err(|_| Refused::Unsigned)?;
    let hash = hex::encode(digest(&SHA256, body));
    let signed = [request, user, at, &hash].join("\n");
    let is_signed_with = |key: &[u8; ED25519_PUBLIC_KEY_LEN]| {
        UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).is_ok()
    };
    if !keys.0.iter().any(is_signed_with) {
        return Err(Refused::Forged);
    }
    check_time(at, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] =
        br#"{"request_id":"80e732af-660e","gateway_request_id":"80e732af-660e","status":"OK","payload":{"images":[]}}"#;
    /// The public key of `Ed25519PrivateKey.from_private_bytes(bytes(range(32)))` of the Python package cryptography, and what that
    /// key signs: `"\n".join(["80e732af-660e", "user-7", "1800000000", sha256(BODY).hexdigest()])`.
    const PUBLIC_KEY: &str = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
    const SIGNATURE: &str = "8c38f792b7f6ea312f7838a5fb23d97ef8595b2438d7a2f6d58ac1e2ac21d54e\
                             0f333dc2cb57a74100378963790d5bb872dad4cf3dbe2234051372b32e4b2e01";
    const SIGNED_AT: i64 = 1_800_000_000;

    fn keys() -> Keys {
        let other = BASE64_URL_SAFE_NO_PAD.encode([1; 32]);
        let set = serde_json::json!({ "keys": [
            { "kty": "RSA", "n": "AQAB", "e": "AQAB" },
            { "kty": "OKP", "crv": "Ed25519", "x": other },
            { "kty": "OKP", "crv": "Ed25519", "x": PUBLIC_KEY, "kid": "2" },
        ]});
        Keys::parse(set.to_string().as_bytes()).unwrap()
    }

    fn headers(changes: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let signed = [
            ("x-fal-webhook-request-id", "80e732af-660e"),
            ("x-fal-webhook-user-id", "user-7"),
            ("x-fal-webhook-timestamp", "1800000000"),
            ("x-fal-webhook-signature", SIGNATURE),
        ];
        for (name, value) in signed.iter().chain(changes) {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    fn check_at(headers: &HeaderMap, body: &[u8], second: i64) -> Result<(), Refused> {
        check(headers, body, &keys(), Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn signature_of_one_of_the_keys_is_valid_for_five_minutes_around_its_time() {
        for offset in [0, 300, -300] {
            assert_eq!(check_at(&headers(&[]), BODY, SIGNED_AT + offset), Ok(()), "{offset}");
        }
        for offset in [301, -301] {
            assert_eq!(check_at(&headers(&[]), BODY, SIGNED_AT + offset), Err(Refused::Stale), "{offset}");
        }
    }

    #[test]
    fn what_fal_did_not_sign_is_refused() {
        let changed = SIGNATURE.replacen('8', "9", 1);
        for change in [
            ("x-fal-webhook-request-id", "80e732af-660f"),
            ("x-fal-webhook-user-id", "user-8"),
            ("x-fal-webhook-timestamp", "1800000001"),
            ("x-fal-webhook-signature", changed.as_str()),
        ] {
            assert_eq!(check_at(&headers(&[change]), BODY, SIGNED_AT), Err(Refused::Forged), "{change:?}");
        }
        assert_eq!(check_at(&headers(&[]), b"{}", SIGNED_AT), Err(Refused::Forged));
        for unsigned in ["", "00", &"g".repeat(128)] {
            let headers = headers(&[("x-fal-webhook-signature", unsigned)]);
            assert_eq!(check_at(&headers, BODY, SIGNED_AT), Err(Refused::Unsigned), "{unsigned}");
        }
        assert_eq!(check_at(&HeaderMap::new(), BODY, SIGNED_AT), Err(Refused::Unsigned));
    }

    #[test]
    fn set_without_a_usable_key_is_an_error() {
        for set in ["", "{}", r#"{"keys": []}"#, r#"{"keys": [{"crv": "Ed25519", "x": "AAAA"}]}"#] {
            assert!(Keys::parse(set.as_bytes()).is_err(), "{set}");
        }
    }

    #[test]
    fn stub_server_replaces_the_host_and_not_in_prod() {
        let source = |variables: &[(&str, &str)]| KeySource::new(&Environment::from_iter(variables.iter().copied()));
        assert_eq!(source(&[]).unwrap().url, "https://rest.fal.ai/.well-known/jwks.json");
        let stub = ("PROVIDER_ENDPOINTS", r#"{"fal": "http://127.0.0.1:4010"}"#);
        assert_eq!(source(&[("STAGE", "dev"), stub]).unwrap().url, "http://127.0.0.1:4010/.well-known/jwks.json");
        assert!(source(&[("STAGE", "prod"), stub]).is_err());
    }
}

//! A software authenticator with one passkey, of an ES256 key, and the browser that it answers.

use anyhow::{Context, Result, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use runtime::clock;
use serde_json::{Value, json};

/// The person is present.
const USER_PRESENT: u8 = 0x01;
/// The authenticator data contains the credential.
const HAS_CREDENTIAL: u8 = 0x40;

/// A software authenticator with one passkey.
pub struct Authenticator {
    key: EcdsaKeyPair,
    id: [u8; 16],
    /// The count of its signatures. It counts if this is not 0.
    pub count: u32,
}

impl Authenticator {
    /// Creates a passkey. No account has it yet.
    pub fn new() -> Result<Self> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow!("no key"))?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|_| anyhow!("no key"))?;
        Ok(Self { key, id: clock::random(), count: 0 })
    }

    /// Returns the body that confirms a setup, as a browser at this origin makes it.
    pub fn creation(&self, origin: &str, setup: &Value, name: &str) -> Result<Value> {
        let point = self.key.public_key().as_ref();
        let (x, y) = point.get(1..).and_then(|point| point.split_at_checked(32)).context("no point")?;
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let key = [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".as_slice(), x, b"\x22\x58\x20", y].concat();
        let data = self.data(setup, USER_PRESENT | HAS_CREDENTIAL)?;
        let data = [data.as_slice(), &[0; 16], &[0, 16], &self.id, &key].concat();
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58";
        let object = [head.as_slice(), &[u8::try_from(data.len())?], &data].concat();
        let client_data = client_data(origin, "webauthn.create", setup)?;
        Ok(json!({"name": name, "client_data": encode(client_data), "attestation_object": encode(object)}))
    }

    /// Signs what a sign-in asks for, as a browser at this origin has it signed.
    pub fn assertion(&mut self, origin: &str, request: &Value) -> Result<Value> {
        if self.count > 0 {
            self.count += 1;
        }
        let client_data = client_data(origin, "webauthn.get", request)?;
        let data = self.data(request, USER_PRESENT)?;
        let message = [data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).map_err(|_| anyhow!("it does not sign"))?;
        Ok(json!({
            "credential_id": encode(self.id),
            "client_data": encode(client_data),
            "authenticator_data": encode(data),
            "signature": encode(signature),
        }))
    }

    /// Returns the authenticator data: the hash of the relying party, the flags and the count.
    fn data(&self, request: &Value, flags: u8) -> Result<Vec<u8>> {
        let party = digest(&SHA256, text(request, "rp_id")?.as_bytes());
        Ok([party.as_ref(), &[flags], &self.count.to_be_bytes()].concat())
    }
}

/// Returns the client data that a browser makes.
fn client_data(origin: &str, kind: &str, request: &Value) -> Result<String> {
    let challenge = text(request, "challenge")?;
    Ok(json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false}).to_string())
}

fn text<'a>(request: &'a Value, field: &str) -> Result<&'a str> {
    request[field].as_str().with_context(|| format!("no {field} in {request}"))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

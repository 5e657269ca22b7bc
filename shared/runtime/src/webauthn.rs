//! Passkeys: verifies what authenticators create and sign, as a relying party of
//! [Web Authentication](https://www.w3.org/TR/webauthn-3/).
//!
//! Attestation is neither requested nor evaluated: an account may have a passkey of any authenticator. Keys are accepted with
//! the algorithms that every client and authenticator has one of: ES256, EdDSA with Ed25519, and RS256.
//!
//! The caller checks the challenge, the id of the credential and the count of signatures, which are returned.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value;
use ring::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{Environment, InvalidVariable};

/// The accepted algorithms, the preferred one first, by their
/// [COSE identifiers](https://www.iana.org/assignments/cose/cose.xhtml#algorithms).
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// The longest id of a credential, in bytes (<https://www.w3.org/TR/webauthn-3/#credential-id>).
const MAX_CREDENTIAL_ID: usize = 1023;

// Flags of authenticator data (<https://www.w3.org/TR/webauthn-3/#authdata-flags>).
const USER_PRESENT: u8 = 0x01;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

// Labels of a COSE key (<https://www.rfc-editor.org/rfc/rfc9052#section-7> and <https://www.rfc-editor.org/rfc/rfc9053#section-7>).
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
/// The curve, and the modulus of an RSA key.
const CURVE: i64 = -1;
/// The x coordinate or public key, and the exponent of an RSA key.
const X: i64 = -2;
const Y: i64 = -3;

/// The web origin whose passkeys are verified.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    origin: String,
    id: String,
}

/// Asks the client for an assertion of one of these credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PasskeyRequest {
    /// What the passkey signs, in base64url. It expires after five minutes, and is accepted once.
    pub challenge: String,
    /// The id of the relying party.
    pub rp_id: String,
    /// The ids of the credentials, in base64url.
    pub credential_ids: Vec<String>,
}

/// A credential that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// The challenge that it was created for, in base64url.
    pub challenge: String,
    /// Its id, in base64url.
    pub credential_id: String,
    /// Its public key, as a COSE key in base64url.
    pub public_key: String,
    /// The count of its signatures.
    pub sign_count: u32,
}

/// An assertion whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// The challenge that was signed, in base64url.
    pub challenge: String,
    /// The count of signatures of the credential.
    pub sign_count: u32,
}

/// Names the check that a credential or an assertion fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not encoded as specified.
    #[error("malformed")]
    Malformed,
    /// It was made for the other ceremony.
    #[error("of another type")]
    Type,
    /// It was made for another origin, or in a frame of another origin.
    #[error("of another origin")]
    Origin,
    /// It was made for another relying party.
    #[error("of another relying party")]
    RelyingParty,
    /// Its authenticator did not ask the person.
    #[error("made without the person")]
    UserPresence,
    /// Its algorithm or its key is not supported.
    #[error("of an unsupported algorithm")]
    Algorithm,
    /// Its signature is wrong.
    #[error("wrongly signed")]
    Signature,
}

/// The client data (<https://www.w3.org/TR/webauthn-3/#dictionary-client-data>). May have more fields.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// The authenticator data (<https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data>).
struct AuthenticatorData<'a> {
    flags: u8,
    sign_count: u32,
    /// The credential, if there is one, and the extensions.
    rest: &'a [u8],
}

enum PublicKey {
    Es256 { point: Vec<u8> },
    EdDsa { key: Vec<u8> },
    Rs256 { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl RelyingParty {
    /// Takes the origin from the variable `ORIGIN`. Its host is the id of the relying party.
    ///
    /// # Errors
    /// The variable is missing.
    pub fn open(environment: &Environment) -> Result<Self, InvalidVariable> {
        Ok(Self::new(environment.required("ORIGIN")?))
    }

    fn new(origin: String) -> Self {
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
        let id = host.split_once(':').map_or(host, |(host, _)| host).to_owned();
        Self { origin, id }
    }

    /// Returns the id of the relying party: the host of the origin.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Verifies a credential that was created
    /// (<https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential>). Both arguments are in base64url.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify_creation(&self, client_data: &str, attestation_object: &str) -> Result<NewCredential, Refused> {
        let challenge = self.check_client_data(&decode(client_data)?, "webauthn.create")?;
        let object = cbor(&decode(attestation_object)?)?;
        let object = object.as_map().ok_or(Refused::Malformed)?;
        let data = object.iter().find(|(key, _)| key.as_text() == Some("authData"));
        let data = data.and_then(|(_, data)| data.as_bytes()).ok_or(Refused::Malformed)?;
        let data = self.check_authenticator_data(data)?;
        if data.flags & HAS_CREDENTIAL == 0 {
            return Err(Refused::Malformed);
        }
        // The first 16 bytes name the model of the authenticator.
        let (length, rest) = data.rest.get(16..).and_then(<[u8]>::split_first_chunk).ok_or(Refused::Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, mut rest) = rest.split_at_checked(length).ok_or(Refused::Malformed)?;
        if !(1..=MAX_CREDENTIAL_ID).contains(&id.len()) {
            return Err(Refused::Malformed);
        }
        let before = rest;
        let key = next_cbor(&mut rest)?;
        let encoded_key = before.get(..before.len() - rest.len()).ok_or(Refused::Malformed)?;
        PublicKey::parse(&key)?;
        check_extensions(data.flags, rest)?;
        Ok(NewCredential {
            challenge,
            credential_id: URL_SAFE_NO_PAD.encode(id),
            public_key: URL_SAFE_NO_PAD.encode(encoded_key),
            sign_count: data.sign_count,
        })
    }

    /// Verifies an assertion of the credential with this public key
    /// (<https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion>). All arguments are in base64url.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify_assertion(
        &self,
        public_key: &str,
        client_data: &str,
        authenticator_data: &str,
        signature: &str,
    ) -> Result<VerifiedAssertion, Refused> {
        let (client_data, signed) = (decode(client_data)?, decode(authenticator_data)?);
        let challenge = self.check_client_data(&client_data, "webauthn.get")?;
        let data = self.check_authenticator_data(&signed)?;
        if data.flags & HAS_CREDENTIAL != 0 {
            return Err(Refused::Malformed);
        }
        check_extensions(data.flags, data.rest)?;
        let key = PublicKey::parse(&cbor(&decode(public_key)?)?)?;
        let message = [signed.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        key.verify(&message, &decode(signature)?)?;
        Ok(VerifiedAssertion { challenge, sign_count: data.sign_count })
    }

    /// Returns the challenge.
    fn check_client_data(&self, client_data: &[u8], kind: &str) -> Result<String, Refused> {
        let client_data: ClientData = serde_json::from_slice(client_data).map_err(|_| Refused::Malformed)?;
        if client_data.kind != kind {
            return Err(Refused::Type);
        }
        if client_data.origin != self.origin || client_data.cross_origin {
            return Err(Refused::Origin);
        }
        Ok(client_data.challenge)
    }

    fn check_authenticator_data<'a>(&self, data: &'a [u8]) -> Result<AuthenticatorData<'a>, Refused> {
        let (rp_id_hash, rest) = data.split_first_chunk::<32>().ok_or(Refused::Malformed)?;
        let ([flags], rest) = rest.split_first_chunk().ok_or(Refused::Malformed)?;
        let (sign_count, rest) = rest.split_first_chunk().ok_or(Refused::Malformed)?;
        if rp_id_hash != digest(&SHA256, self.id.as_bytes()).as_ref() {
            return Err(Refused::RelyingParty);
        }
        if flags & USER_PRESENT == 0 {
            return Err(Refused::UserPresence);
        }
        if flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0 {
            return Err(Refused::Malformed);
        }
        Ok(AuthenticatorData { flags: *flags, sign_count: u32::from_be_bytes(*sign_count), rest })
    }
}

impl PublicKey {
    fn parse(key: &Value) -> Result<Self, Refused> {
        let key = key.as_map().ok_or(Refused::Malformed)?;
        let get = |label: i64| {
            let label = Value::from(label);
            key.iter().find(|(key, _)| *key == label).map(|(_, value)| value)
        };
        let number = |label| get(label).and_then(Value::as_integer).and_then(|number| i64::try_from(number).ok());
        let bytes = |label| get(label).and_then(Value::as_bytes).cloned();
        let coordinate = |label| bytes(label).filter(|bytes| bytes.len() == 32).ok_or(Refused::Algorithm);
        match (number(KEY_TYPE), number(ALGORITHM), number(CURVE)) {
            (Some(2), Some(ES256), Some(1)) => {
                Ok(Self::Es256 { point: [vec![4], coordinate(X)?, coordinate(Y)?].concat() })
            }
            (Some(1), Some(EDDSA), Some(6)) => Ok(Self::EdDsa { key: coordinate(X)? }),
            (Some(3), Some(RS256), None) => {
                let part = |label| bytes(label).ok_or(Refused::Algorithm);
                Ok(Self::Rs256 { modulus: part(CURVE)?, exponent: part(X)? })
            }
            _ => Err(Refused::Algorithm),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let verified = match self {
            Self::Es256 { point } => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::EdDsa { key } => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rs256 { modulus, exponent } => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.map_err(|_| Refused::Signature)
    }
}

/// Checks that nothing follows but the extensions that the flags announce.
fn check_extensions(flags: u8, rest: &[u8]) -> Result<(), Refused> {
    let is_right = if flags & HAS_EXTENSIONS == 0 { rest.is_empty() } else { cbor(rest)?.is_map() };
    if is_right { Ok(()) } else { Err(Refused::Malformed) }
}

/// Reads one value, which is all there is.
fn cbor(mut bytes: &[u8]) -> Result<Value, Refused> {
    let value = next_cbor(&mut bytes)?;
    if bytes.is_empty() { Ok(value) } else { Err(Refused::Malformed) }
}

/// Reads one value, and leaves what follows it.
fn next_cbor(bytes: &mut &[u8]) -> Result<Value, Refused> {
    ciborium::from_reader(bytes).map_err(|_| Refused::Malformed)
}

fn decode(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value as Json, json};

use super::{
    vectors::{
        CROSS_ORIGIN, EDDSA as EDDSA_VECTOR, ES256 as ES256_VECTOR, ES256_PRIVATE_KEY, LONG_ID, RS256 as RS256_VECTOR,
        Vector,
    },
    *,
};

const ORIGIN: &str = "https://example.org";

fn party() -> RelyingParty {
    RelyingParty::new(ORIGIN.to_owned())
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn create(vector: &Vector) -> Result<NewCredential, Refused> {
    party().verify_creation(&encode(bytes(vector.creation_client_data)), &encode(bytes(vector.attestation_object)))
}

/// The answers of an authenticator with the key of the vector for ES256, each part of which can be changed.
struct Answer {
    client_data: Json,
    data: Vec<u8>,
}

impl Answer {
    fn new(kind: &str) -> Self {
        let client_data = json!({"type": kind, "challenge": "Y2hhbGxlbmdl", "origin": ORIGIN, "crossOrigin": false});
        let counted = [USER_PRESENT, 0, 0, 0, 7];
        Self { client_data, data: [digest(&SHA256, b"example.org").as_ref(), &counted].concat() }
    }

    fn with(mut self, field: &str, value: Json) -> Self {
        self.client_data[field] = value;
        self
    }

    fn with_flags(mut self, flags: u8) -> Self {
        self.data[32] = flags;
        self
    }

    fn followed_by(mut self, more: &[u8]) -> Self {
        self.data.extend_from_slice(more);
        self
    }

    fn assert(&self) -> Result<VerifiedAssertion, Refused> {
        let client_data = self.client_data.to_string();
        let key = create(&ES256_VECTOR).unwrap().public_key;
        let PublicKey::Es256 { point } = PublicKey::parse(&cbor(&decode(&key).unwrap()).unwrap()).unwrap() else {
            panic!()
        };
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &bytes(ES256_PRIVATE_KEY),
            &point,
            &SystemRandom::new(),
        );
        let message = [self.data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = pair.unwrap().sign(&SystemRandom::new(), &message).unwrap();
        party().verify_assertion(&key, &encode(client_data), &encode(&self.data), &encode(signature))
    }

    fn create(&self) -> Result<NewCredential, Refused> {
        let object = Value::Map(vec![("authData".into(), Value::Bytes(self.data.clone()))]);
        let mut encoded = Vec::new();
        ciborium::into_writer(&object, &mut encoded).unwrap();
        party().verify_creation(&encode(self.client_data.to_string()), &encode(encoded))
    }
}

/// What follows the count in authenticator data with a credential.
fn credential(id: &[u8], key: &[u8]) -> Vec<u8> {
    let length = u16::try_from(id.len()).unwrap().to_be_bytes();
    [&[0; 16], length.as_slice(), id, key].concat()
}

fn key(entries: &[(i64, Value)]) -> Vec<u8> {
    let key = Value::Map(entries.iter().map(|(label, value)| (Value::from(*label), value.clone())).collect());
    let mut encoded = Vec::new();
    ciborium::into_writer(&key, &mut encoded).unwrap();
    encoded
}

fn es256_key() -> Vec<u8> {
    decode(&create(&ES256_VECTOR).unwrap().public_key).unwrap()
}

#[test]
fn test_vectors_of_the_specification_are_accepted() {
    for vector in [ES256_VECTOR, EDDSA_VECTOR, RS256_VECTOR, LONG_ID] {
        let created = create(&vector).unwrap();
        assert_eq!(created.challenge, encode(bytes(vector.creation_challenge)));
        assert_eq!(created.credential_id, encode(bytes(vector.credential_id)));
        let [client_data, data, signature] =
            [vector.client_data, vector.authenticator_data, vector.signature].map(|hex| encode(bytes(hex)));
        let asserted = party().verify_assertion(&created.public_key, &client_data, &data, &signature).unwrap();
        assert_eq!(asserted, VerifiedAssertion { challenge: encode(bytes(vector.challenge)), sign_count: 0 });
    }
}

#[test]
fn assertion_in_a_frame_of_another_origin_is_refused() {
    assert_eq!(create(&CROSS_ORIGIN), Err(Refused::Origin));
    assert_eq!(Answer::new("webauthn.get").with("crossOrigin", json!(true)).assert(), Err(Refused::Origin));
}

#[test]
fn challenge_and_count_of_an_assertion_are_returned() {
    let asserted = Answer::new("webauthn.get").assert();
    assert_eq!(asserted, Ok(VerifiedAssertion { challenge: "Y2hhbGxlbmdl".to_owned(), sign_count: 7 }));
}

#[test]
fn assertion_must_be_for_this_ceremony_and_origin() {
    assert_eq!(Answer::new("webauthn.create").assert(), Err(Refused::Type));
    for origin in ["https://example.com", "http://example.org", "https://a.example.org", "https://example.org:8443"] {
        assert_eq!(
            Answer::new("webauthn.get").with("origin", json!(origin)).assert(),
            Err(Refused::Origin),
            "{origin}"
        );
    }
}

#[test]
fn assertion_must_be_for_this_relying_party() {
    let mut answer = Answer::new("webauthn.get");
    answer.data[..32].copy_from_slice(digest(&SHA256, b"example.com").as_ref());
    assert_eq!(answer.assert(), Err(Refused::RelyingParty));
}

#[test]
fn assertion_needs_the_person() {
    for flags in [0, 0x04, 0x0c] {
        assert_eq!(Answer::new("webauthn.get").with_flags(flags).assert(), Err(Refused::UserPresence));
    }
    // A person who was also verified, and a key that is backed up, are fine.
    for flags in [0x05, 0x09, 0x1d] {
        assert!(Answer::new("webauthn.get").with_flags(flags).assert().is_ok(), "{flags:x}");
    }
    assert_eq!(Answer::new("webauthn.get").with_flags(0x11).assert(), Err(Refused::Malformed));
}

#[test]
fn every_changed_byte_of_an_assertion_breaks_its_signature() {
    for vector in [ES256_VECTOR, EDDSA_VECTOR, RS256_VECTOR] {
        let key = create(&vector).unwrap().public_key;
        let (client_data, data, signature) =
            (bytes(vector.client_data), bytes(vector.authenticator_data), bytes(vector.signature));
        let verify = |client_data: &[u8], data: &[u8], signature: &[u8]| {
            party().verify_assertion(&key, &encode(client_data), &encode(data), &encode(signature))
        };
        assert!(verify(&client_data, &data, &signature).is_ok());
        // The count, and a space.
        let changed = [&data[..36], &[1]].concat();
        assert_eq!(verify(&client_data, &changed, &signature), Err(Refused::Signature));
        let spaced = [client_data.as_slice(), b" "].concat();
        assert_eq!(verify(&spaced, &data, &signature), Err(Refused::Signature));
        let mut other = signature.clone();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(verify(&client_data, &data, &other), Err(Refused::Signature));
        assert_eq!(verify(&client_data, &data, b""), Err(Refused::Signature));
    }
    let other = create(&LONG_ID).unwrap().public_key;
    let [client_data, data, signature] =
        [ES256_VECTOR.client_data, ES256_VECTOR.authenticator_data, ES256_VECTOR.signature]
            .map(|hex| encode(bytes(hex)));
    let asserted = party().verify_assertion(&other, &client_data, &data, &signature);
    assert_eq!(asserted, Err(Refused::Signature), "the key of another credential");
}

#[test]
fn malformed_assertions_are_refused() {
    let get = || Answer::new("webauthn.get");
    assert_eq!(get().followed_by(&[0]).assert(), Err(Refused::Malformed));
    assert_eq!(get().with_flags(0x41).followed_by(&credential(b"id", &es256_key())).assert(), Err(Refused::Malformed));
    // Extensions are a map, and announced.
    assert!(get().with_flags(0x81).followed_by(&[0xa0]).assert().is_ok());
    assert_eq!(get().followed_by(&[0xa0]).assert(), Err(Refused::Malformed));
    assert_eq!(get().with_flags(0x81).assert(), Err(Refused::Malformed));
    assert_eq!(get().with_flags(0x81).followed_by(&[0x80]).assert(), Err(Refused::Malformed));
    let key = create(&ES256_VECTOR).unwrap().public_key;
    let [client_data, data] = [ES256_VECTOR.client_data, ES256_VECTOR.authenticator_data].map(|hex| encode(bytes(hex)));
    for (client_data, data) in
        [("", data.as_str()), ("e30", &data), ("{}", &data), (&client_data, ""), (&client_data, "AAAA")]
    {
        assert_eq!(party().verify_assertion(&key, client_data, data, "AAAA"), Err(Refused::Malformed));
    }
}

#[test]
fn creation_must_be_for_this_ceremony_origin_party_and_person() {
    let made = |kind, flags| Answer::new(kind).with_flags(flags).followed_by(&credential(b"id", &es256_key()));
    let created = made("webauthn.create", 0x41).create().unwrap();
    assert_eq!((created.credential_id, created.sign_count), (encode("id"), 7));
    assert_eq!(made("webauthn.get", 0x41).create(), Err(Refused::Type));
    assert_eq!(made("webauthn.create", 0x40).create(), Err(Refused::UserPresence));
    assert_eq!(made("webauthn.create", 0x01).create(), Err(Refused::Malformed));
    let other = made("webauthn.create", 0x41).with("origin", json!("https://example.com"));
    assert_eq!(other.create(), Err(Refused::Origin));
    let mut other = made("webauthn.create", 0x41);
    other.data[0] ^= 1;
    assert_eq!(other.create(), Err(Refused::RelyingParty));
}

#[test]
fn malformed_credentials_are_refused() {
    let made = |credential: &[u8]| Answer::new("webauthn.create").with_flags(0x41).followed_by(credential).create();
    let whole = credential(b"id", &es256_key());
    assert!(made(&whole).is_ok());
    for length in 0..whole.len() {
        assert_eq!(made(&whole[..length]), Err(Refused::Malformed), "{length}");
    }
    assert_eq!(made(&[whole.as_slice(), &[0]].concat()), Err(Refused::Malformed));
    assert_eq!(made(&credential(b"", &es256_key())), Err(Refused::Malformed));
    assert!(made(&credential(&[1; 1023], &es256_key())).is_ok());
    assert_eq!(made(&credential(&[1; 1024], &es256_key())), Err(Refused::Malformed));
    assert_eq!(party().verify_creation(&encode("{}"), "AAAA"), Err(Refused::Malformed));
}

#[test]
fn keys_of_other_algorithms_are_refused() {
    let coordinate = || Value::Bytes(vec![1; 32]);
    let made = |entries: &[(i64, Value)]| {
        let answer = Answer::new("webauthn.create").with_flags(0x41);
        answer.followed_by(&credential(b"id", &key(entries))).create().map(drop)
    };
    let es256 = [(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, coordinate()), (-3, coordinate())];
    assert_eq!(made(&es256), Ok(()));
    let changed = |at: usize, value: Value| {
        let mut entries = es256.clone();
        entries[at].1 = value;
        made(&entries)
    };
    // ES384, ES256K, the curve P-384, the key type of Ed25519, and coordinates of other lengths.
    for (at, value) in [(1, (-35).into()), (1, (-47).into()), (2, 2.into()), (0, 1.into())] {
        assert_eq!(changed(at, value), Err(Refused::Algorithm), "{at}");
    }
    for at in [3, 4] {
        assert_eq!(changed(at, Value::Bytes(vec![1; 33])), Err(Refused::Algorithm));
        assert_eq!(changed(at, 1.into()), Err(Refused::Algorithm));
    }
    assert_eq!(made(&es256[..4]), Err(Refused::Algorithm));
    assert_eq!(made(&[]), Err(Refused::Algorithm));
}

#[test]
fn relying_party_is_the_host_of_the_origin() {
    let id = |origin: &str| RelyingParty::new(origin.to_owned()).id().to_owned();
    assert_eq!(["https://a.example.org", "http://localhost:5173"].map(id), ["a.example.org", "localhost"]);
}

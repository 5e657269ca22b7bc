//! The signature of a report of Replicate: <https://replicate.com/docs/topics/webhooks/verify-webhook>.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderMap;
use jiff::Timestamp;
use ring::hmac;
use serde::Deserialize;

use crate::verifier::{Refused, check_time};

/// How long the secret is used before it is read again, in seconds.
pub(crate) const KNOWN_S: i64 = 3_600;

/// What precedes the key in the signing secret of an account of Replicate.
const PREFIX: &str = "whsec_";

/// Holds the key that Replicate signs with; none if the operator stored none.
pub(crate) struct Secret(Option<hmac::Key>);

#[derive(Deserialize)]
struct ProviderKeys {
    replicate_webhook_secret: Option<String>,
}

impl Secret {
    /// Reads it from the secret with the keys of the providers.
    pub(crate) fn parse(json: &str) -> Self {
        let keys = serde_json::from_str::<ProviderKeys>(json).ok();
        let key = keys.and_then(|keys| {
            let secret = keys.replicate_webhook_secret?;
            BASE64_STANDARD.decode(secret.trim().strip_prefix(PREFIX)?).ok()
        });
        Self(key.filter(|key| !key.is_empty()).map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }
}

/// Checks that Replicate signed exactly this body, just now. There may be several signatures, of several keys.
pub(crate) fn check(headers: &HeaderMap, body: &[u8], secret: &Secret, now: Timestamp) -> Result<(), Refused> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Refused::Unsigned);
    let (id, at, signatures) = (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let key = secret.0.as_ref().ok_or(Refused::Forged)?;
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
    let signatures = signatures.split_ascii_whitespace().filter_map(|signature| signature.strip_prefix("v1,"));
    let mut tags = signatures.filter_map(|signature| BASE64_STANDARD.decode(signature).ok());
    if !tags.any(|tag| hmac::verify(key, &signed, &tag).is_ok()) {
        return Err(Refused::Forged);
    }
    check_time(at, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = r#"{"fal": "k", "replicate_webhook_secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}"#;
    const BODY: &[u8] = br#"{"id":"ufawqhfynnddngldkgtslldrkq","status":"succeeded"}"#;
    /// Computed with Python: `b64encode(hmac.new(bytes(range(24)), b"msg_2b8f.1800000000." + BODY, "sha256").digest())`.
    const SIGNATURE: &str = "v1,mBXE2jlsPSAgy7xpxm9OOibzv6HT5RY4lqKr2PTjN9I=";
    const SIGNED_AT: i64 = 1_800_000_000;

    fn headers(changes: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let signed =
            [("webhook-id", "msg_2b8f"), ("webhook-timestamp", "1800000000"), ("webhook-signature", SIGNATURE)];
        for (name, value) in signed.iter().chain(changes) {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    fn check_at(headers: &HeaderMap, body: &[u8], secret: &str, second: i64) -> Result<(), Refused> {
        check(headers, body, &Secret::parse(secret), Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn signature_of_the_body_is_valid_for_five_minutes_around_its_time() {
        for (offset, expected) in
            [(0, Ok(())), (300, Ok(())), (-300, Ok(())), (301, Err(Refused::Stale)), (-301, Err(Refused::Stale))]
        {
            assert_eq!(check_at(&headers(&[]), BODY, SECRET, SIGNED_AT + offset), expected, "{offset}");
        }
    }

    #[test]
    fn one_of_several_signatures_suffices() {
        let other = format!("v1,{}", BASE64_STANDARD.encode([0; 32]));
        for several in
            [format!("{other} {SIGNATURE}"), format!("{SIGNATURE} {other}"), format!("v1a,AA v1,!  {SIGNATURE}")]
        {
            assert_eq!(
                check_at(&headers(&[("webhook-signature", &several)]), BODY, SECRET, SIGNED_AT),
                Ok(()),
                "{several}"
            );
        }
    }

    #[test]
    fn what_replicate_did_not_sign_is_refused() {
        let forged = [
            ("webhook-id", "msg_2b8e"),
            ("webhook-timestamp", "1800000001"),
            ("webhook-signature", "v1,mBXE2jlsPSAgy7xpxm9OOibzv6HT5RY4lqKr2PTjN9A="),
            ("webhook-signature", "v1,mBXE2jlsPSAgy7xpxm8="),
            ("webhook-signature", "v2,mBXE2jlsPSAgy7xpxm9OOibzv6HT5RY4lqKr2PTjN9I="),
            ("webhook-signature", ""),
        ];
        for change in forged {
            assert_eq!(check_at(&headers(&[change]), BODY, SECRET, SIGNED_AT), Err(Refused::Forged), "{change:?}");
        }
        assert_eq!(check_at(&headers(&[]), b"{}", SECRET, SIGNED_AT), Err(Refused::Forged));
        assert_eq!(check_at(&HeaderMap::new(), BODY, SECRET, SIGNED_AT), Err(Refused::Unsigned));
    }

    #[test]
    fn nothing_is_verified_without_a_usable_secret() {
        let secret = |value: &str| serde_json::json!({ "replicate_webhook_secret": value }).to_string();
        for unusable in
            [secret(""), secret("whsec_"), secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), "{}".to_owned(), String::new()]
        {
            assert_eq!(check_at(&headers(&[]), BODY, &unusable, SIGNED_AT), Err(Refused::Forged), "{unusable}");
        }
        let padded = secret(" whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n");
        assert_eq!(check_at(&headers(&[]), BODY, &padded, SIGNED_AT), Ok(()));
    }
}

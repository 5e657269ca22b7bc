//! Signs Stripe's webhook events.

use jiff::Timestamp;
use ring::hmac;

/// Returns the `Stripe-Signature` header for `body`: <https://docs.stripe.com/webhooks#verify-manually>.
pub(crate) fn sign(secret: &str, at: Timestamp, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let seconds = at.as_second();
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex = hex::encode(tag);
    format!("t={seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_is_the_hmac_of_time_and_body() {
        let at = Timestamp::from_second(1_492_774_577).unwrap();
        // From `printf '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test`.
        let expected = "t=1492774577,v1=0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b";
        assert_eq!(sign("whsec_test", at, "{}"), expected);
    }
}

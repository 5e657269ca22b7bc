//! Links to files that a CloudFront distribution serves. A function of the distribution checks them at every request, before the
//! cache, so that a file is read from the bucket once and a link ends on time.

use jiff::Timestamp;
use ring::hmac;

/// The distribution that serves the files of the bucket.
#[derive(Clone, Debug)]
pub struct Distribution {
    origin: String,
    key: hmac::Key,
}

impl Distribution {
    /// Addresses the distribution with this host name, whose function has this key.
    #[must_use]
    pub fn new(host: &str, key: &str) -> Self {
        Self { origin: format!("https://{host}"), key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()) }
    }

    /// Returns its scheme and host.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Signs a link to a file. Keys of files are ASCII and need no escapes.
    ///
    /// The signature is an HMAC-SHA256 of the path, a line feed, and the second of its expiry, in hexadecimal.
    pub(crate) fn link(&self, key: &str, expires_in_s: u64, now: Timestamp) -> String {
        let expires = now.as_second().saturating_add(i64::try_from(expires_in_s).unwrap_or(0));
        let tag = hmac::sign(&self.key, format!("/{key}\n{expires}").as_bytes());
        let signature = hex::encode(tag);
        format!("{}/{key}?expires={expires}&signature={signature}", self.origin)
    }
}

//! Signs images and videos with C2PA manifests, and checks the manifests of files.
//!
//! A manifest says how a file was made: by which model of which provider, when, and from which files. It names no account and
//! quotes no prompt. It is signed with a key that this crate never sees: [`Signer`] calls a function that has it.
//!
//! No function here uses the network: neither remote manifests nor the status of certificates are fetched. A time stamp is asked for
//! by a [`TimeStampAuthority`] that is given.

mod certificates;
mod check;
mod manifest;
mod signer;
mod time_stamp;

pub use certificates::{CertificateChain, CertificateError};
pub use check::{Action, Credentials, CredentialsCheck, Ingredient, check};
pub use manifest::{Claim, EarlierManifest, Manifest, SignError, Signed};
pub use signer::{KeyError, Signer};
pub use time_stamp::{MAX_TIME_STAMP_BYTES, TimeStamp, TimeStampAuthority, TimeStampError};

/// The IPTC term for media that a trained model made (<https://cv.iptc.org/newscodes/digitalsourcetype/>).
pub const TRAINED_ALGORITHMIC_MEDIA: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// Makes the context of a read or a signature: no network, and trust only in the certificates of `anchors`, a PEM bundle.
fn context(anchors: Option<&str>) -> Result<c2pa::Context, c2pa::Error> {
    let mut settings = serde_json::json!({
        "verify": { "remote_manifest_fetch": false, "ocsp_fetch": false },
        // What this service states itself, rather than passes on.
        "builder": { "created_assertion_labels": ["c2pa.actions", "c2pa.actions.v2", "c2pa.ingredient.v3"] },
        "core": { "decode_identity_assertions": false, "allowed_network_hosts": [] },
    });
    if let (Some(anchors), Some(settings)) = (anchors, settings.as_object_mut()) {
        settings.insert("trust".to_owned(), serde_json::json!({ "user_anchors": anchors }));
    }
    c2pa::Context::new().with_settings(settings)
}

#[cfg(test)]
mod tests;

//! Signs with a key that is outside of this process.

use std::sync::{Arc, Mutex, PoisonError};

use c2pa::SigningAlg;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use crate::{
    certificates::CertificateChain,
    time_stamp::{self, MAX_TIME_STAMP_BYTES, TimeStamp, TimeStampAuthority},
};

/// The space that a signature takes beside the certificates, in bytes. Fixed, as the manifest is laid out before it is signed.
const SIGNATURE_BYTES: usize = 1024;

/// Says why the key did not sign.
pub type KeyError = Box<dyn std::error::Error + Send + Sync>;

type Sign = dyn Fn(&[u8]) -> Result<Vec<u8>, KeyError> + Send + Sync;

/// A signing key with its certificate chain.
pub struct Signer {
    chain: CertificateChain,
    sign: Box<Sign>,
    authority: Option<Arc<dyn TimeStampAuthority>>,
}

impl Signer {
    /// Takes a chain and a function that signs a SHA-256 digest with its key: ECDSA on P-256, the signature as DER, as AWS KMS
    /// returns it. The function may block.
    pub fn new(
        chain: CertificateChain,
        sign: impl Fn(&[u8]) -> Result<Vec<u8>, KeyError> + Send + Sync + 'static,
    ) -> Self {
        Self { chain, sign: Box::new(sign), authority: None }
    }

    /// Has each signature stamped by an authority. One that the authority does not stamp is made without.
    #[must_use]
    pub fn with_time_stamps(self, authority: Arc<dyn TimeStampAuthority>) -> Self {
        Self { authority: Some(authority), ..self }
    }

    /// Returns the certificate chain.
    #[must_use]
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }
}

/// One signature that is being made at a time.
pub(crate) struct Signature<'a> {
    signer: &'a Signer,
    at: Timestamp,
    time_stamp: Mutex<TimeStamp>,
}

impl<'a> Signature<'a> {
    pub(crate) fn new(signer: &'a Signer, at: Timestamp) -> Self {
        Self { signer, at, time_stamp: Mutex::new(TimeStamp::NotAsked) }
    }

    /// Returns what became of the time stamp.
    pub(crate) fn into_time_stamp(self) -> TimeStamp {
        self.time_stamp.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl c2pa::Signer for Signature<'_> {
    // Of a signature as DER, `c2pa` makes the two numbers of fixed size that COSE wants.
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        (self.signer.sign)(digest(&SHA256, data).as_ref()).map_err(c2pa::Error::OtherError)
    }

    fn alg(&self) -> SigningAlg {
        SigningAlg::Es256
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        Ok(self.signer.chain.certificates().to_vec())
    }

    fn reserve_size(&self) -> usize {
        let time_stamp = if self.signer.authority.is_some() { MAX_TIME_STAMP_BYTES } else { 0 };
        SIGNATURE_BYTES + time_stamp + self.signer.chain.certificates().iter().map(Vec::len).sum::<usize>()
    }

    // An error here would be one of the signature: without a right answer there is no time stamp.
    fn send_timestamp_request(&self, message: &[u8]) -> Option<c2pa::Result<Vec<u8>>> {
        let authority = self.signer.authority.as_deref()?;
        let (answer, became) = match time_stamp::ask(authority, message, self.at) {
            Ok((answer, at)) => (Some(answer), TimeStamp::Given(at)),
            Err(error) => (None, TimeStamp::Missing(error)),
        };
        *self.time_stamp.lock().unwrap_or_else(PoisonError::into_inner) = became;
        answer.map(Ok)
    }
}

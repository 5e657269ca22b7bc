//! Signs with a key that is outside of this process.

use c2pa::SigningAlg;
use ring::digest::{SHA256, digest};

use crate::certificates::CertificateChain;

/// The space that a signature takes beside the certificates, in bytes. Fixed, as the manifest is laid out before it is signed.
const SIGNATURE_BYTES: usize = 1024;

/// Says why the key did not sign.
pub type KeyError = Box<dyn std::error::Error + Send + Sync>;

type Sign = dyn Fn(&[u8]) -> Result<Vec<u8>, KeyError> + Send + Sync;

/// A signing key with its certificate chain.
pub struct Signer {
    chain: CertificateChain,
    sign: Box<Sign>,
}

impl Signer {
    /// Takes a chain and a function that signs a SHA-256 digest with its key: ECDSA on P-256, the signature as DER, as AWS KMS
    /// returns it. The function may block.
    pub fn new(
        chain: CertificateChain,
        sign: impl Fn(&[u8]) -> Result<Vec<u8>, KeyError> + Send + Sync + 'static,
    ) -> Self {
        Self { chain, sign: Box::new(sign) }
    }

    /// Returns the certificate chain.
    #[must_use]
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }
}

impl c2pa::Signer for Signer {
    // Of a signature as DER, `c2pa` makes the two numbers of fixed size that COSE wants.
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        (self.sign)(digest(&SHA256, data).as_ref()).map_err(c2pa::Error::OtherError)
    }

    fn alg(&self) -> SigningAlg {
        SigningAlg::Es256
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        Ok(self.chain.certificates().to_vec())
    }

    fn reserve_size(&self) -> usize {
        SIGNATURE_BYTES + self.chain.certificates().iter().map(Vec::len).sum::<usize>()
    }
}

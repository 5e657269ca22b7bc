//! The key that signs outputs, in AWS KMS, and its certificate.
//!
//! The operator may give a certificate. Without one the first process that needs it makes one, and stores it for all others. If
//! several make one at once, one of them is stored, and all sign under that one.

use std::sync::Arc;

use aws_sdk_kms::{
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use domain::provenance::{CertificateOrigin, SigningCertificate, current_certificate, next_number};
use jiff::{SignedDuration, Timestamp};
use lifecycle::LifecycleError;
use provenance::{CertificateChain, CertificateError, Signer};
use runtime::{
    Error,
    clients::Clients,
    config::Environment,
    telemetry::{Metric, metric},
};
use store::{StoreError, Table};
use tokio::{runtime::Handle, sync::Mutex};

use crate::authority::Authority;

/// How long a process signs under a certificate before it looks for another.
const REFRESH: SignedDuration = SignedDuration::from_hours(1);
/// Most times that a certificate is stored anew because another process was first.
const ATTEMPTS: usize = 8;

/// Finds the certificate, and signs with the key.
pub(crate) struct Signing {
    clients: Arc<Clients>,
    table: Table,
    key_arn: String,
    certificate_secret: String,
    authority: Option<Arc<Authority>>,
    current: Mutex<Option<(Arc<Signer>, Timestamp)>>,
}

impl Signing {
    pub(crate) fn new(environment: &Environment, clients: Arc<Clients>, table: Table) -> Result<Self, Error> {
        Ok(Self {
            clients,
            table,
            key_arn: environment.required("SIGNING_KEY")?,
            certificate_secret: environment.required("SIGNING_CERTIFICATE_SECRET")?,
            authority: Authority::chosen(environment)?.map(Arc::new),
            current: Mutex::new(None),
        })
    }

    /// Returns the key with the certificate to sign under at `now`.
    pub(crate) async fn signer(&self, now: Timestamp) -> Result<Arc<Signer>, LifecycleError> {
        let mut current = self.current.lock().await;
        if let Some((signer, until)) = &*current
            && now < *until
        {
            return Ok(Arc::clone(signer));
        }
        let certificate = self.certificate(now).await?;
        metric(Metric::SigningCertificateDays, certificate.days_left(now), &[]);
        let chain = CertificateChain::parse(&certificate.chain).map_err(failed("read the stored certificate"))?;
        let signer = Arc::new(self.with_key(chain));
        *current = Some((Arc::clone(&signer), now + REFRESH));
        Ok(signer)
    }

    /// Returns the certificate to sign under, and stores it first if it is new.
    async fn certificate(&self, now: Timestamp) -> Result<SigningCertificate, LifecycleError> {
        let mut given = self.given().await?;
        for _ in 0..ATTEMPTS {
            let stored = self.table.signing_certificates().await?;
            if let Some(certificate) = current_certificate(&stored, &self.key_arn, given.as_deref(), now) {
                return Ok(certificate.clone());
            }
            let public_key = self.public_key().await?;
            let (origin, chain) = match &given {
                Some(pem) => match usable(pem, &public_key, now) {
                    Ok(chain) => (CertificateOrigin::Operator, chain),
                    Err(error) => {
                        tracing::error!(error = %error, "the certificate of the operator cannot be used: outputs are signed without it");
                        metric(Metric::SigningCertificateDays, 0, &[]);
                        given = None;
                        continue;
                    }
                },
                None => {
                    let chain = CertificateChain::issue(&public_key, now).map_err(failed("make a certificate"))?;
                    (CertificateOrigin::Deployment, chain)
                }
            };
            let certificate = SigningCertificate {
                number: next_number(&stored),
                origin,
                key: self.key_arn.clone(),
                chain: chain.pem().to_owned(),
                created_at: now,
                ends_at: chain.ends_at(),
            };
            if self.table.add_signing_certificate(&certificate).await? {
                tracing::info!(number = certificate.number, "a certificate of the signing key was stored");
                return Ok(certificate);
            }
        }
        Err(LifecycleError::Contended)
    }

    /// Reads the certificate that the operator gave, if any.
    async fn given(&self) -> Result<Option<String>, LifecycleError> {
        let secret = self.clients.secret(&self.certificate_secret).await.map_err(failed("GetSecretValue"))?;
        Ok(Some(secret.trim().to_owned()).filter(|text| text.contains("-----BEGIN")))
    }

    /// Reads the public key from KMS.
    async fn public_key(&self) -> Result<Vec<u8>, LifecycleError> {
        let answer = self.clients.kms().get_public_key().key_id(&self.key_arn).send().await;
        let answer = answer.map_err(failed("GetPublicKey"))?;
        Ok(answer.public_key.map(Blob::into_inner).unwrap_or_default())
    }

    /// Returns the key with this certificate. It signs on a thread that may block.
    fn with_key(&self, chain: CertificateChain) -> Signer {
        let (kms, key_arn, runtime) = (self.clients.kms().clone(), self.key_arn.clone(), Handle::current());
        let signer = Signer::new(chain, move |digest| {
            let call = kms
                .sign()
                .key_id(&key_arn)
                .message(Blob::new(digest))
                .message_type(MessageType::Digest)
                .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
            let answer = runtime.block_on(call.send())?;
            Ok(answer.signature.map(Blob::into_inner).unwrap_or_default())
        });
        match &self.authority {
            Some(authority) => signer.with_time_stamps(Arc::<Authority>::clone(authority)),
            None => signer,
        }
    }
}

fn usable(pem: &str, public_key: &[u8], now: Timestamp) -> Result<CertificateChain, CertificateError> {
    let chain = CertificateChain::parse(pem)?;
    chain.check(public_key, now)?;
    Ok(chain)
}

/// Converts the error of a call that is no call of the store.
pub(crate) fn failed<E: Into<Error>>(operation: &'static str) -> impl FnOnce(E) -> LifecycleError {
    move |source| LifecycleError::Store(StoreError { operation, source: source.into() })
}

#[cfg(test)]
mod tests {
    use fake_aws::{
        aws::Aws,
        environment::{TABLE, environment},
        signing::Key,
    };
    use runtime::clock;
    use serde_json::json;

    use super::*;

    /// Starts as a process does.
    fn process(aws: &Aws) -> Signing {
        let environment: Environment = environment(aws).unwrap().into_iter().collect();
        let clients = Clients::new(&environment).unwrap();
        let shards = environment.integer("INDEX_SHARDS").unwrap();
        let table = Table::new(clients.dynamodb().clone(), TABLE.to_owned(), shards);
        Signing::new(&environment, clients.into(), table).unwrap()
    }

    fn chain_of(key: u8) -> CertificateChain {
        CertificateChain::issue(&Key::numbered(key).unwrap().public(), clock::now()).unwrap()
    }

    #[tokio::test]
    async fn first_process_makes_a_certificate_and_the_others_use_it() {
        let (aws, now) = (Aws::start("account").await.unwrap(), clock::now());
        let first = process(&aws).signer(now).await.unwrap();
        assert_eq!(aws.take_calls().await, ["GetSecretValue", "Query", "GetPublicKey", "PutItem"]);
        let second = process(&aws);
        assert_eq!(second.signer(now).await.unwrap().chain(), first.chain());
        assert_eq!(aws.take_calls().await, ["GetSecretValue", "Query"]);
        second.signer(now + SignedDuration::from_mins(59)).await.unwrap();
        assert!(aws.take_calls().await.is_empty());
        // Twenty years before its end it is replaced, and stays for those who check.
        let renewed = process(&aws).signer(now + SignedDuration::from_hours(24 * 366 * 11)).await.unwrap();
        assert!(renewed.chain().ends_at() > first.chain().ends_at());
        assert_eq!(second.table.signing_certificates().await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn certificate_of_the_operator_is_used_if_it_is_for_the_key() {
        let (aws, now) = (Aws::start("account").await.unwrap(), clock::now());
        // The fake KMS has key 1.
        let (given, of_another_key) = (chain_of(1), chain_of(2));
        aws.play("GetSecretValue", json!({ "Name": "signing-certificate", "SecretString": given.pem() })).await;
        let signer = process(&aws).signer(now).await.unwrap();
        assert_eq!(signer.chain().pem().trim(), given.pem().trim());
        aws.play("GetSecretValue", json!({ "Name": "signing-certificate", "SecretString": of_another_key.pem() }))
            .await;
        let signer = process(&aws).signer(now).await.unwrap();
        assert_ne!(signer.chain().pem().trim(), of_another_key.pem().trim());
        assert_ne!(signer.chain().pem().trim(), given.pem().trim());
        signer.chain().check(&Key::numbered(1).unwrap().public(), now).unwrap();
    }

    #[tokio::test]
    async fn failing_secret_or_key_is_an_error_that_is_tried_again() {
        let (aws, now) = (Aws::start("account").await.unwrap(), clock::now());
        aws.play("GetPublicKey", json!({ "__type": "DisabledException" })).await;
        let process = process(&aws);
        let error = process.signer(now).await.err().unwrap();
        assert!(error.to_string().contains("GetPublicKey"), "{error}");
        aws.play("GetPublicKey", json!({ "PublicKey": "" })).await;
        let error = process.signer(now).await.err().unwrap();
        assert!(error.to_string().contains("make a certificate"), "{error}");
    }
}

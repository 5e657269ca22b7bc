//! AWS clients: one configuration and one HTTP client for all of them, each made on first use.
//!
//! The configuration is made by hand, without `aws-config`: on Lambda there is nothing to look for, and looking costs
//! start time. TLS is `ring`, as the other provider gathers entropy for half a second on a small function, and it trusts
//! only Amazon's roots (<https://www.amazontrust.com/repository/>), which is all that AWS endpoints chain to. Where they are
//! reached through a proxy that inspects what passes, `AWS_CA_BUNDLE` names a PEM file of the roots to trust instead, as it
//! does for every AWS SDK (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html>).
//! A client that a function never asks for is dropped by the linker.

use std::sync::OnceLock;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::sync::OnceCell;

use crate::Error;
#[cfg(debug_assertions)]
use crate::chaos::FaultInjector;
use crate::config::{Environment, InvalidVariable};
use crate::seal::{Sealer, WeakKey};
use crate::secrets::SecretUnreadable;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// An attempt on S3 includes sending the body, which may be a film.
const S3_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 3;
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// The clients of one process. Shared by reference; each client is itself a cheap clone.
pub struct Clients {
    sdk: SdkConfig,
    #[cfg(debug_assertions)]
    interruption: Option<FaultInjector>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    cognito: OnceLock<aws_sdk_cognitoidentityprovider::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
    ses: OnceLock<aws_sdk_sesv2::Client>,
    sealer: OnceCell<Sealer>,
}

/// Starts the configuration builder of a service, with the interruption of crash tests where there is one.
macro_rules! service_config {
    ($clients:expr, $service:ident) => {{
        let builder = $service::config::Builder::from(&$clients.sdk);
        #[cfg(debug_assertions)]
        let builder = match &$clients.interruption {
            Some(interruption) => builder.interceptor(interruption.clone()),
            None => builder,
        };
        builder
    }};
}

impl Clients {
    /// Fails only when a variable that Lambda itself sets is missing, or `AWS_CA_BUNDLE` names no bundle of roots.
    pub fn new(environment: &Environment) -> Result<Self, InvalidVariable> {
        Ok(Self {
            sdk: sdk_config(environment)?,
            #[cfg(debug_assertions)]
            interruption: FaultInjector::from_environment(environment),
            dynamodb: OnceLock::new(),
            s3: OnceLock::new(),
            sqs: OnceLock::new(),
            cognito: OnceLock::new(),
            secrets: OnceLock::new(),
            ses: OnceLock::new(),
            sealer: OnceCell::new(),
        })
    }

    /// The client of the tables.
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.dynamodb
            .get_or_init(|| aws_sdk_dynamodb::Client::from_conf(service_config!(self, aws_sdk_dynamodb).build()))
    }

    /// The client of the bucket. An attempt may take thirty seconds, since it includes the body.
    ///
    /// With an endpoint override the bucket goes into the path: a local endpoint has no name for each bucket.
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3.get_or_init(|| {
            let timeouts = timeouts(S3_ATTEMPT_TIMEOUT);
            let config = service_config!(self, aws_sdk_s3)
                .force_path_style(self.sdk.endpoint_url().is_some())
                .timeout_config(timeouts);
            aws_sdk_s3::Client::from_conf(config.build())
        })
    }

    /// The client of the queues.
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| aws_sdk_sqs::Client::from_conf(service_config!(self, aws_sdk_sqs).build()))
    }

    /// The client of the user pool.
    pub fn cognito(&self) -> &aws_sdk_cognitoidentityprovider::Client {
        self.cognito.get_or_init(|| {
            let config = service_config!(self, aws_sdk_cognitoidentityprovider).build();
            aws_sdk_cognitoidentityprovider::Client::from_conf(config)
        })
    }

    /// The client of the secrets: the application key and the providers' keys.
    pub fn secrets(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets.get_or_init(|| {
            aws_sdk_secretsmanager::Client::from_conf(service_config!(self, aws_sdk_secretsmanager).build())
        })
    }

    /// The client of the mail.
    pub fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.ses.get_or_init(|| aws_sdk_sesv2::Client::from_conf(service_config!(self, aws_sdk_sesv2).build()))
    }

    /// Opens the connection to DynamoDB during start, which runs at full CPU, so that the first request need not.
    ///
    /// It reads a key that no item has, for a second at most. Whatever comes of it is ignored: the first request finds out
    /// by itself.
    pub async fn warm_dynamodb(&self, table: &str) {
        let nothing = AttributeValue::S("-".to_owned());
        let read = self.dynamodb().get_item().table_name(table).key("pk", nothing.clone()).key("sk", nothing);
        if let Ok(Err(error)) = tokio::time::timeout(CONNECT_TIMEOUT, read.send()).await {
            tracing::debug!(error = %DisplayErrorContext(&error), "the first read during start failed");
        }
    }

    /// The sealer with the application key, which is fetched from Secrets Manager once per process, on first use.
    /// A failure is not remembered: the next call asks again.
    pub async fn sealer(&self, secret_arn: &str) -> Result<&Sealer, AppKeyError> {
        self.sealer
            .get_or_try_init(async || {
                let secret = self.secret(secret_arn).await?;
                Ok(Sealer::new(secret.as_bytes())?)
            })
            .await
    }
}

/// Why there is no application key.
#[derive(Debug, thiserror::Error)]
pub enum AppKeyError {
    /// Secrets Manager did not give it.
    #[error(transparent)]
    Unreadable(#[from] SecretUnreadable),
    /// It is there and no good.
    #[error("the application key is no good: put a random string of 32 characters or more into its secret")]
    Weak(#[from] WeakKey),
}

/// The configuration that all clients share. The credentials are those of the function's role; they never expire within
/// the life of a process, which Lambda ends before.
fn sdk_config(environment: &Environment) -> Result<SdkConfig, InvalidVariable> {
    let credentials = Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    );
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(environment.required("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .http_client(http_client(trusted_roots(environment)?))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(ATTEMPT_TIMEOUT));
    builder.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL").map(str::to_owned));
    Ok(builder.build())
}

/// Short, because a pooled connection may have died while the function was frozen, and the retry opens another.
fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(attempt).build()
}

/// Amazon's roots, or those of the bundle that the environment names.
fn trusted_roots(environment: &Environment) -> Result<TrustStore, InvalidVariable> {
    let Some(path) = environment.optional(CA_BUNDLE) else {
        return Ok(TrustStore::empty().with_pem_certificate(include_bytes!("amazon_roots.pem").as_slice()));
    };
    let bundle = std::fs::read(path).map_err(Error::from).and_then(checked_bundle);
    let bundle = bundle.map_err(|source| InvalidVariable::NotRootCertificates { name: CA_BUNDLE, source })?;
    Ok(TrustStore::empty().with_pem_certificate(bundle))
}

/// The HTTP client takes a bundle as it is, and panics on a bad one.
fn checked_bundle(bundle: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bundle) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err("there is no certificate in it".into());
    }
    Ok(bundle)
}

#[expect(clippy::expect_used, reason = "a context without additional server names has nothing to fail on")]
fn http_client(roots: TrustStore) -> SharedHttpClient {
    let context = TlsContext::builder().with_trust_store(roots).build().expect("a trust store is a TLS context");
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMBDA: [(&str, &str); 4] = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_REGION", "eu-west-1"),
    ];

    #[test]
    fn what_lambda_sets_is_enough_for_every_client() {
        let clients = Clients::new(&Environment::from_iter(LAMBDA)).unwrap();
        assert_eq!(clients.dynamodb().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.sqs().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.cognito().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.secrets().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.s3().config().region().unwrap().as_ref(), "eu-west-1");
    }

    #[test]
    fn a_film_has_time_to_reach_the_bucket() {
        let clients = Clients::new(&Environment::from_iter(LAMBDA)).unwrap();
        let attempt = |timeouts: Option<&TimeoutConfig>| timeouts.and_then(TimeoutConfig::operation_attempt_timeout);
        assert_eq!(attempt(clients.s3().config().timeout_config()), Some(S3_ATTEMPT_TIMEOUT));
        assert_eq!(attempt(clients.dynamodb().config().timeout_config()), Some(ATTEMPT_TIMEOUT));
    }

    #[test]
    fn the_embedded_roots_are_amazons_five() {
        let roots = include_str!("amazon_roots.pem");
        assert_eq!(roots.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        assert_eq!(roots.matches("-----END CERTIFICATE-----").count(), 5);
    }

    #[test]
    fn a_bundle_of_roots_is_read_from_where_the_environment_says() {
        let start = |path| Clients::new(&LAMBDA.into_iter().chain([(CA_BUNDLE, path)]).collect());
        assert!(start(concat!(env!("CARGO_MANIFEST_DIR"), "/src/amazon_roots.pem")).is_ok());
        for path in ["/there/is/no/such/file.pem", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let message = start(path).err().unwrap().to_string();
            assert!(message.contains(CA_BUNDLE), "{message}");
        }
    }

    #[test]
    fn a_bundle_with_anything_but_good_certificates_is_refused() {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        let good = include_str!("amazon_roots.pem");
        for bad in [String::new(), format!("{good}\n{begin}\nAAAA\n"), format!("{good}\n{begin}\nAAAA\n{end}\n")] {
            assert!(checked_bundle(bad.clone().into_bytes()).is_err(), "{bad}");
        }
    }
}

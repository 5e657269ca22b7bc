//! Makes the AWS clients, each on first use, with one configuration and one HTTP client for all of them.
//!
//! The configuration does without `aws-config`, which searches for settings that Lambda does not have and costs start time.
//! TLS uses `ring`, as the other provider collects entropy for half a second on a small function. It trusts only Amazon's
//! roots (<https://www.amazontrust.com/repository/>), which all AWS endpoints chain to. Behind a proxy that inspects TLS,
//! `AWS_CA_BUNDLE` names a PEM file of the roots to trust instead, as for every AWS SDK
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html>).
//! The linker drops a client that a function never uses.

use std::fmt;
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
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::sync::OnceCell;

use crate::config::{Environment, InvalidVariable};
#[cfg(debug_assertions)]
use crate::crash::CrashAtCalls;
use crate::error::Error;
use crate::seal::{Sealer, WeakKey};
use crate::secrets::SecretUnreadable;
use crate::signed::{self, CallFailed, SignedCall, SignedResponse};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// The timeout of an attempt on S3, which includes sending the body, possibly a video.
const S3_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 3;
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
const ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// The variables that override the endpoint of one service, over [`ENDPOINT`]
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
const SERVICE_ENDPOINTS: [&str; 7] = [
    "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_SESV2",
    "AWS_ENDPOINT_URL_SQS",
];

/// Holds the clients of a process. Shared by reference; a client is cheap to clone.
pub struct Clients {
    sdk: SdkConfig,
    /// Whether the endpoint of S3 is overridden.
    overrides_s3: bool,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    cognito: OnceLock<aws_sdk_cognitoidentityprovider::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
    ses: OnceLock<aws_sdk_sesv2::Client>,
    sealer: OnceCell<Sealer>,
}

/// Starts the configuration builder of a service. Crash tests stop a process at its calls, in debug builds only.
macro_rules! service_config {
    ($clients:expr, $service:ident) => {{
        let builder = $service::config::Builder::from(&$clients.sdk);
        #[cfg(debug_assertions)]
        let builder = builder.interceptor(CrashAtCalls);
        builder
    }};
}

impl Clients {
    /// Makes the configuration of all clients, and no client yet.
    ///
    /// # Errors
    /// A variable that Lambda sets is missing, or `AWS_CA_BUNDLE` names no bundle of roots.
    pub fn new(environment: &Environment) -> Result<Self, InvalidVariable> {
        Ok(Self {
            sdk: sdk_config(environment)?,
            overrides_s3: [ENDPOINT, "AWS_ENDPOINT_URL_S3"].iter().any(|name| environment.optional(name).is_some()),
            dynamodb: OnceLock::new(),
            s3: OnceLock::new(),
            sqs: OnceLock::new(),
            cognito: OnceLock::new(),
            secrets: OnceLock::new(),
            kms: OnceLock::new(),
            ses: OnceLock::new(),
            sealer: OnceCell::new(),
        })
    }

    /// Returns the client of the tables.
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.dynamodb
            .get_or_init(|| aws_sdk_dynamodb::Client::from_conf(service_config!(self, aws_sdk_dynamodb).build()))
    }

    /// Returns the client of the bucket. An attempt may take thirty seconds, as it includes the body.
    ///
    /// With an endpoint override the bucket is part of the path, as a local endpoint has no host name for each bucket.
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3.get_or_init(|| {
            let timeouts = timeouts(S3_ATTEMPT_TIMEOUT);
            let config = service_config!(self, aws_sdk_s3).force_path_style(self.overrides_s3).timeout_config(timeouts);
            aws_sdk_s3::Client::from_conf(config.build())
        })
    }

    /// Returns the client of the queues.
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| aws_sdk_sqs::Client::from_conf(service_config!(self, aws_sdk_sqs).build()))
    }

    /// Returns the client of the user pool.
    pub fn cognito(&self) -> &aws_sdk_cognitoidentityprovider::Client {
        self.cognito.get_or_init(|| {
            let config = service_config!(self, aws_sdk_cognitoidentityprovider).build();
            aws_sdk_cognitoidentityprovider::Client::from_conf(config)
        })
    }

    /// Returns the client of the secrets: the application key and the providers' keys.
    pub fn secrets(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets.get_or_init(|| {
            aws_sdk_secretsmanager::Client::from_conf(service_config!(self, aws_sdk_secretsmanager).build())
        })
    }

    /// Returns the client of the key that signs outputs.
    pub fn kms(&self) -> &aws_sdk_kms::Client {
        self.kms.get_or_init(|| aws_sdk_kms::Client::from_conf(service_config!(self, aws_sdk_kms).build()))
    }

    /// Returns the client that sends mail.
    pub fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.ses.get_or_init(|| aws_sdk_sesv2::Client::from_conf(service_config!(self, aws_sdk_sesv2).build()))
    }

    /// Calls a service that has no client here. `now` is the time of the signature.
    ///
    /// # Errors
    /// No response came, after a second attempt.
    pub async fn call(&self, call: SignedCall, now: Timestamp) -> Result<SignedResponse, CallFailed> {
        signed::send(&self.sdk, call, now).await
    }

    /// Opens two connections to DynamoDB [during the start](during_start), by reading a key that no item has. Nearly every request
    /// makes two calls at the same time, which need a connection each.
    pub async fn warm_dynamodb(&self, table: &str) {
        let nothing = AttributeValue::S("-".to_owned());
        let read = self.dynamodb().get_item().table_name(table).key("pk", nothing.clone()).key("sk", nothing);
        tokio::join!(during_start(read.clone().send()), during_start(read.send()));
    }

    /// Fetches the application key [during the start](during_start).
    pub async fn warm_sealer(&self, secret_arn: &str) {
        during_start(self.sealer(secret_arn)).await;
    }

    /// Returns the sealer with the application key. Reads the key from Secrets Manager once per process, on first use.
    ///
    /// # Errors
    /// The key cannot be read or is too short. The next call tries again.
    pub async fn sealer(&self, secret_arn: &str) -> Result<&Sealer, AppKeyError> {
        self.sealer
            .get_or_try_init(async || {
                let secret = self.secret(secret_arn).await?;
                Ok(Sealer::new(secret.as_bytes())?)
            })
            .await
    }

    /// Reads the text of a secret, empty if it has none. Calls Secrets Manager each time.
    ///
    /// # Errors
    /// Secrets Manager does not return it.
    pub async fn secret(&self, arn: &str) -> Result<String, SecretUnreadable> {
        let output = self.secrets().get_secret_value().secret_id(arn).send().await;
        let secret = output.map_err(|error| SecretUnreadable::new(arn, error))?;
        Ok(secret.secret_string().unwrap_or_default().to_owned())
    }
}

/// Says why there is no application key.
#[derive(Debug, thiserror::Error)]
pub enum AppKeyError {
    /// Secrets Manager did not return it.
    #[error(transparent)]
    Unreadable(#[from] SecretUnreadable),
    /// It is too short.
    #[error("the application key is too short: put a random string of 32 characters or more into its secret")]
    Weak(#[from] WeakKey),
}

/// Makes a call during the start, which runs at full CPU, so that the first request finds the connection open, and what the
/// call fetches.
///
/// Takes at most a second. Ignores errors: the first request that makes the call will report them.
///
/// The future is without its type: those of the SDK are as deep as the compiler allows, and here several are in one.
pub fn during_start<'a, T, E: fmt::Debug>(call: impl Future<Output = Result<T, E>> + Send + 'a) -> BoxFuture<'a, ()> {
    Box::pin(async {
        if let Ok(Err(error)) = tokio::time::timeout(CONNECT_TIMEOUT, call).await {
            tracing::debug!(?error, "call during the start failed");
        }
    })
}

/// Makes the configuration that all clients share. The credentials are those of the function's role. They do not expire while the
/// process runs, as Lambda ends it before.
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
    builder.set_endpoint_url(environment.optional(ENDPOINT).map(str::to_owned));
    let endpoints = SERVICE_ENDPOINTS.iter().filter_map(|name| Some((*name, environment.optional(name)?.to_owned())));
    let endpoints = ServiceEndpoints(endpoints.collect());
    if !endpoints.0.is_empty() {
        builder.set_service_config(Some(endpoints));
    }
    Ok(builder.build())
}

/// Holds the endpoint overrides of single services, by their variables.
#[derive(Debug)]
struct ServiceEndpoints(Vec<(&'static str, String)>);

impl LoadServiceConfig for ServiceEndpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        let variable = format!("{}_{service}", key.env());
        self.0.iter().find(|(name, _)| *name == variable).map(|(_, endpoint)| endpoint.clone())
    }
}

/// Makes short timeouts: a pooled connection may have been closed while the function was frozen, and a retry opens another.
fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(attempt).build()
}

/// Returns Amazon's roots, or those of the bundle that the environment names.
fn trusted_roots(environment: &Environment) -> Result<TrustStore, InvalidVariable> {
    let Some(path) = environment.optional(CA_BUNDLE) else {
        return Ok(TrustStore::empty().with_pem_certificate(include_bytes!("amazon_roots.pem").as_slice()));
    };
    let bundle = std::fs::read(path).map_err(Error::from).and_then(check_bundle);
    let bundle = bundle.map_err(|source| InvalidVariable::NotRootCertificates { name: CA_BUNDLE, source })?;
    Ok(TrustStore::empty().with_pem_certificate(bundle))
}

/// Checks a bundle, as the HTTP client panics on a bad one.
fn check_bundle(bundle: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bundle) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err("the file has no certificate".into());
    }
    Ok(bundle)
}

#[expect(clippy::expect_used, reason = "only additional server names could make it fail")]
fn http_client(roots: TrustStore) -> SharedHttpClient {
    let context = TlsContext::builder().with_trust_store(roots).build().expect("a trust store makes a TLS context");
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https()
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::presigning::PresigningConfig;

    use super::*;

    const LAMBDA: [(&str, &str); 4] = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_REGION", "eu-west-1"),
    ];

    #[test]
    fn variables_of_lambda_suffice_for_every_client() {
        let clients = Clients::new(&Environment::from_iter(LAMBDA)).unwrap();
        assert_eq!(clients.dynamodb().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.sqs().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.cognito().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.secrets().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.kms().config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(clients.s3().config().region().unwrap().as_ref(), "eu-west-1");
    }

    #[test]
    fn attempt_on_s3_has_more_time() {
        let clients = Clients::new(&Environment::from_iter(LAMBDA)).unwrap();
        let attempt = |timeouts: Option<&TimeoutConfig>| timeouts.and_then(TimeoutConfig::operation_attempt_timeout);
        assert_eq!(attempt(clients.s3().config().timeout_config()), Some(S3_ATTEMPT_TIMEOUT));
        assert_eq!(attempt(clients.dynamodb().config().timeout_config()), Some(ATTEMPT_TIMEOUT));
    }

    /// The address that a service is called at.
    async fn called_at(variables: &[(&str, &str)]) -> String {
        let clients = Clients::new(&LAMBDA.into_iter().chain(variables.iter().copied()).collect()).unwrap();
        let valid = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
        let request = clients.s3().get_object().bucket("bucket").key("key").presigned(valid).await.unwrap();
        request.uri().split('?').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn endpoint_of_one_service_goes_before_that_of_all() {
        let (all, of_s3) = (("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2"));
        assert_eq!(called_at(&[]).await, "https://bucket.s3.eu-west-1.amazonaws.com/key");
        assert_eq!(called_at(&[all]).await, "http://127.0.0.1:1/bucket/key");
        assert_eq!(called_at(&[all, of_s3]).await, "http://127.0.0.1:2/bucket/key");
        assert_eq!(called_at(&[of_s3]).await, "http://127.0.0.1:2/bucket/key");
        assert_eq!(
            called_at(&[all, ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2")]).await,
            "http://127.0.0.1:1/bucket/key"
        );
    }

    #[test]
    fn embedded_roots_are_the_five_of_amazon() {
        let roots = include_str!("amazon_roots.pem");
        assert_eq!(roots.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        assert_eq!(roots.matches("-----END CERTIFICATE-----").count(), 5);
    }

    #[test]
    fn bundle_of_roots_is_read_from_the_environment() {
        let start = |path| Clients::new(&LAMBDA.into_iter().chain([(CA_BUNDLE, path)]).collect());
        assert!(start(concat!(env!("CARGO_MANIFEST_DIR"), "/src/amazon_roots.pem")).is_ok());
        for path in ["/there/is/no/such/file.pem", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let message = start(path).err().unwrap().to_string();
            assert!(message.contains(CA_BUNDLE), "{message}");
        }
    }

    #[test]
    fn bundle_with_a_bad_certificate_is_refused() {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        let good = include_str!("amazon_roots.pem");
        for bad in [String::new(), format!("{good}\n{begin}\nAAAA\n"), format!("{good}\n{begin}\nAAAA\n{end}\n")] {
            assert!(check_bundle(bad.clone().into_bytes()).is_err(), "{bad}");
        }
    }
}

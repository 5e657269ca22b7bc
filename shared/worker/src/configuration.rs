//! Configures the providers from the environment and from the secret with their keys.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use providers::{Endpoint, OpenAiModeration, Provider, ProviderConfig, Providers, Sketch};
use runtime::{
    clients::Clients,
    config::{Environment, InvalidVariable},
    secrets::SecretUnreadable,
};
use serde::Deserialize;

/// Why the providers cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// A variable is missing.
    #[error(transparent)]
    Variable(#[from] InvalidVariable),
    /// The settings of the gate are refused.
    #[error(transparent)]
    Moderation(#[from] lifecycle::gate::InvalidModeration),
    /// Stub servers must not receive the prompts of customers.
    #[error("PROVIDER_ENDPOINTS is for stub servers: leave it empty where STAGE is prod")]
    EndpointsInProd,
    /// Marks in prompts must be plain text to customers.
    #[error("SKETCH_MARKS is for tests: leave it empty where STAGE is prod")]
    MarksInProd,
    /// The addresses cannot be read.
    #[error("PROVIDER_ENDPOINTS is not a JSON object with the addresses of openai, stability, replicate, fal")]
    Endpoints(#[source] serde_json::Error),
}

/// Holds the address of each provider with a key.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PerProvider {
    openai: Option<String>,
    stability: Option<String>,
    replicate: Option<String>,
    fal: Option<String>,
}

/// The secret: the keys of the providers, and what verifies the webhooks of Replicate. Other fields are for another version of this
/// program, which is deployed next or was rolled back.
#[derive(Default, Deserialize)]
struct Secret {
    openai: Option<String>,
    stability: Option<String>,
    replicate: Option<String>,
    replicate_webhook_secret: Option<String>,
    fal: Option<String>,
}

/// The age at which keys are read again.
const KEYS_S: i64 = 3_600;
/// The age at which keys are read again if a provider refused: they may have been rotated.
const REFUSED_KEYS_S: i64 = 60;

/// Holds the providers. Those with a key are built when the first of them is called, so a deployment with `sketch` only
/// reads no secret.
pub struct Configured {
    enabled: Vec<String>,
    clients: Arc<Clients>,
    keys_secret: String,
    endpoints: PerProvider,
    sketch: Arc<Sketch>,
    built: Mutex<Option<(Arc<Providers>, Timestamp)>>,
}

impl Configured {
    /// Enables the providers of the environment. Reads no secret yet.
    ///
    /// # Errors
    /// [`ConfigurationError`].
    pub fn new(environment: &Environment, clients: impl Into<Arc<Clients>>) -> Result<Self, ConfigurationError> {
        Ok(Self {
            enabled: lifecycle::enabled_providers(environment)?,
            clients: clients.into(),
            keys_secret: environment.required("PROVIDER_KEYS_SECRET")?,
            endpoints: endpoints(environment)?,
            sketch: Arc::new(sketch(environment)?),
            built: Mutex::new(None),
        })
    }

    /// Returns the names of the enabled providers.
    #[must_use]
    pub fn enabled(&self) -> &[String] {
        &self.enabled
    }

    /// Returns the provider of this name; `None` if it has no usable key, which the operator must mend. The secret is read
    /// again until it holds usable keys, then every hour, and after a [refusal](Self::refused).
    ///
    /// # Errors
    /// The secret cannot be read.
    pub async fn provider(&self, name: &str, now: Timestamp) -> Result<Option<Arc<dyn Provider>>, SecretUnreadable> {
        if name == self.sketch.name() {
            return Ok(Some(self.sketch.clone()));
        }
        Ok(self.present(now).await?.and_then(|providers| providers.by_name(name)))
    }

    /// Returns OpenAI's moderation endpoint; `None` if OpenAI has no usable key. The secret is read as for a provider.
    ///
    /// # Errors
    /// The secret cannot be read.
    pub async fn openai_moderation(&self, now: Timestamp) -> Result<Option<Arc<OpenAiModeration>>, SecretUnreadable> {
        Ok(self.present(now).await?.and_then(|providers| providers.openai_moderation()))
    }

    /// Returns the providers with a key, as the secret was in the last hour.
    async fn present(&self, now: Timestamp) -> Result<Option<Arc<Providers>>, SecretUnreadable> {
        let known = self.built.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((providers, since)) = known
            && now.duration_since(since).as_secs() < KEYS_S
        {
            return Ok(Some(providers));
        }
        let Some(providers) = self.build().await?.map(Arc::new) else { return Ok(None) };
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&providers), now));
        Ok(Some(providers))
    }

    /// Notes that a provider refused, or has no key: keys that are older than a minute are read again by the next call.
    pub fn refused(&self, now: Timestamp) {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.take_if(|(_, since)| now.duration_since(*since).as_secs() >= REFUSED_KEYS_S);
    }

    async fn build(&self) -> Result<Option<Providers>, SecretUnreadable> {
        let secret = self.clients.secret(&self.keys_secret).await?;
        let keys: Secret = match serde_json::from_str(&secret) {
            Ok(keys) => keys,
            Err(error) => {
                // The position only: the message of serde may quote a key.
                let (line, column) = (error.line(), error.column());
                tracing::error!(line, column, "the secret with the keys of the providers is not the JSON it must be");
                return Ok(None);
            }
        };
        match Providers::new(&settings(keys, &self.endpoints)) {
            Ok(providers) => Ok(Some(providers)),
            Err(error) => {
                tracing::error!(error = %error, "the providers cannot be built");
                Ok(None)
            }
        }
    }
}

/// Returns the addresses of stub servers in place of the real ones, for tests against a deployment.
fn endpoints(environment: &Environment) -> Result<PerProvider, ConfigurationError> {
    let Some(json) = environment.optional("PROVIDER_ENDPOINTS") else { return Ok(PerProvider::default()) };
    if environment.required("STAGE")? == "prod" {
        return Err(ConfigurationError::EndpointsInProd);
    }
    serde_json::from_str(json).map_err(ConfigurationError::Endpoints)
}

/// Returns the demo provider, which obeys marks in prompts only for tests against a deployment.
fn sketch(environment: &Environment) -> Result<Sketch, ConfigurationError> {
    if environment.optional("SKETCH_MARKS") != Some("true") {
        return Ok(Sketch::default());
    }
    if environment.required("STAGE")? == "prod" {
        return Err(ConfigurationError::MarksInProd);
    }
    Ok(Sketch::scripted())
}

/// Makes the configuration. A blank key counts as none, as in `providers`: that is how an operator removes one.
fn settings(keys: Secret, endpoints: &PerProvider) -> ProviderConfig {
    let mut settings = ProviderConfig::default();
    let mut stubs = Vec::new();
    let places: [(&mut Endpoint, Option<String>, &Option<String>); 4] = [
        (&mut settings.openai, keys.openai, &endpoints.openai),
        (&mut settings.stability, keys.stability, &endpoints.stability),
        (&mut settings.replicate, keys.replicate, &endpoints.replicate),
        (&mut settings.fal, keys.fal, &endpoints.fal),
    ];
    for (endpoint, key, address) in places {
        endpoint.api_key = key;
        if let Some(address) = address {
            endpoint.base_url.clone_from(address);
            stubs.push(address.clone());
        }
    }
    if let Some(address) = &endpoints.fal {
        settings.fal_platform_url.clone_from(address);
    }
    settings.replicate_reports = keys.replicate_webhook_secret.is_some_and(|secret| !secret.trim().is_empty());
    settings.trusted_origins = stubs;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUB: &str = r#"{"openai": "http://127.0.0.1:4010"}"#;

    fn endpoints_in(stage: &str, json: &str) -> Result<PerProvider, ConfigurationError> {
        endpoints(&Environment::from_iter([("STAGE", stage), ("PROVIDER_ENDPOINTS", json)]))
    }

    #[test]
    fn stub_servers_are_refused_in_prod_and_only_there() {
        assert_eq!(endpoints_in("dev", STUB).ok().unwrap().openai.as_deref(), Some("http://127.0.0.1:4010"));
        assert!(matches!(endpoints_in("prod", STUB), Err(ConfigurationError::EndpointsInProd)));
        assert!(endpoints_in("prod", "").is_ok_and(|endpoints| endpoints.openai.is_none()));
        assert!(matches!(endpoints_in("dev", r#"{"opneai": "x"}"#), Err(ConfigurationError::Endpoints(_))));
    }

    async fn is_rejected(variables: &[(&str, &str)]) -> Result<bool, ConfigurationError> {
        let sketch = sketch(&Environment::from_iter(variables.iter().copied()))?;
        let request = providers::ProviderRequest {
            kind: providers::OutputKind::Image,
            model: "sketch".to_owned(),
            prompt: "[sketch:reject]".to_owned(),
            negative_prompt: None,
            width: 64,
            height: 64,
            quality: None,
            count: 1,
            seed: None,
            duration_ms: None,
            reference_image: None,
            callback: None,
        };
        Ok(sketch.start(&request, &crate::ask::tests::Counted::default()).await.is_err())
    }

    #[tokio::test]
    async fn marks_in_prompts_need_the_test_variable_which_prod_refuses() {
        for stage in ["dev", "prod"] {
            for unset in [&[("STAGE", stage)][..], &[("STAGE", stage), ("SKETCH_MARKS", "false")]] {
                assert!(!is_rejected(unset).await.unwrap(), "{unset:?}");
            }
        }
        assert!(is_rejected(&[("STAGE", "dev"), ("SKETCH_MARKS", "true")]).await.unwrap());
        let refused = is_rejected(&[("STAGE", "prod"), ("SKETCH_MARKS", "true")]).await;
        assert!(matches!(refused, Err(ConfigurationError::MarksInProd)));
    }

    #[test]
    fn stub_server_replaces_one_provider_and_may_serve_results() {
        let keys = serde_json::from_str(r#"{"openai": "k1", "fal": "k2"}"#).unwrap();
        let settings = settings(keys, &endpoints_in("dev", STUB).ok().unwrap());
        assert_eq!(settings.openai.base_url, "http://127.0.0.1:4010");
        assert_eq!(settings.fal.base_url, ProviderConfig::default().fal.base_url);
        assert_eq!(settings.trusted_origins, ["http://127.0.0.1:4010"]);
        assert_eq!((settings.fal.api_key.as_deref(), settings.stability.api_key), (Some("k2"), None));
    }

    #[tokio::test]
    async fn sketch_needs_no_secret() {
        let environment = Environment::from_iter([
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-west-1"),
            ("PROVIDERS", "sketch"),
            ("PROVIDER_KEYS_SECRET", "none"),
        ]);
        let clients = runtime::clients::Clients::new(&environment).unwrap();
        let configured = Configured::new(&environment, clients).unwrap();
        assert_eq!(configured.provider("sketch", Timestamp::UNIX_EPOCH).await.unwrap().unwrap().name(), "sketch");
    }

    #[tokio::test]
    async fn keys_are_read_again_after_an_hour_and_after_a_refusal() {
        let aws = fake_aws::aws::Aws::start("5f0c9a52-6f0e-4c5e-9d3a-0a4d8d6c1b11").await.unwrap();
        let environment = Environment::from_iter([
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", aws.endpoint()),
            ("PROVIDERS", "openai,fal"),
            ("PROVIDER_KEYS_SECRET", "provider-keys"),
        ]);
        let clients = runtime::clients::Clients::new(&environment).unwrap();
        let configured = Configured::new(&environment, clients).unwrap();
        let keys = async |json: &str| aws.play("GetSecretValue", serde_json::json!({"SecretString": json})).await;
        let has = async |name: &str, second: i64| {
            configured.provider(name, Timestamp::from_second(second).unwrap()).await.unwrap().is_some()
        };

        keys(r#"{"openai": "k1"}"#).await;
        assert!(has("openai", 0).await);
        keys(r#"{"openai": "k1", "fal": "k2", "a_later_provider": "k3"}"#).await;
        assert!(!has("fal", 59).await);
        configured.refused(Timestamp::from_second(59).unwrap());
        assert!(!has("fal", 59).await, "a refusal right after the keys were read does not read them again");
        configured.refused(Timestamp::from_second(60).unwrap());
        assert!(has("fal", 60).await);

        keys(r#"{"fal": "k2"}"#).await;
        assert!(has("openai", 60 + 3_599).await);
        assert!(!has("openai", 60 + 3_600).await);
    }
}

//! The configured providers.

use std::sync::Arc;

use crate::api_client::{ApiClient, Auth, http_client};
use crate::config::{Endpoint, ProviderConfig, ProviderConfigError};
use crate::openai_moderation::OpenAiModeration;
use crate::provider::Provider;
use crate::{fal, openai, replicate, stability};

/// Holds the providers that are configured.
pub struct Providers(Vec<Arc<dyn Provider>>, Option<Arc<OpenAiModeration>>);

impl Providers {
    /// Builds the providers that have an API key. Builds the HTTP client, which is slow, only if there is one.
    ///
    /// # Errors
    /// [`ProviderConfigError`].
    pub fn new(config: &ProviderConfig) -> Result<Self, ProviderConfigError> {
        let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
        let ProviderConfig { openai, stability, replicate, fal, .. } = config;
        if [openai, stability, replicate, fal].iter().all(|endpoint| endpoint.usable_key().is_none()) {
            return Ok(Self(providers, None));
        }
        let http = http_client(config)?;
        let api = |name, endpoint: &Endpoint, auth| match endpoint.usable_key() {
            Some(key) => ApiClient::new(name, endpoint, &Auth { scheme: auth, key }, config, &http).map(Some),
            None => Ok(None),
        };
        if let Some(api) = api(openai::NAME, openai, "Bearer")? {
            providers.push(Arc::new(openai::OpenAi(api)));
        }
        if let Some(api) = api(stability::NAME, stability, "Bearer")? {
            providers.push(Arc::new(stability::Stability(api)));
        }
        if let Some(api) = api(replicate::NAME, replicate, "Bearer")? {
            providers.push(Arc::new(replicate::Replicate { api, reports: config.replicate_reports }));
        }
        let platform = Endpoint { base_url: config.fal_platform_url.clone(), ..fal.clone() };
        if let (Some(queue), Some(platform)) = (api(fal::NAME, fal, "Key")?, api(fal::NAME, &platform, "Key")?) {
            providers.push(Arc::new(fal::Fal { queue, platform }));
        }
        let moderation = api(openai::NAME, openai, "Bearer")?.map(|api| Arc::new(OpenAiModeration(api)));
        Ok(Self(providers, moderation))
    }

    /// Returns the provider with this name, if it is configured.
    pub fn by_name(&self, name: &str) -> Option<Arc<dyn Provider>> {
        self.0.iter().find(|provider| provider.name() == name).cloned()
    }

    /// Returns OpenAI's moderation endpoint, if OpenAI is configured.
    #[must_use]
    pub fn openai_moderation(&self) -> Option<Arc<OpenAiModeration>> {
        self.1.clone()
    }

    /// Returns the names of the configured providers.
    pub fn configured(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|provider| provider.name())
    }
}

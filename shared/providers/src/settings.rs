//! Which providers there are, and how far each may go.

use std::time::Duration;

use crate::outbound::{Auth, Outbound, client};
use crate::{Provider, Sketch, fal, openai, replicate, stability};

/// What the providers are built from. The default has every documented address and no key, so only [`Sketch`] exists.
///
/// Deliberately not `Debug`: it holds keys.
#[derive(Clone)]
pub struct ProviderConfig {
    /// [`openai`](https://developers.openai.com/api/reference/resources/images)
    pub openai: Endpoint,
    /// [`stability`](https://platform.stability.ai/docs/api-reference)
    pub stability: Endpoint,
    /// [`replicate`](https://replicate.com/docs/reference/http)
    pub replicate: Endpoint,
    /// [`fal`](https://docs.fal.ai/model-endpoints/queue)
    pub fal: Endpoint,
    /// fal's [platform](https://fal.ai/docs/platform-apis), which has the same key.
    pub fal_platform_url: String,
    /// Sizes and times.
    pub limits: CallLimits,
    /// Origins such as `http://127.0.0.1:4010` that results may come from although they are neither https nor public.
    /// For stub servers.
    pub trusted_origins: Vec<String>,
}

/// One provider's place.
#[derive(Clone)]
pub struct Endpoint {
    /// Without one, or with a blank one, the provider does not exist.
    pub api_key: Option<String>,
    /// The address that the documented paths are put after. Only it ever sees the key.
    pub base_url: String,
    /// Hosts that results may be fetched from; each stands for its subdomains too.
    pub result_hosts: Vec<String>,
}

/// Sizes and times of every call.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// The largest image that is accepted.
    pub image_bytes: usize,
    /// The largest video that is accepted.
    pub video_bytes: usize,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long a body may stand still.
    pub idle_timeout: Duration,
    /// How long a call may take in all. Some providers paint while the call waits.
    pub call_timeout: Duration,
}

/// Why no providers could be built.
#[derive(Debug, thiserror::Error)]
pub enum ProviderConfigError {
    /// A base address or an unguarded origin is not a URL.
    #[error("{0} is not an http(s) address")]
    Address(String),
    /// A key cannot be sent in a header.
    #[error("the key of {0} has characters that a header cannot have")]
    Key(&'static str),
    /// TLS could not be set up.
    #[error("the HTTP client cannot be built")]
    Client(#[from] reqwest::Error),
}

/// The providers that are configured, and [`Sketch`].
pub struct Providers(Vec<Box<dyn Provider>>);

impl Default for ProviderConfig {
    fn default() -> Self {
        let endpoint = |base_url: &str, result_hosts: &[&str]| Endpoint {
            api_key: None,
            base_url: base_url.to_owned(),
            result_hosts: result_hosts.iter().map(|host| (*host).to_owned()).collect(),
        };
        Self {
            openai: endpoint("https://api.openai.com", &[]),
            stability: endpoint("https://api.stability.ai", &[]),
            replicate: endpoint("https://api.replicate.com", &["replicate.delivery"]),
            fal: endpoint("https://queue.fal.run", &["fal.media"]),
            fal_platform_url: "https://api.fal.ai".to_owned(),
            limits: CallLimits::default(),
            trusted_origins: Vec::new(),
        }
    }
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            image_bytes: 25 * 1024 * 1024,
            video_bytes: 100 * 1024 * 1024,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(15),
            call_timeout: Duration::from_secs(150),
        }
    }
}

impl Endpoint {
    fn usable_key(&self) -> Option<&str> {
        self.api_key.as_deref().map(str::trim).filter(|key| !key.is_empty())
    }
}

impl Providers {
    /// Builds those that have a key. The HTTP client, which is slow to build, is made only if there is one.
    pub fn new(settings: &ProviderConfig) -> Result<Self, ProviderConfigError> {
        let mut providers: Vec<Box<dyn Provider>> = vec![Box::new(Sketch)];
        let ProviderConfig { openai, stability, replicate, fal, .. } = settings;
        if [openai, stability, replicate, fal].iter().all(|endpoint| endpoint.usable_key().is_none()) {
            return Ok(Self(providers));
        }
        let client = client(settings)?;
        let outbound = |name, endpoint: &Endpoint, auth| match endpoint.usable_key() {
            Some(key) => Outbound::new(name, endpoint, &Auth { scheme: auth, key }, settings, &client).map(Some),
            None => Ok(None),
        };
        if let Some(outbound) = outbound(openai::NAME, openai, "Bearer")? {
            providers.push(Box::new(openai::OpenAi(outbound)));
        }
        if let Some(outbound) = outbound(stability::NAME, stability, "Bearer")? {
            providers.push(Box::new(stability::Stability(outbound)));
        }
        if let Some(outbound) = outbound(replicate::NAME, replicate, "Bearer")? {
            providers.push(Box::new(replicate::Replicate(outbound)));
        }
        let platform = Endpoint { base_url: settings.fal_platform_url.clone(), ..fal.clone() };
        if let (Some(queue), Some(platform)) =
            (outbound(fal::NAME, fal, "Key")?, outbound(fal::NAME, &platform, "Key")?)
        {
            providers.push(Box::new(fal::Fal { queue, platform }));
        }
        Ok(Self(providers))
    }

    /// The provider of this name, if it is configured.
    pub fn by_name(&self, name: &str) -> Option<&dyn Provider> {
        self.0.iter().find(|provider| provider.name() == name).map(AsRef::as_ref)
    }

    /// The names of all that can be used, [`Sketch`] first.
    pub fn configured(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|provider| provider.name())
    }
}

//! The configuration of the providers.

use std::time::Duration;

/// Configures the providers that have an API key. The default has every documented address and no API key.
///
/// Does not implement `Debug`, since it holds API keys.
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
    /// Whether the signing secret of Replicate's webhooks is known, so that its reports can be verified. Without it there are none.
    pub replicate_reports: bool,
    /// The base URL of fal's [platform API](https://fal.ai/docs/platform-apis), which has the same API key.
    pub fal_platform_url: String,
    /// The limits of every call.
    pub limits: CallLimits,
    /// Origins such as `http://127.0.0.1:4010` that results may come from although they are neither https nor public.
    /// They are for stub servers.
    pub trusted_origins: Vec<String>,
}

/// Configures one provider's API.
#[derive(Clone)]
pub struct Endpoint {
    /// The API key. Without one, or with a blank one, the provider is not available.
    pub api_key: Option<String>,
    /// The base URL of the documented paths. Only this host receives the API key.
    pub base_url: String,
    /// Hosts that results may be fetched from, each with its subdomains.
    pub result_hosts: Vec<String>,
}

/// Limits every call.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// The largest accepted image, in bytes.
    pub image_bytes: usize,
    /// The largest accepted video, in bytes.
    pub video_bytes: usize,
    /// The time limit for opening a connection.
    pub connect_timeout: Duration,
    /// The longest pause within a response body.
    pub idle_timeout: Duration,
    /// The time limit of a whole call. Some providers generate during the call: one image takes up to two minutes, and a
    /// call that is given up may still be charged.
    pub call_timeout: Duration,
}

/// Reports why the providers could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ProviderConfigError {
    /// A base URL or a trusted origin is not an http(s) URL.
    #[error("{0} is not an http(s) URL")]
    InvalidUrl(String),
    /// An API key contains characters that an HTTP header cannot have.
    #[error("the API key of {0} has characters that an HTTP header cannot have")]
    InvalidKey(&'static str),
    /// The HTTP client could not be built, since TLS could not be set up.
    #[error("the HTTP client cannot be built")]
    Client(#[from] reqwest::Error),
}

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
            replicate_reports: false,
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
            call_timeout: Duration::from_secs(240),
        }
    }
}

impl Endpoint {
    /// Returns the API key, unless it is missing or blank.
    pub(crate) fn usable_key(&self) -> Option<&str> {
        self.api_key.as_deref().map(str::trim).filter(|key| !key.is_empty())
    }
}

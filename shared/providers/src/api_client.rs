//! The HTTP client for provider APIs and results.
//!
//! The API key goes to the configured API host only. API calls follow no redirects. A result may be redirected three times:
//! every hop must be https, on one of the provider's result hosts, and at a public address, as resolved for that very
//! connection. Response bodies are read up to a limit, so nothing larger is held in memory.

mod public_addresses;
mod retry_after;

use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};

use crate::config::{CallLimits, Endpoint, ProviderConfig, ProviderConfigError};
use crate::error::{ProviderError, ProviderErrorKind};
use crate::request::OutputKind;
use crate::response::Outputs;
use public_addresses::{NotPublic, PublicResolver};

/// The most redirects that the fetch of a result follows.
const MAX_REDIRECTS: usize = 3;
/// How long a connection is kept for the next call. One that was idle for longer, while Lambda stopped the process, may be dead, and
/// a start on it is not repeated.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
/// The part of a response beside one image in base64.
const BESIDE_IMAGE_BYTES: usize = 1 << 20;

/// Calls one provider's API and fetches its results.
pub(crate) struct ApiClient {
    provider: &'static str,
    client: Client,
    base: Url,
    authorization: HeaderValue,
    result_hosts: Vec<String>,
    trusted_origins: Vec<url::Origin>,
    limits: CallLimits,
}

/// The scheme and key of the `Authorization` header.
pub(crate) struct Auth<'a> {
    pub(crate) scheme: &'static str,
    pub(crate) key: &'a str,
}

/// A response of which the head has arrived. The rest of it takes no memory until it is [read](ApiClient::read).
pub(crate) struct ResponseHead {
    response: Response,
    method: Method,
}

/// Holds a whole API response, of any status.
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    method: Method,
}

/// Builds the HTTP client that all providers share.
pub(crate) fn http_client(config: &ProviderConfig) -> Result<Client, ProviderConfigError> {
    static TLS: Once = Once::new();
    // Another crate of the same process may have installed a provider already, which then serves here too.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let bases = [&config.openai, &config.stability, &config.replicate, &config.fal];
    let bases = bases.into_iter().map(|endpoint| &endpoint.base_url).chain([&config.fal_platform_url]);
    let chosen = bases.chain(&config.trusted_origins);
    let chosen_hosts = chosen.map(|url| parse_url(url).map(|url| url.host_str().unwrap_or_default().to_owned()));
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(config.limits.connect_timeout)
        .timeout(config.limits.call_timeout)
        .pool_idle_timeout(IDLE_CONNECTION)
        .dns_resolver(Arc::new(PublicResolver { exempt: chosen_hosts.collect::<Result<_, _>>()? }))
        .build()?;
    Ok(client)
}

fn parse_url(url: &str) -> Result<Url, ProviderConfigError> {
    let parsed = Url::parse(url).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    parsed.ok_or_else(|| ProviderConfigError::InvalidUrl(url.to_owned()))
}

impl ApiClient {
    pub(crate) fn new(
        provider: &'static str,
        endpoint: &Endpoint,
        auth: &Auth<'_>,
        config: &ProviderConfig,
        client: &Client,
    ) -> Result<Self, ProviderConfigError> {
        let mut authorization = HeaderValue::from_str(&format!("{} {}", auth.scheme, auth.key))
            .map_err(|_| ProviderConfigError::InvalidKey(provider))?;
        authorization.set_sensitive(true);
        let trusted_origins = config.trusted_origins.iter().map(|url| parse_url(url).map(|url| url.origin()));
        Ok(Self {
            provider,
            client: client.clone(),
            base: parse_url(&endpoint.base_url)?,
            authorization,
            result_hosts: endpoint.result_hosts.iter().map(|host| host.to_lowercase()).collect(),
            trusted_origins: trusted_origins.collect::<Result<_, _>>()?,
            limits: config.limits,
        })
    }

    /// Builds an API request with the API key. `path` begins with a slash and needs no escaping.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.base.as_str().trim_end_matches('/');
        self.client.request(method, format!("{base}{path}")).header(AUTHORIZATION, self.authorization.clone())
    }

    /// Sends a request and returns the response, of any status. A `POST` starts something at the provider: one that was
    /// sent and got no usable response is [`Unconfirmed`](crate::ProviderErrorKind::Unconfirmed).
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<ApiResponse, ProviderError> {
        self.read(self.head(request).await?).await
    }

    /// Sends a request as [`send`](Self::send) does, and returns the head of the response.
    pub(crate) async fn head(&self, request: RequestBuilder) -> Result<ResponseHead, ProviderError> {
        let request = request
            .build()
            .map_err(|_| ProviderError::invalid_request(self.provider, "the request cannot be built"))?;
        let method = request.method().clone();
        fault_injection::before_call(self.provider, method.as_str());
        let response = self.client.execute(request).await.map_err(|error| match self.transport_error(&error) {
            unsent if error.is_connect() => unsent,
            sent => self.failed(&method, sent),
        })?;
        fault_injection::after_call(self.provider, method.as_str());
        Ok(ResponseHead { response, method })
    }

    /// Reads the rest of a response.
    pub(crate) async fn read(&self, head: ResponseHead) -> Result<ApiResponse, ProviderError> {
        let ResponseHead { response, method } = head;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body(response, self.limits.image_bytes.div_ceil(3) * 4 + BESIDE_IMAGE_BYTES).await;
        // A failure without its body is classified by its status.
        let body = if status.is_success() {
            body.map_err(|error| self.failed(&method, error))?
        } else {
            body.unwrap_or_default()
        };
        Ok(ApiResponse { status, headers, body, method })
    }

    /// Returns the failure of a request that was sent. Of a start: the provider may have begun.
    fn failed(&self, method: &Method, error: ProviderError) -> ProviderError {
        if method != Method::POST {
            return error;
        }
        ProviderError::unconfirmed(self.provider, format!("a start without a usable response: {error}"))
    }

    /// Sends a request and parses the response, which must be successful and JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ProviderError> {
        let response = self.send(request).await?;
        if response.status.is_success() { self.parse(&response) } else { Err(self.error_for(&response)) }
    }

    /// Parses the JSON of a response.
    pub(crate) fn parse<'a, T: Deserialize<'a>>(&self, response: &'a ApiResponse) -> Result<T, ProviderError> {
        serde_json::from_slice(&response.body).map_err(|_| {
            let message = format!("{}, but not the documented JSON", response.status);
            let error = ProviderError::invalid_response(self.provider, message);
            if response.method == Method::POST { error.of_start() } else { error }
        })
    }

    /// Classifies an unsuccessful response by its status. A provider checks first whether the response is a rejection of the
    /// prompt.
    pub(crate) fn error_for(&self, response: &ApiResponse) -> ProviderError {
        let status = response.status;
        match status.as_u16() {
            429 | 503 => {
                let message = format!("too many requests: {status}");
                ProviderError::throttled(self.provider, message, retry_after::parse(&response.headers))
            }
            // A gateway gave up waiting for a start that may go on.
            504 | 524 if response.method == Method::POST => {
                ProviderError::unconfirmed(self.provider, format!("a start without a usable response: {status}"))
            }
            408 | 500..=599 => {
                let message = format!("unavailable: {status}");
                ProviderError::unavailable(self.provider, message, retry_after::parse(&response.headers))
            }
            401..=403 => ProviderError::account_problem(self.provider, format!("the account is not served: {status}")),
            404 | 410 if response.method == Method::GET => {
                ProviderError::job_ended(self.provider, format!("the job no longer exists: {status}"))
            }
            404 | 410 => ProviderError::model_gone(self.provider, format!("the model no longer exists: {status}")),
            400..=499 => {
                ProviderError::invalid_request(self.provider, format!("the request was not accepted: {status}"))
            }
            _ => ProviderError::invalid_response(self.provider, format!("an unexpected status: {status}")),
        }
    }

    /// Fetches results, without the API key, and hands each over before it fetches the next. One that cannot be had is left out, as
    /// the others are paid for. One that may be had later is a failure, after all others were handed over.
    pub(crate) async fn download(
        &self,
        urls: &[String],
        kind: OutputKind,
        outputs: &dyn Outputs,
    ) -> Result<(), ProviderError> {
        let (mut is_one_done, mut lost, mut failed) = (false, None, None);
        for url in urls {
            match self.fetch(url, kind).await {
                Ok(bytes) => {
                    outputs.take(bytes).await;
                    is_one_done = true;
                }
                Err(error) if error.kind == ProviderErrorKind::JobEnded => {
                    tracing::warn!(error = %error, "a result is lost");
                    lost = Some(error);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.or(lost.filter(|_| !is_one_done)).map_or(Ok(()), Err)
    }

    async fn fetch(&self, url: &str, kind: OutputKind) -> Result<Vec<u8>, ProviderError> {
        let ended = |message: String| ProviderError::job_ended(self.provider, message);
        let mut url = Url::parse(url).map_err(|_| ended("the URL of a result is invalid".to_owned()))?;
        for _ in 0..=MAX_REDIRECTS {
            if !self.may_fetch(&url) {
                return Err(ended("a result is at a forbidden address".to_owned()));
            }
            let response = self.client.get(url.clone()).send().await.map_err(|error| self.transport_error(&error))?;
            let status = response.status();
            match status.as_u16() {
                200 => return self.result(response, kind).await,
                301 | 302 | 303 | 307 | 308 => {
                    let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                    let target = target.and_then(|target| url.join(target).ok());
                    url = target.ok_or_else(|| ended("a result is redirected to nowhere".to_owned()))?;
                }
                408 | 429 | 500..=599 => {
                    let wait = retry_after::parse(response.headers());
                    return Err(ProviderError::unavailable(
                        self.provider,
                        format!("fetching a result: {status}"),
                        wait,
                    ));
                }
                _ => return Err(ended(format!("a result cannot be fetched any more: {status}"))),
            }
        }
        Err(ended("a result is redirected too often".to_owned()))
    }

    /// Whether a result may be asked for here. What the host resolves to is looked at when it is connected to.
    fn may_fetch(&self, url: &Url) -> bool {
        if self.trusted_origins.contains(&url.origin()) {
            return true;
        }
        let Some(url::Host::Domain(host)) = url.host() else { return false };
        let listed = |allowed: &String| {
            host == allowed || host.strip_suffix(allowed.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && self.result_hosts.iter().any(listed)
    }

    async fn result(&self, response: Response, kind: OutputKind) -> Result<Vec<u8>, ProviderError> {
        let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if ["text/", "application/json", "application/xml"].iter().any(|text| media.starts_with(text)) {
            return Err(ProviderError::job_ended(self.provider, "a result is text, not media"));
        }
        let limit = match kind {
            OutputKind::Image => self.limits.image_bytes,
            OutputKind::Video => self.limits.video_bytes,
        };
        self.body(response, limit).await
    }

    async fn body(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, ProviderError> {
        let too_large =
            || ProviderError::job_ended(self.provider, format!("a response body has more than {limit} bytes"));
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            let chunk = tokio::time::timeout(self.limits.idle_timeout, response.chunk()).await;
            match chunk {
                Err(_) => return Err(ProviderError::unavailable(self.provider, "a response body stalls", None)),
                Ok(Err(error)) if error.is_timeout() => {
                    return Err(ProviderError::unavailable(self.provider, "a response body takes too long", None));
                }
                Ok(Err(_)) => {
                    return Err(ProviderError::invalid_response(self.provider, "a response body is cut short"));
                }
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > limit => return Err(too_large()),
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body),
            }
        }
    }

    fn transport_error(&self, error: &reqwest::Error) -> ProviderError {
        let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        if causes.into_iter().any(|cause| cause.is::<NotPublic>()) {
            ProviderError::job_ended(self.provider, "a result's host has no public address")
        } else if error.is_timeout() {
            ProviderError::unavailable(self.provider, "no response in time", None)
        } else if error.is_connect() {
            ProviderError::unavailable(self.provider, "no connection", None)
        } else {
            ProviderError::invalid_response(self.provider, "the connection ended without a response")
        }
    }
}

/// Returns the time to wait between two polls of a job.
pub(crate) fn poll_after(kind: OutputKind) -> Duration {
    match kind {
        OutputKind::Image => Duration::from_secs(2),
        OutputKind::Video => Duration::from_secs(10),
    }
}

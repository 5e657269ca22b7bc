//! Every byte that leaves for a payment provider or comes from one.
//!
//! Only the configured hosts are called. Redirects are never followed, as the keys would go with them, and an answer is
//! read up to a limit.

use std::sync::Once;
use std::time::Duration;

use domain::payments::payment::PaymentProvider;
use reqwest::{Client, RequestBuilder, StatusCode, redirect};

use crate::{ProviderError, SettingsError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A buyer waits for most of these calls, and there may be two of them: API Gateway gives up after 30 seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next call. One that was idle for longer, while Lambda stopped the process, may be dead.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
/// A checkout with all that is expanded has some ten kilobytes.
const ANSWER_BYTES: usize = 1024 * 1024;
/// PayPal refuses a postback without one.
const USER_AGENT: &str = concat!("darkroom-payments/", env!("CARGO_PKG_VERSION"));

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// The client that both providers share.
pub(crate) fn client() -> Result<Client, SettingsError> {
    static TLS: Once = Once::new();
    // Another crate of the same process may have chosen already, which works too.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .pool_idle_timeout(IDLE_CONNECTION)
        .build()?;
    Ok(client)
}

/// Sends, and reads the answer, whatever its status; that the provider is busy is no answer.
pub(crate) async fn send(provider: PaymentProvider, request: RequestBuilder) -> Result<Answer, ProviderError> {
    let (client, request) = request.build_split();
    let request = request.map_err(|error| not_sent(provider, &error))?;
    let method = request.method().clone();
    fault_injection::before_call(provider.as_str(), method.as_str());
    let mut response = client.execute(request).await.map_err(|error| not_sent(provider, &error))?;
    fault_injection::after_call(provider.as_str(), method.as_str());
    let status = response.status();
    if matches!(status.as_u16(), 408 | 409 | 424 | 425 | 429 | 500..=599) {
        return Err(ProviderError::unreachable(provider, format!("busy: {status}")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| not_sent(provider, &error))? {
        if body.len() + chunk.len() > ANSWER_BYTES {
            return Err(ProviderError::unreadable(provider, "more than a megabyte"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}

/// What an answer without success means. `code` is the provider's word for it, as far as it looks like one.
pub(crate) fn refused(provider: PaymentProvider, status: StatusCode, code: &str) -> ProviderError {
    let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match status.as_u16() {
        401 | 403 => ProviderError::WrongKeys(provider),
        status => {
            ProviderError::Refused { provider, status, code: if is_code { code.to_owned() } else { String::new() } }
        }
    }
}

fn not_sent(provider: PaymentProvider, error: &reqwest::Error) -> ProviderError {
    let why = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "the request cannot be built"
    } else {
        "the connection ended without a whole answer"
    };
    ProviderError::unreachable(provider, why)
}

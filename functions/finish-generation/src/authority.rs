//! The time-stamping authority that the operator chose, if any.
//!
//! Only its address is called, redirects are not followed, and answers are read up to a limit. An output never waits long for it:
//! after a failure the process signs without it for a minute.

use std::{
    sync::{Mutex, Once, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use provenance::{MAX_TIME_STAMP_BYTES, TimeStampAuthority};
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect};
use runtime::{Error, clock, config::Environment};
use tokio::runtime::Handle;

const VARIABLE: &str = "TIME_STAMP_URL";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take before the authority is left alone.
const SLOW: SignedDuration = SignedDuration::from_secs(2);
/// How long an authority is left alone that did not answer, or slowly.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// Asks the authority for time stamps.
pub(crate) struct Authority {
    client: Client,
    url: Url,
    runtime: Handle,
    paused_until: Mutex<Timestamp>,
}

/// Says why an authority did not answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("it failed less than a minute ago")]
    Paused,
    #[error("no answer in time")]
    TooSlow,
    #[error("no connection")]
    NotConnected,
    #[error("the connection ended without a whole answer")]
    CutShort,
    #[error("the status {0}")]
    Status(u16),
    #[error("more than {MAX_TIME_STAMP_BYTES} bytes")]
    TooLarge,
}

impl From<reqwest::Error> for NoAnswer {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::TooSlow
        } else if error.is_connect() {
            Self::NotConnected
        } else {
            Self::CutShort
        }
    }
}

/// Returns the address of the authority, if the operator chose one: https, or this machine, for tests.
fn chosen(environment: &Environment) -> Result<Option<Url>, Error> {
    let Some(text) = environment.optional(VARIABLE) else { return Ok(None) };
    let url = Url::parse(text).ok().filter(|url| match url.scheme() {
        "https" => url.has_host() && url.username().is_empty() && url.password().is_none(),
        "http" => url.host_str() == Some("127.0.0.1"),
        _ => false,
    });
    let url = url.ok_or_else(|| format!("{VARIABLE} is no https address: correct TimeStampUrl and deploy again"))?;
    Ok(Some(url))
}

impl Authority {
    /// Returns the authority that the operator chose, if any. Its calls run in the runtime that this is called in.
    pub(crate) fn chosen(environment: &Environment) -> Result<Option<Self>, Error> {
        static TLS: Once = Once::new();
        let Some(url) = chosen(environment)? else { return Ok(None) };
        // Another crate of the same process may have chosen already, which works too.
        TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            // A connection that was idle while Lambda stopped the process may be dead, and a request on it is not repeated.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Some(Self { client, url, runtime: Handle::current(), paused_until: Mutex::new(Timestamp::MIN) }))
    }

    /// Sends a request and reads the answer (RFC 3161, 3.4).
    async fn send(&self, request: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let call = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/timestamp-query");
        let mut response = call.body(request.to_vec()).send().await?;
        if response.status() != 200 {
            return Err(NoAnswer::Status(response.status().as_u16()));
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if answer.len() + chunk.len() > MAX_TIME_STAMP_BYTES {
                return Err(NoAnswer::TooLarge);
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl TimeStampAuthority for Authority {
    fn nonce(&self) -> [u8; 8] {
        clock::random()
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let paused = || self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if clock::now() < *paused() {
            return Err(NoAnswer::Paused.into());
        }
        let asked_at = clock::now();
        let answer = self.runtime.block_on(self.send(request));
        // One that is slow would take the time of the outputs that follow.
        let answered_at = clock::now();
        if answer.is_err() || answered_at.duration_since(asked_at) > SLOW {
            *paused() = answered_at + PAUSE;
        }
        Ok(answer?)
    }
}

#[cfg(test)]
mod tests {
    use fake_aws::time_stamps::{Behaviour, Server};

    use super::*;

    /// Asks twice, and says for each whether there was an answer.
    async fn asked_twice(behaviour: Behaviour) -> ([bool; 2], usize) {
        let server = Server::start(behaviour).unwrap();
        let environment = Environment::from_iter([(VARIABLE, server.address())]);
        let authority = Authority::chosen(&environment).unwrap().unwrap();
        let request = [0x30; 67];
        let answers =
            tokio::task::spawn_blocking(move || [0; 2].map(|_| authority.ask(&request).is_ok())).await.unwrap();
        (answers, server.requests().len())
    }

    #[tokio::test]
    async fn authority_that_failed_is_left_alone_for_a_minute() {
        for behaviour in [Behaviour::Fails, Behaviour::Endless] {
            assert_eq!(asked_twice(behaviour).await, ([false, false], 1), "{behaviour:?}");
        }
        assert_eq!(asked_twice(Behaviour::Refuses).await, ([true, true], 2));
    }

    #[tokio::test]
    async fn only_an_https_address_is_called_or_this_machine() {
        let read = |text: &str| Authority::chosen(&Environment::from_iter([(VARIABLE, text)]));
        assert!(read("").unwrap().is_none());
        for right in ["https://tsa.example.com", "https://tsa.example.com:8443/tsr?x=1", "http://127.0.0.1:1234/"] {
            assert!(read(right).unwrap().is_some(), "{right}");
        }
        for wrong in
            ["http://tsa.example.com", "https://a@tsa.example.com", "ftp://127.0.0.1", "http://127.0.0.1.example.com"]
        {
            let error = read(wrong).err().unwrap().to_string();
            assert!(error.contains("correct TimeStampUrl"), "{wrong}: {error}");
        }
    }
}

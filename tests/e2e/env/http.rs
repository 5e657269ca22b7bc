//! Responses of the API, and the HTTP client of the tests.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Response, StatusCode, header};
use serde_json::Value;

/// The longest time that a test waits for what the stack does by itself.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A response of the API.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body as received.
    pub bytes: Vec<u8>,
    /// The body, if it is JSON.
    pub json: Value,
}

impl ApiResponse {
    /// Reads a response to its end.
    pub async fn read(response: Response) -> Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Self { status, headers, bytes, json })
    }

    /// Returns this response if it has this status, and an error otherwise.
    pub fn is(self, status: u16) -> Result<Self> {
        ensure!(
            self.status.as_u16() == status,
            "expected {status}, got {}: {}",
            self.status,
            String::from_utf8_lossy(&self.bytes)
        );
        Ok(self)
    }

    /// Returns a header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the names of the fields that a problem names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.json.get("errors").and_then(Value::as_array);
        errors.into_iter().flatten().filter_map(|error| error.get("field")?.as_str()).collect()
    }
}

/// Returns a text field of a JSON object.
pub fn text(value: &Value, field: &str) -> Result<String> {
    value[field].as_str().map(str::to_owned).with_context(|| format!("no text field {field} in {value}"))
}

/// Returns an HTTP client that follows no redirects.
pub fn http_client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?)
}

//! Plays AWS for one function at a time: answers and records its calls, from a table and a bucket with one account.

pub mod aws;
pub mod environment;
pub mod payments;
pub mod reports;
pub mod seed;
pub mod signing;
pub mod time_stamps;
pub mod tls;

use anyhow::Result;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Returns an event as it would arrive now: with a new signature of Stripe or of an AI provider, and of a staff member who signed in just now.
///
/// # Errors
/// The event is not JSON.
pub fn current(event: &[u8], now: Timestamp) -> Result<Bytes> {
    let mut event: Value = reports::signed(serde_json::from_slice(&payments::signed(event, now)?)?, now)?;
    let claims = event.pointer_mut("/requestContext/authorizer/jwt/claims").and_then(Value::as_object_mut);
    if let Some(claims) = claims.filter(|claims| claims.contains_key("cognito:groups")) {
        claims.insert("auth_time".to_owned(), json!(now.as_second().to_string()));
    }
    Ok(event.to_string().into())
}

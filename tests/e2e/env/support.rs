//! Guest tickets.

use anyhow::Result;
use serde_json::{Value, json};

use crate::env::{sessions::last_mailed_code, test_env::TestEnv};

/// The route of the tickets of an account.
pub const TICKETS: &str = "/v1/support/tickets";

/// The route that opens a guest ticket.
pub const GUEST_TICKETS: &str = "/v1/support/guest-tickets";

/// The route that confirms a guest ticket.
pub const CONFIRM_GUEST_TICKET: &str = "/v1/support/guest-tickets/confirm";

/// Opens a guest ticket and confirms it with the mailed code.
pub async fn open_guest_ticket(env: &'static TestEnv, email: &str, words: &Value) -> Result<()> {
    let visitor = env.visitor()?;
    let mut body = json!({"email": email});
    if let (Some(body), Some(words)) = (body.as_object_mut(), words.as_object()) {
        body.extend(words.clone());
    }
    visitor.post(GUEST_TICKETS, &body).await?.is(202)?;
    let code = last_mailed_code(env, email).await?;
    visitor.post(CONFIRM_GUEST_TICKET, &json!({"email": email, "code": code})).await?.is(204)?;
    Ok(())
}

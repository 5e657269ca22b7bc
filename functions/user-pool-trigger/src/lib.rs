//! Triggers of the user pool: what it asks before it creates a user and before it issues tokens
//! ([Lambda triggers](https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html)).
//!
//! A new user is confirmed at once, since nobody knows the password: it is random, and only a code that is mailed to the
//! address replaces it. Before the user exists, the sign-up is written to the table, so that a user who never signs in is
//! deleted. It says which terms the person accepted.
//!
//! An access token gets no scope. With `aws.cognito.signin.user.admin`, which the user pool gives by default, the bearer could
//! delete the user, end its sessions or set up a second factor at the user pool directly.
//!
//! A repeat changes nothing more. Without an answer the user pool creates no user and issues no token.

use domain::{
    AccountId,
    accounts::{
        sign_up::SignUp,
        terms::{SIGN_UP_METADATA, TermsAcceptance},
    },
};
use jiff::{Timestamp, civil::Date};
use lambda_runtime::LambdaEvent;
use runtime::{Error, clients::Clients, clock, events};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Table, Write};

/// The scope with which an access token changes its own user.
const USER_SCOPE: &str = "aws.cognito.signin.user.admin";

/// The trigger of a person's own sign-up. Only the function `session` has the secret that it needs, and refuses one that does not
/// accept the present terms. An administrator who creates a user accepts nothing for them.
const SIGN_UP: &str = "PreSignUp_SignUp";

/// What the user pool asks. The answer is the whole event with a response.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Trigger {
    trigger_source: String,
    user_name: String,
    response: Value,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Trigger {
    /// Returns the version of the terms that the person accepts who signs up. `session` has checked that it is the present one.
    fn accepted_terms(&self) -> Option<String> {
        let version = self.others.get("request")?.get("clientMetadata")?.get(SIGN_UP_METADATA)?.as_str()?;
        version.parse::<Date>().ok()?;
        (self.trigger_source == SIGN_UP).then(|| version.to_owned())
    }
}

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Clients::new(&environment)?;
        let table = Table::new(
            clients.dynamodb().clone(),
            environment.required("TABLE")?,
            environment.integer("INDEX_SHARDS")?,
        );
        let days = environment.integer("SIGN_UP_DAYS")?;
        Ok(move |event: LambdaEvent<Trigger>| {
            let table = table.clone();
            async move { answer(event.payload, &table, days, clock::now()).await }
        })
    })
    .await
}

async fn answer(trigger: Trigger, table: &Table, days: u32, now: Timestamp) -> Result<Trigger, Error> {
    let response = if trigger.trigger_source.starts_with("PreSignUp_") {
        // The name of a user is the id that the account will have. A repeat finds the sign-up written.
        let account = AccountId(trigger.user_name.parse()?);
        let terms = trigger.accepted_terms().map(|version| TermsAcceptance { version, at: now });
        table.try_commit(&[Write::SignUp(&SignUp::new(account, days, terms, now))]).await?;
        sign_up_response()
    } else if trigger.trigger_source.starts_with("TokenGeneration_") {
        token_response()
    } else {
        return Err(format!("the user pool has no such trigger: {}", trigger.trigger_source).into());
    };
    Ok(Trigger { response, ..trigger })
}

fn sign_up_response() -> Value {
    json!({ "autoConfirmUser": true, "autoVerifyEmail": true, "autoVerifyPhone": false })
}

fn token_response() -> Value {
    json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": { "scopesToSuppress": [USER_SCOPE] } } })
}

//! Triggers of the user pool: what it asks before it creates a user, before it issues tokens and before it mails a code
//! ([Lambda triggers](https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html)).
//!
//! A new user is confirmed at once, since nobody knows the password: it is random, and only a code that is mailed to the
//! address replaces it. Before the user exists, the sign-up is written to the table, so that a user who never signs in is
//! deleted. It says which terms the person accepted.
//!
//! An access token gets no scope. With `aws.cognito.signin.user.admin`, which the user pool gives by default, the bearer could
//! delete the user, end its sessions or set up a second factor at the user pool directly.
//!
//! The mail with the code for a password names the service as its operator does, in the language of the account, and in English before there
//! is one. If that cannot be read in time, the user pool sends its own text.
//!
//! A repeat changes nothing more. Without an answer the user pool creates no user, issues no token and mails no code.

use std::time::Duration;

use domain::{
    AccountId,
    accounts::{
        preferences::Language,
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

/// The trigger of the mail with a code that sets a password: the first one, or a new one
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html>).
const PASSWORD_CODE: &str = "CustomMessage_ForgotPassword";

/// How long the name of the service is waited for. The user pool ends the trigger after five seconds, and the person who asked for a code waits as long.
const PATIENCE: Duration = Duration::from_millis(1_500);

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
    /// Returns what the user pool replaces with the code.
    fn code_parameter(&self) -> Option<&str> {
        self.others.get("request")?.get("codeParameter")?.as_str()
    }

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
    } else if trigger.trigger_source.starts_with("CustomMessage_") {
        let response = tokio::time::timeout(PATIENCE, code_response(&trigger, table, now)).await;
        let response = response.inspect_err(|_| tracing::warn!("the name of the service was not read in time"));
        response.ok().flatten().unwrap_or_else(|| trigger.response.clone())
    } else {
        return Err(format!("the user pool has no such trigger: {}", trigger.trigger_source).into());
    };
    Ok(Trigger { response, ..trigger })
}

fn sign_up_response() -> Value {
    json!({ "autoConfirmUser": true, "autoVerifyEmail": true, "autoVerifyPhone": false })
}

/// Returns the mail with the code for a password. `None` for another message, or if the name of the service cannot be read.
async fn code_response(trigger: &Trigger, table: &Table, now: Timestamp) -> Option<Value> {
    let code = trigger.code_parameter().filter(|_| trigger.trigger_source == PASSWORD_CODE)?;
    let account = AccountId(trigger.user_name.parse().ok()?);
    let texts = table.texts(now).await;
    let texts = texts.inspect_err(|error| tracing::warn!(%error, "the name of the service cannot be read")).ok()?;
    // Before the first sign-in there is no account.
    let language = match table.account(account).await {
        Ok(account) => account.map_or(Language::English, |account| Language::from_tag(&account.preferences.language)),
        Err(error) => {
            tracing::warn!(%error, "the language of an account cannot be read");
            Language::English
        }
    };
    let (subject, message) = code_mail(&texts.name, language, code);
    Some(json!({ "smsMessage": null, "emailSubject": subject, "emailMessage": message }))
}

/// Writes the subject, and the message, which is HTML.
fn code_mail(service: &str, language: Language, code: &str) -> (String, String) {
    let subject = match language {
        Language::English => format!("Your {service} code"),
        Language::German => format!("Dein Code für {service}"),
    };
    let escaped = subject.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let message = match language {
        Language::English => format!("{escaped} is {code}."),
        Language::German => format!("{escaped} lautet {code}."),
    };
    (subject, message)
}

fn token_response() -> Value {
    json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": { "scopesToSuppress": [USER_SCOPE] } } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_with_a_code_names_the_service_in_the_language_of_the_account() {
        let (subject, message) = code_mail("Ada & <Co>", Language::English, "{####}");
        assert_eq!(subject, "Your Ada & <Co> code");
        assert_eq!(message, "Your Ada &amp; &lt;Co&gt; code is {####}.");
        let (subject, message) = code_mail("Atelier", Language::German, "{####}");
        assert_eq!(
            (subject.as_str(), message.as_str()),
            ("Dein Code für Atelier", "Dein Code für Atelier lautet {####}.")
        );
    }
}

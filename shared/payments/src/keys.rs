//! The keys of both providers, as one secret holds them.

use std::fmt;

use domain::payments::payment::PaymentProvider;
use serde::Deserialize;

const STRIPE: [&str; 2] = ["stripe_secret_key", "stripe_webhook_secrets"];
const PAYPAL: [&str; 3] = ["paypal_client_id", "paypal_client_secret", "paypal_receiver_id"];
const PAYPAL_WEBHOOK: &str = "paypal_webhook_id";

/// The keys. A provider without any is off.
#[derive(Clone, Default)]
pub struct Keys {
    pub(crate) stripe: Option<Stripe>,
    pub(crate) paypal: Option<Paypal>,
}

#[derive(Clone)]
pub(crate) struct Stripe {
    pub(crate) secret_key: String,
    pub(crate) webhook_secrets: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Paypal {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) receiver_id: String,
    pub(crate) webhook_id: Option<String>,
}

/// What is wrong with the secret. It never shows what the secret holds.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not an object of the known fields.
    #[error(
        "the payments secret is not a JSON object of strings {names}, with stripe_webhook_secrets as an array of strings \
         (line {line}, column {column})",
        names = [&STRIPE[..], &PAYPAL[..], &[PAYPAL_WEBHOOK]].concat().join(", ")
    )]
    Json {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// A provider has some of its keys, and not this one.
    #[error(
        "the payments secret has keys of {provider:?} but no {field}: put {what} there, or remove the others to turn {provider:?} off"
    )]
    Missing {
        /// Whose.
        provider: PaymentProvider,
        /// Which.
        field: &'static str,
        /// What belongs there.
        what: &'static str,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    stripe_secret_key: String,
    stripe_webhook_secrets: Vec<String>,
    paypal_client_id: String,
    paypal_client_secret: String,
    paypal_receiver_id: String,
    paypal_webhook_id: String,
}

impl Keys {
    /// Reads the secret: a JSON object with `stripe_secret_key`, `stripe_webhook_secrets` (several while one is rotated),
    /// `paypal_client_id`, `paypal_client_secret` and `paypal_receiver_id`, and `paypal_webhook_id` if PayPal has a webhook to
    /// us. Blank counts as absent. Other fields are for another version of this program, which is deployed next or was rolled back.
    ///
    /// # Errors
    /// [`KeysError`] if it is no such object, or if a provider has only some of its keys.
    pub fn parse(json: &str) -> Result<Self, KeysError> {
        // The text of serde's error may quote the secret.
        let place = |error: serde_json::Error| KeysError::Json { line: error.line(), column: error.column() };
        let written: Written = serde_json::from_str(json).map_err(place)?;
        Ok(Self { stripe: stripe(&written)?, paypal: paypal(&written)? })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("stripe", &self.stripe.is_some())
            .field("paypal", &self.paypal.is_some())
            .finish_non_exhaustive()
    }
}

/// The fields of the secret that turn a provider on.
pub(crate) const fn names(provider: PaymentProvider) -> &'static [&'static str] {
    match provider {
        PaymentProvider::Stripe => &STRIPE,
        PaymentProvider::Paypal => &PAYPAL,
    }
}

fn stripe(written: &Written) -> Result<Option<Stripe>, KeysError> {
    let [key, secrets] = STRIPE;
    let webhook_secrets: Vec<_> = written.stripe_webhook_secrets.iter().filter_map(|one| filled(one)).collect();
    let missing = |field, what| KeysError::Missing { provider: PaymentProvider::Stripe, field, what };
    match (filled(&written.stripe_secret_key), webhook_secrets.is_empty()) {
        (None, true) => Ok(None),
        (None, false) => Err(missing(key, "the secret or restricted key of the Stripe account (sk_... or rk_...)")),
        (Some(_), true) => {
            Err(missing(secrets, "an array with the signing secret of the webhook endpoint in Stripe (whsec_...)"))
        }
        (Some(secret_key), false) => Ok(Some(Stripe { secret_key, webhook_secrets })),
    }
}

fn paypal(written: &Written) -> Result<Option<Paypal>, KeysError> {
    let [id, secret, receiver] = PAYPAL;
    let found = [&written.paypal_client_id, &written.paypal_client_secret, &written.paypal_receiver_id];
    let missing = |field, what| KeysError::Missing { provider: PaymentProvider::Paypal, field, what };
    match found.map(|one| filled(one)) {
        [None, None, None] => Ok(None),
        [None, ..] => Err(missing(id, "the client id of the REST app in PayPal's developer dashboard")),
        [_, None, _] => Err(missing(secret, "the secret of the REST app in PayPal's developer dashboard")),
        [.., None] => Err(missing(receiver, "the merchant id of the PayPal business account")),
        [Some(client_id), Some(client_secret), Some(receiver_id)] => {
            let webhook_id = filled(&written.paypal_webhook_id);
            Ok(Some(Paypal { client_id, client_secret, receiver_id, webhook_id }))
        }
    }
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = r#"{
        "stripe_secret_key": "sk_test_hush", "stripe_webhook_secrets": ["whsec_hush1", "whsec_hush2"],
        "paypal_client_id": "hush-id", "paypal_client_secret": "hush-secret", "paypal_receiver_id": "HUSHRECEIVER",
        "paypal_webhook_id": "HUSHWEBHOOK"
    }"#;

    fn refused(json: &str) -> String {
        Keys::parse(json).unwrap_err().to_string()
    }

    #[test]
    fn a_provider_is_on_once_it_has_all_of_its_keys() {
        let keys = Keys::parse(BOTH).unwrap();
        assert_eq!(keys.stripe.unwrap().webhook_secrets, ["whsec_hush1", "whsec_hush2"]);
        let paypal = keys.paypal.unwrap();
        assert_eq!((paypal.receiver_id.as_str(), paypal.webhook_id.as_deref()), ("HUSHRECEIVER", Some("HUSHWEBHOOK")));
        let off = Keys::parse(r#"{"stripe_secret_key": " ", "paypal_client_id": ""}"#).unwrap();
        assert!(off.stripe.is_none() && off.paypal.is_none());
    }

    #[test]
    fn fields_of_another_version_turn_nothing_off() {
        let json = BOTH.replacen('{', r#"{"a_later_provider_key": "hush", "another": [1],"#, 1);
        let keys = Keys::parse(&json).unwrap();
        assert!(keys.stripe.is_some() && keys.paypal.is_some());
        assert!(!format!("{keys:?}").contains("hush"));
    }

    #[test]
    fn a_key_that_is_missing_is_named_with_what_belongs_there() {
        let message = refused(r#"{"stripe_secret_key": "sk_test_hush"}"#);
        assert!(message.contains("no stripe_webhook_secrets: put an array with the signing secret"), "{message}");
        let message = refused(r#"{"paypal_client_id": "hush", "paypal_client_secret": "hush"}"#);
        assert!(message.contains("no paypal_receiver_id: put the merchant id"), "{message}");
    }

    #[test]
    fn neither_an_error_nor_debug_shows_a_key() {
        let wrong =
            [r#"{"stripe_webhook_secrets": "whsec_hush"}"#, r#"{"stripe_secret_key": {"sk_hush": 1}}"#, "sk_hush", ""];
        for json in wrong {
            assert!(!refused(json).contains("hush"), "{}", refused(json));
        }
        assert!(!format!("{:?}", Keys::parse(BOTH)).contains("hush"));
    }
}

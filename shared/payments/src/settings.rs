//! Where the providers are, and what a checkout says.

use domain::{
    PaymentId,
    payments::{payment::PaymentProvider, tax::Tax},
};
use serde::Deserialize;
use url::Url;

/// The place of our payment id in [`Settings::return_url`].
const PLACE: &str = "{checkout}";
/// <https://docs.stripe.com/get-started/account/statement-descriptors>
const SUFFIX_CHARACTERS: usize = 22;

/// What checkouts are made with.
#[derive(Clone, Debug)]
pub struct PaymentSettings {
    /// Whether real money is taken. What a provider says about test money is refused then, and the other way round.
    pub live: bool,
    /// Where the providers are.
    pub endpoints: Endpoints,
    /// Where the provider sends the buyer after the payment page, paid or not. `{checkout}` in it becomes our payment's id.
    pub return_url: String,
    /// Whether Stripe computes tax ([Stripe Tax](https://docs.stripe.com/tax) must be set up for it).
    pub tax: Tax,
    /// What Stripe puts behind the account's name on the buyer's statement.
    pub statement_descriptor_suffix: Option<String>,
}

/// Where the providers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Stripe's API.
    pub stripe: Url,
    /// PayPal's API.
    pub paypal: Url,
    /// Where an IPN is posted back to.
    pub paypal_ipn: Url,
}

/// Why no payments can be taken with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The overriding addresses are not an object of `stripe`, `paypal`, `paypal_ipn`.
    #[error("the payment endpoints are not a JSON object of the addresses stripe, paypal, paypal_ipn")]
    Endpoints(#[source] serde_json::Error),
    /// Real money goes to the real providers only.
    #[error("the payment endpoints cannot be overridden where real money is taken: remove them")]
    EndpointsWhenLive,
    /// Not a web address.
    #[error("{0} is not an http(s) address")]
    Address(String),
    /// Buyers could not come back.
    #[error("the return address must be an http(s) address (https where real money is taken) with {PLACE} in it")]
    ReturnUrl,
    /// Stripe would refuse it.
    #[error("the statement text must have 1 to {SUFFIX_CHARACTERS} ASCII characters, an A to Z, and none of <>\\'\"*")]
    StatementDescriptorSuffix,
    /// A test key where real money is taken, or a live one where it is not.
    #[error("stripe_secret_key must be a {needed} key here (sk_{needed}_... or rk_{needed}_...)")]
    StripeMode {
        /// `live` or `test`.
        needed: &'static str,
    },
    /// A key cannot be sent in a header.
    #[error("the keys of {0:?} have characters that a header cannot have")]
    Key(PaymentProvider),
    /// TLS could not be set up.
    #[error("the HTTP client cannot be built")]
    Client(#[from] reqwest::Error),
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Overrides {
    stripe: Option<String>,
    paypal: Option<String>,
    paypal_ipn: Option<String>,
}

impl Endpoints {
    /// The providers' own addresses, for real money or for their test systems. `overrides` is empty or a JSON object that
    /// replaces some of them: `{"stripe": "http://127.0.0.1:4020"}`.
    ///
    /// # Errors
    /// [`SettingsError`] if the overrides are unreadable, or if there are any where real money is taken.
    pub fn parse(live: bool, overrides: &str) -> Result<Self, SettingsError> {
        let overridden: Overrides = match overrides.trim() {
            "" => Overrides::default(),
            json => serde_json::from_str(json).map_err(SettingsError::Endpoints)?,
        };
        let Overrides { stripe, paypal, paypal_ipn } = overridden;
        if live && [&stripe, &paypal, &paypal_ipn].iter().any(|one| one.is_some()) {
            return Err(SettingsError::EndpointsWhenLive);
        }
        let (api, ipn) = if live {
            ("https://api-m.paypal.com", "https://ipnpb.paypal.com/cgi-bin/webscr")
        } else {
            ("https://api-m.sandbox.paypal.com", "https://ipnpb.sandbox.paypal.com/cgi-bin/webscr")
        };
        Ok(Self {
            stripe: address(stripe.as_deref().unwrap_or("https://api.stripe.com"))?,
            paypal: address(paypal.as_deref().unwrap_or(api))?,
            paypal_ipn: address(paypal_ipn.as_deref().unwrap_or(ipn))?,
        })
    }
}

impl PaymentSettings {
    /// Checks what can be known before the first checkout.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let back = address(&self.return_url.replace(PLACE, "1")).ok();
        let back = back.filter(|url| url.scheme() == "https" || !self.live);
        if back.is_none() || !self.return_url.contains(PLACE) {
            return Err(SettingsError::ReturnUrl);
        }
        match &self.statement_descriptor_suffix {
            Some(suffix) if !is_statement_text(suffix) => Err(SettingsError::StatementDescriptorSuffix),
            _ => Ok(()),
        }
    }

    /// Where the buyer of this payment comes back to.
    pub(crate) fn return_to(&self, payment: PaymentId) -> String {
        self.return_url.replace(PLACE, &payment.to_string())
    }

    /// Where the buyer comes back to who canceled this payment: the page does not wait for it there.
    pub(crate) fn cancel_to(&self, payment: PaymentId) -> String {
        let back = self.return_to(payment);
        let separator = if back.contains('?') { '&' } else { '?' };
        format!("{back}{separator}canceled=1")
    }
}

/// A path of an API. `path` begins with a slash and needs no escaping.
pub(crate) fn at(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}

fn address(text: &str) -> Result<Url, SettingsError> {
    let parsed = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    parsed.ok_or_else(|| SettingsError::Address(text.to_owned()))
}

fn is_statement_text(text: &str) -> bool {
    let allowed = |byte: u8| (byte == b' ' || byte.is_ascii_graphic()) && !b"<>\\'\"*".contains(&byte);
    text.len() <= SUFFIX_CHARACTERS && text.bytes().all(allowed) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_money_goes_to_the_real_providers_only() {
        let live = Endpoints::parse(true, "").unwrap();
        assert_eq!(live.paypal.as_str(), "https://api-m.paypal.com/");
        assert_eq!(live.paypal_ipn.as_str(), "https://ipnpb.paypal.com/cgi-bin/webscr");
        assert!(Endpoints::parse(true, "{}").is_ok());
        for overrides in [r#"{"stripe": "http://127.0.0.1:1"}"#, r#"{"paypal_ipn": "https://example.com"}"#] {
            assert!(matches!(Endpoints::parse(true, overrides), Err(SettingsError::EndpointsWhenLive)));
        }
    }

    #[test]
    fn test_money_goes_to_the_test_systems_unless_told_otherwise() {
        let test = Endpoints::parse(false, r#"{"stripe": "http://127.0.0.1:4020/"}"#).unwrap();
        assert_eq!(at(&test.stripe, "/v1/x"), "http://127.0.0.1:4020/v1/x");
        assert_eq!(test.paypal.as_str(), "https://api-m.sandbox.paypal.com/");
        assert_eq!(test.paypal_ipn.as_str(), "https://ipnpb.sandbox.paypal.com/cgi-bin/webscr");
        for wrong in [r#"{"strip": "http://x"}"#, r#"{"stripe": "ftp://x"}"#, r#"{"stripe": "x"}"#, "[", "[1]"] {
            assert!(Endpoints::parse(false, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn buyer_who_cancels_comes_back_to_a_page_that_says_so() {
        let payment = PaymentId(uuid::Uuid::nil());
        for (return_url, canceled) in [
            ("https://d.example/credits/{checkout}", format!("https://d.example/credits/{payment}?canceled=1")),
            ("https://d.example/?c={checkout}", format!("https://d.example/?c={payment}&canceled=1")),
        ] {
            let settings = PaymentSettings {
                live: false,
                endpoints: Endpoints::parse(false, "").unwrap(),
                return_url: return_url.to_owned(),
                tax: Tax::None,
                statement_descriptor_suffix: None,
            };
            assert_eq!(settings.cancel_to(payment), canceled);
        }
    }

    #[test]
    fn what_stripe_or_the_buyer_would_stumble_over_stops_the_start() {
        let settings = |live: bool, return_url: &str, suffix: Option<&str>| PaymentSettings {
            live,
            endpoints: Endpoints::parse(live, "").unwrap(),
            return_url: return_url.to_owned(),
            tax: Tax::None,
            statement_descriptor_suffix: suffix.map(str::to_owned),
        };
        assert!(settings(true, "https://x.example/checkout/{checkout}", Some("DARKROOM 1")).check().is_ok());
        assert!(settings(false, "http://localhost:3000/{checkout}", None).check().is_ok());
        for url in ["https://x.example/", "x/{checkout}", "", "http://x.example/{checkout}"] {
            assert!(settings(true, url, None).check().is_err(), "{url}");
        }
        for suffix in ["", "123", "DARK*ROOM", "A text that is much too long"] {
            assert!(settings(true, "https://x.example/{checkout}", Some(suffix)).check().is_err(), "{suffix}");
        }
    }
}

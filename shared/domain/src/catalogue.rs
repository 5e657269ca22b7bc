//! The catalogue: models that can be asked for and packages that can be bought, as one [document](crate::documents) in versions.
//!
//! The compiled default is `shared/domain/catalogue/default.json`. A quote, a generation and a payment keep what they were made
//! with.

mod check;
pub mod margin;
pub mod models;
pub mod packages;
pub mod watch;

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{models::Model, packages::Package},
    documents::Document,
    money::{Currency, Money},
    refusal::{FieldError, Refusal},
};

/// The catalogue: what can be asked for and bought, and for how much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = Catalogue)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The number of its version, which the document does not have. 0 is the compiled default.
    #[serde(skip)]
    pub version: u32,
    /// What a price must be above the cost at the provider, in percent of the cost, unless the operator confirms a lower one.
    pub margin_percent: u32,
    /// The models, the recommended one first.
    pub models: Vec<Model>,
    /// The packages, the smallest first.
    pub packages: Vec<Package>,
}

static COMPILED: LazyLock<Catalogue> =
    LazyLock::new(|| serde_json::from_str(include_str!("../catalogue/default.json")).unwrap_or_default());

/// Returns the compiled default, which is used until a version is published.
#[must_use]
pub fn compiled() -> &'static Catalogue {
    &COMPILED
}

impl Document for Catalogue {
    const NAME: &'static str = "catalogue";
    const SCHEMA: &'static str = include_str!("../catalogue/schema.json");

    fn compiled() -> &'static Self {
        compiled()
    }

    fn with_version(self, number: u32) -> Self {
        Self { version: number, ..self }
    }

    fn check(&self) -> Vec<FieldError> {
        self.broken_rules()
    }

    fn configured_for(&self, providers: &[String]) -> Self {
        self.offered_by(providers)
    }

    fn unconfigured(&self, providers: &[String], now: Timestamp) -> Vec<FieldError> {
        self.unconfigured_offers(providers, now)
    }

    fn low_prices(&self, now: Timestamp) -> Vec<FieldError> {
        self.prices_below_margin(now)
    }
}

impl Catalogue {
    /// Leaves out the offers of other providers than these, and the models that none of these offers.
    #[must_use]
    pub fn offered_by(&self, providers: &[impl AsRef<str>]) -> Self {
        let mut catalogue = self.clone();
        for model in &mut catalogue.models {
            model.offers.retain(|offer| providers.iter().any(|name| name.as_ref() == offer.provider));
        }
        catalogue.models.retain(|model| !model.offers.is_empty());
        catalogue
    }

    /// Leaves out the models that cannot be asked for at `now`: hidden and retired ones.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> Self {
        let mut catalogue = self.clone();
        catalogue.models.retain(|model| model.state.is_open(now));
        catalogue
    }

    /// Returns the model with this id.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// Returns a package and its price in a currency.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if there is no such package.
    pub fn choose(&self, id: &str, currency: Currency) -> Result<(&Package, Money), Refusal> {
        let known = || self.packages.iter().map(|package| package.id.as_str()).collect::<Vec<_>>().join(", ");
        let unknown = || Refusal::invalid("package", format!("one of {}", known()));
        let package = self.packages.iter().find(|package| package.id == id).ok_or_else(unknown)?;
        let price = package.prices.iter().find(|price| price.currency == currency).copied();
        Ok((package, price.ok_or_else(|| Refusal::invalid("currency", "one that the package is sold in"))?))
    }

    /// Returns the least that a credit is sold for, in millionths of a US dollar; `None` if nothing is sold for US dollars.
    #[must_use]
    pub fn credit_value_microusd(&self) -> Option<i64> {
        let value = |package: &Package| {
            let price = package.prices.iter().find(|price| price.currency == Currency::Usd)?;
            price.amount.saturating_mul(10_000).checked_div(package.credits.0)
        };
        self.packages.iter().filter_map(value).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::assert_schema;

    #[test]
    fn compiled_default_is_a_valid_document_that_sells_above_cost() {
        let parsed: Catalogue = serde_json::from_str(include_str!("../catalogue/default.json")).unwrap();
        assert_eq!(&parsed, compiled());
        assert_eq!(parsed.check(), []);
        assert_eq!(parsed.low_prices(jiff::Timestamp::UNIX_EPOCH), []);
        let ids: Vec<_> = parsed.models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(
            ids,
            ["gpt-image", "stable-image-core", "flux-schnell", "wan-video", "sketch-image", "sketch-video"]
        );
    }

    #[test]
    fn published_schema_is_that_of_the_types() {
        assert_schema::<Catalogue>("catalogue/schema.json");
    }

    #[test]
    fn retired_model_is_open_until_its_day_and_a_hidden_one_never() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let open = |state: &str| {
            let mut catalogue = compiled().clone();
            catalogue.models.first_mut().unwrap().state = serde_json::from_str(state).unwrap();
            catalogue.open(now).model("gpt-image").is_some()
        };
        assert!(open(r#""active""#) && open(r#"{"retired":"2026-12-01"}"#));
        assert!(!open(r#""hidden""#) && !open(r#"{"retired":"2026-11-30"}"#));
    }

    #[test]
    fn credit_is_worth_what_it_costs_in_the_largest_package() {
        assert_eq!(compiled().credit_value_microusd(), Some(16_000));
        assert_eq!(Catalogue::default().credit_value_microusd(), None);
    }
}

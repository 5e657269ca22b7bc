//! The packages of credits. Each is one payment, without a subscription. Credits never expire.

use serde::{Deserialize, Serialize};

use crate::{accounts::plan::Plan, credits::ledger::Credits, money::Money};

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = CataloguePackage)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its id, which must not change once the package was sold.
    pub id: String,
    /// Its title, also on the payment page.
    pub title: String,
    /// The credits that it grants.
    pub credits: Credits,
    /// The plan that it activates, unless the account is on a higher one.
    pub plan: Plan,
    /// Its listed price, in each currency.
    pub prices: Vec<Money>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue, money::Currency};

    #[test]
    fn p37_every_package_has_a_price_in_every_currency() {
        let catalogue = catalogue::compiled();
        for package in &catalogue.packages {
            for currency in Currency::ALL {
                let (found, price) = catalogue.choose(&package.id, currency).unwrap();
                assert_eq!(found.id, package.id);
                assert!(price.amount > 0 && price.currency == currency);
            }
            assert!(package.credits > Credits::ZERO && package.plan > Plan::Free);
        }
        assert!(!catalogue.packages.is_empty());
    }

    #[test]
    fn unknown_package_is_refused_with_the_known_ones() {
        let refusal = catalogue::compiled().choose("gold", Currency::Eur).unwrap_err();
        assert_eq!(refusal.to_string(), "package: one of starter, maker, studio");
    }
}

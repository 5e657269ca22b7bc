//! The packages of credits. Each is one payment, without a subscription. Credits never expire.

use crate::{
    accounts::plan::Plan,
    credits::ledger::Credits,
    money::{Currency, Money},
    refusal::Refusal,
};

/// A package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its id, which must not change once the package was sold.
    pub id: &'static str,
    /// Its title, also on the payment page.
    pub title: &'static str,
    /// The credits that it grants.
    pub credits: Credits,
    /// The plan that it activates, unless the account is on a higher one.
    pub plan: Plan,
    /// Its listed price, in each currency.
    pub prices: [Money; 4],
}

const fn prices(usd: i64, eur: i64, gbp: i64, jpy: i64) -> [Money; 4] {
    [
        Money::new(usd, Currency::Usd),
        Money::new(eur, Currency::Eur),
        Money::new(gbp, Currency::Gbp),
        Money::new(jpy, Currency::Jpy),
    ]
}

/// Every package.
pub const PACKAGES: &[Package] = &[
    Package {
        id: "starter",
        title: "Starter: 200 credits",
        credits: Credits(200),
        plan: Plan::Plus,
        prices: prices(500, 500, 450, 750),
    },
    Package {
        id: "maker",
        title: "Maker: 1,000 credits",
        credits: Credits(1_000),
        plan: Plan::Plus,
        prices: prices(2_000, 2_000, 1_800, 3_000),
    },
    Package {
        id: "studio",
        title: "Studio: 5,000 credits",
        credits: Credits(5_000),
        plan: Plan::Pro,
        prices: prices(8_000, 8_000, 7_200, 12_000),
    },
];

/// Returns a package and its price in a currency.
///
/// # Errors
/// [`Refusal::Invalid`] if there is no such package.
pub fn choose(id: &str, currency: Currency) -> Result<(&'static Package, Money), Refusal> {
    let known = || PACKAGES.iter().map(|package| package.id).collect::<Vec<_>>().join(", ");
    let unknown = || Refusal::invalid("package", format!("one of {}", known()));
    let package = PACKAGES.iter().find(|package| package.id == id).ok_or_else(unknown)?;
    let price = package.prices.iter().find(|price| price.currency == currency).copied();
    Ok((package, price.ok_or_else(|| Refusal::invalid("currency", "one that the package is sold in"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p37_every_package_has_a_price_in_every_currency() {
        for package in PACKAGES {
            for currency in Currency::ALL {
                let (found, price) = choose(package.id, currency).unwrap();
                assert_eq!(found.id, package.id);
                assert!(price.amount > 0 && price.currency == currency);
            }
            assert!(package.credits > Credits::ZERO && package.plan > Plan::Free);
        }
    }

    #[test]
    fn unknown_package_is_refused_with_the_known_ones() {
        let refusal = choose("gold", Currency::Eur).unwrap_err();
        assert_eq!(refusal.to_string(), "package: one of starter, maker, studio");
    }
}

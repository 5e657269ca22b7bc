//! Money: a whole number in the smallest unit of its currency. No floats, no conversion.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::registry::DataFields;

/// A currency that packages are sold in, by its [ISO 4217](https://www.iso.org/iso-4217-currency-codes.html) code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// The US dollar.
    Usd,
    /// The euro.
    Eur,
    /// The pound sterling.
    Gbp,
    /// The yen, which has no smaller unit.
    Jpy,
}

/// An unknown currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing is sold in this currency")]
pub struct UnknownCurrency;

impl Currency {
    /// All currencies.
    pub const ALL: [Self; 4] = [Self::Usd, Self::Eur, Self::Gbp, Self::Jpy];

    /// Returns the code, in upper case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Jpy => "JPY",
        }
    }

    /// Returns the number of digits after the decimal point.
    #[must_use]
    pub const fn fraction_digits(self) -> usize {
        match self {
            Self::Usd | Self::Eur | Self::Gbp => 2,
            Self::Jpy => 0,
        }
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    /// Accepts upper case, which PayPal writes, and lower case, which Stripe writes.
    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|currency| currency.code().eq_ignore_ascii_case(code)).ok_or(UnknownCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema,
)]
pub struct Money {
    /// The amount, in the smallest unit of the currency: cents, pence, yen.
    #[data(plain)]
    pub amount: i64,
    /// The currency.
    #[data(plain)]
    pub currency: Currency,
}

impl Money {
    /// Returns this amount of a currency.
    #[must_use]
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Parses a decimal as PayPal writes it: an optional minus sign, digits, and optionally a point and at most as many
    /// digits as the currency has. Returns `None` for everything else: exponents, plus signs, spaces, thousands
    /// separators.
    #[must_use]
    pub fn from_decimal(text: &str, currency: Currency) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let places = currency.fraction_digits();
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > places || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let amount: i64 = format!("{whole}{fraction:0<places$}").parse().ok()?;
        Some(Self { amount: if negative { -amount } else { amount }, currency })
    }

    /// Returns the amount without its sign.
    #[must_use]
    pub const fn magnitude(self) -> Self {
        Self { amount: self.amount.saturating_abs(), ..self }
    }

    /// Formats it as a decimal for PayPal, with exactly as many digits as the currency has.
    #[must_use]
    pub fn decimal(self) -> String {
        let sign = if self.amount < 0 { "-" } else { "" };
        let places = self.currency.fraction_digits();
        let digits = format!("{:0>width$}", self.amount.unsigned_abs(), width = places + 1);
        match digits.split_at(digits.len() - places) {
            (whole, "") => format!("{sign}{whole}"),
            (whole, fraction) => format!("{sign}{whole}.{fraction}"),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, currency: Currency, amount: Option<i64>) {
        assert_eq!(Money::from_decimal(text, currency).map(|money| money.amount), amount, "{text} {currency}");
    }

    #[test]
    fn b2_only_exact_decimals_are_parsed() {
        check("9.99", Currency::Usd, Some(999));
        check("9.9", Currency::Usd, Some(990));
        check("9", Currency::Usd, Some(900));
        check("-9.99", Currency::Eur, Some(-999));
        check("0.29", Currency::Gbp, Some(29));
        check("1000", Currency::Jpy, Some(1000));
        for bad in
            ["", "-", ".5", "5.", "1.000", "1,5", "+1", " 1", "1e3", "0x1", "--1", "1.-5", "99999999999999999999"]
        {
            check(bad, Currency::Usd, None);
        }
        check("1000.00", Currency::Jpy, None);
    }

    #[test]
    fn b2_what_is_written_is_read_again() {
        for amount in [0, 1, 9, 10, 99, 100, 101, 123_456, -5, -500] {
            for currency in Currency::ALL {
                let money = Money::new(amount, currency);
                assert_eq!(Money::from_decimal(&money.decimal(), currency), Some(money));
            }
        }
        assert_eq!(Money::new(5, Currency::Eur).to_string(), "0.05 EUR");
        assert_eq!(Money::new(700, Currency::Jpy).to_string(), "700 JPY");
    }

    #[test]
    fn currency_code_is_parsed_in_upper_and_lower_case() {
        assert_eq!("jpy".parse(), Ok(Currency::Jpy));
        assert_eq!("EUR".parse(), Ok(Currency::Eur));
        assert_eq!("XXX".parse::<Currency>(), Err(UnknownCurrency));
    }
}

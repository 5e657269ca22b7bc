//! Whether tax is added to prices.

use std::str::FromStr;

use serde::Serialize;

use crate::payments::fact::PaymentProvider;

/// Whether the payment provider computes tax, and whether the prices contain it. Prices stay as they are listed: tax on top makes
/// the total larger, and tax in the price makes the net amount smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tax {
    /// No tax is computed.
    None,
    /// Tax is added to the price at the checkout.
    Exclusive,
    /// The price contains the tax.
    Inclusive,
}

impl Tax {
    /// Returns whether checkouts with this provider are offered. PayPal computes no tax, so that with tax only Stripe sells.
    #[must_use]
    pub const fn allows(self, provider: PaymentProvider) -> bool {
        matches!((self, provider), (Self::None, _) | (_, PaymentProvider::Stripe))
    }
}

/// The name of an unknown tax setting.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no tax setting: none, exclusive and inclusive are")]
pub struct UnknownTax(String);

impl FromStr for Tax {
    type Err = UnknownTax;

    fn from_str(name: &str) -> Result<Self, UnknownTax> {
        match name {
            "none" => Ok(Self::None),
            "exclusive" => Ok(Self::Exclusive),
            "inclusive" => Ok(Self::Inclusive),
            other => Err(UnknownTax(other.to_owned())),
        }
    }
}

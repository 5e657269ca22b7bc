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

//! What the generations of a model earned and what they cost, by day and without the person.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{credits::ledger::Credits, registry::DataFields};

/// What the generations of a model that ended on a day earned, and what they cost at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
pub struct Margin {
    /// The day, of UTC.
    #[data(plain)]
    pub day: Date,
    /// The id of the model.
    #[data(plain)]
    pub model: String,
    /// The generations that cost or earned something.
    #[data(plain)]
    pub generations: i64,
    /// Their outputs.
    #[data(plain)]
    pub outputs: i64,
    /// The credits that were spent on them.
    #[data(plain)]
    pub credits: Credits,
    /// What the providers charge for them by the cost rules, in millionths of a US dollar.
    #[data(plain)]
    pub cost_microusd: i64,
}

impl Margin {
    /// Adds another one of the same day and model.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        Self {
            generations: self.generations.saturating_add(other.generations),
            outputs: self.outputs.saturating_add(other.outputs),
            credits: self.credits.plus(other.credits),
            cost_microusd: self.cost_microusd.saturating_add(other.cost_microusd),
            ..self
        }
    }
}

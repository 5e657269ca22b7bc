//! The enabled providers, and the budget of a day for each.

use domain::{
    Credits,
    catalogue::models::Offer,
    generations::budget::{DailyBudget, WINDOW_S},
};
use jiff::Timestamp;
use runtime::config::{Environment, InvalidVariable};
use store::{StoreError, Table};

/// The kind of the windows that sum up what is spent.
const KIND: &str = "provider-budget";

/// Returns the names of the enabled providers, in the order of preference.
///
/// # Errors
/// The variable is missing.
pub fn enabled_providers(environment: &Environment) -> Result<Vec<String>, InvalidVariable> {
    let list = environment.required("PROVIDERS")?;
    Ok(list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Returns the budget that this deployment is configured with.
///
/// # Errors
/// The variable is missing or not a number.
pub fn provider_budget(environment: &Environment) -> Result<DailyBudget, InvalidVariable> {
    Ok(DailyBudget(Credits(environment.integer("PROVIDER_CREDITS_PER_DAY")?)))
}

/// Says whether the budget of today allows another call to the provider of this offer.
///
/// # Errors
/// The call failed.
pub async fn has_budget(table: &Table, budget: DailyBudget, offer: &Offer, now: Timestamp) -> Result<bool, StoreError> {
    if !budget.counts(offer) {
        return Ok(true);
    }
    Ok(budget.allows(table.credits_in_window((KIND, &offer.provider), WINDOW_S, now).await?))
}

/// Counts a call that the provider of this offer may charge for. A repeat counts it again.
///
/// # Errors
/// The call failed.
pub async fn spend_budget(
    table: &Table,
    budget: DailyBudget,
    offer: &Offer,
    price: Credits,
    now: Timestamp,
) -> Result<(), StoreError> {
    if budget.counts(offer) {
        table.add_credits_in_window((KIND, &offer.provider), price, WINDOW_S, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enabled_providers_are_separated_by_commas() {
        let environment = Environment::from_iter([("PROVIDERS", "openai, sketch,")]);
        assert_eq!(enabled_providers(&environment).unwrap(), ["openai", "sketch"]);
    }
}

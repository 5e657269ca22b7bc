//! The form fields that an action takes.

use serde::Deserialize;

use crate::error::ApiError;

/// The parameters of an action. An empty field counts as absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActionForm {
    amount: String,
    id: String,
    email: String,
    name: String,
    card: String,
    evidence: String,
}

impl ActionForm {
    /// Asks for an amount in minor units; `None` for all that is left.
    pub(crate) fn of_amount(amount: Option<i64>) -> Self {
        Self { amount: amount.map(|amount| amount.to_string()).unwrap_or_default(), ..Self::default() }
    }

    /// Returns the requested amount in minor units, or `limit` if none is given.
    ///
    /// # Errors
    /// The text is not a number, or the amount is below 1 or above `limit`.
    pub(crate) fn amount_up_to(&self, limit: i64) -> Result<i64, ApiError> {
        let amount = match non_empty(&self.amount) {
            None => limit,
            Some(text) => {
                text.parse().map_err(|_| ApiError::InvalidRequest(format!("not an amount in minor units: {text}")))?
            }
        };
        if (1..=limit).contains(&amount) {
            Ok(amount)
        } else {
            Err(ApiError::Conflict("the amount exceeds what is left"))
        }
    }

    /// Returns the id of the refund, dispute, reversal or chargeback that the action is for.
    pub(crate) fn id(&self) -> Option<&str> {
        non_empty(&self.id)
    }

    /// Returns the length of the text that is submitted as evidence.
    ///
    /// # Errors
    /// It is above [what Stripe accepts](https://docs.stripe.com/api/disputes/update#update_dispute-evidence), or not a number.
    pub(crate) fn evidence_characters(&self) -> Result<usize, ApiError> {
        let characters = non_empty(&self.evidence).map_or(Ok(0), str::parse);
        let characters = characters.ok().filter(|characters| *characters <= 150_000);
        characters.ok_or_else(|| ApiError::InvalidRequest("evidence has at most 150000 characters".to_owned()))
    }

    pub(crate) fn email(&self) -> Option<&str> {
        non_empty(&self.email)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        non_empty(&self.name)
    }

    pub(crate) fn card(&self) -> Option<&str> {
        non_empty(&self.card)
    }
}

fn non_empty(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

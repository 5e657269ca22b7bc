//! A published version of the catalogue, which is also the record of its publication.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::Catalogue,
    refusal::{FieldError, Refusal, check_text},
    registry::DataFields,
};

/// The most characters of a reason.
const REASON: usize = 500;

/// A version of the catalogue: what was published, by whom, when and why. It is never changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct CatalogueVersion {
    /// Its number, from 1, without gaps. The highest one counts.
    #[data(plain)]
    pub number: u32,
    /// When it was published.
    #[data(plain)]
    pub published_at: Timestamp,
    /// The staff member, as a keyed hash, as in the audit log.
    #[data(plain)]
    pub staff: String,
    /// Why it was published.
    #[data(plain)]
    pub reason: String,
    /// Why prices are below the cost plus the margin, if some are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub low_prices_reason: Option<String>,
    /// The document, as JSON.
    #[data(plain)]
    pub document: String,
}

/// A version to publish.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The number of the version that the author has seen last.
    pub expected: u32,
    /// Why it is published.
    pub reason: String,
    /// Why prices may be below the cost plus the margin.
    pub low_prices_reason: Option<String>,
    /// The document.
    pub document: Catalogue,
}

impl Publication {
    /// Makes the version that follows the present one, whose number is `present`.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if another version than the expected one is the present one; [`Refusal::Invalid`] with every
    /// rule that is broken; [`Refusal::LowPrices`] if a price is below the cost plus the margin and nothing is said about it.
    pub fn publish(
        &self,
        present: u32,
        providers: &[String],
        staff: String,
        now: Timestamp,
    ) -> Result<CatalogueVersion, Refusal> {
        let mut errors: Vec<_> = check_text("reason", &self.reason, REASON).into_iter().collect();
        errors.extend(self.low_prices_reason.as_ref().and_then(|why| check_text("low_prices_reason", why, REASON)));
        errors.extend(self.document.check().into_iter().map(in_document));
        if errors.is_empty() {
            errors.extend(self.document.unconfigured(providers, now).into_iter().map(in_document));
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        if self.expected != present {
            return Err(Refusal::Conflict("another version was published meanwhile: compare yours with it"));
        }
        let low: Vec<_> = self.document.low_prices(now).into_iter().map(in_document).collect();
        if !low.is_empty() && self.low_prices_reason.is_none() {
            return Err(Refusal::LowPrices(low));
        }
        let document =
            serde_json::to_string(&self.document).map_err(|_| Refusal::invalid("document", "must be JSON"))?;
        let low_prices_reason = self.low_prices_reason.clone().filter(|_| !low.is_empty());
        let (number, reason) = (present + 1, self.reason.clone());
        Ok(CatalogueVersion { number, published_at: now, staff, reason, low_prices_reason, document })
    }
}

impl CatalogueVersion {
    /// Parses the document.
    ///
    /// # Errors
    /// It is not one.
    pub fn catalogue(&self) -> Result<Catalogue, serde_json::Error> {
        let catalogue: Catalogue = serde_json::from_str(&self.document)?;
        Ok(Catalogue { version: self.number, ..catalogue })
    }
}

fn in_document(error: FieldError) -> FieldError {
    FieldError { field: format!("document.{}", error.field).into(), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue::compiled, credits::ledger::Credits};

    fn publication() -> Publication {
        let document = compiled().offered_by(&["openai"]);
        Publication { expected: 3, reason: "a new price".to_owned(), low_prices_reason: None, document }
    }

    fn publish(publication: &Publication) -> Result<CatalogueVersion, Refusal> {
        publication.publish(3, &["openai".to_owned()], "a hash".to_owned(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn version_follows_the_expected_one_and_says_what_was_published() {
        let version = publish(&publication()).unwrap();
        assert_eq!((version.number, version.reason.as_str(), version.staff.as_str()), (4, "a new price", "a hash"));
        assert_eq!(version.catalogue().unwrap(), Catalogue { version: 4, ..publication().document });
    }

    #[test]
    fn lost_race_an_invalid_document_and_a_foreign_provider_are_refused() {
        let late = Publication { expected: 2, ..publication() };
        assert!(matches!(publish(&late), Err(Refusal::Conflict(_))));
        let silent = Publication { reason: " ".to_owned(), ..publication() };
        assert!(publish(&silent).unwrap_err().to_string().starts_with("reason: "));
        let mut invalid = publication();
        invalid.document.models[0].max_count = 0;
        assert_eq!(publish(&invalid).unwrap_err().to_string(), "document.models[0].max_count: 1 to 16");
        let foreign = Publication { document: compiled().offered_by(&["openai", "sketch"]), ..publication() };
        assert!(publish(&foreign).unwrap_err().to_string().starts_with("document.models[1].offers[0].provider: one"));
    }

    #[test]
    fn price_below_cost_needs_a_reason_which_is_kept() {
        let mut low = publication();
        low.document.models[0].price.qualities[2].credits = Credits(1);
        assert!(matches!(publish(&low), Err(Refusal::LowPrices(_))));
        low.low_prices_reason = Some("a week of welcome".to_owned());
        assert_eq!(publish(&low).unwrap().low_prices_reason, low.low_prices_reason);
        let needless = Publication { low_prices_reason: Some("no need".to_owned()), ..publication() };
        assert_eq!(publish(&needless).unwrap().low_prices_reason, None);
    }
}

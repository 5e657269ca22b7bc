//! What the operator changes without a deployment: documents in versions.
//!
//! The operator publishes a version, and functions follow within a minute. Version 0 is the compiled default, which is used until
//! one is published. A version is never changed or deleted: it is also the record of its publication.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    refusal::{FieldError, Refusal, check_text},
    registry::DataFields,
};

/// The most characters of a reason.
const REASON: usize = 500;

/// The most bytes of a document: an item of the table holds 400 KiB.
const DOCUMENT_BYTES: usize = 300_000;

/// A document of the operator.
pub trait Document: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name, in keys and in routes.
    const NAME: &'static str;
    /// Its JSON Schema.
    const SCHEMA: &'static str;

    /// Returns the compiled default, which is used until a version is published.
    fn compiled() -> &'static Self;

    /// Returns it with the number of its version, which the document does not have.
    #[must_use]
    fn with_version(self, number: u32) -> Self;

    /// Returns the rules that it breaks.
    fn check(&self) -> Vec<FieldError>;

    /// Leaves out what needs other AI providers than these.
    #[must_use]
    fn configured_for(&self, _providers: &[String]) -> Self {
        self.clone()
    }

    /// Returns what this deployment, which has these AI providers, cannot do.
    fn unconfigured(&self, _providers: &[String], _now: Timestamp) -> Vec<FieldError> {
        Vec::new()
    }

    /// Returns the prices that need a reason, as they are below the cost plus the margin.
    fn low_prices(&self, _now: Timestamp) -> Vec<FieldError> {
        Vec::new()
    }
}

/// A version of a document: what was published, by whom, when and why. It is never changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct DocumentVersion {
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
pub struct Publication<D> {
    /// The number of the version that the author has seen last.
    pub expected: u32,
    /// Why it is published.
    pub reason: String,
    /// Why prices may be below the cost plus the margin.
    pub low_prices_reason: Option<String>,
    /// The document.
    pub document: D,
}

impl<D: Document> Publication<D> {
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
    ) -> Result<DocumentVersion, Refusal> {
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
        if document.len() > DOCUMENT_BYTES {
            return Err(Refusal::invalid("document", format!("at most {DOCUMENT_BYTES} bytes")));
        }
        let low_prices_reason = self.low_prices_reason.clone().filter(|_| !low.is_empty());
        let (number, reason) = (present + 1, self.reason.clone());
        Ok(DocumentVersion { number, published_at: now, staff, reason, low_prices_reason, document })
    }
}

impl DocumentVersion {
    /// Parses the document.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse<D: Document>(&self) -> Result<D, serde_json::Error> {
        Ok(serde_json::from_str::<D>(&self.document)?.with_version(self.number))
    }
}

fn in_document(error: FieldError) -> FieldError {
    FieldError { field: format!("document.{}", error.field).into(), ..error }
}

/// Collects the rules that a document breaks.
#[derive(Default)]
pub(crate) struct Errors(pub Vec<FieldError>);

impl Errors {
    pub(crate) fn require(&mut self, holds: bool, field: &str, rule: impl Into<String>) {
        if !holds {
            self.0.push(FieldError::new(field.to_owned(), rule));
        }
    }

    /// Requires a text of one line, at most `most` characters.
    pub(crate) fn text(&mut self, field: &str, text: &str, most: usize) {
        self.0.extend(check_text(field.to_owned(), text, most));
    }
}

/// Compares a schema in a file with that of the type; writes it if this variable is set.
#[cfg(test)]
pub(crate) fn assert_schema<D: Document + schemars::JsonSchema>(file: &str) {
    const WRITE: &str = "WRITE_DOCUMENT_SCHEMAS";
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let mut schema = serde_json::to_value(schemars::schema_for!(D)).unwrap();
    schema.sort_all_objects();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, format!("{schema:#}\n")).unwrap();
    }
    let published: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(published, schema, "run this test with {WRITE}=1");
}

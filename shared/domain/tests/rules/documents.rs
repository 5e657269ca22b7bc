//! Publishing a version of a document.

use domain::{
    Credits, Refusal,
    catalogue::Catalogue,
    documents::{Document, DocumentVersion, Publication},
};
use jiff::Timestamp;

fn publication() -> Publication<Catalogue> {
    let document = Catalogue::compiled().offered_by(&["openai"]);
    Publication { expected: 3, reason: "a new price".to_owned(), low_prices_reason: None, document }
}

fn publish(publication: &Publication<Catalogue>) -> Result<DocumentVersion, Refusal> {
    publication.publish(3, &["openai".to_owned()], "a hash".to_owned(), Timestamp::UNIX_EPOCH)
}

#[test]
fn version_follows_the_expected_one_and_says_what_was_published() {
    let version = publish(&publication()).unwrap();
    assert_eq!((version.number, version.reason.as_str(), version.staff.as_str()), (4, "a new price", "a hash"));
    assert_eq!(version.parse::<Catalogue>().unwrap(), Catalogue { version: 4, ..publication().document });
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
    let foreign = Publication { document: Catalogue::compiled().offered_by(&["openai", "sketch"]), ..publication() };
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

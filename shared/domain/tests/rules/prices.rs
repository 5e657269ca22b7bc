//! Prices of models, and packages.

use domain::{
    Credits,
    accounts::plan::Plan,
    catalogue::{
        Catalogue, compiled,
        models::{Model, PriceRule, PricedBy, Quality, Size},
    },
    money::Currency,
};

const SQUARE: Size = Size { width: 1024, height: 1024 };

fn model(id: &str) -> &'static Model {
    compiled().model(id).unwrap()
}

#[test]
fn video_costs_its_price_for_each_started_second() {
    let price = |ms| model("sketch-video").price(1, SQUARE, Some(ms), None);
    assert_eq!(price(4_000), Credits(8));
    assert_eq!(price(4_001), Credits(10));
}

#[test]
fn each_quality_has_its_own_price() {
    let price = |quality| model("gpt-image").price(2, SQUARE, None, quality);
    assert_eq!(price(None), price(Some(Quality::Medium)));
    assert!(price(Some(Quality::Low)) < price(None) && price(None) < price(Some(Quality::High)));
}

#[test]
fn price_by_megapixel_is_rounded_up_for_each_image() {
    let mut model = model("flux-schnell").clone();
    model.price = PriceRule { per: PricedBy::Megapixel, credits: Credits(3), qualities: Vec::new() };
    let price = |count, width, height| model.price(count, Size { width, height }, None, None);
    assert_eq!(price(1, 1000, 1000), Credits(3));
    assert_eq!(price(1, 1000, 1001), Credits(4));
    assert_eq!(price(2, 100, 100), Credits(2));
}

#[test]
fn model_needs_an_offer_of_an_enabled_provider() {
    assert!(compiled().offered_by(&["sketch"]).model("flux-schnell").is_none());
    let offered = compiled().offered_by(&["fal"]);
    let offers = &offered.model("flux-schnell").unwrap().offers;
    assert_eq!(offers.iter().map(|offer| offer.provider.as_str()).collect::<Vec<_>>(), ["fal"]);
}

#[test]
fn model_is_paid_if_an_enabled_provider_charges_for_it() {
    let is_paid = |catalogue: &Catalogue, id: &str| catalogue.model(id).map(Model::is_paid);
    let all = compiled().offered_by(&["openai", "sketch"]);
    assert_eq!(is_paid(&all, "gpt-image"), Some(true));
    assert_eq!(is_paid(&all, "sketch-image"), Some(false));
    assert_eq!(is_paid(&compiled().offered_by(&["sketch"]), "gpt-image"), None);
}

#[test]
fn p37_every_package_has_a_price_in_every_currency() {
    let catalogue = compiled();
    for package in &catalogue.packages {
        for currency in Currency::ALL {
            let (found, price) = catalogue.choose(&package.id, currency).unwrap();
            assert_eq!(found.id, package.id);
            assert!(price.amount > 0 && price.currency == currency);
        }
        assert!(package.credits > Credits::ZERO && package.plan > Plan::Free);
    }
    assert!(!catalogue.packages.is_empty());
}

#[test]
fn unknown_package_is_refused_with_the_known_ones() {
    let refusal = compiled().choose("gold", Currency::Eur).unwrap_err();
    assert_eq!(refusal.to_string(), "package: one of starter, maker, studio");
}

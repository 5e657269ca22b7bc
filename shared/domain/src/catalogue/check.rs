//! The rules of the document that its schema cannot express.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    accounts::plan::Plan,
    catalogue::{
        Catalogue,
        models::{CostRule, MediaKind, Model, PROVIDERS, PriceRule, PricedBy, Quality, Size, TEMPLATES},
        packages::Package,
    },
    documents::Errors,
    money::Currency,
    refusal::FieldError,
};

/// The most models. With all of them the document stays far below what an item of the table holds.
const MODELS: usize = 100;
/// The most packages.
const PACKAGES: usize = 20;
/// The most offers of a model, and values of each of its settings.
const CHOICES: usize = 20;
/// The most characters of an id or a key.
const ID: usize = 64;
/// The most characters of a title, and of a provider's name of a model.
const TITLE: usize = 100;
/// The most outputs of one request.
const OUTPUTS: u8 = 16;
/// The largest side of an output.
const SIDE: u32 = 8_192;
/// The longest video.
const DURATION_MS: u32 = 60_000;
/// The highest price of a unit, in credits.
const CREDITS: i64 = 100_000;
/// The highest cost of a unit, in millionths of a US dollar.
const MICROUSD: i64 = 1_000_000_000;
/// The highest price of a package, in the smallest unit of its currency.
const AMOUNT: i64 = 100_000_000;
/// The highest margin.
const MARGIN_PERCENT: u32 = 1_000;
/// The most seconds that a job usually takes: half of what an image may.
const USUAL_S: u32 = 300;
/// How long a response may be waited for, in seconds.
const TIMEOUT_S: std::ops::RangeInclusive<u32> = 10..=900;

impl Errors {
    /// Requires a list of at most `most` values, none of them twice.
    fn distinct<T: Ord>(&mut self, field: &str, values: impl IntoIterator<Item = T>, most: usize) {
        let values: Vec<T> = values.into_iter().collect();
        let count = values.len();
        self.require(count <= most, field, format!("at most {most}"));
        self.require(values.into_iter().collect::<BTreeSet<_>>().len() == count, field, "none of them twice");
    }

    fn id(&mut self, field: &str, id: &str) {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_id = (1..=ID).contains(&id.len()) && id.chars().all(allowed);
        self.require(is_id, field, format!("1 to {ID} of a to z, 0 to 9 and hyphens"));
    }
}

impl Catalogue {
    /// Returns every rule that the document breaks, with the path of the field.
    #[must_use]
    pub(super) fn broken_rules(&self) -> Vec<FieldError> {
        let mut errors = Errors::default();
        let margin = self.margin_percent <= MARGIN_PERCENT;
        errors.require(margin, "margin_percent", format!("0 to {MARGIN_PERCENT}"));
        errors.distinct("models", self.models.iter().map(|model| &model.id), MODELS);
        for (number, model) in self.models.iter().enumerate() {
            check_model(&mut errors, &format!("models[{number}]"), model);
        }
        errors.require(!self.packages.is_empty(), "packages", "at least one");
        errors.distinct("packages", self.packages.iter().map(|package| &package.id), PACKAGES);
        for (number, package) in self.packages.iter().enumerate() {
            check_package(&mut errors, &format!("packages[{number}]"), package);
        }
        errors.0
    }

    /// Returns the offers of models that can be asked for whose provider this deployment has not configured.
    #[must_use]
    pub(super) fn unconfigured_offers(&self, providers: &[String], now: Timestamp) -> Vec<FieldError> {
        let mut errors = Errors::default();
        for (number, model) in self.open_models(now) {
            for (place, offer) in model.offers.iter().enumerate() {
                let field = format!("models[{number}].offers[{place}].provider");
                let rule = format!("one that this deployment has configured: {}", providers.join(", "));
                errors.require(providers.contains(&offer.provider), &field, rule);
            }
        }
        errors.0
    }

    /// Returns the prices that are below the cost at a provider plus the margin, if a credit is sold at its lowest price.
    #[must_use]
    pub(super) fn prices_below_margin(&self, now: Timestamp) -> Vec<FieldError> {
        let Some(credit) = self.credit_value_microusd() else { return Vec::new() };
        let mut errors = Errors::default();
        for (number, model) in self.open_models(now) {
            for (place, quality) in choices(&model.price.qualities, |tier| tier.quality).enumerate() {
                let Some((least, rule)) = self.worst(model, quality, credit) else { continue };
                let field = match quality {
                    None => format!("models[{number}].price.credits"),
                    Some(_) => format!("models[{number}].price.qualities[{place}].credits"),
                };
                errors.require(least >= 0, &field, rule);
            }
        }
        errors.0
    }

    /// Returns what is left of the lowest earning of an output after its cost and the margin, with what to say about it.
    fn worst(&self, model: &Model, quality: Option<Quality>, credit: i64) -> Option<(i64, String)> {
        let durations: Vec<_> = choices(&model.durations_ms, |ms| *ms).collect();
        let outputs = model.sizes.iter().flat_map(|size| durations.iter().map(|ms| (*size, *ms)));
        let offered = outputs.flat_map(|output| model.offers.iter().map(move |offer| (output, offer)));
        let left = offered.map(|((size, duration_ms), offer)| {
            let earned = model.price(1, size, duration_ms, quality).0.saturating_mul(credit);
            let cost = offer.cost.of_output(size, duration_ms, quality);
            let needed = cost.saturating_mul(i64::from(self.margin_percent) + 100) / 100;
            let Size { width, height } = size;
            let rule = format!(
                "at least the cost and {} %: {width}x{height} costs {} at {} and earns {} at least",
                self.margin_percent,
                dollars(cost),
                offer.key,
                dollars(earned),
            );
            (earned.saturating_sub(needed), rule)
        });
        left.min_by_key(|(left, _)| *left)
    }

    /// Returns the models that are not hidden or retired, with their positions.
    fn open_models(&self, now: Timestamp) -> impl Iterator<Item = (usize, &Model)> {
        self.models.iter().enumerate().filter(move |(_, model)| model.state.is_open(now))
    }
}

/// Returns each value of a setting, or none once if there is no choice.
fn choices<T, U>(values: &[T], value: impl Fn(&T) -> U) -> impl Iterator<Item = Option<U>> {
    let none = values.is_empty().then_some(None);
    values.iter().map(move |one| Some(value(one))).chain(none)
}

/// Formats millionths of a US dollar.
fn dollars(microusd: i64) -> String {
    format!("${}.{:06}", microusd / 1_000_000, microusd.rem_euclid(1_000_000))
}

fn check_model(errors: &mut Errors, at: &str, model: &Model) {
    let field = |name: &str| format!("{at}.{name}");
    errors.id(&field("id"), &model.id);
    errors.text(&field("title"), &model.title, TITLE);
    errors.require(!model.operations.is_empty(), &field("operations"), "at least one");
    let kinds = model.operations.iter().all(|operation| operation.kind() == model.kind);
    errors.require(kinds, &field("operations"), "those of the kind of the model");
    errors.require(
        model.operations.iter().any(|operation| !operation.takes_image()),
        &field("operations"),
        "one that needs no starting image",
    );
    errors.require(!model.sizes.is_empty(), &field("sizes"), "at least one");
    errors.distinct(&field("sizes"), model.sizes.iter().map(|size| (size.width, size.height)), CHOICES);
    let is_side = |side: u32| (16..=SIDE).contains(&side);
    let sizes = model.sizes.iter().all(|size| is_side(size.width) && is_side(size.height));
    errors.require(sizes, &field("sizes"), format!("16 to {SIDE} pixels wide and high"));
    let has_duration = !model.durations_ms.is_empty();
    errors.require(
        has_duration == (model.kind == MediaKind::Video),
        &field("durations_ms"),
        "for videos, and only for them",
    );
    errors.distinct(&field("durations_ms"), &model.durations_ms, CHOICES);
    let durations = model.durations_ms.iter().all(|ms| (100..=DURATION_MS).contains(ms));
    errors.require(durations, &field("durations_ms"), format!("100 to {DURATION_MS}"));
    errors.require((1..=OUTPUTS).contains(&model.max_count), &field("max_count"), format!("1 to {OUTPUTS}"));
    check_price(errors, &field("price"), model.kind, &model.price);
    errors.require(!model.offers.is_empty(), &field("offers"), "at least one");
    errors.distinct(&field("offers"), model.offers.iter().map(|offer| &offer.key), CHOICES);
    for (place, offer) in model.offers.iter().enumerate() {
        let field = |name: &str| format!("{at}.offers[{place}].{name}");
        errors.id(&field("key"), &offer.key);
        let known = PROVIDERS.contains(&offer.provider.as_str());
        errors.require(known, &field("provider"), format!("one of {}", PROVIDERS.join(", ")));
        errors.text(&field("model"), &offer.model, TITLE);
        if let Some((_, models)) = TEMPLATES.iter().find(|(provider, _)| *provider == offer.provider) {
            let rule = format!("one that has a template: {}", models.join(", "));
            errors.require(models.contains(&offer.model.as_str()), &field("model"), rule);
        }
        let timeout = TIMEOUT_S.contains(&offer.timeout_s);
        errors.require(timeout, &field("timeout_s"), format!("{} to {}", TIMEOUT_S.start(), TIMEOUT_S.end()));
        errors.require(offer.usual_s <= USUAL_S, &field("usual_s"), format!("0 to {USUAL_S}"));
        check_cost(errors, &field("cost"), model, &offer.cost);
    }
}

fn check_unit(errors: &mut Errors, at: &str, kind: MediaKind, per: PricedBy) {
    let fits = match per {
        PricedBy::Output => true,
        PricedBy::Second => kind == MediaKind::Video,
        PricedBy::Megapixel => kind == MediaKind::Image,
    };
    errors.require(fits, &format!("{at}.per"), "second for videos only, and megapixel for images only");
}

fn check_price(errors: &mut Errors, at: &str, kind: MediaKind, price: &PriceRule) {
    check_unit(errors, at, kind, price.per);
    let mut price_of = |field: String, credits: i64| {
        errors.require((1..=CREDITS).contains(&credits), &field, format!("1 to {CREDITS}"));
    };
    price_of(format!("{at}.credits"), price.credits.0);
    for (place, tier) in price.qualities.iter().enumerate() {
        price_of(format!("{at}.qualities[{place}].credits"), tier.credits.0);
    }
    let first = price.qualities.first().is_none_or(|tier| tier.credits == price.credits);
    errors.require(first, &format!("{at}.credits"), "the price of the first quality, which is the default");
    errors.distinct(&format!("{at}.qualities"), price.qualities.iter().map(|tier| tier.quality as u8), CHOICES);
}

fn check_cost(errors: &mut Errors, at: &str, model: &Model, cost: &CostRule) {
    check_unit(errors, at, model.kind, cost.per);
    let mut cost_of = |field: String, microusd: i64| {
        errors.require((0..=MICROUSD).contains(&microusd), &field, format!("0 to {MICROUSD}"));
    };
    cost_of(format!("{at}.microusd"), cost.microusd);
    for (place, tier) in cost.qualities.iter().enumerate() {
        cost_of(format!("{at}.qualities[{place}].microusd"), tier.microusd);
    }
    let known = |quality| model.price.qualities.iter().any(|tier| tier.quality == quality);
    let all_known = cost.qualities.iter().all(|tier| known(tier.quality));
    errors.require(all_known, &format!("{at}.qualities"), "only those that the price has");
    errors.distinct(&format!("{at}.qualities"), cost.qualities.iter().map(|tier| tier.quality as u8), CHOICES);
}

fn check_package(errors: &mut Errors, at: &str, package: &Package) {
    let field = |name: &str| format!("{at}.{name}");
    errors.id(&field("id"), &package.id);
    errors.text(&field("title"), &package.title, TITLE);
    errors.require((1..=CREDITS).contains(&package.credits.0), &field("credits"), format!("1 to {CREDITS}"));
    errors.require(package.plan > Plan::Free, &field("plan"), "plus or pro");
    let has = |currency: Currency| package.prices.iter().filter(|price| price.currency == currency).count() == 1;
    errors.require(Currency::ALL.into_iter().all(has), &field("prices"), "one in each currency");
    let amounts = package.prices.iter().all(|price| (1..=AMOUNT).contains(&price.amount));
    errors.require(amounts, &field("prices"), format!("1 to {AMOUNT} in the smallest unit"));
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::documents::Document;
    use crate::{
        catalogue::{compiled, models::ModelState},
        credits::ledger::Credits,
    };

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn paths(errors: &[FieldError]) -> Vec<&str> {
        errors.iter().map(|error| error.field.as_ref()).collect()
    }

    fn check(change: impl FnOnce(&mut Catalogue), expected: &[&str]) {
        let mut catalogue = compiled().clone();
        change(&mut catalogue);
        assert_eq!(paths(&catalogue.check()), expected);
    }

    fn image(catalogue: &mut Catalogue) -> &mut Model {
        catalogue.models.first_mut().unwrap()
    }

    #[test]
    fn every_field_that_breaks_a_rule_is_named() {
        check(|_| (), &[]);
        check(|catalogue| catalogue.margin_percent = 2_000, &["margin_percent"]);
        check(|catalogue| image(catalogue).id = "flux-schnell".into(), &["models"]);
        check(|catalogue| image(catalogue).id = "GPT Image".into(), &["models[0].id"]);
        check(|catalogue| image(catalogue).title.clear(), &["models[0].title"]);
        check(|catalogue| image(catalogue).sizes.clear(), &["models[0].sizes"]);
        check(|catalogue| image(catalogue).max_count = 0, &["models[0].max_count"]);
        check(|catalogue| image(catalogue).durations_ms.push(5_000), &["models[0].durations_ms"]);
        check(|catalogue| image(catalogue).operations.clear(), &["models[0].operations", "models[0].operations"]);
        check(|catalogue| image(catalogue).price.credits = Credits(0), &["models[0].price.credits"; 2]);
        check(|catalogue| image(catalogue).price.per = PricedBy::Second, &["models[0].price.per"]);
        check(|catalogue| image(catalogue).offers.clear(), &["models[0].offers"]);
        let offer = |change: fn(&mut crate::catalogue::models::Offer), field: &str| {
            check(|catalogue| change(image(catalogue).offers.first_mut().unwrap()), &[field]);
        };
        offer(|offer| offer.provider = "acme".into(), "models[0].offers[0].provider");
        offer(|offer| offer.provider = "fal".into(), "models[0].offers[0].model");
        offer(|offer| offer.key.clear(), "models[0].offers[0].key");
        offer(|offer| offer.timeout_s = 1, "models[0].offers[0].timeout_s");
        offer(|offer| offer.usual_s = 301, "models[0].offers[0].usual_s");
        offer(|offer| offer.cost.microusd = -1, "models[0].offers[0].cost.microusd");
        let package = |change: fn(&mut Package), field: &str| {
            check(|catalogue| change(catalogue.packages.first_mut().unwrap()), &[field]);
        };
        package(|package| package.plan = Plan::Free, "packages[0].plan");
        package(|package| package.prices.truncate(3), "packages[0].prices");
        package(|package| package.credits = Credits(-1), "packages[0].credits");
    }

    #[test]
    fn offer_of_a_model_that_can_be_asked_for_needs_a_configured_provider() {
        let mut catalogue = compiled().offered_by(&["openai", "sketch"]);
        let configured = ["sketch".to_owned()];
        assert_eq!(paths(&catalogue.unconfigured(&configured, NOW)), ["models[0].offers[0].provider"]);
        // A model is asked for until the day of its end.
        image(&mut catalogue).state = ModelState::Retired(date(1970, 1, 2));
        assert_eq!(paths(&catalogue.unconfigured(&configured, NOW)), ["models[0].offers[0].provider"]);
        image(&mut catalogue).state = ModelState::Retired(date(1970, 1, 1));
        assert_eq!(catalogue.unconfigured(&configured, NOW), []);
        image(&mut catalogue).state = ModelState::Hidden;
        assert_eq!(catalogue.unconfigured(&configured, NOW), []);
    }

    #[test]
    fn price_below_cost_and_margin_is_named_with_its_quality() {
        let mut catalogue = compiled().clone();
        // 13 credits at $0.016 are less than $0.211 and 30 %.
        image(&mut catalogue).price.qualities.last_mut().unwrap().credits = Credits(13);
        let low = catalogue.low_prices(NOW);
        assert_eq!(paths(&low), ["models[0].price.qualities[2].credits"]);
        assert!(low[0].rule.contains("costs $0.211000 at openai and earns $0.208000"), "{}", low[0].rule);
        catalogue.margin_percent = 0;
        image(&mut catalogue).price.qualities.last_mut().unwrap().credits = Credits(14);
        assert_eq!(catalogue.low_prices(NOW), []);
    }

    #[test]
    fn price_is_compared_with_the_dearest_offer_and_size() {
        let mut catalogue = compiled().clone();
        let flux = catalogue.models.get_mut(2).unwrap();
        flux.price = PriceRule { per: PricedBy::Megapixel, credits: Credits(2), qualities: Vec::new() };
        flux.sizes.push(Size { width: 256, height: 256 });
        flux.offers.first_mut().unwrap().cost.microusd = 20_000;
        let low = catalogue.low_prices(NOW);
        assert_eq!(paths(&low), ["models[2].price.credits"]);
        assert!(low[0].rule.contains("256x256 costs $0.020000 at replicate and earns $0.016000"), "{}", low[0].rule);
    }
}

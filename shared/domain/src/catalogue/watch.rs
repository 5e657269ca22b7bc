//! What providers say about the models of the catalogue: which they no longer have, and which they will end.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{
        Catalogue,
        models::{Model, ModelState, Offer},
    },
    registry::DataFields,
};

/// Days before the end of a model from which the operator is alerted, so that another one can be offered in time.
pub const NOTICE_DAYS: i32 = 30;

/// What a provider says about a model that it no longer has or will end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelNotice {
    /// It does not have it.
    Gone,
    /// It will end it, and does not say when.
    Deprecated,
    /// It ends it.
    ShutsDown {
        /// On this day.
        #[data(plain)]
        on: Date,
    },
}

/// What was learned about an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferAnswer {
    /// The provider has it, or has no way to say anything.
    Unremarkable,
    /// The provider says this.
    Notice(ModelNotice),
    /// The provider could not be asked.
    Unanswered,
}

/// An offer of the catalogue about which its provider said something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
pub struct ModelFinding {
    /// The id of the model.
    #[data(plain)]
    pub model: String,
    /// The key of the offer.
    #[data(plain)]
    pub offer: String,
    /// The provider.
    #[data(plain)]
    pub provider: String,
    /// The provider's name of the model.
    #[data(plain)]
    pub provider_model: String,
    /// What it says.
    #[data(nested)]
    pub notice: ModelNotice,
    /// When it said so first.
    #[data(plain)]
    pub since: Timestamp,
}

impl ModelFinding {
    fn is_about(&self, model: &Model, offer: &Offer) -> bool {
        (&self.model, &self.offer) == (&model.id, &offer.key)
            && (&self.provider, &self.provider_model) == (&offer.provider, &offer.model)
    }
}

/// An offer of the catalogue whose provider could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct SilentOffer {
    /// The id of the model.
    #[data(plain)]
    pub model: String,
    /// The key of the offer.
    #[data(plain)]
    pub offer: String,
    /// The provider.
    #[data(plain)]
    pub provider: String,
    /// The provider's name of the model.
    #[data(plain)]
    pub provider_model: String,
}

impl SilentOffer {
    fn of(model: &Model, offer: &Offer) -> Self {
        Self {
            model: model.id.clone(),
            offer: offer.key.clone(),
            provider: offer.provider.clone(),
            provider_model: offer.model.clone(),
        }
    }

    fn is(&self, model: &Model, offer: &Offer) -> bool {
        *self == Self::of(model, offer)
    }
}

/// What providers said on the day when they were asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct ModelWatch {
    /// When they were asked last.
    #[data(plain)]
    pub asked_at: Timestamp,
    /// The offers whose provider could not be asked on that day until then.
    #[data(nested)]
    #[serde(default)]
    pub silent: Vec<SilentOffer>,
    /// What they said.
    #[data(nested)]
    pub findings: Vec<ModelFinding>,
    /// The number of writes.
    #[data(plain)]
    pub version: u64,
}

/// A model that the catalogue retires soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RetiringModel {
    /// Its id.
    pub model: String,
    /// The day from which it cannot be asked for.
    pub on: Date,
}

impl ModelWatch {
    /// Says whether providers were asked on the day of UTC of `now`, or later.
    #[must_use]
    pub fn is_of(&self, now: Timestamp) -> bool {
        day(self.asked_at) >= day(now)
    }

    /// Returns the offers to ask about, of a catalogue with the models that can be asked for: the first time on a day of UTC all of
    /// them, and after that those whose provider could not be asked yet.
    #[must_use]
    pub fn due<'a>(previous: Option<&Self>, open: &'a Catalogue, now: Timestamp) -> Vec<(&'a Model, &'a Offer)> {
        let today = previous.filter(|watch| watch.is_of(now));
        let is_due = |(model, offer): &(&Model, &Offer)| {
            today.is_none_or(|watch| watch.silent.iter().any(|silent| silent.is(model, offer)))
        };
        offers(open).filter(is_due).collect()
    }

    /// Counts the offers that are still in a catalogue with the models that can be asked for, and whose provider could not be asked
    /// in any hour of a day of UTC. That day must be over.
    #[must_use]
    pub fn silent_all_day(&self, open: &Catalogue, now: Timestamp) -> usize {
        if self.is_of(now) {
            return 0;
        }
        offers(open).filter(|(model, offer)| self.silent.iter().any(|silent| silent.is(model, offer))).count()
    }

    /// Returns what is known after providers were asked about these offers. What is known about an offer whose provider could not be
    /// asked stays, and so does what was said about other offers on the same day; what was known about them before is dropped.
    #[must_use]
    pub fn after<'a>(
        previous: Option<&Self>,
        answers: impl IntoIterator<Item = (&'a Model, &'a Offer, OfferAnswer)>,
        now: Timestamp,
    ) -> Self {
        let known = previous.map(|watch| watch.findings.as_slice()).unwrap_or_default();
        let answers: Vec<_> = answers.into_iter().collect();
        let is_asked_again =
            |finding: &ModelFinding| answers.iter().any(|(model, offer, _)| finding.is_about(model, offer));
        let is_of_today = previous.is_some_and(|watch| watch.is_of(now));
        let kept = known.iter().filter(|finding| is_of_today && !is_asked_again(finding));
        let (mut silent, mut findings) = (Vec::new(), kept.cloned().collect::<Vec<_>>());
        for (model, offer, answer) in answers {
            let before = known.iter().find(|finding| finding.is_about(model, offer));
            match answer {
                OfferAnswer::Unremarkable => {}
                OfferAnswer::Unanswered => {
                    silent.push(SilentOffer::of(model, offer));
                    findings.extend(before.cloned());
                }
                OfferAnswer::Notice(notice) => findings.push(ModelFinding {
                    model: model.id.clone(),
                    offer: offer.key.clone(),
                    provider: offer.provider.clone(),
                    provider_model: offer.model.clone(),
                    notice,
                    since: before.filter(|before| before.notice == notice).map_or(now, |before| before.since),
                }),
            }
        }
        let version = previous.map_or(1, |watch| watch.version + 1);
        Self { asked_at: now, silent, findings, version }
    }

    /// Returns what was said about models that can be asked for, by offers that the catalogue still has.
    #[must_use]
    pub fn present(&self, catalogue: &Catalogue, now: Timestamp) -> Vec<&ModelFinding> {
        let open = catalogue.open(now);
        let is_present = |finding: &&ModelFinding| {
            let model = open.model(&finding.model);
            model.is_some_and(|model| model.offers.iter().any(|offer| finding.is_about(model, offer)))
        };
        self.findings.iter().filter(is_present).collect()
    }

    /// Counts what the operator must act on: a model that is gone, one that ends within [`NOTICE_DAYS`], and one of which nobody
    /// knows when it ends, unless the catalogue itself retires the model before that.
    #[must_use]
    pub fn pressing(&self, catalogue: &Catalogue, now: Timestamp) -> usize {
        let presses = |finding: &&ModelFinding| {
            let retired = match catalogue.model(&finding.model).map(|model| model.state) {
                Some(ModelState::Retired(day)) => Some(day),
                _ => None,
            };
            match finding.notice {
                ModelNotice::Gone => true,
                ModelNotice::Deprecated => retired.is_none(),
                ModelNotice::ShutsDown { on } => is_soon(on, now) && retired.is_none_or(|day| day > on),
            }
        };
        self.present(catalogue, now).into_iter().filter(presses).count()
    }
}

/// Returns the models that the catalogue retires within [`NOTICE_DAYS`].
#[must_use]
pub fn retiring(catalogue: &Catalogue, now: Timestamp) -> Vec<RetiringModel> {
    let soon = |model: &Model| match model.state {
        ModelState::Retired(on) if on > day(now) && is_soon(on, now) => {
            Some(RetiringModel { model: model.id.clone(), on })
        }
        _ => None,
    };
    catalogue.models.iter().filter_map(soon).collect()
}

fn offers(catalogue: &Catalogue) -> impl Iterator<Item = (&Model, &Offer)> {
    catalogue.models.iter().flat_map(|model| model.offers.iter().map(move |offer| (model, offer)))
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn is_soon(end: Date, now: Timestamp) -> bool {
    end <= day(now).saturating_add(Span::new().days(NOTICE_DAYS))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, civil::date};

    use super::*;
    use crate::catalogue::compiled;

    const MODEL: &str = "gpt-image";

    fn now() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    fn with_state(state: ModelState) -> Catalogue {
        let mut catalogue = compiled().clone();
        catalogue.models.iter_mut().find(|model| model.id == MODEL).unwrap().state = state;
        catalogue
    }

    /// What is known once the first offer of the model got this answer, and all others none that matters.
    fn watch(previous: Option<&ModelWatch>, answer: OfferAnswer, at: Timestamp) -> ModelWatch {
        let model = compiled().model(MODEL).unwrap();
        ModelWatch::after(previous, [(model, model.offers.first().unwrap(), answer)], at)
    }

    #[test]
    fn finding_keeps_the_time_at_which_it_was_first_made_until_it_is_another() {
        let later = now() + SignedDuration::from_hours(24);
        let first = watch(None, OfferAnswer::Notice(ModelNotice::Deprecated), now());
        let again = watch(Some(&first), OfferAnswer::Notice(ModelNotice::Deprecated), later);
        assert_eq!((again.findings, again.version), (first.findings.clone(), 2));
        let gone = watch(Some(&first), OfferAnswer::Notice(ModelNotice::Gone), later);
        assert_eq!(gone.findings.first().unwrap().since, later);
        assert_eq!(watch(Some(&first), OfferAnswer::Unremarkable, later).findings, []);
    }

    #[test]
    fn provider_that_cannot_be_asked_makes_no_finding_and_ends_none() {
        let silent = watch(None, OfferAnswer::Unanswered, now());
        assert_eq!((silent.findings, silent.silent.len()), (Vec::new(), 1));
        let first = watch(None, OfferAnswer::Notice(ModelNotice::Gone), now());
        let then = watch(Some(&first), OfferAnswer::Unanswered, now());
        assert_eq!((then.findings, then.silent.len()), (first.findings, 1));
    }

    /// The first two offers of the catalogue.
    fn two() -> [(&'static Model, &'static Offer); 2] {
        let mut offers = offers(compiled());
        [offers.next().unwrap(), offers.next().unwrap()]
    }

    #[test]
    fn offer_that_could_not_be_asked_about_is_asked_about_again_on_that_day() {
        let ([(model, offer), (other_model, other)], later) = (two(), now() + SignedDuration::from_hours(1));
        let gone = OfferAnswer::Notice(ModelNotice::Gone);
        let first = [(model, offer, OfferAnswer::Unanswered), (other_model, other, gone)];
        let first = ModelWatch::after(None, first, now());
        let due = |watch: &ModelWatch, at| ModelWatch::due(Some(watch), compiled(), at);
        assert_eq!(due(&first, later), [(model, offer)]);
        let second = ModelWatch::after(Some(&first), [(model, offer, OfferAnswer::Unremarkable)], later);
        assert_eq!((&second.findings, second.silent.len()), (&first.findings, 0));
        assert_eq!(due(&second, later), []);
        let all: Vec<_> = offers(compiled()).collect();
        assert_eq!(due(&second, now() + SignedDuration::from_hours(24)), all);
        assert_eq!(ModelWatch::due(None, compiled(), now()), all);
        // On the next day what was known about others is dropped.
        let next = [(model, offer, OfferAnswer::Unremarkable)];
        assert_eq!(ModelWatch::after(Some(&second), next, now() + SignedDuration::from_hours(24)).findings, []);
    }

    #[test]
    fn offer_that_nobody_could_be_asked_about_counts_once_its_day_is_over() {
        let ([(model, offer), _], tomorrow) = (two(), now() + SignedDuration::from_hours(12));
        let silent = ModelWatch::after(None, [(model, offer, OfferAnswer::Unanswered)], now());
        assert_eq!(silent.silent_all_day(compiled(), now() + SignedDuration::from_hours(11)), 0);
        assert_eq!(silent.silent_all_day(compiled(), tomorrow), 1);
        let mut without = compiled().clone();
        without.models.retain(|one| one.id != model.id);
        assert_eq!(silent.silent_all_day(&without, tomorrow), 0);
        let answered = [(model, offer, OfferAnswer::Unremarkable)];
        let answered = ModelWatch::after(Some(&silent), answered, now() + SignedDuration::from_hours(1));
        assert_eq!(answered.silent_all_day(compiled(), tomorrow), 0);
    }

    #[test]
    fn providers_are_asked_once_on_each_day_of_utc() {
        let asked = watch(None, OfferAnswer::Unremarkable, now());
        let at = |time: &str| time.parse().unwrap();
        assert!(asked.is_of(at("2026-11-30T23:59:59Z")) && asked.is_of(at("2026-11-29T00:00:00Z")));
        assert!(!asked.is_of(at("2026-12-01T00:00:00Z")));
    }

    #[test]
    fn announced_end_presses_a_month_ahead_unless_the_catalogue_retires_the_model_before() {
        let ends = |on| watch(None, OfferAnswer::Notice(ModelNotice::ShutsDown { on }), now());
        let pressing = |watch: &ModelWatch, state| watch.pressing(&with_state(state), now());
        assert_eq!(pressing(&ends(date(2026, 12, 30)), ModelState::Active), 1);
        assert_eq!(pressing(&ends(date(2026, 12, 31)), ModelState::Active), 0);
        assert_eq!(pressing(&ends(date(2026, 11, 1)), ModelState::Active), 1);
        assert_eq!(pressing(&ends(date(2026, 12, 30)), ModelState::Retired(date(2026, 12, 30))), 0);
        assert_eq!(pressing(&ends(date(2026, 12, 30)), ModelState::Retired(date(2026, 12, 31))), 1);
        let deprecated = watch(None, OfferAnswer::Notice(ModelNotice::Deprecated), now());
        assert_eq!(pressing(&deprecated, ModelState::Active), 1);
        assert_eq!(pressing(&deprecated, ModelState::Retired(date(2027, 6, 1))), 0);
        let gone = watch(None, OfferAnswer::Notice(ModelNotice::Gone), now());
        assert_eq!(pressing(&gone, ModelState::Retired(date(2026, 12, 1))), 1);
    }

    #[test]
    fn finding_about_what_is_no_longer_offered_is_not_shown() {
        let gone = watch(None, OfferAnswer::Notice(ModelNotice::Gone), now());
        assert_eq!(gone.present(compiled(), now()).len(), 1);
        for state in [ModelState::Hidden, ModelState::Retired(date(2026, 11, 30))] {
            assert_eq!(gone.present(&with_state(state), now()), Vec::<&ModelFinding>::new());
        }
        let mut other = compiled().clone();
        other.models.iter_mut().find(|model| model.id == MODEL).unwrap().offers.first_mut().unwrap().model += "-next";
        assert_eq!((gone.present(&other, now()).len(), gone.pressing(&other, now())), (0, 0));
    }

    #[test]
    fn models_that_the_catalogue_retires_within_a_month_are_listed() {
        let retiring = |day| retiring(&with_state(ModelState::Retired(day)), now());
        let on = date(2026, 12, 30);
        assert_eq!(retiring(on), [RetiringModel { model: MODEL.to_owned(), on }]);
        assert_eq!(retiring(date(2026, 12, 31)), []);
        assert_eq!(retiring(date(2026, 11, 30)), []);
    }
}

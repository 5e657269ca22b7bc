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

/// What providers said when they were asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct ModelWatch {
    /// When they were asked.
    #[data(plain)]
    pub asked_at: Timestamp,
    /// The offers whose provider could not be asked then.
    #[data(plain)]
    pub unanswered: u32,
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

    /// Returns what is known after providers were asked about these offers. What is known about an offer whose provider could not be
    /// asked stays; what is known about other offers is dropped.
    #[must_use]
    pub fn after<'a>(
        previous: Option<&Self>,
        answers: impl IntoIterator<Item = (&'a Model, &'a Offer, OfferAnswer)>,
        now: Timestamp,
    ) -> Self {
        let known = previous.map(|watch| watch.findings.as_slice()).unwrap_or_default();
        let (mut unanswered, mut findings) = (0, Vec::new());
        for (model, offer, answer) in answers {
            let before = known.iter().find(|finding| finding.is_about(model, offer));
            match answer {
                OfferAnswer::Unremarkable => {}
                OfferAnswer::Unanswered => {
                    unanswered += 1;
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
        Self { asked_at: now, unanswered, findings, version }
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
        assert_eq!((silent.findings, silent.unanswered), (Vec::new(), 1));
        let first = watch(None, OfferAnswer::Notice(ModelNotice::Gone), now());
        let then = watch(Some(&first), OfferAnswer::Unanswered, now());
        assert_eq!((then.findings, then.unanswered), (first.findings, 1));
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

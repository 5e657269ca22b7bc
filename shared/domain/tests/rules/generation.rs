//! Leases, tries, what comes due, and who may see it.

use domain::{
    Refusal,
    generations::{
        generation::{
            Failure, FailureResponse, Generation, GenerationClaim, GenerationStatus, ProviderFailure, ProviderJob,
            Visibility,
        },
        submission::GenerationOutcome,
    },
};

use crate::{at, enabled, ended, queued, succeeded};

const BUSY: ProviderFailure = ProviderFailure::Busy { retry_after_s: None };

fn claimed(generation: &Generation, second: i64) -> (Generation, &'static str) {
    match generation.claim(&enabled(), 30, at(second)) {
        GenerationClaim::Work { generation, offer } => (*generation, offer.provider),
        other => panic!("{other:?}"),
    }
}

/// Claims and meets this failure, one after the other, each once its wait is over. What it asks and then waits, in seconds.
fn check(mut generation: Generation, failures: &[ProviderFailure], expected: &[(&str, Option<u32>)]) {
    let (mut second, mut found) = (0, Vec::new());
    for failure in failures {
        let (working, provider) = claimed(&generation, second);
        match working.provider_failed(*failure, &enabled(), at(second)) {
            FailureResponse::Retry { generation: next, delay_s } => {
                found.push((provider, Some(delay_s)));
                generation = *next;
                second += i64::from(delay_s);
            }
            FailureResponse::GiveUp => found.push((provider, None)),
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn provider_is_tried_three_times_then_the_next_one() {
    let (one, other) = ("replicate", "fal");
    let expected = [(one, Some(2)), (one, Some(4)), (one, Some(0)), (other, Some(2)), (other, Some(4)), (other, None)];
    check(queued(), &[BUSY; 6], &expected);
    check(queued(), &[ProviderFailure::Unknown; 6], &expected);
}

#[test]
fn retry_waits_as_long_as_the_provider_asks() {
    let busy = |retry_after_s| ProviderFailure::Busy { retry_after_s: Some(retry_after_s) };
    check(queued(), &[busy(90), busy(1)], &[("replicate", Some(90)), ("replicate", Some(4))]);
}

#[test]
fn retry_after_the_deadline_gives_up() {
    let working = claimed(&queued(), 590).0;
    assert!(matches!(working.provider_failed(BUSY, &enabled(), at(597)), FailureResponse::Retry { delay_s: 2, .. }));
    assert_eq!(working.provider_failed(BUSY, &enabled(), at(598)), FailureResponse::GiveUp);
}

#[test]
fn accepted_job_stays_with_its_provider_and_resets_attempts() {
    let job = ProviderJob { provider: "fal".to_owned(), id: "1".to_owned() };
    let waiting = Generation { attempts: 2, ..claimed(&queued(), 0).0 }.accepted(job.clone(), 20, at(5));
    assert_eq!((waiting.status, waiting.attempts, waiting.lease_until), (GenerationStatus::Running, 0, None));
    assert_eq!(waiting.due_at(), Some(at(5 + 20 + 60)));
    let (polling, provider) = claimed(&waiting, 25);
    assert_eq!((provider, polling.provider_job.as_ref()), ("fal", Some(&job)));
    check(waiting, &[BUSY; 2], &[("fal", Some(2)), ("fal", Some(4))]);
}

#[test]
fn lease_excludes_other_workers_until_it_ends() {
    let (working, provider) = claimed(&queued(), 0);
    assert_eq!((working.status, working.attempts, provider), (GenerationStatus::Running, 1, "replicate"));
    assert_eq!(working.claim(&enabled(), 30, at(29)), GenerationClaim::Leased { until: at(30) });
    assert_eq!(claimed(&working, 30).0.attempts, 2);
}

#[test]
fn ended_generation_and_model_without_offer_are_not_claimed() {
    for how in [
        GenerationOutcome::Canceled,
        GenerationOutcome::Failed(Failure::Internal),
        GenerationOutcome::Succeeded(crate::media(1)),
    ] {
        assert_eq!(ended(how).claim(&enabled(), 30, at(61)), GenerationClaim::Ended);
    }
    assert_eq!(queued().claim(&["sketch".to_owned()], 30, at(0)), GenerationClaim::NoOffer);
}

#[test]
fn due_time_is_the_message_then_the_deadline_then_the_expiry() {
    let generation = queued();
    assert_eq!(generation.due_at(), Some(at(60)));
    assert_eq!(claimed(&generation, 10).0.due_at(), Some(at(10 + 30 + 60)));
    assert_eq!(generation.message_resent(at(60)).due_at(), Some(at(120)));
    assert_eq!(generation.message_resent(at(595)).due_at(), Some(at(600)));
    assert_eq!(succeeded().due_at(), Some(at(60 + 30 * 86_400)));
}

#[test]
fn only_succeeded_generation_is_published_and_keeps_its_first_time() {
    let public = succeeded().with_visibility(Visibility::Public, true, at(70)).unwrap();
    assert_eq!((public.visibility, public.show_prompt, public.published_at), (Visibility::Public, true, Some(at(70))));
    let again = public.with_visibility(Visibility::Public, false, at(80)).unwrap();
    assert_eq!((again.show_prompt, again.published_at, again.version), (false, Some(at(70)), public.version + 1));
    let hidden = again.with_visibility(Visibility::Private, true, at(90)).unwrap();
    assert_eq!((hidden.visibility, hidden.show_prompt, hidden.published_at), (Visibility::Private, false, None));
    for other in [queued(), ended(GenerationOutcome::Canceled), ended(GenerationOutcome::Failed(Failure::Internal))] {
        assert!(matches!(other.with_visibility(Visibility::Public, false, at(70)), Err(Refusal::Conflict(_))));
        assert!(other.with_visibility(Visibility::Private, false, at(70)).is_ok());
    }
}

#[test]
fn expired_generation_is_not_published_and_not_found() {
    let over = at(60 + 30 * 86_400);
    assert!(succeeded().is_expired(over) && !succeeded().is_expired(over - jiff::SignedDuration::from_secs(1)));
    assert_eq!(succeeded().with_visibility(Visibility::Public, false, over), Err(Refusal::NotFound));
    let public = succeeded().with_visibility(Visibility::Public, false, at(70)).unwrap();
    let removed = public.deleted(at(80)).unwrap();
    assert_eq!((removed.visibility, removed.published_at, removed.due_at()), (Visibility::Private, None, Some(at(80))));
    assert!(removed.is_expired(at(80)));
    assert_eq!(removed.with_visibility(Visibility::Public, false, at(81)), Err(Refusal::NotFound));
    assert_eq!(removed.deleted(at(81)), Err(Refusal::NotFound));
    assert!(matches!(queued().deleted(at(1)), Err(Refusal::Conflict(_))));
}

//! Leases, tries, due times and visibility.

use domain::{
    Refusal,
    generations::{
        generation::{
            CHECKS, Failure, FailureResponse, FinishClaim, Generation, GenerationClaim, GenerationStatus,
            ProviderFailure, ProviderJob, Tries,
        },
        output::Visibility,
        submission::{GenerationOutcome, finish},
    },
    messages::LONGEST_DELAY_S,
};

use crate::{NEW, PLANS, account, at, enabled, ended, queued, succeeded, two};

const THROTTLED: ProviderFailure = ProviderFailure::Throttled { retry_after_s: None };
const FAULT: ProviderFailure = ProviderFailure::Fault { retry_after_s: None };

fn claimed(generation: &Generation, second: i64) -> (Generation, String) {
    match generation.claim(&enabled(), 30, at(second)) {
        GenerationClaim::Work { generation, offer } => (*generation, offer.provider),
        other => panic!("{other:?}"),
    }
}

/// Claims and meets this failure, one after the other, each after its delay. Compares the providers and the delays in
/// seconds; no delay means that it gave up.
fn check(generation: Generation, failures: &[ProviderFailure], expected: &[(&str, Option<u32>)]) -> Generation {
    check_with_jitter(generation, failures, 1000, expected)
}

fn check_with_jitter(
    mut generation: Generation,
    failures: &[ProviderFailure],
    jitter: u32,
    expected: &[(&str, Option<u32>)],
) -> Generation {
    let (mut second, mut found) = (0, Vec::new());
    for failure in failures {
        let (working, provider) = claimed(&generation, second);
        match working.provider_failed(*failure, &enabled(), jitter, at(second)) {
            FailureResponse::Retry { generation: next, delay_s } => {
                found.push((provider, Some(delay_s)));
                generation = *next;
                second += i64::from(delay_s);
            }
            FailureResponse::GiveUp => found.push((provider, None)),
        }
    }
    let found: Vec<_> = found.iter().map(|(provider, delay_s)| (provider.as_str(), *delay_s)).collect();
    assert_eq!(found, expected);
    generation
}

/// Claimed at second 0, with this job since then.
fn with_job() -> Generation {
    let job = ProviderJob { provider: "replicate".to_owned(), id: "1".to_owned() };
    claimed(&queued(), 0).0.accepted(job, 0, at(0))
}

#[test]
fn faulty_provider_is_tried_three_times_then_the_next_one() {
    let (one, other) = ("replicate", "fal");
    let expected = [(one, Some(2)), (one, Some(4)), (one, Some(0)), (other, Some(2)), (other, Some(4)), (other, None)];
    check(queued(), &[FAULT; 6], &expected);
}

#[test]
fn busy_provider_is_left_for_the_next_one_and_the_last_one_is_asked_until_the_deadline() {
    let (one, other) = ("replicate", "fal");
    let mut expected = vec![(one, Some(2)), (one, Some(4)), (one, Some(0))];
    expected.extend([2, 4, 8, 16, 32].map(|delay_s| (other, Some(delay_s))));
    expected.extend([(other, Some(60)); 8]);
    expected.push((other, None));
    check(queued(), &[THROTTLED; 17], &expected);
}

#[test]
fn faults_and_throttles_are_counted_apart() {
    let expected = [("replicate", Some(2)), ("replicate", Some(2)), ("replicate", Some(4)), ("replicate", Some(4))];
    check(queued(), &[FAULT, THROTTLED, FAULT, THROTTLED], &expected);
}

#[test]
fn backoff_is_spread_over_its_second_half() {
    let delays = |jitter, expected: [u32; 2]| {
        check_with_jitter(queued(), &[THROTTLED; 2], jitter, &expected.map(|delay_s| ("replicate", Some(delay_s))));
    };
    delays(0, [1, 2]);
    delays(500, [2, 3]);
    delays(1000, [2, 4]);
}

#[test]
fn retry_waits_as_long_as_the_provider_asks() {
    let busy = |retry_after_s| ProviderFailure::Throttled { retry_after_s: Some(retry_after_s) };
    check(queued(), &[busy(90), busy(1)], &[("replicate", Some(90)), ("replicate", Some(4))]);
    // Longer than the deadline allows: the next provider is asked now.
    check(queued(), &[busy(700), busy(700)], &[("replicate", Some(0)), ("fal", None)]);
}

#[test]
fn provider_that_does_not_serve_us_is_not_tried_again() {
    let unusable = [ProviderFailure::Unusable; 2];
    check(queued(), &unusable, &[("replicate", Some(0)), ("fal", None)]);
}

#[test]
fn no_other_job_is_started_while_one_may_still_be_charged() {
    let failures = [FAULT, FAULT, FAULT, FAULT, ProviderFailure::Unusable, THROTTLED];
    let delays = [2, 4, 8, 16, 32, 32].map(|delay_s| ("replicate", Some(delay_s)));
    let after = check(with_job(), &failures, &delays);
    assert_eq!(after.provider_job, with_job().provider_job);
}

#[test]
fn job_is_polled_once_more_before_it_is_too_late_to_finish_its_files() {
    let busy = ProviderFailure::Throttled { retry_after_s: Some(3600) };
    // Its deadline is after 600 s.
    check(with_job(), &[busy, busy], &[("replicate", Some(570)), ("replicate", None)]);
    let delay_s = |asked_s, second| with_job().poll_delay_s(asked_s, at(second));
    assert_eq!([delay_s(10, 0), delay_s(600, 0), delay_s(600, 569)], [10, 570, 1]);
    assert_eq!([delay_s(600, 570), delay_s(2, 599), delay_s(2, 700)], [600, 2, 2]);
    assert_eq!([569, 570].map(|second| with_job().is_last_poll(at(second))), [false, true]);
}

#[test]
fn message_of_a_job_with_a_long_wait_comes_when_its_lease_is_over() {
    // As long as a video may take.
    let job = Generation { deadline_at: at(1800), ..with_job() };
    let busy = ProviderFailure::Throttled { retry_after_s: Some(3600) };
    check(job, &[busy, busy], &[("replicate", Some(LONGEST_DELAY_S)), ("replicate", Some(1800 - 900 - 30))]);
}

#[test]
fn ended_job_is_started_anew_once_then_the_next_provider_is_tried() {
    let ended = ProviderFailure::JobEnded;
    let again = check(with_job(), &[ended], &[("replicate", Some(2))]);
    assert_eq!((again.provider_job.as_ref(), again.offer.as_deref()), (None, Some("replicate")));
    let job = ProviderJob { provider: "replicate".to_owned(), id: "2".to_owned() };
    let restarted = claimed(&again, 2).0.accepted(job, 2, at(2));
    let next = check(restarted, &[ended], &[("replicate", Some(0))]);
    assert_eq!((next.provider_job.as_ref(), next.offer.as_deref()), (None, Some("fal")));
    let ids: Vec<_> = next.ended_provider_jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, ["1", "2"], "their copies are deleted later");
}

#[test]
fn retry_after_the_deadline_gives_up() {
    let working = claimed(&Generation { offer: Some("fal".to_owned()), ..queued() }, 590).0;
    let retry = working.provider_failed(FAULT, &enabled(), 1000, at(597));
    assert!(matches!(retry, FailureResponse::Retry { delay_s: 2, .. }));
    assert_eq!(working.provider_failed(FAULT, &enabled(), 1000, at(598)), FailureResponse::GiveUp);
}

#[test]
fn accepted_job_stays_with_its_provider_and_resets_its_tries() {
    let job = ProviderJob { provider: "fal".to_owned(), id: "1".to_owned() };
    let tries = Tries { faults: 2, throttles: 1, ended_jobs: 1, checks: 0 };
    let waiting = Generation { tries, ..claimed(&queued(), 0).0 }.accepted(job.clone(), 20, at(5));
    assert_eq!((waiting.status, waiting.lease_until), (GenerationStatus::Running, None));
    assert_eq!(waiting.tries, Tries { ended_jobs: 1, ..Tries::default() });
    assert_eq!(waiting.due_at(), Some(at(5 + 20 + 60)));
    let (polling, provider) = claimed(&waiting, 25);
    assert_eq!((provider.as_str(), polling.provider_job.as_ref()), ("fal", Some(&job)));
    check(waiting, &[THROTTLED; 2], &[("fal", Some(2)), ("fal", Some(4))]);
}

#[test]
fn lease_excludes_other_workers_until_it_ends() {
    let (working, provider) = claimed(&queued(), 0);
    assert_eq!((working.status, working.in_call, provider.as_str()), (GenerationStatus::Running, true, "replicate"));
    assert_eq!(working.claim(&enabled(), 30, at(29)), GenerationClaim::Leased { until: at(30) });
    assert!(claimed(&working, 30).0.in_call);
}

#[test]
fn report_makes_a_job_that_waits_due_and_takes_nothing_from_a_worker() {
    let leased = |generation: &Generation, second| {
        matches!(generation.with_job_reported().claim(&enabled(), 30, at(second)), GenerationClaim::Leased { .. })
    };
    let job = ProviderJob { provider: "fal".to_owned(), id: "1".to_owned() };
    let waits =
        |generation: Generation| match (FailureResponse::Retry { generation: Box::new(generation), delay_s: 20 })
            .not_before_delay(at(5))
        {
            FailureResponse::Retry { generation, .. } => *generation,
            FailureResponse::GiveUp => panic!("gave up"),
        };
    let (working, _) = claimed(&queued(), 0);
    let waiting = waits(working.accepted(job, 20, at(5)));
    assert_eq!(waiting.claim(&enabled(), 30, at(7)), GenerationClaim::Leased { until: waiting.lease_until.unwrap() });
    assert!(!leased(&waiting, 7));
    assert!(leased(&claimed(&waiting.with_job_reported(), 7).0, 8), "a worker polls it");
    assert!(leased(&working, 7), "a worker starts it");
    assert!(leased(&waits(working.waiting(20, at(5))), 7), "no job is waited for");
    let received = working.received(1, &enabled(), at(6));
    let FinishClaim::Work(finishing) = received.claim_to_finish(30, at(6)) else { panic!("not claimed") };
    assert!(leased(&finishing, 7), "its files are finished");
}

#[test]
fn received_files_are_finished_and_no_provider_is_called_again() {
    let working = claimed(&queued(), 0).0;
    assert!(working.has_worker(at(5)));
    assert_eq!(working.claim_to_finish(30, at(30)), FinishClaim::NothingReceived);
    let received = working.received(1, &enabled(), at(12));
    assert_eq!(received.due_at(), Some(at(12 + 60)));
    assert!(received.can_be_charged() && !received.is_canceled_without_job());
    assert_eq!(received.claim(&enabled(), 30, at(12)), GenerationClaim::Received);
    let FinishClaim::Work(finishing) = received.claim_to_finish(30, at(12)) else { panic!("not claimed") };
    assert_eq!((finishing.lease_until, finishing.due_at()), (Some(at(42)), Some(at(42 + 60))));
    assert!(!finishing.has_worker(at(13)), "it is not one of the workers that call providers");
    assert_eq!(finishing.claim_to_finish(30, at(41)), FinishClaim::Leased);
    assert_eq!(finishing.claim(&enabled(), 30, at(41)), GenerationClaim::Leased { until: at(42) });
    assert!(matches!(finishing.claim_to_finish(30, at(42)), FinishClaim::Work(_)));
}

#[test]
fn received_files_without_a_usable_one_are_followed_by_another_job() {
    let finishing = claimed(&queued(), 0).0.received(1, &enabled(), at(12));
    let FailureResponse::Retry { generation, .. } =
        finishing.provider_failed(ProviderFailure::JobEnded, &enabled(), 0, at(13))
    else {
        panic!("gave up")
    };
    assert_eq!(generation.received_files, 0);
    assert!(matches!(generation.claim(&enabled(), 30, at(20)), GenerationClaim::Work { .. }));
}

#[test]
fn received_files_of_a_generation_that_ended_without_them_are_due_at_once() {
    let received = claimed(&queued(), 0).0.received(1, &enabled(), at(12));
    let end = |how| finish(&account(100), &received, how, &PLANS, NEW.entry, at(60)).unwrap().generation;
    let failed = end(GenerationOutcome::Failed(Failure::DeadlinePassed));
    assert_eq!((failed.received_files, failed.due_at()), (1, failed.ended_at));
    let deleted = failed.received_files_deleted();
    assert_eq!((deleted.received_files, deleted.due_at()), (0, deleted.expires_at));
    let finished = end(GenerationOutcome::Succeeded(crate::media(1)));
    assert_eq!((finished.received_files, finished.due_at()), (0, finished.expires_at));
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
    assert_eq!(queued().claim(&enabled().offered_by(&["sketch"]), 30, at(0)), GenerationClaim::NoOffer);
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
fn published_output_keeps_its_first_time() {
    let state = |generation: &Generation| {
        let output = &generation.outputs[0];
        (output.visibility, output.show_prompt, output.published_at)
    };
    let public = succeeded().with_visibility(1, Visibility::Public, true, at(70)).unwrap();
    assert_eq!(state(&public), (Visibility::Public, true, Some(at(70))));
    let again = public.with_visibility(1, Visibility::Public, false, at(80)).unwrap();
    assert_eq!((state(&again), again.version), ((Visibility::Public, false, Some(at(70))), public.version + 1));
    let hidden = again.with_visibility(1, Visibility::Private, true, at(90)).unwrap();
    assert_eq!(state(&hidden), (Visibility::Private, false, None));
}

#[test]
fn only_existing_output_is_published() {
    for other in [queued(), ended(GenerationOutcome::Canceled), ended(GenerationOutcome::Failed(Failure::Internal))] {
        assert_eq!(other.with_visibility(1, Visibility::Public, false, at(70)), Err(Refusal::NotFound));
    }
    for number in [0, 2, u32::MAX] {
        assert_eq!(succeeded().with_visibility(number, Visibility::Public, false, at(70)), Err(Refusal::NotFound));
    }
}

#[test]
fn publishing_an_output_leaves_the_others_private() {
    let one = two().with_visibility(2, Visibility::Public, true, at(70)).unwrap();
    let visibilities: Vec<_> = one.outputs.iter().map(|output| (output.visibility, output.show_prompt)).collect();
    assert_eq!(visibilities, [(Visibility::Private, false), (Visibility::Public, true)]);
    let entry = one.gallery_entry(2).unwrap();
    assert_eq!((entry.generation, entry.output, entry.published_at), (one.id, 2, at(70)));
    assert_eq!(one.gallery_entry(1), None);
}

#[test]
fn favorite_marks_one_output_and_shows_it_to_no_one() {
    let favorites = |generation: &Generation| generation.outputs.iter().map(|o| o.favorite).collect::<Vec<_>>();
    let marked = two().with_favorite(2, true, at(70)).unwrap();
    assert_eq!(favorites(&marked), [false, true]);
    assert!(marked.outputs.iter().all(|output| !output.is_shown()));
    let public = marked.with_visibility(2, Visibility::Public, true, at(71)).unwrap();
    let repeated = public.with_favorite(2, true, at(72)).unwrap();
    assert_eq!(Generation { version: public.version, ..repeated }, public);
    assert_eq!(favorites(&public.unpublished().unwrap()), [false, true]);
    assert_eq!(favorites(&public.with_favorite(2, false, at(73)).unwrap()), [false, false]);
    for number in [0, 3] {
        assert_eq!(two().with_favorite(number, true, at(70)), Err(Refusal::NotFound));
    }
    assert_eq!(marked.without_output(2, at(74)).unwrap().with_favorite(2, true, at(75)), Err(Refusal::NotFound));
}

#[test]
fn deleting_an_output_keeps_the_others() {
    let public = two().with_visibility(1, Visibility::Public, false, at(65)).unwrap();
    let public = public.with_visibility(2, Visibility::Public, false, at(66)).unwrap();
    let one = public.without_output(1, at(70)).unwrap();
    assert_eq!((one.deleting, one.due_at(), one.gallery_entry(1)), (false, Some(at(70)), None));
    assert_eq!(one.output(1, at(70)), Err(Refusal::NotFound));
    assert_eq!(one.output(2, at(70)).map(|output| output.visibility), Ok(Visibility::Public));
    assert_eq!(one.without_output(1, at(71)), Err(Refusal::NotFound));
    assert_eq!(one.deleted_outputs().map(|output| output.number).collect::<Vec<_>>(), [1]);
    let purged = one.purged().unwrap();
    assert_eq!((purged.outputs.len(), purged.outputs[0].number, purged.due_at()), (1, 2, purged.expires_at));
    assert_eq!(purged.purged(), None);
}

#[test]
fn deleting_the_last_output_deletes_the_generation() {
    let one = two().without_output(1, at(70)).unwrap();
    for last in [one.without_output(2, at(80)).unwrap(), one.purged().unwrap().without_output(2, at(80)).unwrap()] {
        assert!(last.deleting && last.is_expired(at(80)), "{last:?}");
        assert_eq!(last.present_outputs().count(), 0);
    }
}

#[test]
fn held_generation_is_due_once_its_deleted_output_may_be_removed() {
    let held = two().without_output(1, at(70)).unwrap().retained_by_hold();
    assert_eq!((held.held, held.due_at(), held.is_expired(at(80))), (true, None, false));
    let purged = held.purged().unwrap();
    assert_eq!((purged.held, purged.due_at()), (false, purged.expires_at));
}

#[test]
fn expired_generation_is_not_published_and_not_found() {
    let over = at(60 + 30 * 86_400);
    assert!(succeeded().is_expired(over) && !succeeded().is_expired(over - jiff::SignedDuration::from_secs(1)));
    assert_eq!(succeeded().with_visibility(1, Visibility::Public, false, over), Err(Refusal::NotFound));
    let public = succeeded().with_visibility(1, Visibility::Public, false, at(70)).unwrap();
    let removed = public.deleted(at(80)).unwrap();
    assert_eq!((removed.gallery_entry(1), removed.due_at()), (None, Some(at(80))));
    assert!(removed.is_expired(at(80)));
    assert_eq!(removed.with_visibility(1, Visibility::Public, false, at(81)), Err(Refusal::NotFound));
    assert_eq!(removed.deleted(at(81)), Err(Refusal::NotFound));
    assert!(matches!(queued().deleted(at(1)), Err(Refusal::Conflict(_))));
}

#[test]
fn failed_check_is_repeated_a_few_times_within_the_deadline() {
    let mut generation = claimed(&queued(), 0).0;
    for check in 1..CHECKS {
        let FailureResponse::Retry { generation: next, delay_s } = generation.check_failed(0, at(check.into())) else {
            panic!("gave up after {check}")
        };
        assert!(delay_s > 0 && next.tries.checks == check && next.tries.faults == 0, "{next:?}");
        generation = *next;
    }
    assert_eq!(generation.check_failed(0, at(9)), FailureResponse::GiveUp);
    assert_eq!(claimed(&queued(), 0).0.check_failed(0, queued().deadline_at), FailureResponse::GiveUp);
    // What was paid for has all its checks.
    let received = generation.received(1, &enabled(), at(9));
    assert!(matches!(received.check_failed(0, at(10)), FailureResponse::Retry { .. }));
}

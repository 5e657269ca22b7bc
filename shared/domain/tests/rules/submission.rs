//! Reserving and ending.

use domain::{
    Credits, Refusal,
    accounts::{account::Account, plan::Plan, strikes::StrikePolicy},
    credits::ledger::Balance,
    generations::{
        generation::{Failure, Generation, GenerationClaim, GenerationStatus, ProviderFailure, ProviderJob},
        settings::RequestedSettings,
        submission::{Cancellation, CreditTransaction, GenerationOutcome, cancel, finish, reserve},
    },
    moderation::verdict::{Category, Score, Scores, Stage, Thresholds, Verdict},
    rate_limit::TokenBucket,
};

use crate::{NEW, PLANS, account, at, enabled, media, queued, submitted};

/// Four sketches, 1 credit each, asked for at this second.
fn check(account: &Account, max_credits: Option<i64>, second: i64, expected: &str) {
    let asked = RequestedSettings {
        model: "sketch-image".into(),
        prompt: "x".into(),
        count: Some(4),
        ..RequestedSettings::default()
    };
    let (settings, quote) = domain::generations::settings::validate(asked, &PLANS.pro, &enabled()).unwrap();
    let found = reserve(account, &PLANS, settings, quote, max_credits.map(Credits), NEW, at(second));
    let found =
        found.map_or_else(|refusal| refusal.to_string(), |movement| movement.entry.balance_after.held.to_string());
    assert_eq!(found, expected);
}

/// Eight sketches at a price of 8 end like this at second 90: so much is spent.
fn check_end(how: GenerationOutcome, status: GenerationStatus, failure: Option<Failure>, spent: i64) {
    let before = submitted(&account(20), "sketch-image", 8);
    let after = finish(&before.account, &before.generation, how, &PLANS, NEW.entry, at(90)).unwrap();
    assert_eq!((after.generation.status, &after.generation.failure), (status, &failure));
    assert_eq!(after.generation.spent, Credits(spent));
    assert_eq!(after.account.balance, Balance { available: Credits(20 - spent), held: Credits(0) });
    assert_eq!((after.account.jobs_in_flight, after.generation.ended_at), (0, Some(at(90))));
    assert_eq!(after.generation.expires_at, Some(at(90 + 30 * 86_400)));
    let again = finish(&after.account, &after.generation, GenerationOutcome::Canceled, &PLANS, NEW.entry, at(91));
    assert_eq!(again, Err(Refusal::Conflict("the generation has ended already")));
}

#[test]
fn submission_reserves_the_price_or_names_the_first_broken_rule() {
    let rich = account(10);
    check(&rich, None, 0, "4");
    check(&rich, Some(4), 0, "4");
    check(&rich, Some(3), 0, "this costs 4 credits, more than max_credits allows (3)");
    check(&account(4), None, 0, "4");
    let poor = account(3);
    check(&poor, None, 0, "this costs 4 credits and 3 are available");
    let busy = Account { jobs_in_flight: 3, ..poor };
    check(&busy, None, 0, "the plan allows 3 generations at once");
    let mut hasty = busy;
    hasty.submit_rate = TokenBucket { millitokens: 999, at: at(0) };
    check(&hasty, None, 0, "too many requests: try again in 1 s");
    check(&hasty, None, 1, "the plan allows 3 generations at once");
    check(&hasty, Some(3), 0, "this costs 4 credits, more than max_credits allows (3)");
    check(&hasty.frozen("a look is needed".to_owned(), at(0)), Some(3), 0, "the account is frozen");
}

#[test]
fn submission_rate_is_ten_at_once_then_one_in_six_seconds() {
    let mut account = account(100);
    for _ in 0..10 {
        account = Account { jobs_in_flight: 0, ..submitted(&account, "sketch-image", 1).account };
    }
    check(&account, None, 0, "too many requests: try again in 6 s");
    check(&account, None, 3, "too many requests: try again in 3 s");
    check(&account, None, 6, "14");
}

#[test]
fn negative_balance_forbids_submission() {
    let mut account = account(10);
    account.balance.available = Credits(-5);
    check(&account, None, 0, "this costs 4 credits and -5 are available");
}

#[test]
fn partial_output_is_charged_pro_rata_and_the_rest_refunded() {
    check_end(GenerationOutcome::Succeeded(media(8)), GenerationStatus::Succeeded, None, 8);
    check_end(GenerationOutcome::Succeeded(media(5)), GenerationStatus::Succeeded, None, 5);
    check_end(GenerationOutcome::Succeeded(media(9)), GenerationStatus::Succeeded, None, 8);
    check_end(GenerationOutcome::Succeeded(media(0)), GenerationStatus::Failed, Some(Failure::ProviderUnavailable), 0);
    check_end(
        GenerationOutcome::Failed(Failure::DeadlinePassed),
        GenerationStatus::Failed,
        Some(Failure::DeadlinePassed),
        0,
    );
    check_end(GenerationOutcome::Canceled, GenerationStatus::Canceled, None, 0);
}

/// Two images at a price of 4, claimed at second 0.
fn claimed() -> (Account, Generation) {
    let CreditTransaction { account, generation, .. } = submitted(&account(20), "flux-schnell", 2);
    match generation.claim(&enabled(), 30, at(0)) {
        GenerationClaim::Work { generation, .. } => (account, *generation),
        other => panic!("{other:?}"),
    }
}

fn canceled(account: &Account, generation: &Generation, second: i64) -> Cancellation {
    cancel(account, generation, &PLANS, NEW.entry, at(second)).unwrap()
}

#[test]
fn cancel_refunds_at_once_only_while_no_provider_can_charge() {
    let before = submitted(&account(20), "flux-schnell", 2);
    let Cancellation::Ended(ended) = canceled(&before.account, &before.generation, 1) else { panic!("not ended") };
    assert_eq!((ended.generation.status, ended.account.balance.available), (GenerationStatus::Canceled, Credits(20)));
    assert_eq!((ended.account.jobs_in_flight, ended.account.cancels.events), (0, 1));

    let (owner, in_call) = claimed();
    let job = ProviderJob { provider: "fal".to_owned(), id: "1".to_owned() };
    for begun in [in_call.clone(), in_call.accepted(job, 10, at(1))] {
        let Cancellation::Requested { account, generation } = canceled(&owner, &begun, 2) else { panic!("refunded") };
        assert_eq!((generation.status, account.jobs_in_flight), (GenerationStatus::Canceling, 1), "the slot is kept");
        assert_eq!((account.balance, account.cancels.events), (owner.balance, 1));
        assert_eq!(canceled(&account, &generation, 3), Cancellation::Repeated);
    }
    // After a failed call nothing is begun.
    let failed = in_call.provider_failed(ProviderFailure::Fault { retry_after_s: None }, &enabled(), 0, at(1));
    let domain::generations::generation::FailureResponse::Retry { generation, .. } = failed else { panic!("gave up") };
    assert!(matches!(canceled(&owner, &generation, 2), Cancellation::Ended(_)));
}

#[test]
fn canceled_generation_is_claimed_at_once_unless_a_worker_is_in_a_call() {
    let (owner, in_call) = claimed();
    let lease = in_call.lease_until;
    let Cancellation::Requested { generation, .. } = canceled(&owner, &in_call, 2) else { panic!("refunded") };
    assert_eq!(generation.lease_until, lease);
    let job = ProviderJob { provider: "fal".to_owned(), id: "1".to_owned() };
    let waiting = Generation { lease_until: lease, ..in_call.accepted(job, 10, at(1)) };
    let Cancellation::Requested { generation, .. } = canceled(&owner, &waiting, 2) else { panic!("refunded") };
    match generation.claim(&enabled(), 30, at(2)) {
        GenerationClaim::Work { generation, .. } => assert_eq!(generation.status, GenerationStatus::Canceling),
        other => panic!("{other:?}"),
    }
}

#[test]
fn canceling_generation_is_charged_for_what_was_generated_and_hides_it() {
    let (owner, in_call) = claimed();
    let Cancellation::Requested { account: owner, generation } = canceled(&owner, &in_call, 2) else {
        panic!("refunded")
    };
    let end = |outcome| finish(&owner, &generation, outcome, &PLANS, NEW.entry, at(9)).unwrap();
    for (outcome, spent) in [
        (GenerationOutcome::Succeeded(media(2)), 4),
        (GenerationOutcome::Succeeded(media(1)), 2),
        (GenerationOutcome::Canceled, 0),
        (GenerationOutcome::Failed(Failure::ProviderUnavailable), 0),
    ] {
        let ended = end(outcome);
        assert_eq!((ended.generation.status, ended.generation.spent), (GenerationStatus::Canceled, Credits(spent)));
        assert!(ended.generation.outputs.is_empty() && ended.generation.failure.is_none());
        assert_eq!(ended.account.balance, Balance { available: Credits(20 - spent), held: Credits(0) });
        assert_eq!(ended.account.jobs_in_flight, 0);
    }
}

#[test]
fn cancels_and_failed_calls_of_an_hour_are_limited() {
    let mut owner = account(100);
    for _ in 0..PLANS.free.cancels_per_hour {
        owner.jobs_in_flight = 0;
        owner.submit_rate.millitokens = 10_000;
        let before = submitted(&owner, "sketch-image", 1);
        let Cancellation::Ended(ended) = canceled(&before.account, &before.generation, 1) else { panic!("not ended") };
        owner = ended.account;
    }
    owner.submit_rate.millitokens = 10_000;
    let one_more = submitted(&owner, "sketch-image", 1);
    let limited = |second| cancel(&one_more.account, &one_more.generation, &PLANS, NEW.entry, at(second));
    assert_eq!(limited(1000), Err(Refusal::TooManyCancels { retry_after_s: 2602 }));
    assert!(limited(3601).is_ok());

    let mut owner = account(100);
    let rejected = || GenerationOutcome::Failed(Failure::Rejected { reason: "no".to_owned() });
    for _ in 0..PLANS.free.failed_calls_per_hour {
        owner.jobs_in_flight = 0;
        owner.submit_rate.millitokens = 10_000;
        let before = submitted(&owner, "sketch-image", 1);
        owner = finish(&before.account, &before.generation, rejected(), &PLANS, NEW.entry, at(1)).unwrap().account;
    }
    check(&owner, None, 1000, "too many failed generations: try again in 2602 s");
    owner.submit_rate.millitokens = 10_000;
    check(&owner, None, 3601, "4");
    // A fault of ours or of a provider is not counted.
    let before = submitted(&account(100), "sketch-image", 1);
    for failure in [Failure::Internal, Failure::ProviderUnavailable, Failure::InputMissing] {
        let outcome = GenerationOutcome::Failed(failure);
        let after = finish(&before.account, &before.generation, outcome, &PLANS, NEW.entry, at(1)).unwrap();
        assert_eq!(after.account.failed_calls.events, 0);
    }
}

#[test]
fn partial_price_is_rounded_down() {
    let mut before = submitted(&account(20), "sketch-image", 3);
    before.generation.reserved = Credits(10);
    let after =
        finish(&before.account, &before.generation, GenerationOutcome::Succeeded(media(2)), &PLANS, NEW.entry, at(1))
            .unwrap();
    assert_eq!(after.generation.spent, Credits(6));
}

#[test]
fn files_expire_by_the_plan_at_the_end_of_the_generation() {
    for (plan, days) in [(Plan::Free, 30), (Plan::Plus, 90), (Plan::Pro, 365)] {
        let before = submitted(&account(20), "sketch-image", 1);
        let owner = Account { plan, ..before.account };
        let after =
            finish(&owner, &before.generation, GenerationOutcome::Succeeded(media(1)), &PLANS, NEW.entry, at(0))
                .unwrap();
        assert_eq!(after.generation.expires_at, Some(at(days * 86_400)));
    }
}

#[test]
fn deadline_is_ten_minutes_for_images_and_thirty_for_videos() {
    for (model, minutes) in [("sketch-image", 10), ("sketch-video", 30)] {
        let generation = submitted(&account(20), model, 1).generation;
        assert_eq!(generation.deadline_at, at(minutes * 60));
        assert!(!generation.is_overdue(at(minutes * 60 - 1)) && generation.is_overdue(at(minutes * 60)));
    }
}

#[test]
fn blocked_verdict_is_one_strike_and_is_kept_once() {
    let policy = StrikePolicy { limit: 2, days: 7 };
    let blocked = |category| {
        let mut scores = Scores::default();
        scores.raise(category, Score::CERTAIN);
        Verdict::decide(Stage::Outputs, &scores, &Thresholds::default(), ("played", "1"))
    };
    let passed = Verdict::decide(Stage::Prompt, &Scores::default(), &Thresholds::default(), ("played", "1"));
    let reserved = submitted(&account(100), "flux-schnell", 1).with_verdicts(vec![passed.clone()], policy, at(0));
    assert!(reserved.account.strikes.is_unused());
    let verdicts = vec![passed, blocked(Category::Hate), blocked(Category::Hate), blocked(Category::Violence)];
    let struck = reserved.with_verdicts(verdicts, policy, at(1));
    assert_eq!((struck.account.strikes.count, struck.generation.verdicts.len()), (1, 3));
    assert!(struck.with_verdicts(vec![Verdict::of_provider("openai", "gpt-image")], policy, at(2)).account.is_frozen());
}

#[test]
fn end_adds_what_received_files_cost_to_the_sums_of_the_model_once_and_forgets_it() {
    let (owner, claimed) = claimed();
    assert_eq!(claimed.offer.as_deref(), Some("replicate"));
    // $0.003 an image at Replicate, $0.003 a million pixels at fal. The first job was of no use, and is charged.
    let first = claimed.received(2, &enabled(), at(1));
    assert_eq!(first.cost_microusd, 6_000);
    let Some(next) = first.next_offer(&enabled()) else { panic!("no offer is left") };
    let both = next.received(2, &enabled(), at(2));
    assert_eq!(both.cost_microusd, 6_000 + 2 * 3_146);

    let ended = finish(&owner, &both, GenerationOutcome::Succeeded(media(1)), &PLANS, NEW.entry, at(90)).unwrap();
    let margin = ended.margin.unwrap();
    assert_eq!((margin.day.to_string(), margin.model), ("2027-01-15".to_owned(), "flux-schnell".to_owned()));
    assert_eq!((margin.generations, margin.outputs, margin.credits), (1, 1, Credits(2)));
    assert_eq!((margin.cost_microusd, ended.generation.cost_microusd), (12_292, 0));

    let lost = finish(&owner, &both, GenerationOutcome::Failed(Failure::Internal), &PLANS, NEW.entry, at(90)).unwrap();
    let margin = lost.margin.unwrap();
    assert_eq!((margin.outputs, margin.credits, margin.cost_microusd), (0, Credits(0), 12_292));
    let unused = finish(&owner, &claimed, GenerationOutcome::Canceled, &PLANS, NEW.entry, at(90)).unwrap();
    assert_eq!(unused.margin, None);
}

#[test]
fn end_adds_its_outcome_and_the_time_of_the_provider_to_the_sums_of_the_day_and_forgets_the_call() {
    let (owner, claimed) = claimed();
    let received = claimed.received(2, &enabled(), at(13));
    let began = claimed.provider_call.clone().unwrap();
    assert_eq!((began.provider.as_str(), began.took_ms), ("replicate", None));
    let end = |generation, how| finish(&owner, generation, how, &PLANS, NEW.entry, at(90)).unwrap();
    let succeeded = end(&received, GenerationOutcome::Succeeded(media(1)));
    assert_eq!(succeeded.generation.provider_call, None);
    let sum = succeeded.sum.unwrap();
    assert_eq!((sum.day.to_string().as_str(), sum.subject().as_str()), ("2027-01-15", "succeeded##replicate"));
    let took = at(13).duration_since(began.began_at).as_millis();
    assert_eq!((sum.count, sum.timed, i128::from(sum.milliseconds)), (1, 1, took));

    let failed =
        end(&claimed, GenerationOutcome::Failed(Failure::Rejected { reason: "my prompt".to_owned() })).sum.unwrap();
    assert_eq!(failed.subject(), "failed#rejected#replicate");
    assert_eq!((failed.count, failed.timed, failed.milliseconds), (1, 0, 0));
    let canceled = end(&queued(), GenerationOutcome::Canceled).sum.unwrap();
    assert_eq!((canceled.subject().as_str(), canceled.count), ("canceled##", 1));
    assert_eq!(submitted(&account(100), "flux-schnell", 1).sum, None);
}

#[test]
fn time_of_a_provider_runs_from_the_claim_that_started_its_job() {
    let work = |generation: &Generation, second| match generation.claim(&enabled(), 125, at(second)) {
        GenerationClaim::Work { generation, .. } => *generation,
        other => panic!("{other:?}"),
    };
    let job = ProviderJob { provider: "replicate".to_owned(), id: "a".to_owned() };
    let started = work(&queued(), 1).accepted(job, 2, at(2));
    let polled = work(&started, 10);
    assert_eq!(polled.provider_call.as_ref().unwrap().began_at, at(1));
    assert_eq!(polled.received(1, &enabled(), at(13)).provider_call.unwrap().took_ms, Some(12_000));
    // Another attempt without a job, and another provider, are calls of their own.
    let again = work(&work(&queued(), 1).waiting(5, at(2)), 10);
    assert_eq!(again.provider_call.as_ref().unwrap().began_at, at(10));
    let next = work(&again.next_offer(&enabled()).unwrap().waiting(0, at(11)), 12);
    assert_eq!(next.provider_call.unwrap().provider, "fal");
}

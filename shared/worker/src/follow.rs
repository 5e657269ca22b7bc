//! What follows a response of a provider: decided here, done in `work`.

use domain::{
    catalogue::Catalogue,
    generations::generation::{Failure, FailureResponse, Generation, ProviderFailure, ProviderJob},
    generations::submission::GenerationOutcome,
};
use jiff::Timestamp;

use crate::ask::ProviderAnswer;

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Leave the files that came to the function that finishes them.
    Receive,
    /// Record what is waited for, then send a delayed message.
    Wait(Wait),
    /// End it.
    End(GenerationOutcome),
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A job at a provider.
    Job {
        /// The job.
        job: ProviderJob,
        /// When to poll it.
        poll_after_s: u32,
    },
    /// Another attempt, here or at another provider.
    Retry(ProviderFailure),
    /// Another check by a classifier that failed.
    Check,
    /// A worker, for this many seconds, as its account has its share of them.
    Turn(u32),
    /// The function that finishes this many received files.
    Finish(u32),
}

/// Decides what follows this response of this provider.
pub(crate) fn follow(answer: ProviderAnswer, provider: &str) -> Step {
    let failed = |failure| Step::End(GenerationOutcome::Failed(failure));
    match answer {
        ProviderAnswer::Done => Step::Receive,
        ProviderAnswer::Pending { job, poll_after_s } => {
            Step::Wait(Wait::Job { job: ProviderJob { provider: provider.to_owned(), id: job }, poll_after_s })
        }
        ProviderAnswer::Rejected { reason } => failed(Failure::Rejected { reason }),
        ProviderAnswer::InvalidInput { reason } => failed(Failure::InvalidInput { reason }),
        ProviderAnswer::Refused(_) => Step::Wait(Wait::Retry(ProviderFailure::Unusable)),
        // Another start would be paid for while this one may still run.
        ProviderAnswer::Unconfirmed => failed(Failure::ProviderUnavailable),
        ProviderAnswer::Failed(failure) => Step::Wait(Wait::Retry(failure)),
    }
}

impl Wait {
    /// Returns the generation while it waits, and how long. `jitter` is random, from 0 to 1000. It cannot be claimed before
    /// that.
    pub(crate) fn begin(
        &self,
        generation: &Generation,
        catalogue: &Catalogue,
        jitter: u32,
        now: Timestamp,
    ) -> FailureResponse {
        let after = match self {
            Self::Job { job, poll_after_s } => {
                let delay_s = generation.poll_delay_s(*poll_after_s, now);
                FailureResponse::Retry { generation: Box::new(generation.accepted(job.clone(), delay_s, now)), delay_s }
            }
            Self::Retry(failure) => generation.provider_failed(*failure, catalogue, jitter, now),
            Self::Check => generation.check_failed(jitter, now),
            Self::Turn(turn_s) => {
                FailureResponse::Retry { generation: Box::new(generation.waiting(*turn_s, now)), delay_s: *turn_s }
            }
            Self::Finish(files) => {
                FailureResponse::Retry { generation: Box::new(generation.received(*files, catalogue, now)), delay_s: 0 }
            }
        };
        after.not_before_delay(now)
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        AccountId, GenerationId, LedgerEntryId,
        accounts::account::Account,
        catalogue::compiled,
        generations::generation::{GenerationClaim, GenerationStatus},
        generations::settings::{self, RequestedSettings},
        generations::submission::{self, SubmissionIds},
    };
    use uuid::Uuid;

    use super::*;
    use crate::ask::Refused;

    fn enabled() -> Catalogue {
        compiled().offered_by(&["replicate", "fal"])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn queued() -> Generation {
        let asked = RequestedSettings {
            model: "flux-schnell".into(),
            prompt: "a lighthouse".into(),
            ..RequestedSettings::default()
        };
        let plans = &domain::service_settings::compiled().plans;
        let (settings, quote) = settings::validate(asked, &plans.free, &enabled()).unwrap();
        let ids = SubmissionIds { generation: GenerationId(Uuid::nil()), entry: LedgerEntryId(Uuid::nil()) };
        submission::reserve(&welcomed(), plans, settings, quote, None, ids, at(0)).unwrap().generation
    }

    fn welcomed() -> Account {
        let id = AccountId(Uuid::nil());
        Account::open(id, "ada@example.com".into(), domain::Credits(100), LedgerEntryId(Uuid::nil()), at(0)).0
    }

    fn claimed(generation: &Generation, second: i64) -> Generation {
        match generation.claim(&enabled(), 125, at(second)) {
            GenerationClaim::Work { generation, .. } => *generation,
            other => panic!("{other:?}"),
        }
    }

    fn waits(answer: ProviderAnswer) -> Wait {
        match follow(answer, "replicate") {
            Step::Wait(wait) => wait,
            other => panic!("{other:?}"),
        }
    }

    fn check(answer: ProviderAnswer, failure: Failure) {
        match follow(answer, "replicate") {
            Step::End(end) => assert_eq!(end, GenerationOutcome::Failed(failure)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rejection_and_invalid_input_end_it_with_the_reason() {
        let reason = "not this".to_owned();
        check(ProviderAnswer::Rejected { reason: reason.clone() }, Failure::Rejected { reason: reason.clone() });
        check(ProviderAnswer::InvalidInput { reason: reason.clone() }, Failure::InvalidInput { reason });
    }

    #[test]
    fn start_that_may_have_begun_is_not_repeated() {
        check(ProviderAnswer::Unconfirmed, Failure::ProviderUnavailable);
    }

    #[test]
    fn files_are_received() {
        assert!(matches!(follow(ProviderAnswer::Done, "replicate"), Step::Receive));
    }

    #[test]
    fn provider_that_does_not_serve_us_is_followed_by_the_next_one_at_once() {
        for refused in [Refused::Account, Refused::Model, Refused::Request] {
            let wait = waits(ProviderAnswer::Refused(refused));
            let FailureResponse::Retry { generation, delay_s } =
                wait.begin(&claimed(&queued(), 1), &enabled(), 0, at(5))
            else {
                panic!("gave up")
            };
            assert_eq!((generation.offer.as_deref(), delay_s), (Some("fal"), 0));
            let last = wait.begin(&claimed(&generation, 6), &enabled(), 0, at(7));
            assert_eq!(last, FailureResponse::GiveUp);
        }
    }

    #[test]
    fn job_is_stored_with_its_provider_and_resumed_by_the_next_claim() {
        let wait = waits(ProviderAnswer::Pending { job: "image::a".to_owned(), poll_after_s: 2 });
        let FailureResponse::Retry { generation, delay_s } = wait.begin(&claimed(&queued(), 1), &enabled(), 0, at(5))
        else {
            panic!("gave up")
        };
        let job = ProviderJob { provider: "replicate".to_owned(), id: "image::a".to_owned() };
        assert_eq!((&generation.provider_job, delay_s), (&Some(job), 2));
        assert_eq!(generation.status, GenerationStatus::Running);
        assert_eq!(claimed(&generation, 7).provider_job, generation.provider_job);
    }

    #[test]
    fn job_whose_report_is_lost_is_polled_before_its_deadline() {
        let wait = waits(ProviderAnswer::Pending { job: "image::a".to_owned(), poll_after_s: 600 });
        let begun = wait.begin(&claimed(&queued(), 1), &enabled(), 0, at(5));
        let FailureResponse::Retry { generation, delay_s } = begun else { panic!("gave up") };
        let polled_at = at(5 + i64::from(delay_s));
        assert!(polled_at < generation.deadline_at, "{delay_s}");
        assert!(matches!(generation.claim(&enabled(), 125, polled_at), GenerationClaim::Work { .. }));
    }

    #[test]
    fn reported_job_is_polled_at_once_by_one_of_two_messages_and_later_ones_find_a_lease() {
        let wait = waits(ProviderAnswer::Pending { job: "image::a".to_owned(), poll_after_s: 10 });
        let begin = |claimed: &Generation, second| match wait.begin(claimed, &enabled(), 0, at(second)) {
            FailureResponse::Retry { generation, .. } => *generation,
            FailureResponse::GiveUp => panic!("gave up"),
        };
        let waiting = begin(&claimed(&queued(), 1), 5);
        let leased = |generation: &Generation, second| {
            matches!(generation.claim(&enabled(), 125, at(second)), GenerationClaim::Leased { .. })
        };
        assert!(leased(&waiting, 7), "a message without a report polls it too early");
        let polled = claimed(&waiting.with_job_reported(), 7);
        assert_eq!(polled.provider_job, waiting.provider_job);
        assert!(leased(&polled.with_job_reported(), 8), "a report takes a job from the worker that polls it");
        // The poll found it pending. The message of the first wait is due at 15, that of the second at 18.
        let again = begin(&polled, 8);
        assert!(leased(&again, 15) && !leased(&again, 18));
        // A report about what does not wait for a job changes nothing.
        let retried = waits(ProviderAnswer::Failed(ProviderFailure::Throttled { retry_after_s: Some(9) }));
        let FailureResponse::Retry { generation, .. } = retried.begin(&claimed(&queued(), 1), &enabled(), 0, at(5))
        else {
            panic!("gave up")
        };
        assert!(leased(&generation.with_job_reported(), 7));
    }

    #[test]
    fn message_that_is_delivered_twice_finds_a_lease_until_the_wait_is_over() {
        for answer in [
            ProviderAnswer::Pending { job: "image::a".to_owned(), poll_after_s: 2 },
            ProviderAnswer::Failed(ProviderFailure::Throttled { retry_after_s: Some(2) }),
        ] {
            let FailureResponse::Retry { generation, .. } =
                waits(answer).begin(&claimed(&queued(), 1), &enabled(), 0, at(5))
            else {
                panic!("gave up")
            };
            assert!(matches!(generation.claim(&enabled(), 125, at(6)), GenerationClaim::Leased { .. }));
            assert!(matches!(generation.claim(&enabled(), 125, at(7)), GenerationClaim::Work { .. }));
        }
    }
}

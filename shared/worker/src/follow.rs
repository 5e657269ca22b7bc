//! What follows an answer of a provider: decided here, done in `work`.

use domain::{
    generations::generation::{Failure, FailureResponse, Generation, ProviderFailure, ProviderJob},
    generations::submission::GenerationOutcome,
};
use jiff::{SignedDuration, Timestamp};
use providers::Output;

use crate::ask::ProviderAnswer;

/// How much a message may seem to come too early, because another machine's clock says when.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_millis(500);

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Check and store these files, then settle.
    Store(Vec<Output>),
    /// Write down what is waited for, then send a message for later.
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
        /// When to ask for it.
        poll_after_s: u32,
    },
    /// A better moment, or another provider.
    Retry(ProviderFailure),
}

/// What follows this answer of this provider.
pub(crate) fn follow(answer: ProviderAnswer, provider: &str) -> Step {
    match answer {
        ProviderAnswer::Made(outputs) => Step::Store(outputs),
        ProviderAnswer::Working { job, poll_after_s } => {
            Step::Wait(Wait::Job { job: ProviderJob { provider: provider.to_owned(), id: job }, poll_after_s })
        }
        ProviderAnswer::Rejected { reason } => Step::End(GenerationOutcome::Failed(Failure::Rejected { reason })),
        ProviderAnswer::OurMistake => Step::End(GenerationOutcome::Failed(Failure::Internal)),
        ProviderAnswer::Trouble(trouble) => Step::Wait(Wait::Retry(trouble)),
    }
}

impl Wait {
    /// The generation while it waits, and for how long. Nobody can claim it before: a message that comes twice would
    /// otherwise be a second chain of polls, or use up the tries without the waits between them.
    pub(crate) fn begin(&self, generation: &Generation, enabled: &[String], now: Timestamp) -> FailureResponse {
        let after = match self {
            Self::Job { job, poll_after_s } => FailureResponse::Retry {
                generation: Box::new(generation.accepted(job.clone(), *poll_after_s, now)),
                delay_s: *poll_after_s,
            },
            Self::Retry(trouble) => generation.provider_failed(*trouble, enabled, now),
        };
        match after {
            FailureResponse::Retry { mut generation, delay_s } => {
                let delay = SignedDuration::from_secs(delay_s.into());
                generation.lease_until = (delay_s > 0).then(|| now + delay - CLOCKS_DIFFER);
                FailureResponse::Retry { generation, delay_s }
            }
            FailureResponse::GiveUp => FailureResponse::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        AccountId, GenerationId, LedgerEntryId,
        accounts::account::Account,
        accounts::plan::Plan,
        generations::generation::{ATTEMPTS_PER_OFFER, GenerationClaim, GenerationStatus},
        generations::settings::{self, RequestedSettings},
        generations::submission::{self, SubmissionIds},
    };
    use uuid::Uuid;

    use super::*;

    fn enabled() -> Vec<String> {
        ["replicate", "fal"].map(str::to_owned).to_vec()
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
        let (settings, quote) = settings::validate(asked, &Plan::Free.limits(), &enabled()).unwrap();
        let ids = SubmissionIds { generation: GenerationId(Uuid::nil()), entry: LedgerEntryId(Uuid::nil()) };
        submission::reserve(&welcomed(), settings, quote, None, ids, at(0)).unwrap().generation
    }

    fn welcomed() -> Account {
        let id = AccountId(Uuid::nil());
        Account::open(id, "somebody@example.com".into(), domain::Credits(100), LedgerEntryId(Uuid::nil()), at(0)).0
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
    fn a_refusal_and_our_mistake_end_it() {
        let reason = "not this".to_owned();
        check(ProviderAnswer::Rejected { reason: reason.clone() }, Failure::Rejected { reason });
        check(ProviderAnswer::OurMistake, Failure::Internal);
    }

    #[test]
    fn files_are_stored() {
        assert!(matches!(follow(ProviderAnswer::Made(vec![]), "replicate"), Step::Store(_)));
    }

    #[test]
    fn a_job_is_written_down_with_its_provider_and_resumed_by_the_next_claim() {
        let wait = waits(ProviderAnswer::Working { job: "image::a".to_owned(), poll_after_s: 2 });
        let FailureResponse::Retry { generation, delay_s } = wait.begin(&claimed(&queued(), 1), &enabled(), at(5))
        else {
            panic!("gave up")
        };
        let job = ProviderJob { provider: "replicate".to_owned(), id: "image::a".to_owned() };
        assert_eq!((&generation.provider_job, delay_s), (&Some(job), 2));
        assert_eq!(generation.status, GenerationStatus::Running);
        assert_eq!(claimed(&generation, 7).provider_job, generation.provider_job);
    }

    #[test]
    fn trouble_waits_longer_each_time_then_asks_the_next_provider_and_at_last_gives_up() {
        let mut generation = queued();
        let mut asked = Vec::new();
        for second in 1.. {
            let GenerationClaim::Work { generation: working, offer } = generation.claim(&enabled(), 1, at(second * 20))
            else {
                panic!("not claimed")
            };
            match waits(ProviderAnswer::Trouble(ProviderFailure::Unknown)).begin(&working, &enabled(), at(second * 20))
            {
                FailureResponse::Retry { generation: next, delay_s } => {
                    asked.push((offer.provider, delay_s));
                    generation = *next;
                }
                FailureResponse::GiveUp => break,
            }
        }
        assert_eq!(ATTEMPTS_PER_OFFER, 3);
        assert_eq!(asked, [("replicate", 2), ("replicate", 4), ("replicate", 0), ("fal", 2), ("fal", 4)]);
    }

    #[test]
    fn a_message_that_comes_twice_finds_it_taken_until_the_wait_is_over() {
        for answer in [
            ProviderAnswer::Working { job: "image::a".to_owned(), poll_after_s: 2 },
            ProviderAnswer::Trouble(ProviderFailure::Busy { retry_after_s: Some(2) }),
        ] {
            let FailureResponse::Retry { generation, .. } =
                waits(answer).begin(&claimed(&queued(), 1), &enabled(), at(5))
            else {
                panic!("gave up")
            };
            assert!(matches!(generation.claim(&enabled(), 125, at(6)), GenerationClaim::Leased { .. }));
            assert!(matches!(generation.claim(&enabled(), 125, at(7)), GenerationClaim::Work { .. }));
        }
    }

    #[test]
    fn nobody_waits_beyond_the_deadline() {
        let busy = waits(ProviderAnswer::Trouble(ProviderFailure::Busy { retry_after_s: Some(30) }));
        let generation = claimed(&queued(), 1);
        assert!(matches!(busy.begin(&generation, &enabled(), at(569)), FailureResponse::Retry { delay_s: 30, .. }));
        assert_eq!(busy.begin(&generation, &enabled(), at(570)), FailureResponse::GiveUp);
    }
}

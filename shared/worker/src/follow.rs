//! What follows an answer of a provider: decided here, done in `work`.

use domain::{
    generations::generation::{AfterTrouble, Failure, Generation, ProviderJob, Trouble},
    generations::submission::End,
};
use jiff::{SignedDuration, Timestamp};
use providers::Output;

use crate::ask::Answer;

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
    End(End),
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
    Retry(Trouble),
}

/// What follows this answer of this provider.
pub(crate) fn follow(answer: Answer, provider: &str) -> Step {
    match answer {
        Answer::Made(outputs) => Step::Store(outputs),
        Answer::Working { job, poll_after_s } => {
            Step::Wait(Wait::Job { job: ProviderJob { provider: provider.to_owned(), id: job }, poll_after_s })
        }
        Answer::Rejected { reason } => Step::End(End::Failed(Failure::Rejected { reason })),
        Answer::OurMistake => Step::End(End::Failed(Failure::Internal)),
        Answer::Trouble(trouble) => Step::Wait(Wait::Retry(trouble)),
    }
}

impl Wait {
    /// The generation while it waits, and for how long. Nobody can claim it before: a message that comes twice would
    /// otherwise be a second chain of polls, or use up the tries without the waits between them.
    pub(crate) fn begin(&self, generation: &Generation, enabled: &[String], now: Timestamp) -> AfterTrouble {
        let after = match self {
            Self::Job { job, poll_after_s } => AfterTrouble::Again {
                generation: Box::new(generation.accepted(job.clone(), *poll_after_s, now)),
                delay_s: *poll_after_s,
            },
            Self::Retry(trouble) => generation.troubled(*trouble, enabled, now),
        };
        match after {
            AfterTrouble::Again { mut generation, delay_s } => {
                let delay = SignedDuration::from_secs(delay_s.into());
                generation.lease_until = (delay_s > 0).then(|| now + delay - CLOCKS_DIFFER);
                AfterTrouble::Again { generation, delay_s }
            }
            AfterTrouble::GiveUp => AfterTrouble::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        AccountId, EntryId, GenerationId,
        accounts::account::Account,
        accounts::plan::Plan,
        generations::generation::{Claim, Status, TRIES_PER_OFFER},
        generations::settings::{self, Asked},
        generations::submission::{self, NewIds},
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
        let asked = Asked { model: "flux-schnell".into(), prompt: "a lighthouse".into(), ..Asked::default() };
        let (settings, quote) = settings::validate(asked, &Plan::Free.limits(), &enabled()).unwrap();
        let ids = NewIds { generation: GenerationId(Uuid::nil()), entry: EntryId(Uuid::nil()) };
        submission::reserve(&welcomed(), settings, quote, None, ids, at(0)).unwrap().generation
    }

    fn welcomed() -> Account {
        let id = AccountId(Uuid::nil());
        Account::open(id, "somebody@example.com".into(), domain::Credits(100), EntryId(Uuid::nil()), at(0)).0
    }

    fn claimed(generation: &Generation, second: i64) -> Generation {
        match generation.claim(&enabled(), 125, at(second)) {
            Claim::Work { generation, .. } => *generation,
            other => panic!("{other:?}"),
        }
    }

    fn waits(answer: Answer) -> Wait {
        match follow(answer, "replicate") {
            Step::Wait(wait) => wait,
            other => panic!("{other:?}"),
        }
    }

    fn check(answer: Answer, failure: Failure) {
        match follow(answer, "replicate") {
            Step::End(end) => assert_eq!(end, End::Failed(failure)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_and_our_mistake_end_it() {
        let reason = "not this".to_owned();
        check(Answer::Rejected { reason: reason.clone() }, Failure::Rejected { reason });
        check(Answer::OurMistake, Failure::Internal);
    }

    #[test]
    fn files_are_stored() {
        assert!(matches!(follow(Answer::Made(vec![]), "replicate"), Step::Store(_)));
    }

    #[test]
    fn a_job_is_written_down_with_its_provider_and_resumed_by_the_next_claim() {
        let wait = waits(Answer::Working { job: "image::a".to_owned(), poll_after_s: 2 });
        let AfterTrouble::Again { generation, delay_s } = wait.begin(&claimed(&queued(), 1), &enabled(), at(5)) else {
            panic!("gave up")
        };
        let job = ProviderJob { provider: "replicate".to_owned(), id: "image::a".to_owned() };
        assert_eq!((&generation.provider_job, delay_s), (&Some(job), 2));
        assert_eq!(generation.status, Status::Running);
        assert_eq!(claimed(&generation, 7).provider_job, generation.provider_job);
    }

    #[test]
    fn trouble_waits_longer_each_time_then_asks_the_next_provider_and_at_last_gives_up() {
        let mut generation = queued();
        let mut asked = Vec::new();
        for second in 1.. {
            let Claim::Work { generation: working, offer } = generation.claim(&enabled(), 1, at(second * 20)) else {
                panic!("not claimed")
            };
            match waits(Answer::Trouble(Trouble::Unknown)).begin(&working, &enabled(), at(second * 20)) {
                AfterTrouble::Again { generation: next, delay_s } => {
                    asked.push((offer.provider, delay_s));
                    generation = *next;
                }
                AfterTrouble::GiveUp => break,
            }
        }
        assert_eq!(TRIES_PER_OFFER, 3);
        assert_eq!(asked, [("replicate", 2), ("replicate", 4), ("replicate", 0), ("fal", 2), ("fal", 4)]);
    }

    #[test]
    fn a_message_that_comes_twice_finds_it_taken_until_the_wait_is_over() {
        for answer in [
            Answer::Working { job: "image::a".to_owned(), poll_after_s: 2 },
            Answer::Trouble(Trouble::Busy { retry_after_s: Some(2) }),
        ] {
            let AfterTrouble::Again { generation, .. } = waits(answer).begin(&claimed(&queued(), 1), &enabled(), at(5))
            else {
                panic!("gave up")
            };
            assert!(matches!(generation.claim(&enabled(), 125, at(6)), Claim::Leased { .. }));
            assert!(matches!(generation.claim(&enabled(), 125, at(7)), Claim::Work { .. }));
        }
    }

    #[test]
    fn nobody_waits_beyond_the_deadline() {
        let busy = waits(Answer::Trouble(Trouble::Busy { retry_after_s: Some(30) }));
        let generation = claimed(&queued(), 1);
        assert!(matches!(busy.begin(&generation, &enabled(), at(569)), AfterTrouble::Again { delay_s: 30, .. }));
        assert_eq!(busy.begin(&generation, &enabled(), at(570)), AfterTrouble::GiveUp);
    }
}

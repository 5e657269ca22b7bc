//! Any interleaving of people, workers and sweeps, with repeats and decisions made from what has changed since, against a
//! reference that knows nothing but prices and who still holds what.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use std::sync::LazyLock;

use domain::{
    AccountId, AuditEntryId, Credits, GenerationId, LedgerEntryId, PromotionId, Refusal,
    accounts::{account::Account, plan::Plans},
    catalogue::{self, Catalogue, models::Offer},
    credits::{
        ledger::{Balance, Cause, LedgerEntry, audit},
        promotion::{NewPromotion, Promotion},
    },
    generations::{
        generation::{
            Failure, FailureResponse, FinishClaim, Generation, GenerationClaim, GenerationStatus, ProviderFailure,
            ProviderJob,
        },
        output::Media,
        settings::{self, RequestedSettings},
        submission::{self, Cancellation, GenerationOutcome, SubmissionIds},
    },
    service_settings,
};
use jiff::{SignedDuration, Timestamp};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, RngSeed},
};
use uuid::{Builder, Uuid};

const LEASE_S: u32 = 30;
/// The plans of the tests, which keep files for 30, 90 and 365 days.
static PLANS: LazyLock<Plans> = LazyLock::new(|| {
    let mut plans = service_settings::compiled().plans;
    plans.plus.retention_days = 90;
    plans.pro.retention_days = 365;
    plans
});
/// Model, price of one, most of them at once, minutes until its deadline.
const MODELS: [(&str, i64, u32, i64); 4] = [
    ("sketch-image", 1, 2, 10),
    ("stable-image-core", 4, 2, 10),
    ("flux-schnell", 2, 2, 10),
    ("sketch-video", 8, 1, 30),
];

/// Which version a decision is made from: mostly the latest, sometimes one that was read before.
#[derive(Clone, Debug)]
struct Read(Option<Index>);

impl Read {
    fn of<T: Clone>(&self, history: &[T]) -> T {
        self.0.map_or_else(|| history.last().unwrap(), |index| index.get(history)).clone()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait { seconds: u16 },
    Submit { model: Index, count: u32, max_credits: Option<i64>, account: Read },
    Claim { job: Index, from: Read },
    Remind { job: Index, from: Read },
    // A worker that claimed it writes what it waits for; it may have died, or been overtaken, since.
    Accepted { claimed: Index, poll_after_s: u32 },
    Failed { claimed: Index, failure: ProviderFailure, jitter: u32 },
    Received { claimed: Index, files: u32 },
    ClaimToFinish { job: Index, from: Read },
    Unusable { finishing: Index, jitter: u32 },
    Cancel { job: Index, from: Read, account: Read },
    End { job: Index, from: Read, account: Read, end: u8 },
    Adjust { amount: i64, account: Read },
    // By this account, or by another one.
    Redeem { promotion: Index, account: Option<Read> },
    Sweep,
}

/// Credits, how many accounts can redeem it, and for how many minutes.
const PROMOTIONS: [(i64, u32, i64); 3] = [(7, 2, 600), (30, 1, 600), (5, 1_000, 5)];

fn step() -> impl Strategy<Value = Step> {
    let read = || prop::option::weighted(0.2, any::<Index>()).prop_map(Read);
    let index = any::<Index>;
    let failure = prop_oneof![
        Just(ProviderFailure::JobEnded),
        Just(ProviderFailure::Unusable),
        prop::option::of(0..90_u32).prop_map(|retry_after_s| ProviderFailure::Fault { retry_after_s }),
        prop::option::of(0..90_u32).prop_map(|retry_after_s| ProviderFailure::Throttled { retry_after_s }),
    ];
    prop_oneof![
        2 => prop_oneof![3 => 0..5_u16, 1 => 0..400_u16].prop_map(|seconds| Step::Wait { seconds }),
        6 => (index(), 1..=2_u32, prop::option::weighted(0.2, 0..10_i64), read())
            .prop_map(|(model, count, max_credits, account)| Step::Submit { model, count, max_credits, account }),
        5 => (index(), read()).prop_map(|(job, from)| Step::Claim { job, from }),
        1 => (index(), read()).prop_map(|(job, from)| Step::Remind { job, from }),
        2 => (index(), 0..60_u32).prop_map(|(claimed, poll_after_s)| Step::Accepted { claimed, poll_after_s }),
        3 => (index(), failure, 0..=1000_u32)
            .prop_map(|(claimed, failure, jitter)| Step::Failed { claimed, failure, jitter }),
        3 => (index(), 1..=2_u32).prop_map(|(claimed, files)| Step::Received { claimed, files }),
        4 => (index(), read()).prop_map(|(job, from)| Step::ClaimToFinish { job, from }),
        1 => (index(), 0..=1000_u32).prop_map(|(finishing, jitter)| Step::Unusable { finishing, jitter }),
        3 => (index(), read(), read()).prop_map(|(job, from, account)| Step::Cancel { job, from, account }),
        5 => (index(), read(), read(), 0..6_u8)
            .prop_map(|(job, from, account, end)| Step::End { job, from, account, end }),
        2 => (-30..30_i64, read()).prop_map(|(amount, account)| Step::Adjust { amount, account }),
        1 => (index(), prop::option::weighted(0.7, read())).prop_map(|(promotion, account)| Step::Redeem { promotion, account }),
        1 => Just(Step::Sweep),
    ]
}

/// What must be true, worked out apart from the code.
struct Reference {
    welcome: i64,
    /// The sum of what staff granted and took.
    adjusted: i64,
    /// The promotions that the account redeemed, and how often each was redeemed by anyone.
    redeemed: BTreeSet<usize>,
    redemptions: [u32; PROMOTIONS.len()],
    jobs: BTreeMap<GenerationId, Job>,
}

struct Job {
    price: i64,
    count: i64,
    deadline: Timestamp,
    leased_until: Option<Timestamp>,
    /// A call has begun of which it is not known that it failed.
    can_be_charged: bool,
    /// Files were received that are not finished.
    is_received: bool,
    /// Its owner canceled it after that.
    canceled: bool,
    /// Once it has ended.
    cost: Option<i64>,
}

impl Reference {
    fn open(&self) -> Vec<GenerationId> {
        self.jobs.iter().filter(|(_, job)| job.cost.is_none()).map(|(id, _)| *id).collect()
    }

    fn balance(&self) -> Balance {
        let held: i64 = self.jobs.values().filter(|job| job.cost.is_none()).map(|job| job.price).sum();
        let spent: i64 = self.jobs.values().filter_map(|job| job.cost).sum();
        let redeemed: i64 = self.redeemed.iter().map(|place| PROMOTIONS[*place].0).sum();
        Balance { available: Credits(self.welcome + self.adjusted + redeemed - held - spent), held: Credits(held) }
    }
}

/// Every version of everything that was written.
struct World {
    accounts: Vec<Account>,
    promotions: Vec<Promotion>,
    generations: Vec<Vec<Generation>>,
    entries: Vec<LedgerEntry>,
    claimed: Vec<(Generation, Offer)>,
    finishing: Vec<Generation>,
    reference: Reference,
    now: Timestamp,
    ids: u64,
}

impl World {
    fn new(welcome: i64) -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let id = AccountId(Uuid::nil());
        let (account, entry) = Account::open(id, String::new(), Credits(welcome), LedgerEntryId(id_at(now, 0)), now);
        Self {
            accounts: vec![account],
            promotions: PROMOTIONS
                .iter()
                .enumerate()
                .map(|(place, promotion)| publish(place, *promotion, now))
                .collect(),
            generations: Vec::new(),
            entries: entry.into_iter().collect(),
            claimed: Vec::new(),
            finishing: Vec::new(),
            reference: Reference {
                welcome,
                adjusted: 0,
                redeemed: BTreeSet::new(),
                redemptions: [0; PROMOTIONS.len()],
                jobs: BTreeMap::new(),
            },
            now,
            ids: 0,
        }
    }

    /// An id from a machine whose clock is up to five seconds off.
    fn id(&mut self) -> Uuid {
        self.ids += 1;
        let off_ms = i64::try_from(self.ids * 7_919 % 10_000).unwrap() - 5_000;
        id_at(self.now + SignedDuration::from_millis(off_ms), self.ids)
    }

    /// Writes all of it or nothing, and answers which: the table's rule is that a version is written over the one before it.
    fn commit(&mut self, account: Option<&Account>, generation: &Generation, entry: Option<&LedgerEntry>) -> bool {
        let place = self.generations.iter().position(|versions| versions[0].id == generation.id);
        let stored = place.map_or(0, |place| self.generations[place].last().unwrap().version);
        let over = |account: &Account| account.version == self.account().version + 1;
        if generation.version != stored + 1 || !account.is_none_or(over) {
            return false;
        }
        match place {
            Some(place) => self.generations[place].push(generation.clone()),
            None => self.generations.push(vec![generation.clone()]),
        }
        self.accounts.extend(account.cloned());
        self.entries.extend(entry.cloned());
        true
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Wait { seconds } => self.now += SignedDuration::from_secs(seconds.into()),
            Step::Submit { model, count, max_credits, account } => {
                let account = account.of(&self.accounts);
                self.submit(&account, *model.get(&MODELS), count, max_credits);
            }
            Step::Accepted { claimed, poll_after_s } if !self.claimed.is_empty() => {
                let (from, offer) = claimed.get(&self.claimed).clone();
                let job = ProviderJob { provider: offer.provider.to_owned(), id: "1".to_owned() };
                self.wait(&from, &from.accepted(job, poll_after_s, self.now));
            }
            Step::Failed { claimed, failure, jitter } if !self.claimed.is_empty() => {
                let (from, _) = claimed.get(&self.claimed).clone();
                self.provider_failed(&from, failure, jitter);
            }
            Step::Received { claimed, files } if !self.claimed.is_empty() => {
                let (from, _) = claimed.get(&self.claimed).clone();
                self.wait(&from, &from.received(files, &enabled(), self.now));
            }
            Step::ClaimToFinish { job, from } if !self.generations.is_empty() => {
                let from = from.of(self.recent(job));
                self.claim_to_finish(&from);
            }
            Step::Unusable { finishing, jitter } if !self.finishing.is_empty() => {
                let from = finishing.get(&self.finishing).clone();
                self.provider_failed(&from, ProviderFailure::JobEnded, jitter);
            }
            Step::Cancel { job, from, account } if !self.generations.is_empty() => {
                let (from, account) = (from.of(self.recent(job)), account.of(&self.accounts));
                self.cancel(&account, &from);
            }
            Step::Claim { job, from } if !self.generations.is_empty() => {
                let from = from.of(self.recent(job));
                self.claim(&from);
            }
            Step::Remind { job, from } if !self.generations.is_empty() => {
                let from = from.of(self.recent(job));
                if !from.status.is_final() {
                    let latest = self.is_latest(&from);
                    assert_eq!(self.commit(None, &from.message_resent(self.now), None), latest);
                }
            }
            Step::End { job, from, account, end } if !self.generations.is_empty() => {
                let (from, account) = (from.of(self.recent(job)), account.of(&self.accounts));
                match end {
                    0 => self.end(&account, &from, GenerationOutcome::Canceled),
                    1 => self.end(&account, &from, GenerationOutcome::Failed(Failure::Internal)),
                    more => {
                        self.end(&account, &from, GenerationOutcome::Succeeded(vec![media(); usize::from(more) - 2]))
                    }
                }
            }
            Step::Adjust { amount, account } => {
                let account = account.of(&self.accounts);
                self.adjust(&account, amount);
            }
            Step::Redeem { promotion, account } => {
                let account = account.map(|account| account.of(&self.accounts));
                self.redeem(promotion.index(PROMOTIONS.len()), account);
            }
            Step::Sweep => self.sweep(),
            _ => {}
        }
    }

    fn submit(
        &mut self,
        account: &Account,
        (model, unit, most, minutes): (&str, i64, u32, i64),
        count: u32,
        max: Option<i64>,
    ) {
        let count = count.min(most);
        let asked = RequestedSettings {
            model: model.into(),
            prompt: "x".into(),
            count: Some(count),
            ..RequestedSettings::default()
        };
        let (settings, quote) = settings::validate(asked, &PLANS.free, &enabled()).unwrap();
        let price = unit * i64::from(count);
        let ids = SubmissionIds { generation: GenerationId(self.id()), entry: LedgerEntryId(self.id()) };
        let latest = account.version == self.account().version;
        let open = self.reference.open().len();
        match submission::reserve(account, &PLANS, settings, quote, max.map(Credits), ids, self.now) {
            Ok(movement) => {
                let committed = self.commit(Some(&movement.account), &movement.generation, Some(&movement.entry));
                assert_eq!(committed, latest);
                if committed {
                    assert!(max.is_none_or(|max| price <= max) && open < 3);
                    let deadline = self.now + SignedDuration::from_mins(minutes);
                    let job = Job {
                        price,
                        count: count.into(),
                        deadline,
                        leased_until: None,
                        can_be_charged: false,
                        is_received: false,
                        canceled: false,
                        cost: None,
                    };
                    self.reference.jobs.insert(ids.generation, job);
                }
            }
            // How often is for `rate`, which has a test like this of its own.
            Err(Refusal::RateLimited { .. } | Refusal::TooManyFailures { .. }) => {}
            Err(_) if !latest => {}
            Err(Refusal::PriceAboveMaximum { .. }) => assert!(price > max.unwrap()),
            Err(Refusal::TooManyJobs { .. }) => assert_eq!(open, 3),
            Err(Refusal::InsufficientCredits { .. }) => assert!(price > self.reference.balance().available.0),
            Err(other) => panic!("{other}"),
        }
    }

    fn claim(&mut self, from: &Generation) {
        let latest = self.is_latest(from);
        let job = &self.reference.jobs[&from.id];
        let (ended, leased) = (job.cost.is_some(), job.leased_until.is_some_and(|until| until > self.now));
        let received = job.is_received;
        match from.claim(&enabled(), LEASE_S, self.now) {
            GenerationClaim::Work { generation, offer } => {
                assert_eq!(self.commit(None, &generation, None), latest);
                if latest {
                    assert!(!ended && !leased && !received, "a provider is asked again");
                    self.job(from.id).leased_until = Some(self.now + SignedDuration::from_secs(LEASE_S.into()));
                    self.job(from.id).can_be_charged = true;
                    self.claimed.push((*generation, offer));
                }
            }
            GenerationClaim::Leased { .. } => assert!(!latest || leased),
            GenerationClaim::Ended => assert!(ended),
            GenerationClaim::Received => assert!(!latest || received),
            GenerationClaim::NoOffer => panic!("every provider is enabled"),
        }
    }

    fn claim_to_finish(&mut self, from: &Generation) {
        let latest = self.is_latest(from);
        let job = &self.reference.jobs[&from.id];
        let (ended, leased) = (job.cost.is_some(), job.leased_until.is_some_and(|until| until > self.now));
        let received = job.is_received;
        match from.claim_to_finish(LEASE_S, self.now) {
            FinishClaim::Work(generation) => {
                assert_eq!(self.commit(None, &generation, None), latest);
                if latest {
                    assert!(!ended && !leased && received);
                    self.job(from.id).leased_until = Some(self.now + SignedDuration::from_secs(LEASE_S.into()));
                    self.finishing.push(*generation);
                }
            }
            FinishClaim::Leased => assert!(!latest || leased),
            FinishClaim::Ended => assert!(ended),
            FinishClaim::NothingReceived => assert!(!latest || !received),
        }
    }

    fn cancel(&mut self, account: &Account, from: &Generation) {
        let latest = self.is_latest(from) && account.version == self.account().version;
        let entry = LedgerEntryId(self.id());
        match submission::cancel(account, from, &PLANS, entry, self.now) {
            Ok(Cancellation::Ended(ended)) => {
                let committed = self.commit(Some(&ended.account), &ended.generation, Some(&ended.entry));
                assert_eq!(committed, latest);
                if committed {
                    assert!(!self.job(from.id).can_be_charged, "refunded although a provider can charge for it");
                    self.job(from.id).cost = Some(0);
                }
            }
            Ok(Cancellation::Requested { account, generation }) => {
                assert_eq!(self.commit(Some(&account), &generation, None), latest);
                if latest {
                    assert!(self.job(from.id).can_be_charged);
                    self.job(from.id).leased_until = generation.lease_until;
                    self.job(from.id).canceled = true;
                }
            }
            Ok(Cancellation::Repeated) | Err(Refusal::TooManyCancels { .. }) => {}
            Err(refusal) => assert!(from.status.is_final(), "{refusal}"),
        }
    }

    fn provider_failed(&mut self, from: &Generation, failure: ProviderFailure, jitter: u32) {
        match from.provider_failed(failure, &enabled(), jitter, self.now) {
            FailureResponse::Retry { generation, delay_s } => {
                let deadline = self.reference.jobs[&from.id].deadline;
                assert!(delay_s == 0 || self.now + SignedDuration::from_secs(delay_s.into()) < deadline);
                if from.provider_job.is_some() && failure != ProviderFailure::JobEnded {
                    assert_eq!(generation.provider_job, from.provider_job, "a paid job is given up");
                }
                self.wait(from, &generation);
            }
            FailureResponse::GiveUp => {
                let account = self.account().clone();
                self.end(&account, from, GenerationOutcome::Failed(Failure::ProviderUnavailable));
            }
        }
    }

    fn wait(&mut self, from: &Generation, waiting: &Generation) {
        let latest = self.is_latest(from);
        assert_eq!(self.commit(None, waiting, None), latest);
        if latest {
            self.job(from.id).leased_until = None;
            self.job(from.id).is_received = waiting.received_files > 0;
            self.job(from.id).can_be_charged = waiting.provider_job.is_some() || waiting.received_files > 0;
        }
    }

    fn end(&mut self, account: &Account, from: &Generation, end: GenerationOutcome) {
        let made = if let GenerationOutcome::Succeeded(media) = &end { i64::try_from(media.len()).unwrap() } else { 0 };
        let latest = self.is_latest(from) && account.version == self.account().version;
        let entry = LedgerEntryId(self.id());
        match submission::finish(account, from, end, &PLANS, entry, self.now) {
            Ok(movement) => {
                let committed = self.commit(Some(&movement.account), &movement.generation, Some(&movement.entry));
                assert_eq!(committed, latest);
                if committed {
                    let job = self.job(from.id);
                    assert_eq!(job.cost, None, "it has ended before");
                    job.cost = Some(job.price * made.min(job.count) / job.count);
                    assert_eq!(Some(movement.generation.spent.0), job.cost);
                }
            }
            Err(refusal) => assert!(from.status.is_final(), "{refusal}"),
        }
    }

    fn adjust(&mut self, account: &Account, amount: i64) {
        let latest = account.version == self.account().version;
        let ids = (AuditEntryId(self.id()), LedgerEntryId(self.id()));
        match account.adjusted(Credits(amount), ids, self.now) {
            Ok((entry, adjusted)) if latest => {
                self.accounts.push(adjusted);
                self.entries.push(entry);
                self.reference.adjusted += amount;
            }
            Ok(_) => {}
            Err(Refusal::Invalid(_)) => assert_eq!(amount, 0),
            Err(_) if !latest => {}
            Err(Refusal::Conflict(_)) => assert!(self.reference.balance().available.0 + amount < 0),
            Err(other) => panic!("{other}"),
        }
    }

    /// Another account redeems it if `account` is none.
    fn redeem(&mut self, place: usize, account: Option<Account>) {
        let promotion = self.promotions[place].clone();
        let (credits, limit, minutes) = PROMOTIONS[place];
        let is_over = self.now >= self.accounts[0].created_at + SignedDuration::from_mins(minutes);
        let is_open = !is_over && self.reference.redemptions[place] < limit;
        let redeemer = account.clone().unwrap_or_else(|| self.accounts[0].clone());
        match redeemer.redeem(&promotion, LedgerEntryId(self.id()), self.now) {
            Ok(redeemed) => {
                assert!(is_open);
                let is_another = account.is_none();
                let latest = account.is_some_and(|account| account.version == self.account().version);
                // The table's rules: over the version before, and once for each account.
                if latest && !self.reference.redeemed.contains(&place) {
                    assert_eq!(redeemed.redemption.credits, Credits(credits));
                    self.accounts.push(redeemed.account);
                    self.entries.push(redeemed.entry);
                    self.promotions[place] = redeemed.promotion;
                    self.reference.redeemed.insert(place);
                    self.reference.redemptions[place] += 1;
                } else if is_another {
                    self.promotions[place] = redeemed.promotion;
                    self.reference.redemptions[place] += 1;
                }
            }
            Err(Refusal::Invalid(_)) => assert!(!is_open),
            Err(other) => panic!("{other}"),
        }
    }

    fn sweep(&mut self) {
        for place in 0..self.generations.len() {
            let latest = self.generations[place].last().unwrap().clone();
            if latest.is_overdue(self.now) {
                let account = self.account().clone();
                self.end(&account, &latest, GenerationOutcome::Failed(Failure::DeadlinePassed));
            }
        }
        assert!(self.reference.jobs.values().all(|job| job.cost.is_some() || self.now < job.deadline));
    }

    /// The versions of one of the latest generations: others have ended.
    fn recent(&self, job: Index) -> &Vec<Generation> {
        job.get(&self.generations[self.generations.len().saturating_sub(4)..])
    }

    fn account(&self) -> &Account {
        self.accounts.last().unwrap()
    }

    fn is_latest(&self, generation: &Generation) -> bool {
        let versions = self.generations.iter().find(|versions| versions[0].id == generation.id).unwrap();
        versions.last().unwrap().version == generation.version
    }

    fn job(&mut self, id: GenerationId) -> &mut Job {
        self.reference.jobs.get_mut(&id).unwrap()
    }

    fn check(&self) {
        let (account, open) = (self.account(), self.reference.open());
        assert_eq!(account.balance, self.reference.balance());
        assert!(account.balance.available >= Credits::ZERO);
        assert_eq!(usize::try_from(account.jobs_in_flight).unwrap(), open.len());
        assert_eq!(audit(&self.entries, account.balance, &open), Ok(()));
        assert!(self.entries.is_sorted_by(|a, b| a.id < b.id), "a statement would be out of order");
        for (promotion, times) in self.promotions.iter().zip(self.reference.redemptions) {
            assert!(promotion.redeemed == times && times <= promotion.limit);
        }
        for versions in &self.generations {
            let latest = versions.last().unwrap();
            let ended = latest.status.is_final();
            assert_eq!(ended, !open.contains(&latest.id));
            if self.reference.jobs[&latest.id].canceled {
                let expected = if ended { GenerationStatus::Canceled } else { GenerationStatus::Canceling };
                assert_eq!(latest.status, expected);
                assert!(latest.outputs.is_empty(), "what was canceled is shown");
            }
            let forward = |a: &Generation, b: &Generation| !a.status.is_final() && rank(a) <= rank(b);
            assert!(versions.is_sorted_by(forward), "it went back");
            let is_end = |entry: &&LedgerEntry| match entry.cause {
                Cause::Settle { generation } | Cause::Release { generation } => generation == latest.id,
                Cause::Welcome
                | Cause::Reserve { .. }
                | Cause::Purchase { .. }
                | Cause::ClawBack { .. }
                | Cause::Restore { .. }
                | Cause::Adjustment { .. }
                | Cause::Redemption { .. }
                | Cause::Gift { .. } => false,
            };
            assert_eq!(self.entries.iter().filter(is_end).count(), usize::from(ended));
        }
    }
}

fn publish(place: usize, (credits, limit, minutes): (i64, u32, i64), now: Timestamp) -> Promotion {
    let (code, until) = (format!("SPRING-{place}"), now + SignedDuration::from_mins(minutes));
    let id = PromotionId(id_at(now, 1_000 + place as u64));
    NewPromotion { code, credits: Credits(credits), limit, until }.publish((id, String::new()), now).unwrap()
}

fn rank(generation: &Generation) -> u8 {
    match generation.status {
        GenerationStatus::Queued => 0,
        GenerationStatus::Running => 1,
        GenerationStatus::Canceling => 2,
        GenerationStatus::Succeeded | GenerationStatus::Failed | GenerationStatus::Canceled => 3,
    }
}

fn id_at(at: Timestamp, number: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    Builder::from_unix_timestamp_millis(at.as_millisecond().try_into().unwrap(), &random).into_uuid()
}

fn enabled() -> Catalogue {
    catalogue::compiled().offered_by(&["sketch", "stability", "replicate", "fal"])
}

fn media() -> Media {
    let (key, content_type) = ("0.png".to_owned(), "image/png".to_owned());
    Media {
        key,
        content_type,
        bytes: 1,
        width: 1,
        height: 1,
        duration_ms: None,
        thumbnail_key: None,
        thumbhash: None,
        fingerprints: None,
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 400,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn no_interleaving_makes_or_loses_a_credit_or_leaves_one_held(
        welcome in prop_oneof![0..20_i64, Just(500)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(welcome);
        for step in steps {
            world.take(step);
            world.check();
        }
        world.now += SignedDuration::from_hours(1);
        world.sweep();
        world.check();
        prop_assert_eq!(world.account().balance.held, Credits::ZERO);
    }
}

//! A generation: its states, its lease, its deadline, its tries, and who may see it.
//!
//! `queued -> running -> succeeded | failed | canceled`, forward only. A claim takes a lease and counts the try. The
//! provider's job id is stored before it is waited on, so that a second try resumes it and does not pay twice.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Credits, GenerationId, Refusal,
    catalogue::models::{self, MediaKind, Offer},
    generations::settings::GenerationSettings,
};

/// Where a generation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = GenerationStatus)]
#[serde(rename_all = "snake_case")]
pub enum GenerationStatus {
    /// Waits for a worker.
    Queued,
    /// A worker has it, or the provider.
    Running,
    /// It is there.
    Succeeded,
    /// It will not come; its credits are back.
    Failed,
    /// Its owner took it back; so are the credits.
    Canceled,
}

impl GenerationStatus {
    /// Whether it has ended, for good.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Canceled => true,
        }
    }
}

/// Why a generation failed, for its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Failure {
    /// The provider refused the prompt or the input image.
    Rejected {
        /// Its reason.
        reason: String,
    },
    /// Our mistake.
    Internal,
    /// No provider could make it.
    ProviderUnavailable,
    /// It was not there by its deadline.
    DeadlinePassed,
    /// The input image is gone.
    InputMissing,
}

/// Who can see it besides its owner and whoever has a share link.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Nobody.
    #[default]
    Private,
    /// Everybody.
    Public,
}

/// A file of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Media {
    /// Its key in the bucket.
    pub key: String,
    /// Its type.
    pub content_type: String,
    /// Its size.
    pub bytes: u64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Length of a film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The key of its thumbnail, a JPEG, where one could be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_key: Option<String>,
    /// Its [ThumbHash](https://evanw.github.io/thumbhash/), base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<String>,
}

/// A job at a provider that was accepted and not yet answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProviderJob {
    /// The provider.
    pub provider: String,
    /// The provider's own id of the job.
    pub id: String,
}

/// A generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Generation {
    /// Its id.
    pub id: GenerationId,
    /// Whose.
    pub account: AccountId,
    /// What is made.
    pub kind: MediaKind,
    /// From what.
    pub settings: GenerationSettings,
    /// What was reserved for it.
    pub reserved: Credits,
    /// What it cost in the end.
    pub spent: Credits,
    /// Where it is.
    pub status: GenerationStatus,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it fails unless it has ended.
    pub deadline_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Tries so far at the provider that is asked now.
    pub attempts: u32,
    /// Which of the model's enabled offers is asked now.
    pub offer: u32,
    /// Until when a worker has it for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// The job that the provider accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_job: Option<ProviderJob>,
    /// When the next message should have been handled; the sweep sends another after that.
    pub next_message_at: Timestamp,
    /// What was made.
    #[serde(default)]
    pub media: Vec<Media>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Who can see it.
    pub visibility: Visibility,
    /// Whether others see the prompt too, while it is public.
    pub show_prompt: bool,
    /// Until when the last of its links shows it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_until: Option<Timestamp>,
    /// Since when it is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// When it goes, with its files; set when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Its owner deleted it, or its time is over: hidden from everybody, its files are being removed.
    #[serde(default)]
    pub deleting: bool,
    /// A legal hold keeps it although it is hidden. Nothing is due of it until the hold is released.
    #[serde(default)]
    pub held: bool,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

/// Seconds after which a message that was not handled is sent again.
pub(crate) const LOST_MESSAGE_S: i64 = 60;
/// Tries at one provider, busy or unknown answers included, before the next one is asked.
pub const ATTEMPTS_PER_OFFER: u32 = 3;

/// What a worker that read a generation should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerationClaim {
    /// Work on it: this is what to write first, and who to ask.
    Work {
        /// The generation with its lease taken.
        generation: Box<Generation>,
        /// Who to ask.
        offer: Offer,
    },
    /// Somebody else has it until then.
    Leased {
        /// Until when.
        until: Timestamp,
    },
    /// Nothing is left to do.
    Ended,
    /// No enabled provider offers the model any more.
    NoOffer,
}

/// How an answer of a provider that did not work out is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderFailure {
    /// Busy or down.
    Busy {
        /// What the provider asked for.
        retry_after_s: Option<u32>,
    },
    /// Anything that we do not understand.
    Unknown,
}

/// What follows a try that did not work out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureResponse {
    /// Try again with a message delayed by this much.
    Retry {
        /// The generation to write.
        generation: Box<Generation>,
        /// The delay.
        delay_s: u32,
    },
    /// Nobody is left to ask: fail and release.
    GiveUp,
}

impl Generation {
    /// The next thing that is owed to it, and when: the sweep's `due_at`.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        if self.held {
            None
        } else if self.status.is_final() {
            self.expires_at
        } else {
            Some(self.next_message_at.min(self.deadline_at))
        }
    }

    /// Whether its deadline has passed and it has not ended.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        !self.status.is_final() && now >= self.deadline_at
    }

    /// A worker's claim, with a lease of `lease_s` seconds.
    #[must_use]
    pub fn claim(&self, enabled: &[String], lease_s: u32, now: Timestamp) -> GenerationClaim {
        if self.status.is_final() {
            return GenerationClaim::Ended;
        }
        if let Some(until) = self.lease_until.filter(|until| *until > now) {
            return GenerationClaim::Leased { until };
        }
        let Some(offer) = self.offer(enabled) else { return GenerationClaim::NoOffer };
        let lease_until = now + SignedDuration::from_secs(i64::from(lease_s));
        let generation = Self {
            status: GenerationStatus::Running,
            attempts: self.attempts + 1,
            lease_until: Some(lease_until),
            next_message_at: lease_until + SignedDuration::from_secs(LOST_MESSAGE_S),
            ..self.next_version()
        };
        GenerationClaim::Work { generation: Box::new(generation), offer }
    }

    /// Who is asked now: whoever has the job already, else the offer whose turn it is.
    fn offer(&self, enabled: &[String]) -> Option<Offer> {
        let model = models::model(&self.settings.model, enabled)?;
        let mut offers = model.enabled_offers(enabled);
        match &self.provider_job {
            Some(job) => offers.find(|offer| offer.provider == job.provider),
            None => offers.nth(usize::try_from(self.offer).ok()?),
        }
    }

    /// The provider accepted the job: it is asked again after `poll_after_s`, and the tries start anew.
    #[must_use]
    pub fn accepted(&self, job: ProviderJob, poll_after_s: u32, now: Timestamp) -> Self {
        Self { provider_job: Some(job), attempts: 0, ..self.waiting(poll_after_s, now) }
    }

    /// A lost or late message: one more is being sent.
    #[must_use]
    pub fn message_resent(&self, now: Timestamp) -> Self {
        Self { next_message_at: now + SignedDuration::from_secs(LOST_MESSAGE_S), ..self.next_version() }
    }

    /// What follows an answer that did not work out. Waits `2^tries` seconds or what the provider asked for, whichever is
    /// longer; after [`TRIES_PER_OFFER`] the next offer's turn comes at once.
    #[must_use]
    pub fn provider_failed(&self, trouble: ProviderFailure, enabled: &[String], now: Timestamp) -> FailureResponse {
        let (next, delay_s) = if self.attempts < ATTEMPTS_PER_OFFER {
            let backoff_s = 1 << self.attempts.min(8);
            let asked_s = match trouble {
                ProviderFailure::Busy { retry_after_s } => retry_after_s.unwrap_or(0),
                ProviderFailure::Unknown => 0,
            };
            (self.clone(), backoff_s.max(asked_s))
        } else {
            let next = Self { offer: self.offer + 1, attempts: 0, provider_job: None, ..self.clone() };
            if next.offer(enabled).is_none() {
                return FailureResponse::GiveUp;
            }
            (next, 0)
        };
        let generation = next.waiting(delay_s, now);
        if now + SignedDuration::from_secs(i64::from(delay_s)) >= self.deadline_at {
            return FailureResponse::GiveUp;
        }
        FailureResponse::Retry { generation: Box::new(generation), delay_s }
    }

    fn waiting(&self, delay_s: u32, now: Timestamp) -> Self {
        let handled_by = now + SignedDuration::from_secs(i64::from(delay_s) + LOST_MESSAGE_S);
        Self { lease_until: None, next_message_at: handled_by, ..self.next_version() }
    }

    /// The generation shown to everybody or to nobody. Saying the same again changes nothing but the version.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it should be public and has not succeeded; [`Refusal::NotFound`] if its time is over.
    pub fn with_visibility(&self, visibility: Visibility, show_prompt: bool, now: Timestamp) -> Result<Self, Refusal> {
        if self.is_expired(now) {
            return Err(Refusal::NotFound);
        }
        match visibility {
            Visibility::Private => {
                Ok(Self { visibility, show_prompt: false, published_at: None, ..self.next_version() })
            }
            Visibility::Public if self.status == GenerationStatus::Succeeded => Ok(Self {
                visibility,
                show_prompt,
                published_at: self.published_at.or(Some(now)),
                ..self.next_version()
            }),
            Visibility::Public => Err(Refusal::Conflict("only a generation that succeeded can be public")),
        }
    }

    /// The generation hidden from everybody, its files due for removal now.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] while it has not ended; [`Refusal::NotFound`] if it is being removed already.
    pub fn deleted(&self, now: Timestamp) -> Result<Self, Refusal> {
        self.check_exists()?;
        if !self.status.is_final() {
            return Err(Refusal::Conflict("it has not ended: cancel it first"));
        }
        Ok(Self {
            deleting: true,
            visibility: Visibility::Private,
            published_at: None,
            expires_at: Some(now),
            ..self.next_version()
        })
    }

    /// The generation that is hidden, kept by a legal hold.
    #[must_use]
    pub fn retained_by_hold(&self) -> Self {
        Self { held: true, ..self.next_version() }
    }

    /// Whether its time is over, or its owner deleted it.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.status.is_final() && (self.deleting || self.expires_at.is_some_and(|at| at <= now))
    }

    /// # Errors
    /// [`Refusal::NotFound`] if it is being removed.
    pub const fn check_exists(&self) -> Result<(), Refusal> {
        if self.deleting { Err(Refusal::NotFound) } else { Ok(()) }
    }

    /// Shown to nobody any more, neither to everybody nor behind a link; nothing if that is so already.
    #[must_use]
    pub fn unpublished(&self) -> Option<Self> {
        let is_shown = self.visibility == Visibility::Public || self.shared_until.is_some();
        is_shown.then(|| Self {
            visibility: Visibility::Private,
            show_prompt: false,
            shared_until: None,
            published_at: None,
            ..self.next_version()
        })
    }

    /// This generation as its next version.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}

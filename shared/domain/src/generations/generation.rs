//! A generation: its states, lease, deadline, attempts, and who may see it.
//!
//! `queued -> running -> succeeded | failed | canceled`, forward only. A claim takes a lease and counts the attempt.
//! The provider's job id is stored before the job is polled, so that a second attempt resumes it and does not pay
//! twice.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::models::{self, MediaKind, Offer},
    credits::ledger::Credits,
    generations::settings::GenerationSettings,
    ids::{AccountId, GenerationId},
    messages::LOST_MESSAGE_S,
    refusal::Refusal,
    registry::DataFields,
};

/// The status of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = GenerationStatus)]
#[serde(rename_all = "snake_case")]
pub enum GenerationStatus {
    /// Waits for a worker.
    Queued,
    /// A worker or the provider processes it.
    Running,
    /// Its output is stored.
    Succeeded,
    /// It failed, and its credits were refunded.
    Failed,
    /// Its owner canceled it, and its credits were refunded.
    Canceled,
}

impl GenerationStatus {
    /// Says whether it has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Canceled => true,
        }
    }
}

/// Why a generation failed, for its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Failure {
    /// The provider refused the prompt or the input image.
    Rejected {
        /// Its reason.
        #[data(personal)]
        reason: String,
    },
    /// A fault of the service.
    Internal,
    /// No provider could generate it.
    ProviderUnavailable,
    /// It was not finished by its deadline.
    DeadlinePassed,
    /// The input image was deleted.
    InputMissing,
}

/// Who can see a generation besides its owner and everyone with a share link.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// No one.
    #[default]
    Private,
    /// Everyone.
    Public,
}

/// A file of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Media {
    /// Its key in the bucket.
    #[data(plain)]
    pub key: String,
    /// Its content type.
    #[data(plain)]
    pub content_type: String,
    /// Its size, in bytes.
    #[data(plain)]
    pub bytes: u64,
    /// Pixels across.
    #[data(plain)]
    pub width: u32,
    /// Pixels down.
    #[data(plain)]
    pub height: u32,
    /// The duration of a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub duration_ms: Option<u64>,
    /// The key of its thumbnail, a JPEG, where one could be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub thumbnail_key: Option<String>,
    /// Its [ThumbHash](https://evanw.github.io/thumbhash/), base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub thumbhash: Option<String>,
}

/// A job that a provider accepted and has not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct ProviderJob {
    /// The provider.
    #[data(plain)]
    pub provider: String,
    /// The provider's id of the job.
    #[data(plain)]
    pub id: String,
}

/// A generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Generation {
    /// Its id.
    #[data(plain)]
    pub id: GenerationId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// What is generated.
    #[data(plain)]
    pub kind: MediaKind,
    /// The settings.
    #[data(nested)]
    pub settings: GenerationSettings,
    /// Credits that were reserved for it.
    #[data(plain)]
    pub reserved: Credits,
    /// Credits that were spent on it.
    #[data(plain)]
    pub spent: Credits,
    /// The status.
    #[data(plain)]
    pub status: GenerationStatus,
    /// When it was submitted.
    #[data(plain)]
    pub created_at: Timestamp,
    /// When it fails unless it has ended.
    #[data(plain)]
    pub deadline_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub ended_at: Option<Timestamp>,
    /// Attempts so far at the present provider.
    #[data(plain)]
    pub attempts: u32,
    /// The position of the present provider among the enabled offers of the model.
    #[data(plain)]
    pub offer: u32,
    /// Until when a worker has leased it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub lease_until: Option<Timestamp>,
    /// The job that the provider accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub provider_job: Option<ProviderJob>,
    /// When the next message should have been handled. The sweep sends another after that.
    #[data(plain)]
    pub next_message_at: Timestamp,
    /// The files.
    #[serde(default)]
    #[data(nested)]
    pub media: Vec<Media>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub failure: Option<Failure>,
    /// Who can see it.
    #[data(plain)]
    pub visibility: Visibility,
    /// Whether the prompt is public too, while the generation is public.
    #[data(plain)]
    pub show_prompt: bool,
    /// When the last of its share links expires, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub shared_until: Option<Timestamp>,
    /// When it became public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub published_at: Option<Timestamp>,
    /// When it expires, with its files; set when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub expires_at: Option<Timestamp>,
    /// It was deleted or has expired: it is hidden from everyone, and its files are being deleted.
    #[serde(default)]
    #[data(plain)]
    pub deleting: bool,
    /// A legal hold keeps it although it is hidden. It is not due until the hold is released.
    #[serde(default)]
    #[data(plain)]
    pub held: bool,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// Attempts at one provider before the next one is tried.
pub const ATTEMPTS_PER_OFFER: u32 = 3;

/// What a worker does with a generation that it read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerationClaim {
    /// Process it: write this first, then call the provider.
    Work {
        /// The generation with its lease.
        generation: Box<Generation>,
        /// The provider to call.
        offer: Offer,
    },
    /// Another worker has leased it.
    Leased {
        /// Until when.
        until: Timestamp,
    },
    /// It has ended: there is nothing to do.
    Ended,
    /// No enabled provider offers the model.
    NoOffer,
}

/// A failure of a provider that may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderFailure {
    /// The provider is busy or down.
    Busy {
        /// The delay that the provider asked for.
        retry_after_s: Option<u32>,
    },
    /// The provider's response is not understood.
    Unknown,
}

/// What follows a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureResponse {
    /// Retry with a delayed message.
    Retry {
        /// The generation to write.
        generation: Box<Generation>,
        /// The delay.
        delay_s: u32,
    },
    /// No provider is left: fail, and refund.
    GiveUp,
}

impl Generation {
    /// Returns when it is due next: the sweep's `due_at`.
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

    /// Says whether its deadline has passed and it has not ended.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        !self.status.is_final() && now >= self.deadline_at
    }

    /// Claims it for a worker, with a lease of `lease_s` seconds.
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

    /// Returns the provider to call: the one that has the job, else the one at the present position.
    fn offer(&self, enabled: &[String]) -> Option<Offer> {
        let model = models::model(&self.settings.model, enabled)?;
        let mut offers = model.enabled_offers(enabled);
        match &self.provider_job {
            Some(job) => offers.find(|offer| offer.provider == job.provider),
            None => offers.nth(usize::try_from(self.offer).ok()?),
        }
    }

    /// Stores the job that the provider accepted. It is polled after `poll_after_s`, and attempts are counted anew.
    #[must_use]
    pub fn accepted(&self, job: ProviderJob, poll_after_s: u32, now: Timestamp) -> Self {
        Self { provider_job: Some(job), attempts: 0, ..self.waiting(poll_after_s, now) }
    }

    /// Notes that a lost or late message is sent again.
    #[must_use]
    pub fn message_resent(&self, now: Timestamp) -> Self {
        Self { next_message_at: now + SignedDuration::from_secs(LOST_MESSAGE_S), ..self.next_version() }
    }

    /// Decides what follows a failed attempt. Waits `2^attempts` seconds or as long as the provider asked for,
    /// whichever is longer. After [`ATTEMPTS_PER_OFFER`] the next provider is tried at once.
    #[must_use]
    pub fn provider_failed(&self, failure: ProviderFailure, enabled: &[String], now: Timestamp) -> FailureResponse {
        let (next, delay_s) = if self.attempts < ATTEMPTS_PER_OFFER {
            let backoff_s = 1 << self.attempts.min(8);
            let asked_s = match failure {
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

    /// Sets the visibility. A repeat changes only the version.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it should be public and has not succeeded; [`Refusal::NotFound`] if it has expired.
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

    /// Deletes it: hides it from everyone, and makes its files due for deletion now.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] while it has not ended; [`Refusal::NotFound`] if it is being deleted already.
    pub fn deleted(&self, now: Timestamp) -> Result<Self, Refusal> {
        self.check_exists()?;
        if !self.status.is_final() {
            return Err(Refusal::Conflict("the generation has not ended: cancel it first"));
        }
        Ok(Self {
            deleting: true,
            visibility: Visibility::Private,
            published_at: None,
            expires_at: Some(now),
            ..self.next_version()
        })
    }

    /// Keeps a hidden generation for a legal hold.
    #[must_use]
    pub fn retained_by_hold(&self) -> Self {
        Self { held: true, ..self.next_version() }
    }

    /// Says whether it has expired or was deleted.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.status.is_final() && (self.deleting || self.expires_at.is_some_and(|at| at <= now))
    }

    /// Checks that it is not being deleted.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is.
    pub const fn check_exists(&self) -> Result<(), Refusal> {
        if self.deleting { Err(Refusal::NotFound) } else { Ok(()) }
    }

    /// Withdraws it from the gallery and from its share links. Returns `None` if it is in neither.
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

    /// Returns it as its next version.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}

//! Plans and their limits. A purchased package activates a plan; every account begins with `free`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{catalogue::models::MediaKind, rate_limit::Rate};

/// A plan.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// The plan of an account without a purchase.
    #[default]
    Free,
    /// Activated by a small package.
    Plus,
    /// Activated by a large package.
    Pro,
}

/// What a plan allows, and how long it keeps files.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct PlanLimits {
    /// Days for which files are kept. A change applies to files that are stored later, and to the others when the plan of their
    /// account changes.
    pub retention_days: u32,
    /// Generations queued or running at once.
    pub jobs_in_flight: u32,
    /// Outputs of one generation.
    pub outputs_per_generation: u8,
    /// Pixels of one output.
    pub output_pixels: u32,
    /// Rate of submissions.
    pub submits: Rate,
    /// Generations that may be canceled in an hour.
    pub cancels_per_hour: u32,
    /// Provider calls in an hour that may fail because of what was asked for.
    pub failed_calls_per_hour: u32,
    /// Uploads that may be declared in an hour: each is inspected.
    pub uploads_per_hour: u32,
    /// Uploads at once.
    pub uploads: u32,
    /// Bytes of uploads at once.
    pub upload_bytes: u64,
    /// Share links of one image or video.
    pub shares_per_output: u32,
}

/// What each plan allows. It is a part of the [settings of the service](crate::service_settings).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Plans {
    /// On `free`.
    pub free: PlanLimits,
    /// On `plus`.
    pub plus: PlanLimits,
    /// On `pro`.
    pub pro: PlanLimits,
}

impl Plans {
    /// Returns the limits of a plan.
    #[must_use]
    pub const fn limits(&self, plan: Plan) -> &PlanLimits {
        match plan {
            Plan::Free => &self.free,
            Plan::Plus => &self.plus,
            Plan::Pro => &self.pro,
        }
    }

    /// Returns when a file expires that is stored at `now`.
    #[must_use]
    pub fn expires_at(&self, plan: Plan, now: Timestamp) -> Timestamp {
        now + SignedDuration::from_hours(24 * i64::from(self.limits(plan).retention_days))
    }
}

/// Returns the minutes after submission in which a generation must end. After that it fails and is refunded.
#[must_use]
pub const fn deadline_minutes(kind: MediaKind) -> i64 {
    match kind {
        MediaKind::Image => 10,
        MediaKind::Video => 30,
    }
}

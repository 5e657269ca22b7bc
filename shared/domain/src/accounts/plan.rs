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

/// The limits of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
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

/// Days for which files are kept. Comes from the configuration of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// On `free`.
    pub free_days: u32,
    /// On `plus`.
    pub plus_days: u32,
    /// On `pro`.
    pub pro_days: u32,
}

impl Retention {
    /// The defaults of the template.
    pub const DEFAULT: Self = Self { free_days: 30, plus_days: 365, pro_days: 1095 };

    /// Returns the days for which a file is kept.
    #[must_use]
    pub const fn days(self, plan: Plan) -> u32 {
        match plan {
            Plan::Free => self.free_days,
            Plan::Plus => self.plus_days,
            Plan::Pro => self.pro_days,
        }
    }

    /// Returns when a file expires that is stored at `now`.
    #[must_use]
    pub fn expires_at(self, plan: Plan, now: Timestamp) -> Timestamp {
        now + SignedDuration::from_hours(24 * i64::from(self.days(plan)))
    }
}

impl Plan {
    /// Returns the limits of this plan.
    #[must_use]
    pub const fn limits(self) -> PlanLimits {
        match self {
            Self::Free => PlanLimits {
                jobs_in_flight: 3,
                outputs_per_generation: 2,
                output_pixels: 1024 * 1024,
                submits: Rate { per_minute: 10, burst: 10 },
                cancels_per_hour: 20,
                failed_calls_per_hour: 20,
                uploads_per_hour: 60,
                uploads: 20,
                upload_bytes: 200 << 20,
                shares_per_output: 5,
            },
            Self::Plus => PlanLimits {
                jobs_in_flight: 8,
                outputs_per_generation: 4,
                output_pixels: 1536 * 1536,
                submits: Rate { per_minute: 30, burst: 30 },
                cancels_per_hour: 60,
                failed_calls_per_hour: 60,
                uploads_per_hour: 300,
                uploads: 200,
                upload_bytes: 2 << 30,
                shares_per_output: 20,
            },
            Self::Pro => PlanLimits {
                jobs_in_flight: 20,
                outputs_per_generation: 8,
                output_pixels: 2048 * 2048,
                submits: Rate { per_minute: 60, burst: 60 },
                cancels_per_hour: 120,
                failed_calls_per_hour: 120,
                uploads_per_hour: 1000,
                uploads: 1000,
                upload_bytes: 20 << 30,
                shares_per_output: 50,
            },
        }
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

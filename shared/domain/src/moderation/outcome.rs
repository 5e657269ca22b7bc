//! Outcomes: what cases came to, counted for the transparency report.
//!
//! An outcome is written with the decision of a case, and again with its appeal. It names no person, no account and nothing that
//! was reported, and stays when the case is deleted.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    ids::CaseId,
    moderation::{
        case::{Case, DecisionAction},
        report::ReportReason,
    },
    registry::{DataFields, OUTCOME_DAYS},
};

/// What a case came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct CaseOutcome {
    /// The id of the case.
    #[data(plain)]
    pub case: CaseId,
    /// The month of the decision, in UTC: `2026-11`.
    #[data(plain)]
    pub month: String,
    /// The gravest reason of its reports.
    #[data(plain)]
    pub reason: ReportReason,
    /// How many reports there were.
    #[data(plain)]
    pub reports: u32,
    /// What was decided.
    #[data(plain)]
    pub action: DecisionAction,
    /// Whether the image or the video was hidden automatically until then.
    #[data(plain)]
    pub hidden: bool,
    /// Whether publishing and sharing were suspended.
    #[data(plain)]
    pub suspended: bool,
    /// Whether the account was frozen.
    #[data(plain)]
    pub frozen: bool,
    /// The seconds from the first report to the decision.
    #[data(plain)]
    pub decided_in_s: u64,
    /// What became of the appeal, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub appeal: Option<AppealResult>,
}

/// What became of an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealResult {
    /// It waits for a decision.
    Waiting,
    /// The decision stayed.
    Upheld,
    /// The decision was reversed.
    Reversed,
}

/// Counts of what was reported for one reason and decided in one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OutcomeCounts {
    /// The month of the decisions, in UTC: `2026-11`.
    pub month: String,
    /// The gravest reason of the reports.
    pub reason: ReportReason,
    /// Images and videos that were decided about.
    pub cases: u32,
    /// The reports about them.
    pub reports: u32,
    /// Those that break no rule.
    pub kept: u32,
    /// Those that only their owner may see.
    pub restricted: u32,
    /// Those that were deleted.
    pub removed: u32,
    /// Those that a program hid at the report, until a person decided. Every decision is made by a person.
    pub hidden_automatically: u32,
    /// Decisions that suspended publishing and sharing.
    pub suspensions: u32,
    /// Decisions that froze the account.
    pub freezes: u32,
    /// Decisions that the owner appealed against.
    pub appeals: u32,
    /// Appeals after which the decision stayed.
    pub appeals_upheld: u32,
    /// Appeals after which the decision was reversed.
    pub appeals_reversed: u32,
    /// The median of the seconds from the first report to the decision.
    pub median_decision_s: u64,
}

impl Case {
    /// Returns what it came to, once it is decided.
    #[must_use]
    pub fn outcome(&self) -> Option<CaseOutcome> {
        let decision = self.decision.as_ref()?;
        let appeal = self.appeal.as_ref().map(|appeal| match &appeal.outcome {
            None => AppealResult::Waiting,
            Some(outcome) if outcome.reversed => AppealResult::Reversed,
            Some(_) => AppealResult::Upheld,
        });
        Some(CaseOutcome {
            case: self.id,
            month: month(decision.at),
            reason: self.reason,
            reports: self.reports,
            action: decision.action,
            hidden: self.hidden_at.is_some(),
            suspended: decision.suspends_publishing,
            frozen: decision.freezes,
            decided_in_s: u64::try_from(decision.at.duration_since(self.opened_at).as_secs()).unwrap_or(0),
            appeal,
        })
    }

    /// Returns when its outcome expires: it is kept for years after the decision.
    #[must_use]
    pub fn outcome_expires_at(&self) -> Option<Timestamp> {
        let decision = self.decision.as_ref()?;
        Some(decision.at + SignedDuration::from_hours(24 * i64::from(OUTCOME_DAYS)))
    }
}

/// Returns the month of a time, in UTC.
#[must_use]
pub fn month(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string()
}

/// Counts outcomes by month, newest first, and reason, gravest first.
#[must_use]
pub fn count(outcomes: &[CaseOutcome]) -> Vec<OutcomeCounts> {
    let mut groups: BTreeMap<(&str, ReportReason), Vec<&CaseOutcome>> = BTreeMap::new();
    for outcome in outcomes {
        groups.entry((&outcome.month, outcome.reason)).or_default().push(outcome);
    }
    groups.into_iter().rev().map(|((month, reason), outcomes)| count_group(month, reason, &outcomes)).collect()
}

fn count_group(month: &str, reason: ReportReason, outcomes: &[&CaseOutcome]) -> OutcomeCounts {
    let of = |matches: &dyn Fn(&CaseOutcome) -> bool| {
        u32::try_from(outcomes.iter().filter(|outcome| matches(outcome)).count()).unwrap_or(u32::MAX)
    };
    OutcomeCounts {
        month: month.to_owned(),
        reason,
        cases: of(&|_| true),
        reports: outcomes.iter().fold(0, |sum, outcome| sum.saturating_add(outcome.reports)),
        kept: of(&|outcome| outcome.action == DecisionAction::Keep),
        restricted: of(&|outcome| outcome.action == DecisionAction::Restrict),
        removed: of(&|outcome| outcome.action == DecisionAction::Remove),
        hidden_automatically: of(&|outcome| outcome.hidden),
        suspensions: of(&|outcome| outcome.suspended),
        freezes: of(&|outcome| outcome.frozen),
        appeals: of(&|outcome| outcome.appeal.is_some()),
        appeals_upheld: of(&|outcome| outcome.appeal == Some(AppealResult::Upheld)),
        appeals_reversed: of(&|outcome| outcome.appeal == Some(AppealResult::Reversed)),
        median_decision_s: median(outcomes.iter().map(|outcome| outcome.decided_in_s).collect()),
    }
}

/// Returns the median: of an even number of values, the mean of the two in the middle.
fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    let upper = values.get(values.len() / 2).copied().unwrap_or(0);
    let lower = values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0);
    lower.midpoint(upper)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn outcome(month: &str, reason: ReportReason, decided_in_s: u64) -> CaseOutcome {
        CaseOutcome {
            case: CaseId(Uuid::nil()),
            month: month.to_owned(),
            reason,
            reports: 2,
            action: DecisionAction::Remove,
            hidden: false,
            suspended: false,
            frozen: false,
            decided_in_s,
            appeal: None,
        }
    }

    #[test]
    fn outcomes_are_counted_by_month_and_reason() {
        let kept = CaseOutcome { action: DecisionAction::Keep, ..outcome("2026-11", ReportReason::Privacy, 30) };
        let reversed = CaseOutcome {
            appeal: Some(AppealResult::Reversed),
            hidden: true,
            ..outcome("2026-11", ReportReason::Privacy, 90)
        };
        let waiting =
            CaseOutcome { appeal: Some(AppealResult::Waiting), ..outcome("2026-11", ReportReason::Privacy, 40) };
        let grave = outcome("2026-11", ReportReason::SexualMinors, 5);
        let before = outcome("2026-10", ReportReason::Hate, 7);
        let counts = count(&[before, kept, reversed, waiting, grave]);
        let groups: Vec<_> = counts.iter().map(|counts| (counts.month.as_str(), counts.reason)).collect();
        let expected = [
            ("2026-11", ReportReason::SexualMinors),
            ("2026-11", ReportReason::Privacy),
            ("2026-10", ReportReason::Hate),
        ];
        assert_eq!(groups, expected);
        let privacy = &counts[1];
        assert_eq!((privacy.cases, privacy.reports, privacy.kept, privacy.removed), (3, 6, 1, 2));
        assert_eq!((privacy.appeals, privacy.appeals_upheld, privacy.appeals_reversed), (2, 0, 1));
        assert_eq!((privacy.hidden_automatically, privacy.median_decision_s), (1, 40));
    }

    #[test]
    fn median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert_eq!(median(vec![9, 1, 3, 5]), 4);
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(Vec::new()), 0);
    }

    #[test]
    fn month_is_that_in_utc() {
        assert_eq!(month("2026-12-01T00:30:00+01:00".parse().unwrap()), "2026-11");
    }
}

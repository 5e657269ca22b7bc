//! What a removal means for copies and for evidence.

use domain::{
    moderation::{
        blocklist::Fingerprints,
        case::{self, Case, CaseTransaction, DecisionAction, NewDecision, RepeatRule},
        report::{NewReport, Report, ReportReason},
    },
    privacy::hold::EVIDENCE_DAYS,
};

use super::*;

fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

/// A generation of one image that has fingerprints.
fn recognised() -> Generation {
    let file = Fingerprints { sha256: "ab".repeat(32), pdq: Some("0f".repeat(32)) };
    let media = media(1).into_iter().map(|media| Media { fingerprints: Some(file.clone()), ..media }).collect();
    ended(GenerationOutcome::Succeeded(media))
}

fn reported(generation: &Generation, reason: ReportReason) -> Case {
    let new = NewReport {
        reason,
        explanation: "x".to_owned(),
        signature: None,
        email: None,
        good_faith: true,
        language: domain::accounts::preferences::Language::English,
    };
    let report = |case| Report::file(new, (id(5), "hash".to_owned(), case), at(70));
    case::report((&account(0), generation, 1), &[], report, (id(3), id(4), false), at(70)).unwrap().0.case
}

fn decided(reason: ReportReason, action: DecisionAction) -> CaseTransaction {
    let generation = recognised();
    let case = reported(&generation, reason);
    let new = NewDecision { action, reason, explanation: "x".to_owned(), suspend_publishing: false, freeze: false };
    let by = ("grace".to_owned(), id(9));
    case.decide((&account(0), Some(&generation)), new, (&[], RepeatRule(3)), by, at(80)).unwrap()
}

#[test]
fn only_removals_for_the_gravest_reasons_enter_the_blocklist() {
    for (reason, action, blocks) in [
        (ReportReason::IntimateImage, DecisionAction::Remove, true),
        (ReportReason::SexualMinors, DecisionAction::Remove, true),
        (ReportReason::IntimateImage, DecisionAction::Restrict, false),
        (ReportReason::Privacy, DecisionAction::Remove, false),
    ] {
        let blocked = decided(reason, action).blocked;
        assert_eq!(blocked.is_some(), blocks, "{reason:?}");
        let known = recognised().outputs[0].file.fingerprints.clone().unwrap();
        assert!(blocked.is_none_or(|blocked| blocked.matches(&known)), "{reason:?}");
    }
}

#[test]
fn removed_evidence_is_held_for_a_year_unless_the_decision_is_reversed() {
    assert_eq!(decided(ReportReason::IntimateImage, DecisionAction::Remove).account, None);
    let removed = decided(ReportReason::SexualMinors, DecisionAction::Remove);
    assert!(removed.holds_changed);
    let held = removed.account.unwrap();
    assert!(held.held_kinds().contains("generations") && held.held_kinds().contains("generation"));
    let end = at(80) + jiff::SignedDuration::from_hours(24 * EVIDENCE_DAYS);
    assert_eq!(held.release_ended_holds(end - jiff::SignedDuration::from_secs(1)), None);
    let released = held.release_ended_holds(end).unwrap();
    assert!(released.held_kinds().is_empty());
    assert_eq!(released.release_ended_holds(end), None, "a repeat changes nothing");
    let appealed = removed.case.appeal("No.".to_owned(), at(90)).unwrap();
    let by = ("alan".to_owned(), id(10));
    let reversed = appealed.decide_appeal((&held, None), (true, "Right.".to_owned()), by, at(95)).unwrap();
    assert!(reversed.holds_changed && reversed.account.unwrap().held_kinds().is_empty());
}

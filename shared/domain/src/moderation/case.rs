//! Cases: reports of one image or video, the decision of a staff member, and the appeal of the owner.
//!
//! `open -> decided -> appealed -> closed`. An open case collects the reports of its output. A report of the gravest kinds
//! hides the output at once from everyone but its owner. A decision ends the case, and hides the output, deletes it, or shows it
//! again. Its owner can appeal once, within [`APPEAL_DAYS`], and another staff member decides about that.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    generations::{generation::Generation, settings::check_text},
    ids::{AccountId, CaseId, CaseNoticeId, GenerationId, ReportId},
    moderation::{
        blocklist::BlockedFile,
        notice::{CaseNotice, NoticeEvent},
        report::{Report, ReportReason},
    },
    privacy::hold::Hold,
    refusal::Refusal,
    registry::{CASE_DAYS, DataFields},
};

/// Days for which the owner can appeal: six months, as the Digital Services Act asks for complaints (Article 20(1)).
pub const APPEAL_DAYS: i64 = 183;
/// Days for which a violation counts against an account.
pub const VIOLATION_DAYS: i64 = 365;
/// Most reporters of a case who get an answer. Further reports are counted.
const MAX_ANSWERED: usize = 100;

/// Finds a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct ReportKey {
    /// The keyed hash of its reporter.
    #[data(plain)]
    pub reporter: String,
    /// Its id.
    #[data(plain)]
    pub id: ReportId,
}

/// What a decision means for an image or a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionAction {
    /// It breaks no rule: it is shown as its owner set it.
    Keep,
    /// Only its owner sees it.
    Restrict,
    /// It is deleted.
    Remove,
}

/// What a staff member decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDecision {
    /// What happens to the image or the video.
    pub action: DecisionAction,
    /// The rule that it breaks, or does not break.
    pub reason: ReportReason,
    /// Why, for the owner and the reporters.
    pub explanation: String,
    /// Whether the account may not publish and share any more.
    pub suspend_publishing: bool,
    /// Whether the account is frozen.
    pub freeze: bool,
}

/// A decision: the statement of reasons that its owner gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = CaseDecision)]
pub struct Decision {
    /// What happened to the image or the video.
    #[data(plain)]
    pub action: DecisionAction,
    /// The rule that it breaks, or does not break.
    #[data(plain)]
    pub reason: ReportReason,
    /// Why.
    #[data(personal)]
    pub explanation: String,
    /// Whether publishing and sharing were suspended with it, by the staff member or since earlier violations count.
    #[data(plain)]
    pub suspends_publishing: bool,
    /// Whether the account was frozen with it.
    #[data(plain)]
    pub freezes: bool,
    /// The staff member, as a keyed hash.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
}

/// The appeal of the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = CaseAppeal)]
pub struct Appeal {
    /// Why the decision is wrong.
    #[data(personal)]
    pub text: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// What was decided about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub outcome: Option<AppealOutcome>,
}

/// The decision about an appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = CaseAppealOutcome)]
pub struct AppealOutcome {
    /// Whether the decision is reversed.
    #[data(plain)]
    pub reversed: bool,
    /// Why.
    #[data(personal)]
    pub explanation: String,
    /// The staff member, as a keyed hash.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
}

/// A moderation case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Case {
    /// Its id.
    #[data(plain)]
    pub id: CaseId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The generation.
    #[data(plain)]
    pub generation: GenerationId,
    /// The number of the output.
    #[data(plain)]
    pub output: u32,
    /// The gravest reason of its reports.
    #[data(plain)]
    pub reason: ReportReason,
    /// How many reports there are.
    #[data(plain)]
    pub reports: u32,
    /// The reports whose reporters get an answer.
    #[data(nested)]
    pub answered: Vec<ReportKey>,
    /// When the output was hidden automatically, until the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub hidden_at: Option<Timestamp>,
    /// The decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub decision: Option<Decision>,
    /// The appeal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub appeal: Option<Appeal>,
    /// When the first report arrived.
    #[data(plain)]
    pub opened_at: Timestamp,
    /// When it must be decided.
    #[data(plain)]
    pub decide_by: Timestamp,
    /// When it last changed.
    #[data(plain)]
    pub updated_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// What follows from a report or a decision, for one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseTransaction {
    /// The case.
    pub case: Case,
    /// The generation, if it changed.
    pub generation: Option<Generation>,
    /// The account, if it changed.
    pub account: Option<Account>,
    /// The mails that are to be sent.
    pub notice: Option<CaseNotice>,
    /// What the blocklist gets.
    pub blocked: Option<BlockedFile>,
    /// Whether legal holds on the account changed.
    pub holds_changed: bool,
}

/// How many violations in [`VIOLATION_DAYS`] suspend publishing, with the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatRule(pub u32);

/// Adds a report of an output to the open one of its cases, or opens one. `hides` says whether the operator lets a report of the
/// gravest kinds hide an output at once.
///
/// # Errors
/// [`Refusal::NotFound`] if the output has expired, was deleted or does not exist, or the account is being deleted.
pub fn report(
    (account, generation, number): (&Account, &Generation, u32),
    cases: &[Case],
    report: impl FnOnce(CaseId) -> Report,
    (new_case, notice, hides): (CaseId, CaseNoticeId, bool),
    now: Timestamp,
) -> Result<(CaseTransaction, Report), Refusal> {
    let output = generation.output(number, now)?;
    if account.deletion.is_some() {
        return Err(Refusal::NotFound);
    }
    let open =
        cases.iter().find(|case| case.generation == generation.id && case.output == number && case.decision.is_none());
    let report = report(open.map_or(new_case, |case| case.id));
    let mut case = open.map_or_else(|| Case::open((generation, number), &report, now), |case| case.with(&report, now));
    let hidden = if hides && report.reason.hides_at_once() && output.restricted_by.is_none() {
        case.hidden_at = Some(now);
        Some(generation.with_restriction(number, Some(case.id), now)?)
    } else {
        None
    };
    let notice = hidden.as_ref().map(|_| case.notice(notice, NoticeEvent::Hidden, now));
    Ok((
        CaseTransaction { case, generation: hidden, account: None, notice, blocked: None, holds_changed: false },
        report,
    ))
}

impl Case {
    fn open((generation, output): (&Generation, u32), report: &Report, now: Timestamp) -> Self {
        Self {
            id: report.case,
            account: generation.account,
            generation: generation.id,
            output,
            reason: report.reason,
            reports: 1,
            answered: vec![ReportKey { reporter: report.reporter.clone(), id: report.id }],
            hidden_at: None,
            decision: None,
            appeal: None,
            opened_at: now,
            decide_by: now + report.reason.decided_within(),
            updated_at: now,
            version: 1,
        }
    }

    fn with(&self, report: &Report, now: Timestamp) -> Self {
        let mut next = self.next_version(now);
        next.reports = self.reports.saturating_add(1);
        next.reason = self.reason.max(report.reason);
        next.decide_by = self.decide_by.min(now + report.reason.decided_within());
        if next.answered.len() < MAX_ANSWERED {
            next.answered.push(ReportKey { reporter: report.reporter.clone(), id: report.id });
        }
        next
    }

    /// Decides it. `generation` is `None` if its owner deleted it meanwhile. The account may not publish any more if the decision
    /// says so, or if it is one violation too many: `cases` are those of the account.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it is decided; [`Refusal::Invalid`] if the explanation breaks a rule, or what breaks no rule has
    /// consequences.
    pub fn decide(
        &self,
        (account, generation): (&Account, Option<&Generation>),
        new: NewDecision,
        (cases, rule): (&[Self], RepeatRule),
        (staff, notice): (String, CaseNoticeId),
        now: Timestamp,
    ) -> Result<CaseTransaction, Refusal> {
        if self.decision.is_some() {
            return Err(Refusal::Conflict("the case is decided"));
        }
        let NewDecision { action, reason, explanation, suspend_publishing, freeze } = new;
        let keeps = action == DecisionAction::Keep;
        let mut errors: Vec<_> = check_text("explanation", &explanation).into_iter().collect();
        if keeps && (suspend_publishing || freeze) {
            errors
                .extend([crate::refusal::FieldError::new("action", "not keep, if the account is suspended or frozen")]);
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        let earlier = cases.iter().filter(|case| case.id != self.id && case.is_violation(now)).count();
        let repeats = !keeps && u32::try_from(earlier).unwrap_or(u32::MAX).saturating_add(1) >= rule.0;
        let suspends_publishing = suspend_publishing || repeats;
        let decision = Decision { action, reason, explanation, suspends_publishing, freezes: freeze, staff, at: now };
        let case = Self { decision: Some(decision), ..self.next_version(now) };
        let present = generation.filter(|generation| generation.output(self.output, now).is_ok());
        let removed = present.filter(|_| action == DecisionAction::Remove);
        let file = removed.and_then(|generation| generation.output(self.output, now).ok()?.file.fingerprints.as_ref());
        let blocked = file.filter(|_| reason.blocks_copies()).map(|file| BlockedFile::new(self.id, reason, file, now));
        let generation = present.map(|generation| case.apply(action, generation, now)).transpose()?.flatten();
        let held = removed.filter(|_| reason.preserves_evidence()).map(|_| Hold::of_evidence(notice, self.id, now));
        let holds_changed = held.is_some();
        let account = account.sanctioned(self.id, (freeze, suspends_publishing), held, now)?;
        let notice = Some(case.notice(notice, NoticeEvent::Decided, now));
        Ok(CaseTransaction { case, generation, account, notice, blocked, holds_changed })
    }

    /// Returns the generation after an action, or `None` if it stays as it is.
    fn apply(
        &self,
        action: DecisionAction,
        generation: &Generation,
        now: Timestamp,
    ) -> Result<Option<Generation>, Refusal> {
        let restricted_by = generation.output(self.output, now)?.restricted_by;
        match action {
            DecisionAction::Keep if restricted_by == Some(self.id) => {
                generation.with_restriction(self.output, None, now).map(Some)
            }
            DecisionAction::Restrict if restricted_by.is_none() => {
                generation.with_restriction(self.output, Some(self.id), now).map(Some)
            }
            DecisionAction::Keep | DecisionAction::Restrict => Ok(None),
            DecisionAction::Remove => generation.without_output(self.output, now).map(Some),
        }
    }

    /// Appeals against the decision, on behalf of the owner.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if there is no decision against the owner, they have appealed, or it is too late;
    /// [`Refusal::Invalid`] if the text breaks a rule.
    pub fn appeal(&self, text: String, now: Timestamp) -> Result<Self, Refusal> {
        let decision = self.decision.as_ref().filter(|decision| decision.action != DecisionAction::Keep);
        let decision = decision.ok_or(Refusal::Conflict("there is no decision to appeal against"))?;
        if self.appeal.is_some() {
            return Err(Refusal::Conflict("you have appealed: a decision can be appealed once"));
        }
        if now >= decision.appeal_until() {
            return Err(Refusal::Conflict("the decision is more than six months old"));
        }
        if let Some(error) = check_text("text", &text) {
            return Err(Refusal::Invalid(vec![error]));
        }
        let appeal = Appeal { text, at: now, outcome: None };
        let decide_by = now + ReportReason::Terms.decided_within();
        Ok(Self { appeal: Some(appeal), decide_by, ..self.next_version(now) })
    }

    /// Decides about the appeal. A reversal lifts the restriction, and the freeze and the suspension that followed from the
    /// decision. What was deleted stays deleted.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if no appeal waits, or the staff member made the decision; [`Refusal::Invalid`] if the explanation
    /// breaks a rule.
    pub fn decide_appeal(
        &self,
        (account, generation): (&Account, Option<&Generation>),
        (reversed, explanation): (bool, String),
        (staff, notice): (String, CaseNoticeId),
        now: Timestamp,
    ) -> Result<CaseTransaction, Refusal> {
        let (Some(decision), Some(appeal)) = (&self.decision, self.appeal.as_ref().filter(|a| a.outcome.is_none()))
        else {
            return Err(Refusal::Conflict("no appeal waits for a decision"));
        };
        if decision.staff == staff {
            return Err(Refusal::Conflict("another staff member must decide: you made the decision"));
        }
        if let Some(error) = check_text("explanation", &explanation) {
            return Err(Refusal::Invalid(vec![error]));
        }
        let outcome = AppealOutcome { reversed, explanation, staff, at: now };
        let appeal = Appeal { outcome: Some(outcome), ..appeal.clone() };
        let case = Self { appeal: Some(appeal), ..self.next_version(now) };
        let present = generation.filter(|generation| reversed && generation.output(self.output, now).is_ok());
        let generation =
            present.map(|generation| case.apply(DecisionAction::Keep, generation, now)).transpose()?.flatten();
        let (account, holds_changed) = if reversed { account.pardoned(self.id, now)? } else { (None, false) };
        let notice = Some(case.notice(notice, NoticeEvent::AppealDecided, now));
        Ok(CaseTransaction { case, generation, account, notice, blocked: None, holds_changed })
    }

    /// Says whether it was decided against the owner, within the days in which that counts, and not reversed.
    #[must_use]
    pub fn is_violation(&self, now: Timestamp) -> bool {
        let counts = |decision: &Decision| {
            decision.action != DecisionAction::Keep
                && now < decision.at + SignedDuration::from_hours(24 * VIOLATION_DAYS)
        };
        self.decision.as_ref().is_some_and(counts) && !self.is_reversed()
    }

    /// Says whether the decision was reversed.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        let outcome = self.appeal.as_ref().and_then(|appeal| appeal.outcome.as_ref());
        outcome.is_some_and(|outcome| outcome.reversed)
    }

    /// Returns since when it waits for staff: for the decision, or for that about the appeal.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Timestamp> {
        match (&self.decision, &self.appeal) {
            (None, _) => Some(self.opened_at),
            (Some(_), Some(appeal)) if appeal.outcome.is_none() => Some(appeal.at),
            (Some(_), _) => None,
        }
    }

    /// Says whether staff must decide it soon: three quarters of the time are over.
    #[must_use]
    pub fn is_pressing(&self, now: Timestamp) -> bool {
        let Some(since) = self.waiting_since() else { return false };
        let time_s = self.decide_by.duration_since(since).as_secs();
        now >= since + SignedDuration::from_secs(time_s / 4 * 3)
    }

    /// Returns when it expires, unless it changes. It does not while it waits for staff.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let expires_at = self.updated_at + SignedDuration::from_hours(24 * i64::from(CASE_DAYS));
        self.waiting_since().is_none().then_some(expires_at)
    }

    fn notice(&self, id: CaseNoticeId, event: NoticeEvent, now: Timestamp) -> CaseNotice {
        CaseNotice { id, account: self.account, case: self.id, event, at: now }
    }

    fn next_version(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

impl Decision {
    /// Returns until when the owner can appeal.
    #[must_use]
    pub fn appeal_until(&self) -> Timestamp {
        self.at + SignedDuration::from_hours(24 * APPEAL_DAYS)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        accounts::preferences::Language, credits::ledger::Credits, ids::LedgerEntryId, moderation::report::NewReport,
    };

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 3_600 * hours).unwrap()
    }

    fn id<T: From<Uuid>>(number: u128) -> T {
        Uuid::from_u128(number).into()
    }

    fn account() -> Account {
        Account::open(id(1), "ada@example.com".to_owned(), Credits(0), LedgerEntryId(Uuid::nil()), at(0)).0
    }

    /// A case with one report.
    fn open(number: u128, reason: ReportReason) -> Case {
        Case {
            id: id(number),
            account: id(1),
            generation: id(2),
            output: 1,
            reason,
            reports: 1,
            answered: Vec::new(),
            hidden_at: None,
            decision: None,
            appeal: None,
            opened_at: at(0),
            decide_by: at(0) + reason.decided_within(),
            updated_at: at(0),
            version: 1,
        }
    }

    fn decision(action: DecisionAction) -> NewDecision {
        NewDecision {
            action,
            reason: ReportReason::Privacy,
            explanation: "It shows a house.".to_owned(),
            suspend_publishing: false,
            freeze: false,
        }
    }

    fn decided(case: &Case, action: DecisionAction, earlier: &[Case], hours: i64) -> CaseTransaction {
        let by = ("grace".to_owned(), id(9));
        case.decide((&account(), None), decision(action), (earlier, RepeatRule(3)), by, at(hours)).unwrap()
    }

    #[test]
    fn a_case_waits_until_it_is_decided_and_while_an_appeal_waits() {
        let case = open(3, ReportReason::Terms);
        assert_eq!((case.waiting_since(), case.expires_at()), (Some(at(0)), None));
        let case = decided(&case, DecisionAction::Restrict, &[], 1).case;
        assert_eq!(case.waiting_since(), None);
        assert_eq!(case.expires_at(), Some(at(1 + 24 * i64::from(CASE_DAYS))));
        let case = case.appeal("No.".to_owned(), at(2)).unwrap();
        assert_eq!((case.waiting_since(), case.expires_at()), (Some(at(2)), None));
        assert_eq!(case.decide_by, at(2 + 7 * 24));
        let closed =
            case.decide_appeal((&account(), None), (false, "Yes.".to_owned()), ("alan".to_owned(), id(9)), at(3));
        assert_eq!(closed.unwrap().case.waiting_since(), None);
    }

    #[test]
    fn three_quarters_of_the_time_press() {
        let case = open(3, ReportReason::IntimateImage);
        assert!(!case.is_pressing(at(36) - SignedDuration::from_secs(1)) && case.is_pressing(at(36)));
        assert!(!decided(&case, DecisionAction::Keep, &[], 1).case.is_pressing(at(100)));
    }

    #[test]
    fn a_graver_report_shortens_the_clock_and_none_lengthens_it() {
        let report = |reason, case| {
            let new = NewReport {
                reason,
                explanation: "x".to_owned(),
                signature: None,
                email: None,
                good_faith: true,
                language: Language::English,
            };
            Report::file(new, (id(5), "hash".to_owned(), case), at(1))
        };
        let case = open(3, ReportReason::Terms);
        let graver = case.with(&report(ReportReason::Threat, case.id), at(1));
        assert_eq!((graver.reason, graver.decide_by, graver.reports), (ReportReason::Threat, at(25), 2));
        let later = graver.with(&report(ReportReason::Terms, case.id), at(2));
        assert_eq!((later.reason, later.decide_by, later.reports), (ReportReason::Threat, at(25), 3));
        let mut many = later;
        while many.reports < 200 {
            many = many.with(&report(ReportReason::Terms, case.id), at(2));
        }
        assert_eq!(many.answered.len(), MAX_ANSWERED, "an item has a bounded size");
    }

    #[test]
    fn third_violation_in_a_year_suspends_publishing() {
        let year = 24 * VIOLATION_DAYS;
        let earlier = |number, action, hours| decided(&open(number, ReportReason::Terms), action, &[], hours).case;
        let check = |earlier: &[Case], suspends: bool| {
            let decided = decided(&open(3, ReportReason::Terms), DecisionAction::Restrict, earlier, year);
            assert_eq!(decided.account.is_some(), suspends);
            assert_eq!(decided.case.decision.unwrap().suspends_publishing, suspends);
        };
        let (restrict, keep) = (DecisionAction::Restrict, DecisionAction::Keep);
        check(&[earlier(4, restrict, 1)], false);
        check(&[earlier(4, restrict, 1), earlier(5, DecisionAction::Remove, 2)], true);
        check(&[earlier(4, restrict, 1), earlier(5, keep, 2)], false);
        check(&[earlier(4, restrict, 0), earlier(5, restrict, 2)], false);
        let reversed = earlier(5, restrict, 2).appeal("No.".to_owned(), at(3)).unwrap();
        let by = ("alan".to_owned(), id(9));
        let reversed = reversed.decide_appeal((&account(), None), (true, "Right.".to_owned()), by, at(4)).unwrap().case;
        check(&[earlier(4, restrict, 1), reversed], false);
        let kept =
            decided(&open(3, ReportReason::Terms), keep, &[earlier(4, restrict, 1), earlier(5, restrict, 2)], year);
        assert_eq!(kept.account, None, "what breaks no rule is no violation");
    }

    #[test]
    fn appeal_is_possible_once_for_six_months_against_a_violation() {
        let case = decided(&open(3, ReportReason::Terms), DecisionAction::Restrict, &[], 0).case;
        let late = at(24 * APPEAL_DAYS);
        assert!(case.appeal("No.".to_owned(), late - SignedDuration::from_secs(1)).is_ok());
        assert!(matches!(case.appeal("No.".to_owned(), late), Err(Refusal::Conflict(_))));
        assert!(matches!(case.appeal(" ".to_owned(), at(1)), Err(Refusal::Invalid(_))));
        let kept = decided(&open(3, ReportReason::Terms), DecisionAction::Keep, &[], 0).case;
        assert!(matches!(kept.appeal("No.".to_owned(), at(1)), Err(Refusal::Conflict(_))));
    }
}

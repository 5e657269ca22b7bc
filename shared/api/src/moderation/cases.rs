//! Describes the API of moderation cases: for the owner of what was reported, and for staff.

use domain::{
    AccountId, CaseId, GenerationId, ReportId,
    accounts::account::Account,
    catalogue::models::MediaKind,
    moderation::{
        case::{Appeal, Case, Decision, DecisionAction, NewDecision},
        report::{Report, ReportReason},
    },
    staff::role::Role::Moderation,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    generations::media::MediaView,
    operation::{
        Parameter::{IdempotencyKey, Page},
        operations,
    },
};

operations! {
    /// Lists the moderation cases of the account, newest first: what was reported, what was decided and why.
    LIST = get("/v1/moderation/cases", "moderation-cases")
        .parameters(&[Page]).returns::<CasePage>(200).problems(&[400]);

    /// Appeals against the decision in a case, once and within six months. Another staff member decides.
    APPEAL = post("/v1/moderation/cases/{id}/appeal", "moderation-cases")
        .takes::<AppealRequest>(r#"{"text": "It is my own house."}"#)
        .parameters(&[IdempotencyKey])
        .returns::<CaseView>(200).problems(&[400, 404, 409, 413, 415, 422, 429]);

    /// Shows what was reported in a case, with the reports (staff). Each read is an entry of the owner's access log.
    READ = post("/v1/staff/accounts/{account}/cases/{case}/reads", "moderation-cases")
        .staff(&[Moderation])
        .returns::<StaffCaseView>(200).problems(&[400, 403, 404, 409, 429]);

    /// Decides a case (staff). The owner gets the reasons, and the reporters an answer. A third violation within a year
    /// suspends publishing, unless the operator configured another number.
    DECIDE = post("/v1/staff/accounts/{account}/cases/{case}/decision", "moderation-cases")
        .staff(&[Moderation])
        .takes::<CaseDecisionRequest>(
            r#"{"action": "restrict", "reason": "privacy", "explanation": "It shows a private house.",
                "suspend_publishing": false, "freeze": false}"#
        )
        .parameters(&[IdempotencyKey])
        .returns::<CaseView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Decides about the appeal in a case (another staff member than the one who decided the case). A reversal shows the image
    /// or the video again, unless it was deleted, and lifts what followed for the account.
    DECIDE_APPEAL = post("/v1/staff/accounts/{account}/cases/{case}/appeal/decision", "moderation-cases")
        .staff(&[Moderation])
        .takes::<AppealDecisionRequest>(r#"{"reversed": true, "explanation": "The house is the owner's."}"#)
        .parameters(&[IdempotencyKey])
        .returns::<CaseView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Compiles the report of a case to NCMEC's CyberTipline (another staff member than the one who decided it), for a case whose
    /// evidence is preserved. Nothing is sent. Each export is an entry of the owner's access log, which the owner does not see before
    /// the evidence is released.
    EXPORT = post("/v1/staff/accounts/{account}/cases/{case}/cybertip", "moderation-cases")
        .staff(&[Moderation])
        .takes::<CyberTipRequest>(r#"{"email": "safety@example.com"}"#)
        .returns::<CyberTipView>(200).problems(&[400, 403, 404, 409, 413, 415, 429]);

    /// Suspends publishing and sharing for an account, or allows it again (staff).
    SET_PUBLISHING = post("/v1/staff/accounts/{account}/publishing", "moderation-cases")
        .staff(&[Moderation])
        .takes::<PublishingRequest>(r#"{"allowed": false, "note": "spam"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<PublishingView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Carries an appeal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealRequest {
    /// Why the decision is wrong: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

/// Decides a case.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseDecisionRequest {
    /// What happens to the image or the video.
    pub action: DecisionAction,
    /// The rule that it breaks, or does not break.
    pub reason: ReportReason,
    /// Why, for the owner and the reporters: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub explanation: String,
    /// Whether the account may not publish and share any more; `false` if absent.
    #[serde(default)]
    pub suspend_publishing: bool,
    /// Whether the account is frozen; `false` if absent.
    #[serde(default)]
    pub freeze: bool,
}

impl From<CaseDecisionRequest> for NewDecision {
    fn from(body: CaseDecisionRequest) -> Self {
        let CaseDecisionRequest { action, reason, explanation, suspend_publishing, freeze } = body;
        Self { action, reason, explanation, suspend_publishing, freeze }
    }
}

/// Decides about an appeal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealDecisionRequest {
    /// Whether the decision is reversed.
    pub reversed: bool,
    /// Why, for the owner: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub explanation: String,
}

/// Asks for the report of a case to NCMEC's CyberTipline.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CyberTipRequest {
    /// The address at which the operator answers questions about the report.
    #[schema(max_length = 254)]
    pub email: String,
}

/// Shows the documents of a report to NCMEC's CyberTipline, as XML, in the order in which its interface takes them.
#[derive(Serialize, ToSchema)]
pub struct CyberTipView {
    /// The report, which opens the submission.
    pub report: String,
    /// The details of the file, which follow its upload. Replace `REPORT_ID` and `FILE_ID` in it by the numbers of the responses.
    /// Absent if the file is gone.
    pub file_details: Option<String>,
}

/// Decides whether an account may publish and share.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishingRequest {
    /// Whether the account may publish and share.
    pub allowed: bool,
    /// The reason: 1 to 500 characters. The account owner gets it with their access log.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Says whether an account may publish and share.
#[derive(Serialize, ToSchema)]
pub struct PublishingView {
    /// The id of the account.
    pub account: AccountId,
    /// Since when publishing is suspended, if it is.
    pub suspended_at: Option<Timestamp>,
}

impl From<&Account> for PublishingView {
    fn from(account: &Account) -> Self {
        let suspended_at = account.publishing_suspension.as_ref().map(|suspension| suspension.at);
        Self { account: account.id, suspended_at }
    }
}

/// Shows a moderation case to the owner of what was reported.
#[derive(Serialize, ToSchema)]
pub struct CaseView {
    /// The id.
    pub id: CaseId,
    /// The generation.
    pub generation: GenerationId,
    /// The number of the image or the video in the generation.
    pub output: u32,
    /// The gravest reason of its reports.
    pub reason: ReportReason,
    /// The number of reports.
    pub reports: u32,
    /// When it was hidden automatically, until the decision.
    pub hidden_at: Option<Timestamp>,
    /// The decision, once there is one.
    pub decision: Option<Decision>,
    /// Until when the owner can appeal, if they can.
    pub appeal_until: Option<Timestamp>,
    /// The appeal, if there is one.
    pub appeal: Option<Appeal>,
    /// When the first report arrived.
    pub opened_at: Timestamp,
    /// When it is decided at the latest.
    pub decide_by: Timestamp,
}

impl From<Case> for CaseView {
    fn from(case: Case) -> Self {
        let appealable =
            case.decision.as_ref().filter(|found| found.action != DecisionAction::Keep && case.appeal.is_none());
        let appeal_until = appealable.map(Decision::appeal_until);
        let Case { id, generation, output, reason, reports, hidden_at, decision, appeal, opened_at, decide_by, .. } =
            case;
        Self {
            id,
            generation,
            output,
            reason,
            reports,
            hidden_at,
            decision,
            appeal_until,
            appeal,
            opened_at,
            decide_by,
        }
    }
}

/// Shows a page of the account's cases, newest first.
#[derive(Serialize, ToSchema)]
pub struct CasePage {
    /// The cases.
    pub items: Vec<CaseView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Shows a case to staff, with what was reported.
#[derive(Serialize, ToSchema)]
pub struct StaffCaseView {
    /// The case.
    pub case: CaseView,
    /// Whether it is an image or a video; absent if its owner deleted it.
    pub kind: Option<MediaKind>,
    /// The file; absent if its owner deleted it.
    pub file: Option<MediaView>,
    /// The prompt, if its owner shows it.
    pub prompt: Option<String>,
    /// The reports that were not erased.
    pub reports: Vec<ReportView>,
}

/// Shows a report to staff, without the address of the reporter.
#[derive(Serialize, ToSchema)]
pub struct ReportView {
    /// The id.
    pub id: ReportId,
    /// What is wrong.
    pub reason: ReportReason,
    /// Why.
    pub explanation: String,
    /// The full name of the reporter, if they signed.
    pub signature: Option<String>,
    /// When it arrived.
    pub created_at: Timestamp,
}

impl From<Report> for ReportView {
    fn from(report: Report) -> Self {
        let Report { id, reason, explanation, signature, created_at, .. } = report;
        Self { id, reason, explanation, signature, created_at }
    }
}

/// Shows a case that waits for staff, without what was reported.
#[derive(Serialize, ToSchema)]
pub struct OpenCaseView {
    /// The id of the account.
    pub account: AccountId,
    /// The id of the case.
    pub id: CaseId,
    /// The gravest reason of its reports.
    pub reason: ReportReason,
    /// The number of reports.
    pub reports: u32,
    /// Whether the image or the video is hidden until the decision.
    pub hidden: bool,
    /// Whether the owner has appealed.
    pub appealed: bool,
    /// The staff member who decided it, as in access logs: another one must decide about the appeal.
    pub decided_by: Option<String>,
    /// Since when it waits.
    pub since: Timestamp,
    /// When it must be decided.
    pub decide_by: Timestamp,
}

impl OpenCaseView {
    /// Shows a case; `None` unless it waits for staff.
    #[must_use]
    pub fn of(case: &Case) -> Option<Self> {
        Some(Self {
            account: case.account,
            id: case.id,
            reason: case.reason,
            reports: case.reports,
            hidden: case.hidden_at.is_some(),
            appealed: case.appeal.is_some(),
            decided_by: case.decision.as_ref().map(|decision| decision.staff.clone()),
            since: case.waiting_since()?,
            decide_by: case.decide_by,
        })
    }
}

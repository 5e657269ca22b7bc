//! Sends the notices about moderation cases, and answers to reports whose case went with its account.
//!
//! A notice is written in the transaction that it tells of, and deleted once its mails are accepted. The function that wrote it
//! sends it at once; `sweep` sends those that a crash or a failure left, a minute later. A mail may come twice, and none is lost.

use domain::moderation::{
    case::{Case, CaseTransaction},
    notice::{CaseNotice, NoticeEvent},
    report::Report,
};
use mail::{Language, Mail, MailError, Message};
use store::{CommitError, StoreError, Table, Write};

/// The error of a notice that was not sent, or not deleted. It is due again.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// A call failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The notice was not deleted.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A mail was not accepted.
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Returns the writes of what follows from a report or a decision.
#[must_use]
pub fn writes(transaction: &CaseTransaction) -> Vec<Write<'_>> {
    let CaseTransaction { case, generation, account, notice, blocked, .. } = transaction;
    let mut writes = vec![Write::Case(case), Write::CaseOutcome(case)];
    for generation in generation.iter() {
        writes.extend([Write::Generation(generation), Write::GalleryEntry(generation, case.output)]);
    }
    writes.extend(account.iter().map(Write::Account));
    writes.extend(notice.iter().map(Write::CaseNotice));
    writes.extend(blocked.iter().map(Write::BlockFile));
    if case.is_reversed() {
        writes.push(Write::UnblockFile(case.id));
    }
    writes
}

/// Sends the mails of a notice, then deletes it. Without mail it is deleted: the owner finds the case in the web client. A mail
/// that is refused for its address is not sent again.
///
/// # Errors
/// [`NoticeError`].
pub async fn send_notice(table: &Table, mail: Option<&Mail>, notice: &CaseNotice) -> Result<(), NoticeError> {
    if let Some(mail) = mail
        && let Some(case) = table.case(notice.account, notice.case).await?
        && let Some(account) = table.account(notice.account).await?
    {
        let message = match notice.event {
            NoticeEvent::Hidden => Message::CaseHidden {},
            NoticeEvent::Decided => Message::CaseDecided {},
            NoticeEvent::AppealDecided => Message::CaseAppealDecided {},
        };
        let language = Language::from_tag(&account.preferences.language);
        accepted(mail.send(&account.email, language, &message).await)?;
        answer_reporters(table, mail, &case, notice.event).await?;
    }
    Ok(table.commit(&[Write::RemoveCaseNotice(notice)]).await?)
}

/// Tells the reporters of a case what was decided.
async fn answer_reporters(table: &Table, mail: &Mail, case: &Case, event: NoticeEvent) -> Result<(), NoticeError> {
    let Some(decision) = &case.decision else { return Ok(()) };
    if event == NoticeEvent::Hidden || event == NoticeEvent::AppealDecided && !case.is_reversed() {
        return Ok(());
    }
    for report in table.reports(&case.answered).await? {
        let Some(email) = &report.email else { continue };
        let id = report.id.to_string();
        let message = if case.is_reversed() {
            Message::ReportReversed { report: &id }
        } else {
            Message::ReportDecided { report: &id, action: decision.action, explanation: &decision.explanation }
        };
        accepted(mail.send(email, report.language, &message).await)?;
    }
    Ok(())
}

/// Tells the reporter of what was deleted with its account before a decision, then deletes the report, which is about nothing any
/// more.
///
/// # Errors
/// [`NoticeError`].
pub async fn answer_gone_report(table: &Table, mail: Option<&Mail>, report: &Report) -> Result<(), NoticeError> {
    if let (Some(mail), Some(email)) = (mail, &report.email) {
        let message = Message::ReportGone { report: &report.id.to_string() };
        accepted(mail.send(email, report.language, &message).await)?;
    }
    Ok(table.commit(&[Write::RemoveReport(report)]).await?)
}

fn accepted(sent: Result<(), MailError>) -> Result<(), MailError> {
    match sent {
        Err(MailError::Refused(why)) => {
            tracing::warn!(why, "mail about a moderation case refused");
            Ok(())
        }
        sent => sent,
    }
}

//! Handles each kind of due item.

use std::sync::Arc;

use domain::{
    CaseNoticeId, DisclosureId, ExportId, GenerationId, Refusal, UploadId,
    accounts::{
        account::Account,
        email_change::{EmailChange, EmailChangeStage},
        plan_change::PlanChange,
    },
    generations::{
        generation::{Failure, Generation},
        submission::GenerationOutcome,
    },
    payments::payment::PaymentProvider,
    registry,
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{EndResult, address::EmailChanges, payments::PaymentService, user_pool::UserDirectory};
use runtime::telemetry::{Metric, metric};
use store::{
    Bucket, DueItem, DueKind, EraseAccountMessage, ExportMessage, GenerationMessage, GenerationQueues, Queue, Table,
    Write,
};

use crate::round::{Action, Pace, Round, SweepError};

/// The most items that one sweep handles of a shard of a kind, and that it reads at once.
pub(crate) const BATCH: usize = 200;
/// The generations or uploads that follow a change of the plan in one transaction, which has at most 100 writes.
const PAGE: usize = 99;
/// The most transactions for one change of a plan in one sweep.
const PAGES: usize = 10;
/// The time between two messages of an erasure that does not end.
const ERASURE_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// The state of the function.
#[derive(Clone)]
pub struct Sweep {
    /// The table.
    pub table: Table,
    /// The bucket.
    pub bucket: Bucket,
    /// The queues of generations.
    pub queues: GenerationQueues,
    /// The queue of generations whose files were received.
    pub finishing: Queue,
    /// The queue of erasures.
    pub erasures: Queue,
    /// The queue of exports.
    pub exports: Queue,
    /// Settles payments.
    pub payments: Arc<PaymentService>,
    /// Completes changes of email addresses.
    pub addresses: Arc<EmailChanges>,
    /// The user pool.
    pub users: Arc<UserDirectory>,
    /// The configured payment providers.
    pub payment_providers: Arc<[PaymentProvider]>,
}

impl Sweep {
    /// Handles the due items of a kind at this pace, which is that of one shard of the index. Items that fail stay due and do
    /// not count: the sweep reads on, so that they keep no other from being handled.
    pub(crate) async fn each(
        &self,
        kind: DueKind,
        pace: Pace,
        round: &mut Round,
        act: impl AsyncFn(DueItem) -> Result<Action, SweepError>,
    ) {
        let shards = self.table.shards(kind);
        let (mut handled, mut after) = (0, None);
        while handled < BATCH * shards {
            let due = match self.table.due(kind, round.now, BATCH, after).await {
                Ok(due) => due,
                Err(error) => {
                    round.swept.failed += 1;
                    tracing::error!(error = %error, kind = kind.as_str(), "due items could not be read");
                    return;
                }
            };
            for some in due.items.chunks(pace.at_once * shards) {
                if !round.has_time(pace) {
                    return;
                }
                let done = join_all(some.iter().map(|item| act(*item))).await;
                handled += some.iter().zip(&done).filter(|(item, done)| round.count(kind, item, done)).count();
            }
            match due.next {
                Some(next) => after = Some(next),
                None => return,
            }
        }
    }

    pub(crate) async fn unfinished(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let id = GenerationId(item.id);
        let Some(generation) = self.table.generation(item.account, id).await? else { return Ok(Action::Nothing) };
        if generation.is_overdue(now) {
            let end = GenerationOutcome::Failed(Failure::DeadlinePassed);
            let ended = lifecycle::end_generation(&self.table, (item.account, id), end, now).await?;
            if generation.jobs_with_copies().next().is_some() {
                // A worker has the provider cancel the job and delete its copies.
                let message = GenerationMessage::new(generation.account, id);
                self.queues.send(generation.kind, message, 0).await?;
            }
            return Ok(if matches!(ended, EndResult::Ended(_)) { Action::Overdue } else { Action::Nothing });
        }
        if generation.status.is_final() || generation.next_message_at > now {
            return Ok(Action::Nothing);
        }
        self.remind(&generation, now).await
    }

    /// Sends the message of a generation again. Sends before it writes: a crash in between causes a second message, which does
    /// no harm, and never a missing one.
    async fn remind(&self, generation: &Generation, now: Timestamp) -> Result<Action, SweepError> {
        let job = GenerationMessage::new(generation.account, generation.id);
        if generation.received_files > 0 {
            self.finishing.send(&job, 0).await?;
        } else {
            self.queues.send(generation.kind, job, 0).await?;
        }
        let written = self.table.try_commit(&[Write::Generation(&generation.message_resent(now))]).await?;
        Ok(if written { Action::Reminded } else { Action::Nothing })
    }

    /// Sends the message of a late erasure again. Sends before it writes, as [`remind`](Self::remind) does.
    pub(crate) async fn erasure(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let account = self.table.account(item.account).await?;
        let is_due = |account: &Account| account.deletion.as_ref().is_some_and(|closing| closing.next_at <= now);
        let Some(account) = account.filter(is_due) else { return Ok(Action::Nothing) };
        self.erasures.send(&EraseAccountMessage { account: account.id }, 0).await?;
        let written = self.table.try_commit(&[Write::Account(&account.deletion_due_next(now + ERASURE_EVERY))]).await?;
        Ok(if written { Action::Reminded } else { Action::Nothing })
    }

    /// Sends the message of a stopped export again, fails an overdue export, or deletes an expired one.
    pub(crate) async fn export(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let Some(export) = self.table.export(item.account, ExportId(item.id)).await? else {
            return Ok(Action::Nothing);
        };
        if export.is_expired(now) {
            lifecycle::remove_export(&self.table, &self.bucket, &export).await?;
            return Ok(Action::Removed);
        }
        let (next, action) = if export.is_overdue(now) {
            (export.failed(now), Action::Overdue)
        } else if export.awaits_message(now) {
            // Sends before it writes, as `remind` does.
            self.exports.send(&ExportMessage { account: export.account, export: export.id }, 0).await?;
            (export.message_resent(now), Action::Reminded)
        } else {
            return Ok(Action::Nothing);
        };
        if !self.table.try_commit(&[Write::Export(&next)]).await? {
            return Ok(Action::Nothing);
        }
        if action == Action::Overdue {
            metric(Metric::FailedExports, 1, &[]);
            tracing::error!(export = %export.id, "export overdue");
            lifecycle::remove_archive(&self.bucket, &export).await?;
        }
        Ok(action)
    }

    /// Has the files of an account follow a change of its plan. Each transaction also notes the position, so what a
    /// crash, a lost race or the end of this sweep leaves is due again, and a change that was replaced meanwhile writes
    /// nothing.
    pub(crate) async fn plan_change(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let Some(mut change) = self.table.plan_change(item.account).await? else { return Ok(Action::Nothing) };
        let plans = self.table.settings(now).await?.plans;
        for _ in 0..PAGES {
            let page = self.table.expiring_items(&change, PAGE).await?;
            let moved = page.items.iter().filter_map(|item| item.after_plan_change(&change, &plans));
            let moved: Vec<_> = moved.collect();
            let next = page.next.map(|after| PlanChange { after: Some(after), ..change.clone() });
            let mut writes: Vec<_> = moved.iter().map(Write::from).collect();
            writes.push(next.as_ref().map_or(Write::RemovePlanChange(&change), Write::PlanChangeLater));
            if !self.table.try_commit(&writes).await? {
                return Ok(Action::Nothing);
            }
            let Some(next) = next else { break };
            change = next;
        }
        Ok(Action::Checked)
    }

    pub(crate) async fn hold_check(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let checked = lifecycle::holds::check(&self.table, &self.bucket, item.account, now).await?;
        Ok(if checked { Action::Checked } else { Action::Nothing })
    }

    /// Completes a confirmed change of an email address that another process left incomplete.
    pub(crate) async fn email_change(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let found = self.table.email_change(item.account).await?;
        let is_left =
            |change: &EmailChange| change.next_at <= now && !matches!(change.stage, EmailChangeStage::Requested { .. });
        let Some(change) = found.filter(is_left).map(|change| change.claimed(now)) else {
            return Ok(Action::Nothing);
        };
        if !self.table.try_commit(&[Write::EmailChange(&change)]).await? {
            return Ok(Action::Nothing);
        }
        let (_, change) = self.addresses.complete(change, now).await?;
        self.table.try_commit(&[Write::RemoveEmailChange(&change)]).await?;
        Ok(Action::Settled)
    }

    /// Counts the tickets that wait too long for a reply of staff.
    pub(crate) async fn check_answers(&self, now: Timestamp) {
        let before = now - SignedDuration::from_hours(24 * i64::from(registry::REPLY_ALERT_DAYS));
        match self.table.unanswered(before, BATCH).await {
            Ok(0) => {}
            Ok(late) => metric(Metric::LateAnswers, i64::try_from(late).unwrap_or(i64::MAX), &[]),
            Err(error) => tracing::error!(error = %error, "unanswered tickets could not be read"),
        }
    }

    /// Deletes a user who never signed in. The first write refuses sign-ins, so that no account loses its user.
    pub(crate) async fn sign_up(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let found = self.table.sign_up(item.account).await?;
        let Some(sign_up) = found else { return Ok(Action::Nothing) };
        if self.table.account(item.account).await?.is_some() {
            // The user pool asked twice, and the first sign-in came in between.
            let written = self.table.try_commit(&[Write::RemoveSignUp(&sign_up)]).await?;
            return Ok(if written { Action::Removed } else { Action::Nothing });
        }
        let Some(deleting) = sign_up.deleting(now) else { return Ok(Action::Nothing) };
        if !self.table.try_commit(&[Write::SignUp(&deleting)]).await? {
            return Ok(Action::Nothing);
        }
        self.users.delete(item.account).await?;
        let written = self.table.try_commit(&[Write::SignUp(&deleting.deleted(now))]).await?;
        Ok(if written { Action::Removed } else { Action::Nothing })
    }

    /// Sends a notice about a moderation case that another process did not send.
    pub(crate) async fn case_notice(&self, item: DueItem) -> Result<Action, SweepError> {
        let found = self.table.case_notice(item.account, CaseNoticeId(item.id)).await?;
        let Some(notice) = found else { return Ok(Action::Nothing) };
        lifecycle::cases::send_notice(&self.table, self.addresses.mail.as_ref(), &notice).await?;
        Ok(Action::Settled)
    }

    /// Tells reporters that what they reported was deleted with its account.
    pub(crate) async fn gone_reports(&self, pace: Pace, round: &mut Round) {
        let now = round.now;
        // Reads on past what fails, as `each` does.
        let (mut handled, mut after) = (0, None);
        while handled < BATCH {
            let found = match self.table.gone_reports(now, BATCH, after).await {
                Ok(found) => found,
                Err(error) => {
                    round.swept.failed += 1;
                    tracing::error!(error = %error, "reports of what is gone could not be read");
                    return;
                }
            };
            for report in found.items {
                if !round.has_time(pace) {
                    return;
                }
                let mail = self.addresses.mail.as_ref();
                let name = match lifecycle::cases::answer_gone_report(&self.table, mail, &report).await {
                    Ok(()) => {
                        (handled, round.swept.settled) = (handled + 1, round.swept.settled + 1);
                        "settled"
                    }
                    Err(error) => {
                        round.swept.failed += 1;
                        tracing::error!(error = %error, "a reporter was not told: due again");
                        "failed"
                    }
                };
                metric(Metric::SweepActions, 1, &[name]);
            }
            match found.next {
                Some(next) => after = Some(next),
                None => return,
            }
        }
    }

    /// Counts the moderation cases that staff must decide soon.
    pub(crate) async fn check_cases(&self, now: Timestamp) {
        match self.table.pressing_cases(now, BATCH).await {
            Ok(0) => {}
            Ok(pressing) => metric(Metric::PressingCases, i64::try_from(pressing).unwrap_or(i64::MAX), &[]),
            Err(error) => tracing::error!(error = %error, "moderation cases could not be read"),
        }
    }

    pub(crate) async fn disclosure(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let found = self.table.disclosure(item.account, DisclosureId(item.id)).await?;
        let Some(disclosure) = found.filter(|found| found.expires_at <= now) else { return Ok(Action::Nothing) };
        self.bucket.remove_all(&Bucket::disclosure_prefix(disclosure.account, disclosure.id)).await?;
        let written = self.table.try_commit(&[Write::RemoveDisclosure(&disclosure)]).await?;
        Ok(if written { Action::Removed } else { Action::Nothing })
    }

    pub(crate) async fn expired(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let found = self.table.generation(item.account, GenerationId(item.id)).await?;
        // The index may be behind: only what the generation says itself is removed.
        let Some(generation) = found.filter(|generation| generation.due_at().is_some_and(|at| at <= now)) else {
            return Ok(Action::Nothing);
        };
        if generation.received_files > 0 && !generation.is_expired(now) {
            self.bucket.remove_all(&Bucket::received_prefix(generation.account, generation.id)).await?;
            let written = self.table.try_commit(&[Write::Generation(&generation.received_files_deleted())]).await?;
            return Ok(if written { Action::Removed } else { Action::Nothing });
        }
        if generation.is_expired(now) && generation.jobs_with_copies().next().is_some() {
            // A worker has the providers delete their copies. Then the generation is due again.
            let message = GenerationMessage::new(generation.account, generation.id);
            self.queues.send(generation.kind, message, 0).await?;
            return Ok(Action::Reminded);
        }
        let removed = lifecycle::remove_deleted(&self.table, &self.bucket, &generation, now).await?;
        Ok(if removed { Action::Removed } else { Action::Nothing })
    }

    pub(crate) async fn upload(&self, item: DueItem, now: Timestamp) -> Result<Action, SweepError> {
        let (owner, upload) = self.table.account_and_upload(item.account, UploadId(item.id)).await?;
        let Some(upload) = upload.filter(|upload| upload.is_expired(now)) else { return Ok(Action::Nothing) };
        let hidden = match owner.map(|owner| upload.deleted(&owner, now)) {
            Some(Ok((owner, hidden))) => {
                if !self.table.try_commit(&[Write::Account(&owner), Write::Upload(&hidden)]).await? {
                    return Ok(Action::Nothing);
                }
                hidden
            }
            Some(Err(Refusal::NotFound)) | None => upload,
            Some(Err(_)) => return Ok(Action::Nothing),
        };
        lifecycle::remove_upload(&self.table, &self.bucket, &hidden).await?;
        Ok(Action::Removed)
    }
}

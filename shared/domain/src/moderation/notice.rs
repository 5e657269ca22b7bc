//! Notices: mails about a moderation case that are to be sent, to its owner and to reporters.
//!
//! A notice is written in the transaction that it tells of, and deleted once its mails are sent. So none is lost in a crash; a
//! mail may come twice.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, CaseId, CaseNoticeId},
    registry::DataFields,
};

/// How long the process that wrote a notice has to send it, before the sweep does.
const SENT_BY_SWEEP_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// An image or a video was hidden automatically, until a decision. The owner is told.
    Hidden,
    /// The case was decided. The owner and the reporters are told.
    Decided,
    /// The appeal was decided. The owner is told, and the reporters if the decision was reversed.
    AppealDecided,
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct CaseNotice {
    /// Its id.
    #[data(plain)]
    pub id: CaseNoticeId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The case.
    #[data(plain)]
    pub case: CaseId,
    /// What happened.
    #[data(plain)]
    pub event: NoticeEvent,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
}

impl CaseNotice {
    /// Returns when the sweep sends it, unless it is sent before.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.at + SENT_BY_SWEEP_AFTER
    }
}

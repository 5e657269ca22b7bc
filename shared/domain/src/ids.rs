//! Typed ids. All but those of accounts and gifts are UUIDv7 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)),
//! so that they sort by time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone,
            Copy,
            Debug,
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
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id!(
    /// An account: the `sub` of its user in the user pool.
    AccountId
);
id!(
    /// A ledger entry.
    LedgerEntryId
);
impl LedgerEntryId {
    /// Returns this id, or the next one after `last` if this one is not after it. Clocks of machines differ, and a
    /// repeated decision keeps its time, but entries must sort in the order in which they build on each other.
    /// Incrementing the random part keeps it a UUIDv7 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-6.2),
    /// method 2).
    pub(crate) fn after(self, last: Option<Self>) -> Self {
        match last {
            Some(last) if self <= last => Self(Uuid::from_u128(last.0.as_u128().saturating_add(1))),
            _ => self,
        }
    }
}

id!(
    /// A generation.
    GenerationId
);
id!(
    /// An uploaded image or video.
    UploadId
);
id!(
    /// A share link. It is not the token.
    ShareId
);
id!(
    /// An activity record.
    ActivityId
);
id!(
    /// A payment. Providers refer to it by this id; 74 bits of it are random.
    PaymentId
);
id!(
    /// An erasure and its receipt. Everyone who knows it can read the receipt; 74 bits of it are random.
    ReceiptId
);
id!(
    /// A legal hold.
    HoldId
);
id!(
    /// A data export.
    ExportId
);
id!(
    /// An entry of the audit log. The entry that opens an access identifies the access.
    AuditEntryId
);
id!(
    /// A correction record.
    CorrectionId
);
id!(
    /// A passkey.
    PasskeyId
);
id!(
    /// A disclosure for a lawful request.
    DisclosureId
);
id!(
    /// A ticket.
    TicketId
);
id!(
    /// A guest ticket.
    GuestTicketId
);
id!(
    /// A report of an image or a video.
    ReportId
);
id!(
    /// A moderation case.
    CaseId
);
id!(
    /// A notice about a moderation case that is to be mailed.
    CaseNoticeId
);
id!(
    /// An invitation to a role of staff.
    InvitationId
);
id!(
    /// A promotion.
    PromotionId
);
id!(
    /// A gift: a keyed hash of its code, so that it is found by the code alone.
    GiftId
);

//! Typed ids. All but the account's are UUIDv7 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)), so that
//! their order is the order in which they were made.

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
    /// A person's account: the `sub` of their user in the user pool.
    AccountId
);
id!(
    /// An entry of the ledger.
    LedgerEntryId
);
impl LedgerEntryId {
    /// This id, or the next one after `last` where that is not before it. Clocks differ between machines, and a decision made
    /// anew keeps its time; entries sort in the order in which they build on each other all the same. Counting on from the
    /// random part keeps it a UUIDv7 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-6.2), method 2).
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
    /// A share link. Not its token.
    ShareId
);
id!(
    /// A record of activity.
    ActivityId
);
id!(
    /// A payment. Providers and their messengers name it by this; 74 bits of it are random.
    PaymentId
);
id!(
    /// An erasure, and the receipt of it. Whoever knows it may read the receipt; 74 bits of it are random.
    ReceiptId
);
id!(
    /// A legal hold.
    HoldId
);
id!(
    /// An archive of everything that is held about a person.
    ExportId
);
id!(
    /// A line of the log of accesses; of the line that opens an access, the access.
    AuditEntryId
);
id!(
    /// That something of an account was corrected.
    CorrectionId
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
    /// A letter.
    GuestTicketId
);

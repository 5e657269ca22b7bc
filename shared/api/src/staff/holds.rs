//! Describes the API of legal holds.

use std::collections::BTreeSet;

use domain::{
    HoldId, Refusal,
    privacy::hold::Hold,
    staff::{justification::Justification, role::Role::Administrator},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Places a legal hold: the named kinds of data are retained, even if the account owner deletes them, they expire, or the
    /// account is deleted (staff). Without an Idempotency-Key a repeat places another hold.
    PLACE = post("/v1/staff/accounts/{account}/holds", "staff-access")
        .staff(&[Administrator])
        .takes::<HoldRequest>(r#"{"reference": "T-1", "reason": "an order of the court", "covers": ["account"]}"#)
        .parameters(&[IdempotencyKey])
        .returns::<PlacedHoldView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Lists the legal holds on an account, oldest first (staff). Writes an entry of the access log, as every read under an
    /// access does.
    LIST = get("/v1/staff/accounts/{account}/accesses/{access}/holds", "staff-access")
        .staff(&[Administrator])
        .returns::<HoldsView>(200).problems(&[403, 404, 409, 429]);

    /// Releases a legal hold: data that nothing else retains is deleted (staff). A repeat changes nothing.
    RELEASE = delete("/v1/staff/accounts/{account}/holds/{hold}", "staff-access")
        .staff(&[Administrator])
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 422, 429]);
}

/// Carries a new legal hold. The account owner gets its reason with their data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// The reference of the request that demands the hold.
    #[schema(min_length = 1, max_length = 100)]
    pub reference: String,
    /// The reason.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// The kinds of data to retain: `account`, `ledger`, `payment`, `generation`, `generations` (the files), `upload`,
    /// `uploads` (the files), `activity`, `access`, `correction`, `ticket`. Files include their items.
    #[schema(min_items = 1)]
    pub covers: Vec<String>,
    /// Until when it must not be disclosed to the account owner, at most 366 days from now.
    pub undisclosed_until: Option<Timestamp>,
    /// The legal basis of the non-disclosure. Required with `undisclosed_until`, and only then.
    #[schema(min_length = 1, max_length = 500)]
    pub undisclosed_basis: Option<String>,
}

impl HoldRequest {
    /// Turns the request into a hold from `now` on.
    ///
    /// # Errors
    /// Fields break rules.
    pub fn into_hold(self, id: HoldId, now: Timestamp) -> Result<Hold, Refusal> {
        let undisclosed = (self.undisclosed_until, self.undisclosed_basis);
        let justification = Justification::new((self.reference, self.reason), undisclosed, now)?;
        Hold::new(id, self.covers, justification, now)
    }
}

/// Shows a hold that was placed. Without its reference and reason, as the response may be stored with the data of the staff
/// member.
#[derive(Serialize, ToSchema)]
pub struct PlacedHoldView {
    /// The id.
    pub id: HoldId,
    /// The kinds of data that are retained, with what they include.
    pub covers: BTreeSet<String>,
    /// When it was placed.
    pub at: Timestamp,
}

impl From<&Hold> for PlacedHoldView {
    fn from(hold: &Hold) -> Self {
        Self { id: hold.id, covers: hold.covers.clone(), at: hold.at }
    }
}

/// Shows a hold to staff.
#[derive(Serialize, ToSchema)]
pub struct HoldView {
    /// The id.
    pub id: HoldId,
    /// The reference of the request that demands the hold.
    pub reference: String,
    /// The reason.
    pub reason: String,
    /// The kinds of data that are retained, with what they include.
    pub covers: BTreeSet<String>,
    /// When it was placed.
    pub at: Timestamp,
    /// Until when it must not be disclosed to the account owner.
    pub undisclosed_until: Option<Timestamp>,
    /// The legal basis of the non-disclosure.
    pub undisclosed_basis: Option<String>,
    /// When it is released by itself. Holds of evidence are.
    pub ends_at: Option<Timestamp>,
    /// When it was released.
    pub released_at: Option<Timestamp>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        let Hold {
            id, reference, reason, covers, at, undisclosed_until, undisclosed_basis, ends_at, released_at, ..
        } = hold;
        Self { id, reference, reason, covers, at, undisclosed_until, undisclosed_basis, ends_at, released_at }
    }
}

/// Shows the holds on an account, oldest first.
#[derive(Serialize, ToSchema)]
pub struct HoldsView {
    /// The holds.
    pub items: Vec<HoldView>,
}

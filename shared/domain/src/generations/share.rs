//! Share links: everyone with the link sees one generation, until the link expires or is revoked.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::plan::Plan,
    generations::generation::{Generation, GenerationStatus},
    ids::{AccountId, GenerationId, ShareId},
    refusal::Refusal,
    registry::DataFields,
};

/// Shortest lifetime of a link, in seconds.
pub const SHORTEST_S: u64 = 60;
/// Longest lifetime of a link, in seconds: a year.
pub const LONGEST_S: u64 = 365 * 86_400;
/// Seconds for which a presigned link to a file is valid. It stays valid for at most as long after a share is revoked
/// or a generation becomes private.
pub const MEDIA_LINK_S: u64 = 240;

/// A share link. Its token is not stored, only the hash that the pointer is found by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Share {
    /// Its id, for listing and revoking.
    #[data(plain)]
    pub id: ShareId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The generation.
    #[data(plain)]
    pub generation: GenerationId,
    /// SHA-256 of the token, hexadecimal.
    #[data(plain)]
    pub token_hash: String,
    /// Whether it shows the prompt too.
    #[data(plain)]
    pub show_prompt: bool,
    /// When it was created.
    #[data(plain)]
    pub created_at: Timestamp,
    /// When it expires.
    #[data(plain)]
    pub expires_at: Timestamp,
}

/// The terms of a new link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareTerms {
    /// Its lifetime, in seconds.
    pub expires_in_s: u64,
    /// Whether it shows the prompt too.
    pub show_prompt: bool,
}

/// Creates a link to a generation that has `existing` links. Returns it with the generation as its next version, so
/// that of two links created at once from one count the second is decided again.
///
/// # Errors
/// The generation has expired or has not succeeded, the lifetime is out of bounds, or the plan allows no more links.
pub fn create(
    generation: &Generation,
    existing: usize,
    plan: Plan,
    terms: ShareTerms,
    (id, token_hash): (ShareId, String),
    now: Timestamp,
) -> Result<(Share, Generation), Refusal> {
    if generation.is_expired(now) {
        return Err(Refusal::NotFound);
    }
    if generation.status != GenerationStatus::Succeeded {
        return Err(Refusal::Conflict("only a generation that succeeded can be shared"));
    }
    let Some(life) =
        i64::try_from(terms.expires_in_s).ok().filter(|_| (SHORTEST_S..=LONGEST_S).contains(&terms.expires_in_s))
    else {
        return Err(Refusal::invalid("expires_in_s", format!("{SHORTEST_S} to {LONGEST_S}")));
    };
    let limit = u64::from(plan.limits().shares_per_generation);
    if u64::try_from(existing).unwrap_or(u64::MAX) >= limit {
        return Err(Refusal::PlanLimit { what: "share links of one generation", limit });
    }
    let expires_at = now + SignedDuration::from_secs(life);
    let share = Share {
        id,
        account: generation.account,
        generation: generation.id,
        token_hash,
        show_prompt: terms.show_prompt,
        created_at: now,
        expires_at,
    };
    Ok((share, Generation { shared_until: generation.shared_until.max(Some(expires_at)), ..generation.next_version() }))
}

/// Removes a link from a generation; `rest` are the links that are left. Returns the generation as its next version.
#[must_use]
pub fn revoke(generation: &Generation, rest: &[Share]) -> Generation {
    Generation { shared_until: rest.iter().map(|share| share.expires_at).max(), ..generation.next_version() }
}

impl Share {
    /// Checks that the link shows its generation.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the link has expired, or the generation has expired, was deleted or has not succeeded.
    pub fn may_view(&self, generation: Option<&Generation>, now: Timestamp) -> Result<(), Refusal> {
        match generation {
            Some(generation)
                if now < self.expires_at
                    && generation.status == GenerationStatus::Succeeded
                    && !generation.is_expired(now) =>
            {
                Ok(())
            }
            _ => Err(Refusal::NotFound),
        }
    }
}

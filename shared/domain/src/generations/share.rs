//! Share links: whoever has one sees that one generation, until it expires or is revoked.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, GenerationId, Refusal, ShareId,
    accounts::plan::Plan,
    generations::generation::{Generation, GenerationStatus},
};

/// Shortest life of a link, in seconds.
pub const SHORTEST_S: u64 = 60;
/// Longest life of a link, in seconds: a year.
pub const LONGEST_S: u64 = 365 * 86_400;
/// Seconds that a presigned link to a file lives. A link handed out before a share is revoked, or a picture made private,
/// resolves for this long at most.
pub const MEDIA_LINK_S: u64 = 240;

/// A share link. Its token is not kept: only the hash of it, which the pointer is found by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Share {
    /// Its id, for listing and revoking.
    pub id: ShareId,
    /// Whose.
    pub account: AccountId,
    /// What it shows.
    pub generation: GenerationId,
    /// SHA-256 of the token, hexadecimal.
    pub token_hash: String,
    /// Whether it shows the prompt too.
    pub show_prompt: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops.
    pub expires_at: Timestamp,
}

/// What a client asks of a new link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareTerms {
    /// How long it lives.
    pub expires_in_s: u64,
    /// Whether it shows the prompt too.
    pub show_prompt: bool,
}

/// A new link to a generation that has `existing` links already, and the generation as its next version: of two links
/// made at once from the same count, one is decided anew.
///
/// # Errors
/// It is not there any more or has not succeeded, its life is out of bounds, or the plan's links are used up.
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

/// A generation that has lost a link, as its next version; `rest` are those that it still has.
#[must_use]
pub fn revoke(generation: &Generation, rest: &[Share]) -> Generation {
    Generation { shared_until: rest.iter().map(|share| share.expires_at).max(), ..generation.next_version() }
}

impl Share {
    /// # Errors
    /// [`Refusal::NotFound`] once it has expired, or when what it shows is not there: a stranger learns no more.
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

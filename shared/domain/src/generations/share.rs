//! Share links: everyone with the link sees one image or video, until the link expires or is revoked.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{account::Account, plan::PlanLimits},
    generations::{generation::Generation, output::Output},
    ids::{AccountId, GenerationId, ShareId},
    refusal::Refusal,
    registry::DataFields,
};

/// Shortest lifetime of a link, in seconds.
pub const SHORTEST_S: u64 = 60;
/// Longest lifetime of a link, in seconds: a year.
pub const LONGEST_S: u64 = 365 * 86_400;
/// Seconds for which a presigned link to a file is valid. It stays valid for at most as long after a share is revoked
/// or an output becomes private.
pub const MEDIA_LINK_S: u64 = 240;
/// Seconds for which links to one file are the same, so that a browser does not fetch again what it has.
const MEDIA_LINK_STEP_S: i64 = 30;

/// Returns the time from which a link to an image or a video counts that is signed at `now`: the same for all links of half a
/// minute.
#[must_use]
pub fn media_link_time(now: Timestamp) -> Timestamp {
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(MEDIA_LINK_STEP_S)).unwrap_or(now)
}

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
    /// The number of the output.
    #[data(plain)]
    pub output: u32,
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

/// Creates a link to an output that has `existing` links. Returns it with the generation as its next version, so that of
/// two links created at once from one count the second is decided again.
///
/// # Errors
/// The output has expired, was deleted or does not exist, a moderation case restricts it, the lifetime is out of bounds, or the
/// plan allows no more links.
pub fn create(
    (generation, number): (&Generation, u32),
    existing: usize,
    limits: &PlanLimits,
    terms: ShareTerms,
    (id, token_hash): (ShareId, String),
    now: Timestamp,
) -> Result<(Share, Generation), Refusal> {
    generation.output(number, now)?.check_unrestricted()?;
    let Some(life) =
        i64::try_from(terms.expires_in_s).ok().filter(|_| (SHORTEST_S..=LONGEST_S).contains(&terms.expires_in_s))
    else {
        return Err(Refusal::invalid("expires_in_s", format!("{SHORTEST_S} to {LONGEST_S}")));
    };
    let limit = u64::from(limits.shares_per_output);
    if u64::try_from(existing).unwrap_or(u64::MAX) >= limit {
        return Err(Refusal::PlanLimit { what: "share links of one image or video", limit });
    }
    let expires_at = now + SignedDuration::from_secs(life);
    let share = Share {
        id,
        account: generation.account,
        generation: generation.id,
        output: number,
        token_hash,
        show_prompt: terms.show_prompt,
        created_at: now,
        expires_at,
    };
    let generation = generation.with_output(number, now, |output| Output {
        shared_until: output.shared_until.max(Some(expires_at)),
        ..output.clone()
    })?;
    Ok((share, generation))
}

/// Removes a link from an output; `rest` are the links that are left. Returns the generation as its next version.
///
/// # Errors
/// [`Refusal::NotFound`] if the output has expired, was deleted or does not exist: no link leads to it.
pub fn revoke((generation, number): (&Generation, u32), rest: &[Share], now: Timestamp) -> Result<Generation, Refusal> {
    let shared_until = rest.iter().map(|share| share.expires_at).max();
    generation.with_output(number, now, |output| Output { shared_until, ..output.clone() })
}

impl Share {
    /// Returns the output that the link shows.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the link or the output has expired, the output was deleted, a moderation case restricts it, or
    /// the deletion of the account was requested.
    pub fn view<'a>(
        &self,
        account: &Account,
        generation: &'a Generation,
        now: Timestamp,
    ) -> Result<&'a Output, Refusal> {
        if now >= self.expires_at || account.deletion.is_some() {
            return Err(Refusal::NotFound);
        }
        generation.output(self.output, now).and_then(Output::shown_to_others)
    }
}

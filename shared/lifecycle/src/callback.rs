//! The address that a provider calls when a job ends.
//!
//! It names the generation to this service and nothing to the provider: account and generation are sealed, differently each time, so that
//! two addresses of one account cannot be told from those of two. It is no proof that the provider called: its signature is.

use domain::{AccountId, GenerationId, catalogue::models::MediaKind};
use runtime::seal::Sealer;
use store::GenerationMessage;

/// The purpose that the name of a generation is sealed for.
const PURPOSE: &str = "callback";
const IMAGE: &str = "image";
const VIDEO: &str = "video";

/// Seals which generation a callback is about, as the last part of its address.
#[must_use]
pub fn seal(sealer: &Sealer, kind: MediaKind, account: AccountId, generation: GenerationId) -> String {
    let kind = match kind {
        MediaKind::Image => IMAGE,
        MediaKind::Video => VIDEO,
    };
    sealer.seal(PURPOSE, format!("{kind} {account} {generation}").as_bytes())
}

/// Opens what [`seal`] made: the queue and the message that has the job polled at once. `None` if it is not ours.
#[must_use]
pub fn open(sealer: &Sealer, sealed: &str) -> Option<(MediaKind, GenerationMessage)> {
    let content = String::from_utf8(sealer.open(PURPOSE, sealed)?).ok()?;
    let mut words = content.split(' ');
    let kind = match words.next()? {
        IMAGE => MediaKind::Image,
        VIDEO => MediaKind::Video,
        _ => return None,
    };
    let message = GenerationMessage::new(words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((kind, GenerationMessage { job_reported: true, ..message }))
}

#[cfg(test)]
mod tests {
    use domain::{AccountId, GenerationId};
    use runtime::clock;

    use super::*;

    #[test]
    fn sealed_name_opens_shows_no_id_and_is_different_each_time() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let (account, generation) =
            (AccountId(clock::uuid_at(clock::now())), GenerationId(clock::uuid_at(clock::now())));
        for kind in [MediaKind::Image, MediaKind::Video] {
            let sealed = seal(&sealer, kind, account, generation);
            let message = GenerationMessage { account, generation, job_reported: true };
            assert_eq!(open(&sealer, &sealed), Some((kind, message)));
            assert_ne!(sealed, seal(&sealer, kind, account, generation));
            assert!(!sealed.contains(&account.to_string()) && !sealed.contains(&generation.to_string()));
        }
    }

    #[test]
    fn what_was_not_sealed_as_a_callback_does_not_open() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        assert_eq!(open(&sealer, "garbage"), None);
        assert_eq!(open(&sealer, &sealer.seal("cursor", b"image a b")), None);
        assert_eq!(open(&sealer, &sealer.seal(PURPOSE, b"image a b")), None);
    }
}

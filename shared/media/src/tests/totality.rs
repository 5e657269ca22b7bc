//! Whatever the bytes, every parser ends with a value or an error, and what is accepted can be stripped for good.

use super::samples;
use crate::{AigcLabel, inspect, sniff, strip_metadata};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::sync::LazyLock;

static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    vec![
        samples::jpeg(),
        samples::png(),
        samples::webp(),
        samples::mp4(),
        samples::fragmented_mp4(None),
        samples::webm(),
    ]
});

fn config() -> Config {
    Config { cases: 4000, rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..Config::default() }
}

/// One change to a file.
#[derive(Debug, Clone)]
enum Mutation {
    Set(prop::sample::Index, u8),
    Word(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Drop(prop::sample::Index, u8),
    Repeat(prop::sample::Index, u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let word = prop_oneof![Just(0), Just(1), Just(u32::MAX), Just(0x7FFF_FFFF), 0..64_u32, any::<u32>()];
    prop_oneof![
        4 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        4 => (any::<prop::sample::Index>(), word).prop_map(|(at, word)| Mutation::Word(at, word)),
        1 => any::<prop::sample::Index>().prop_map(Mutation::Cut),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, length)| Mutation::Drop(at, length)),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    let span =
        |at: &prop::sample::Index, count: u8| at.index(length)..(at.index(length) + usize::from(count)).min(length);
    match mutation {
        Mutation::Set(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Word(at, word) => {
            let span = span(at, 4);
            let word = &word.to_be_bytes()[..span.len()];
            bytes[span].copy_from_slice(word);
        }
        Mutation::Cut(at) => bytes.truncate(at.index(length)),
        Mutation::Drop(at, count) => drop(bytes.drain(span(at, *count))),
        Mutation::Repeat(at, count) => {
            let part = bytes[span(at, *count)].to_vec();
            bytes.splice(at.index(length)..at.index(length), part);
        }
    }
}

/// PNG's checksums would hide all else that is wrong.
fn repair_png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(crc) = bytes.get(at + 4..at + 8 + length).map(crc32fast::hash) else { return };
        let Some(place) = bytes.get_mut(at + 8 + length..at + 12 + length) else { return };
        place.copy_from_slice(&crc.to_be_bytes());
        at += 12 + length;
    }
}

fn check(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let _ = sniff(&bytes);
    let measured = inspect(&bytes);
    if let Ok(stripped) = strip_metadata(bytes) {
        prop_assert_eq!(inspect(&stripped).unwrap(), measured.unwrap());
        prop_assert!(strip_metadata(stripped.clone()).unwrap() == stripped, "stripping twice is the same as once");
        if let Ok(marked) = crate::mark_generated(stripped.clone(), "note", None) {
            prop_assert!(strip_metadata(marked).unwrap() == stripped, "the mark comes off");
        }
        let label = AigcLabel { producer: "p", id: "i" };
        if let Ok(marked) = crate::mark_generated(stripped.clone(), "note", Some(label)) {
            // In MP4 its place becomes free space.
            let bare = strip_metadata(marked).unwrap();
            prop_assert_eq!(inspect(&bare).unwrap(), inspect(&stripped).unwrap());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_damaged_file_never_breaks_a_parser(
        sample in 0..6_usize,
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut bytes = SAMPLES[sample].clone();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        if sample == 1 && bytes.len() > 8 {
            repair_png(&mut bytes);
        }
        check(bytes)?;
    }

    #[test]
    fn random_bytes_behind_a_signature_never_break_a_parser(
        sample in 0..6_usize,
        kept in 0..64_usize,
        noise in prop::collection::vec(any::<u8>(), 0..512),
    ) {
        let head = &SAMPLES[sample];
        check([&head[..kept.min(head.len())], &noise].concat())?;
    }
}

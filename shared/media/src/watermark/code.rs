//! The error correction: a mark and its check, as the bits of a convolutional code.

use super::key::WatermarkKey;

/// Bits that a decoded word depends on. Longer corrects more, and doubles the work with each bit.
const CONSTRAINT: u32 = 9;
const STATES: usize = 1 << (CONSTRAINT - 1);
/// The code of rate 1/4 with the largest distance for this length (24), in octal as the tables give it
/// (J. G. Proakis, "Digital Communications", table 8.2-3).
const GENERATORS: [u32; 4] = [0o463, 0o535, 0o733, 0o745];
const CHECK_BITS: u32 = 40;
const MESSAGE_BITS: u32 = 64 + CHECK_BITS;
/// Zeros after the message lead the encoder back to its first state.
const STEPS: usize = (MESSAGE_BITS + CONSTRAINT - 1) as usize;
/// The bits of a coded mark.
pub(super) const CODED_BITS: usize = STEPS * GENERATORS.len();

/// Codes a mark with its check.
pub(super) fn encode(mark: u64, key: &WatermarkKey) -> Vec<bool> {
    let message = (u128::from(mark) << CHECK_BITS) | u128::from(key.check(mark));
    let bits = (0..MESSAGE_BITS).rev().map(|bit| (message >> bit) & 1 == 1);
    let tail = std::iter::repeat_n(false, CONSTRAINT as usize - 1);
    let mut register = 0;
    let mut coded = Vec::with_capacity(CODED_BITS);
    for bit in bits.chain(tail) {
        register = ((register << 1) | u32::from(bit)) & ((1 << CONSTRAINT) - 1);
        coded.extend(GENERATORS.iter().map(|generator| is_odd(generator & register)));
    }
    coded
}

/// Finds the mark whose code is nearest to `soft`: for each coded bit how sure it is, positive for 1. Returns `None` if
/// the check of that mark is wrong.
pub(super) fn decode(soft: &[f32], key: &WatermarkKey) -> Option<u64> {
    let message = most_likely(soft);
    let mark = u64::try_from(message >> CHECK_BITS).ok()?;
    let check = u64::try_from(message & ((1 << CHECK_BITS) - 1)).ok()?;
    (check == key.check(mark)).then_some(mark)
}

fn is_odd(bits: u32) -> bool {
    bits.count_ones() % 2 == 1
}

/// Viterbi's algorithm.
fn most_likely(soft: &[f32]) -> u128 {
    // The generators' outputs for each content of the register, as the number of a sum below.
    let outputs: Vec<usize> = (0..STATES as u32 * 2)
        .map(|register| GENERATORS.iter().rev().fold(0, |sum, g| (sum << 1) | usize::from(is_odd(g & register))))
        .collect();
    let mut metrics = vec![f32::MIN; STATES];
    if let Some(first) = metrics.first_mut() {
        *first = 0.0;
    }
    let mut survivors: Vec<Vec<bool>> = Vec::with_capacity(STEPS);
    for step in soft.chunks_exact(GENERATORS.len()) {
        let sums: [f32; 1 << GENERATORS.len()] = std::array::from_fn(|bits| {
            step.iter().enumerate().map(|(at, soft)| if (bits >> at) & 1 == 1 { *soft } else { -soft }).sum()
        });
        let gain = |register: usize| outputs.get(register).and_then(|sum| sums.get(*sum)).copied().unwrap_or_default();
        let (low, high) = metrics.split_at(STATES / 2);
        // State s is reached from s / 2, and from the state whose oldest bit differs from it.
        let reached = low.iter().zip(high).enumerate().flat_map(|(from, (low, high))| {
            [0, 1].map(|bit| {
                let register = from * 2 + bit;
                (low + gain(register), high + gain(register + STATES))
            })
        });
        let (next, chosen) = reached.map(|(low, high)| (low.max(high), high > low)).unzip();
        metrics = next;
        survivors.push(chosen);
    }
    let mut state = 0;
    let mut message = 0;
    for (step, chosen) in survivors.iter().enumerate().rev() {
        if step < MESSAGE_BITS as usize {
            message |= ((state & 1) as u128) << (MESSAGE_BITS as usize - 1 - step);
        }
        let is_high = chosen.get(state).copied().unwrap_or_default();
        state = state / 2 + if is_high { STATES / 2 } else { 0 };
    }
    message
}

//! Random numbers that are the same in each run.

/// Numbers that depend on a name alone (xorshift64*).
pub(crate) fn random(name: &str) -> impl Iterator<Item = u64> + use<> {
    let seed = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    std::iter::successors(Some(seed | 1), |state| {
        let state = state ^ (state >> 12);
        let state = state ^ (state << 25);
        Some(state ^ (state >> 27))
    })
    .skip(4)
    .map(|state| state.wrapping_mul(0x2545_f491_4f6c_dd1d))
}

/// The next number, from 0 to 1.
pub(crate) fn share(random: &mut impl Iterator<Item = u64>) -> f64 {
    (random.next().unwrap_or_default() >> 11) as f64 / (1u64 << 53) as f64
}

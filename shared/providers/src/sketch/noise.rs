//! Random numbers and smooth noise that depend on a seed and nothing else.

/// A stream of numbers ([SplitMix64](https://prng.di.unimi.it/splitmix64.c)).
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Between 0 and 1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
}

/// Hashes a text ([FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/), 64 bits).
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Returns value noise in two dimensions, 0 to 1, with one cell per unit.
pub(super) fn noise(seed: u32, x: f32, y: f32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (u, v) = (ease(x - x0), ease(y - y0));
    let (i, j) = (x0 as i32, y0 as i32);
    let (a, b) = (lattice(seed, i, j), lattice(seed, i.wrapping_add(1), j));
    let (c, d) = (lattice(seed, i, j.wrapping_add(1)), lattice(seed, i.wrapping_add(1), j.wrapping_add(1)));
    let (top, bottom) = (a + (b - a) * u, c + (d - c) * u);
    top + (bottom - top) * v
}

/// Returns noise of several octaves, each twice as fine and half as strong, 0 to 1.
pub(super) fn layers(seed: u32, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.0);
    for octave in 0..octaves {
        sum += weight * noise(seed.wrapping_add(octave.wrapping_mul(0x9e37)), x * scale, y * scale);
        weight *= 0.5;
        scale *= 2.03;
    }
    sum
}

fn lattice(seed: u32, x: i32, y: i32) -> f32 {
    let mut hash = seed ^ (x as u32).wrapping_mul(0x85eb_ca6b) ^ (y as u32).wrapping_mul(0xc2b2_ae35);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    hash = (hash ^ (hash >> 12)).wrapping_mul(0x297a_2d39);
    ((hash ^ (hash >> 15)) >> 8) as f32 / (1u32 << 24) as f32
}

fn ease(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

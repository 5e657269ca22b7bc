//! The waves that a tile is made of.

use super::code::CODED_BITS;
use super::key::WatermarkKey;

/// The side of the tile in cells. A prime, so that the tile shares no period with the blocks of JPEG and H.264, whose
/// edges then cancel out.
pub(super) const SIDE: usize = 127;
/// The highest frequency in periods for each tile: 0.16 for each cell, which survives half the size.
pub(super) const HIGHEST: i32 = 20;
/// The lowest frequency. Lower ones are easier to see, and pictures have most of their own content there.
const LOWEST: i32 = 8;
/// The number of waves that show where the tile begins. The rest carry bits.
const SYNC_WAVES: usize = 96;

/// A complex number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Complex {
    pub(super) re: f32,
    pub(super) im: f32,
}

impl Complex {
    pub(super) const fn new(re: f32, im: f32) -> Self {
        Self { re, im }
    }

    pub(super) fn of_angle(angle: f32) -> Self {
        Self { re: angle.cos(), im: angle.sin() }
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }

    pub(super) fn scaled(self, factor: f32) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    pub(super) const fn conjugate(self) -> Self {
        Self { re: self.re, im: -self.im }
    }

    pub(super) fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }
}

/// A wave: its periods for each tile, rightward and downward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wave {
    pub(super) x: i32,
    pub(super) y: i32,
}

/// The waves of a key, in the order of their use, and the signs that hide what they carry.
pub(super) struct Waves {
    sync: Vec<(Wave, Complex)>,
    data: Vec<(Wave, [bool; 2])>,
}

impl Waves {
    pub(super) fn new(key: &WatermarkKey) -> Self {
        let mut order = key.stream(b"order");
        let mut all: Vec<([u8; 8], Wave)> =
            all().map(|wave| (std::array::from_fn(|_| order.next().unwrap_or_default()), wave)).collect();
        all.sort_by_key(|(rank, _)| *rank);
        let signs = key.stream(b"signs").map(|byte| [byte & 1 == 1, byte & 2 == 2]);
        let mut signed = all.into_iter().map(|(_, wave)| wave).zip(signs);
        let sync = signed.by_ref().take(SYNC_WAVES).map(|(wave, [re, im])| (wave, phase(re, im))).collect();
        Self { sync, data: signed.collect() }
    }

    /// The waves that show where the tile begins.
    pub(super) fn sync(&self) -> &[(Wave, Complex)] {
        &self.sync
    }

    /// All waves of a tile that carries `coded`, [`CODED_BITS`] bits.
    pub(super) fn carrying(&self, coded: &[bool]) -> Vec<(Wave, Complex)> {
        let mut bits = coded.iter().copied().cycle();
        let mut bit = |sign| sign ^ bits.next().unwrap_or_default();
        let data = self.data.iter().map(|(wave, [re, im])| (*wave, phase(bit(*re), bit(*im))));
        self.sync.iter().copied().chain(data).collect()
    }

    /// How sure each coded bit is, from what `seen` tells about each wave.
    pub(super) fn read(&self, seen: impl Fn(Wave) -> Complex) -> Vec<f32> {
        let mut soft = vec![0.0; CODED_BITS];
        let parts = self.data.iter().flat_map(|(wave, [re, im])| {
            let seen = seen(*wave);
            [(seen.re, *re), (seen.im, *im)]
        });
        for (at, (part, is_inverted)) in parts.enumerate() {
            if let Some(soft) = soft.get_mut(at % CODED_BITS) {
                *soft += if is_inverted { -part } else { part };
            }
        }
        soft
    }
}

fn phase(re: bool, im: bool) -> Complex {
    let part = |bit| if bit { std::f32::consts::FRAC_1_SQRT_2 } else { -std::f32::consts::FRAC_1_SQRT_2 };
    Complex::new(part(re), part(im))
}

/// All waves of the band, one of each pair of opposite directions. Upright and level ones are left out: so are the
/// edges of windows, frames and lines of text.
fn all() -> impl Iterator<Item = Wave> {
    (1..=HIGHEST).flat_map(|y| (-HIGHEST..=HIGHEST).map(move |x| Wave { x, y })).filter(|wave| {
        let squared = wave.x * wave.x + wave.y * wave.y;
        wave.x != 0 && (LOWEST * LOWEST..=HIGHEST * HIGHEST).contains(&squared)
    })
}

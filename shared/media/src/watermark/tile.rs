//! The tile, drawn from its waves, or folded from a picture in which it repeats.

use super::plane::Plane;
use super::waves::{Complex, HIGHEST, SIDE, Wave};

/// A square of [`SIDE`] by [`SIDE`] cells, whose opposite edges meet.
pub(super) struct Tile(Vec<f32>);

impl Tile {
    /// Adds up waves.
    pub(super) fn draw(waves: &[(Wave, Complex)]) -> Self {
        let turns = turns();
        // First along the rows, for each downward frequency; then down the columns.
        let mut rows = vec![vec![Complex::default(); SIDE]; HIGHEST as usize + 1];
        for (wave, amplitude) in waves {
            let Some(row) = rows.get_mut(wave.y.unsigned_abs() as usize) else { continue };
            let steps = (0..SIDE).scan(0, |turned, _| {
                let now = *turned;
                *turned = (*turned + wave.x).rem_euclid(SIDE as i32);
                Some(now)
            });
            for (cell, turned) in row.iter_mut().zip(steps) {
                *cell = cell.plus(amplitude.times(turn(&turns, turned)));
            }
        }
        let mut cells = vec![0.0; SIDE * SIDE];
        for (y, cells) in cells.chunks_exact_mut(SIDE).enumerate() {
            for (frequency, row) in rows.iter().enumerate() {
                let turned = turn(&turns, ((frequency * y) % SIDE) as i32);
                let add = cells.iter_mut().zip(row);
                add.for_each(|(cell, wave)| *cell += 2.0 * (wave.re * turned.re - wave.im * turned.im));
            }
        }
        Self(cells)
    }

    /// Scales the tile to a mean square of 1.
    pub(super) fn normalized(mut self) -> Self {
        let power: f32 = self.0.iter().map(|cell| cell * cell).sum::<f32>() / (SIDE * SIDE) as f32;
        if power > 0.0 {
            let factor = power.sqrt().recip();
            self.0.iter_mut().for_each(|cell| *cell *= factor);
        }
        self
    }

    /// The cell with the largest value, rightward and downward, and that value.
    pub(super) fn peak(&self) -> (usize, usize, f32) {
        let highest = self.0.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        highest.map_or((0, 0, 0.0), |(at, value)| (at % SIDE, at / SIDE, value))
    }

    /// Repeats the tile over a picture whose pixels are `1 / scale` cells apart.
    pub(super) fn repeat(&self, width: usize, height: usize, scale: f32) -> Plane {
        let mut plane = Plane::new(width, height);
        let columns = positions(width, scale);
        let mut blended = vec![0.0; SIDE];
        for (target, (row, share)) in plane.values.chunks_exact_mut(width.max(1)).zip(positions(height, scale)) {
            let rows = self.row(row).iter().zip(self.row(row + 1));
            blended.iter_mut().zip(rows).for_each(|(cell, (upper, lower))| *cell = upper + (lower - upper) * share);
            for (target, (column, share)) in target.iter_mut().zip(&columns) {
                let [left, right] = [*column, column + 1].map(|at| blended.get(at % SIDE).copied().unwrap_or_default());
                *target = left + (right - left) * share;
            }
        }
        plane
    }

    /// Adds up what a picture has at the same place of each tile.
    pub(super) fn fold(picture: &Plane, scale: [f32; 2]) -> Self {
        // First the rows, which the compiler adds in lanes; then the columns of what is left.
        let width = picture.width;
        let mut rows = vec![0.0f32; width * SIDE];
        for (pixels, (row, share)) in picture.rows().zip(positions(picture.height, scale[1])) {
            for (row, weight) in [(row, 1.0 - share), ((row + 1) % SIDE, share)] {
                let sums = rows.get_mut(row * width..(row + 1) * width).unwrap_or_default();
                sums.iter_mut().zip(pixels).for_each(|(sum, pixel)| *sum += pixel * weight);
            }
        }
        let mut tile = Self(vec![0.0; SIDE * SIDE]);
        let columns = positions(width, scale[0]);
        let mut folded = vec![0.0f32; SIDE + 1];
        for (cells, sums) in tile.0.chunks_exact_mut(SIDE).zip(rows.chunks_exact(width.max(1))) {
            folded.fill(0.0);
            for (sum, (column, share)) in sums.iter().zip(&columns) {
                if let Some([left, right]) = folded.get_mut(*column..*column + 2) {
                    *left += sum * (1.0 - share);
                    *right += sum * share;
                }
            }
            cells.iter_mut().zip(&folded).for_each(|(cell, sum)| *cell = *sum);
            if let (Some(first), Some(beyond)) = (cells.first_mut(), folded.last()) {
                *first += beyond;
            }
        }
        tile
    }

    fn row(&self, row: usize) -> &[f32] {
        self.0.chunks_exact(SIDE).nth(row % SIDE).unwrap_or_default()
    }
}

/// For each pixel of a line: the cell that it lies in, and how far it is to the next.
fn positions(length: usize, scale: f32) -> Vec<(usize, f32)> {
    let place = |pixel| {
        let cell = pixel as f64 / f64::from(scale);
        ((cell as usize) % SIDE, cell.fract() as f32)
    };
    (0..length).map(place).collect()
}

/// The amplitudes of a tile's waves in the band.
pub(super) struct Spectrum(Vec<Complex>);

const SPAN: usize = 2 * HIGHEST as usize + 1;

impl Spectrum {
    pub(super) fn of(tile: &Tile) -> Self {
        let turns = turns();
        // For each rightward frequency, the angles of all cells of a row.
        let rows: Vec<(Vec<f32>, Vec<f32>)> = (0..=HIGHEST as usize)
            .map(|frequency| {
                let turned = (0..SIDE).map(|x| turn(&turns, ((frequency * x) % SIDE) as i32));
                turned.map(|turned| (turned.re, -turned.im)).unzip()
            })
            .collect();
        let mut spectrum = vec![Complex::default(); SPAN * (HIGHEST as usize + 1)];
        for (y, cells) in tile.0.chunks_exact(SIDE).enumerate() {
            let rightward: Vec<Complex> =
                rows.iter().map(|(re, im)| Complex::new(dot(cells, re), dot(cells, im))).collect();
            // A real signal has the conjugate at the opposite frequency.
            let leftward = rightward.iter().skip(1).rev().map(|wave| wave.conjugate());
            let line: Vec<Complex> = leftward.chain(rightward.iter().copied()).collect();
            for (frequency, row) in spectrum.chunks_exact_mut(SPAN).enumerate() {
                let turned = turn(&turns, ((frequency * y) % SIDE) as i32).conjugate();
                row.iter_mut().zip(&line).for_each(|(sum, wave)| *sum = sum.plus(wave.times(turned)));
            }
        }
        Self(spectrum)
    }

    pub(super) fn at(&self, wave: Wave) -> Complex {
        let opposite = wave.y < 0;
        let (x, y) = if opposite { (-wave.x, -wave.y) } else { (wave.x, wave.y) };
        let found = self.0.get(y as usize * SPAN + (x + HIGHEST) as usize).copied().unwrap_or_default();
        if opposite { found.conjugate() } else { found }
    }

    /// Makes all frequencies about equally strong, and cuts the strongest of each, which belong to the picture.
    pub(super) fn whitened(mut self) -> Self {
        let ring = |at: usize| {
            let (x, y) = ((at % SPAN) as i32 - HIGHEST, (at / SPAN) as i32);
            f64::from(x * x + y * y).sqrt() as usize
        };
        let mut rings = vec![(0.0f32, 0.0f32); 2 * SPAN];
        for (at, wave) in self.0.iter().enumerate() {
            if let Some((power, count)) = rings.get_mut(ring(at)) {
                *power += wave.power();
                *count += 1.0;
            }
        }
        for (at, wave) in self.0.iter_mut().enumerate() {
            let (power, count) = rings.get(ring(at)).copied().unwrap_or_default();
            let limit = (power / count.max(1.0)).sqrt().max(wave.power().sqrt()).max(f32::MIN_POSITIVE);
            *wave = wave.scaled(limit.recip());
        }
        self
    }
}

/// The angle of a wave after each number of cells, of one period in a tile.
fn turns() -> Vec<Complex> {
    (0..SIDE).map(|cell| Complex::of_angle(std::f32::consts::TAU * cell as f32 / SIDE as f32)).collect()
}

/// The sum of the products, in lanes that the compiler can add at once.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    for (left, right) in left.iter().zip(right) {
        lanes.iter_mut().zip(left.iter().zip(right)).for_each(|(lane, (left, right))| *lane += left * right);
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    lanes.iter().sum::<f32>() + rest
}

fn turn(turns: &[Complex], at: i32) -> Complex {
    turns.get(at as usize).copied().unwrap_or_default()
}

//! One channel of a picture, as numbers.

use image::DynamicImage;

/// The brightness of a picture, or something derived from it.
#[derive(Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl Plane {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![0.0; width * height] }
    }

    /// The luma of ITU-R BT.601, which JPEG uses, from 0 to 255.
    pub(super) fn luma(image: &DynamicImage) -> Self {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let weigh = |r: f32, g: f32, b: f32| 0.299 * r + 0.587 * g + 0.114 * b;
        let of = |pixel: &[u8]| match *pixel {
            [r, g, b, ..] => weigh(r.into(), g.into(), b.into()),
            [gray, ..] => gray.into(),
            [] => 0.0,
        };
        let values = match image {
            DynamicImage::ImageLuma8(image) => image.as_raw().iter().map(|gray| f32::from(*gray)).collect(),
            DynamicImage::ImageRgb8(image) => image.as_raw().chunks_exact(3).map(of).collect(),
            DynamicImage::ImageRgba8(image) => image.as_raw().chunks_exact(4).map(of).collect(),
            other => other.to_rgb8().as_raw().chunks_exact(3).map(of).collect(),
        };
        Self { width, height, values }
    }

    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width.max(1))
    }

    fn row(&self, row: usize) -> &[f32] {
        let start = row * self.width;
        self.values.get(start..start + self.width).unwrap_or_default()
    }

    pub(super) fn map(mut self, change: impl Fn(f32) -> f32) -> Self {
        self.values.iter_mut().for_each(|value| *value = change(*value));
        self
    }

    pub(super) fn zip(mut self, other: &Self, change: impl Fn(f32, f32) -> f32) -> Self {
        self.values.iter_mut().zip(&other.values).for_each(|(value, other)| *value = change(*value, *other));
        self
    }

    /// The mean square of what `change` makes of the two planes.
    pub(super) fn mean_square_with(&self, other: &Self, change: impl Fn(f32, f32) -> f32) -> f64 {
        let sums = self.rows().zip(other.rows()).map(|(row, other)| {
            let squares = row.iter().zip(other).map(|(value, other)| change(*value, *other).powi(2));
            f64::from(squares.sum::<f32>())
        });
        sums.sum::<f64>() / self.values.len().max(1) as f64
    }

    /// The middle, of at most this many pixels on each side.
    pub(super) fn middle(&self, side: usize) -> Self {
        let (width, height) = (self.width.min(side), self.height.min(side));
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let rows = self.rows().skip(top).take(height);
        let values = rows.flat_map(|row| row.iter().skip(left).take(width)).copied().collect();
        Self { width, height, values }
    }

    /// The mean of the square of `2 * radius + 1` pixels around each pixel. Beyond the edge, the last pixel repeats.
    pub(super) fn blurred(&self, radius: usize) -> Self {
        let mut result = Self::new(self.width, self.height);
        let side = (2 * radius + 1) as f32;
        let scale = 1.0 / (side * side);
        let last = self.height.saturating_sub(1);
        let mut columns = vec![0.0f32; self.width];
        for row in 0..2 * radius + 1 {
            let row = self.row(row.saturating_sub(radius).min(last));
            columns.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let mut padded = Vec::with_capacity(self.width + 2 * radius + 1);
        for (y, target) in result.values.chunks_exact_mut(self.width.max(1)).enumerate() {
            let (first, end) = (columns.first().copied(), columns.last().copied());
            padded.clear();
            padded.extend(std::iter::repeat_n(first.unwrap_or_default(), radius));
            padded.extend_from_slice(&columns);
            padded.extend(std::iter::repeat_n(end.unwrap_or_default(), radius + 1));
            let mut sum: f32 = padded.iter().take(2 * radius + 1).sum();
            let entering = padded.iter().skip(2 * radius + 1);
            for ((target, leaving), entering) in target.iter_mut().zip(&padded).zip(entering) {
                *target = sum * scale;
                sum += entering - leaving;
            }
            let leaving = self.row(y.saturating_sub(radius));
            let entering = self.row((y + radius + 1).min(last));
            let change = columns.iter_mut().zip(leaving).zip(entering);
            change.for_each(|((sum, leaving), entering)| *sum += entering - leaving);
        }
        result
    }
}

//! MobileNetV2, a convolutional network for images of 224 by 224 pixels
//! ([Sandler and others, 2018](https://arxiv.org/abs/1801.04381)): reads quantized weights, and computes.
//!
//! Written out here: the runtimes for any network take minutes to build, or are a library that the build would have to fetch.

use std::collections::HashMap;

use serde::Deserialize;

/// The sides of an image.
pub(crate) const SIDE: usize = 224;
/// What is added to a variance, as in the training.
const EPSILON: f32 = 0.001;
/// The blocks after the first: how far the depthwise step moves, and whether the input is added to the output.
const BLOCKS: [(usize, bool); 16] = [
    (2, false),
    (1, true),
    (2, false),
    (1, true),
    (1, true),
    (2, false),
    (1, true),
    (1, true),
    (1, true),
    (1, false),
    (1, true),
    (1, true),
    (2, false),
    (1, true),
    (1, true),
    (1, false),
];

/// Why there is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model is not what it must be: {0}")]
pub(crate) struct InvalidModel(&'static str);

/// A value of the manifest: where its weights are, and what they mean.
#[derive(Deserialize)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    min: f64,
    scale: f64,
}

/// A layer: for each input, or each of nine places around a pixel, the weights of all outputs.
struct Layer {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

struct Block {
    expand: Option<Layer>,
    depthwise: Layer,
    project: Layer,
    step: usize,
    adds: bool,
}

/// An image or what a layer made of it: rows of pixels of channels.
struct Map {
    side: usize,
    channels: usize,
    values: Vec<f32>,
}

/// The network with its weights.
pub(crate) struct Network {
    first: Layer,
    blocks: Vec<Block>,
    last: Layer,
    dense: Vec<Layer>,
}

/// The weights by name.
struct Weights(HashMap<String, (Vec<usize>, Vec<f32>)>);

impl Weights {
    /// Reads a manifest and the bytes that it describes, one for each weight.
    fn read(manifest: &str, bytes: &[u8]) -> Result<Self, InvalidModel> {
        let entries: Vec<Entry> = serde_json::from_str(manifest).map_err(|_| InvalidModel("no manifest"))?;
        let mut rest = bytes;
        let mut weights = HashMap::new();
        for Entry { name, shape, min, scale } in entries {
            let count = shape.iter().product();
            let (own, others) = rest.split_at_checked(count).ok_or(InvalidModel("weights are missing"))?;
            rest = others;
            let value = |byte: &u8| f64::from(*byte).mul_add(scale, min) as f32;
            weights.insert(name, (shape, own.iter().map(value).collect()));
        }
        if rest.is_empty() { Ok(Self(weights)) } else { Err(InvalidModel("more weights than named")) }
    }

    fn take(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>), InvalidModel> {
        self.0.remove(name).ok_or(InvalidModel("a layer is missing"))
    }

    /// Returns a convolution with its normalization in one: `outputs` scaled and moved.
    fn convolution(&mut self, name: &str, kernel: &str, norm: &str) -> Result<Layer, InvalidModel> {
        let (shape, mut weights) = self.take(&format!("{name}/{kernel}"))?;
        let mut part = |part: &str| Ok(self.take(&format!("{norm}/{part}"))?.1);
        let (gamma, beta, mean, variance) =
            (part("gamma")?, part("beta")?, part("moving_mean")?, part("moving_variance")?);
        let outputs = gamma.len();
        if outputs == 0
            || [&beta, &mean, &variance].iter().any(|part| part.len() != outputs)
            || !weights.len().is_multiple_of(outputs)
        {
            return Err(InvalidModel("a layer has another shape"));
        }
        let factors: Vec<f32> =
            gamma.iter().zip(&variance).map(|(gamma, variance)| gamma / (variance + EPSILON).sqrt()).collect();
        for row in weights.chunks_exact_mut(outputs) {
            row.iter_mut().zip(&factors).for_each(|(weight, factor)| *weight *= factor);
        }
        let bias = beta.iter().zip(&mean).zip(&factors).map(|((beta, mean), factor)| beta - mean * factor).collect();
        let inputs = if shape.last() == Some(&1) { outputs } else { weights.len() / outputs };
        Ok(Layer { inputs, outputs, weights, bias })
    }

    fn dense(&mut self, name: &str) -> Result<Layer, InvalidModel> {
        let (_, weights) = self.take(&format!("{name}/kernel"))?;
        let (_, bias) = self.take(&format!("{name}/bias"))?;
        let outputs = bias.len();
        if outputs == 0 || !weights.len().is_multiple_of(outputs) {
            return Err(InvalidModel("a layer has another shape"));
        }
        Ok(Layer { inputs: weights.len() / outputs, outputs, weights, bias })
    }
}

impl Layer {
    /// Multiplies each pixel with the weights. Four pixels at once, so that weights that were loaded serve for all of them.
    fn pointwise(&self, map: &Map, is_bounded: bool) -> Map {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let mut values = self.bias.repeat(map.side * map.side);
        for (to, from) in values.chunks_mut(4 * outputs).zip(map.values.chunks(4 * inputs)) {
            if let [a, b, c, d] = split(to, outputs).as_mut_slice()
                && let [w, x, y, z] = from.chunks_exact(inputs).collect::<Vec<_>>().as_slice()
            {
                let pixels = w.iter().zip(*x).zip(y.iter().zip(*z));
                for (row, ((w, x), (y, z))) in self.weights.chunks_exact(outputs).zip(pixels) {
                    let sums = a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut().zip(d.iter_mut()));
                    for (((a, b), (c, d)), weight) in sums.zip(row) {
                        *a += w * weight;
                        *b += x * weight;
                        *c += y * weight;
                        *d += z * weight;
                    }
                }
            } else {
                for (to, from) in to.chunks_exact_mut(outputs).zip(from.chunks_exact(inputs)) {
                    for (row, value) in self.weights.chunks_exact(outputs).zip(from) {
                        to.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
                    }
                }
            }
        }
        if is_bounded {
            bound(&mut values);
        }
        Map { side: map.side, channels: outputs, values }
    }

    /// Multiplies the three by three pixels around each, or every second one, with the weights of each channel.
    fn depthwise(&self, map: &Map, step: usize) -> Map {
        self.around(map, step, |to, from, taps| {
            for ((sum, value), weight) in to.iter_mut().zip(from).zip(taps) {
                *sum += value * weight;
            }
        })
    }

    /// Goes through the three by three pixels around each, or every second one, with the nine parts of the weights.
    fn around(&self, map: &Map, step: usize, add: impl Fn(&mut [f32], &[f32], &[f32])) -> Map {
        let side = map.side / step;
        // A step of two needs no pixels before the first.
        let before = usize::from(step == 1);
        let mut values = self.bias.repeat(side * side);
        let taps: Vec<&[f32]> = self.weights.chunks_exact(self.weights.len() / 9).collect();
        for (place, to) in values.chunks_exact_mut(self.outputs).enumerate() {
            let (top, left) = (place / side * step, place % side * step);
            for (tap, weights) in taps.iter().enumerate() {
                let inside =
                    |start: usize, offset: usize| (start + offset).checked_sub(before).filter(|at| *at < map.side);
                let (Some(y), Some(x)) = (inside(top, tap / 3), inside(left, tap % 3)) else { continue };
                let start = (y * map.side + x) * map.channels;
                if let Some(from) = map.values.get(start..start + map.channels) {
                    add(to, from, weights);
                }
            }
        }
        bound(&mut values);
        Map { side, channels: self.outputs, values }
    }

    /// Multiplies all values with the weights.
    fn dense(&self, values: &[f32]) -> Vec<f32> {
        let mut sums = self.bias.clone();
        for (row, value) in self.weights.chunks_exact(self.outputs).zip(values) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
        }
        sums
    }
}

fn split(values: &mut [f32], length: usize) -> Vec<&mut [f32]> {
    values.chunks_exact_mut(length).collect()
}

/// Bounds values to what the network was trained with.
fn bound(values: &mut [f32]) {
    for value in values {
        *value = value.clamp(0.0, 6.0);
    }
}

impl Network {
    /// Reads the network from a manifest and its weights.
    ///
    /// # Errors
    /// They are not those of this network.
    pub(crate) fn read(manifest: &str, weights: &[u8]) -> Result<Self, InvalidModel> {
        let mut weights = Weights::read(manifest, weights)?;
        let first = weights.convolution("Conv1", "kernel", "bn_Conv1")?;
        let mut block = |name: &str, expands: bool, (step, adds)| -> Result<Block, InvalidModel> {
            let mut layer = |part: &str, kernel| {
                let layer = format!("{name}_{part}");
                weights.convolution(&layer, kernel, &format!("{layer}_BN"))
            };
            let expand = if expands { Some(layer("expand", "kernel")?) } else { None };
            let (depthwise, project) = (layer("depthwise", "depthwise_kernel")?, layer("project", "kernel")?);
            Ok(Block { expand, depthwise, project, step, adds })
        };
        let mut blocks = vec![block("expanded_conv", false, (1, false))?];
        for (number, kind) in (1..).zip(BLOCKS) {
            blocks.push(block(&format!("block_{number}"), true, kind)?);
        }
        let last = weights.convolution("Conv_1", "kernel", "Conv_1_bn")?;
        let dense = ["dense_1", "dense_2", "dense_3"].map(|name| weights.dense(name));
        Ok(Self { first, blocks, last, dense: dense.into_iter().collect::<Result<_, _>>()? })
    }

    /// Returns the probability of each class of an image: rows of pixels of red, green and blue, from 0 to 1.
    pub(crate) fn classify(&self, pixels: Vec<f32>) -> Vec<f32> {
        let image = Map { side: SIDE, channels: 3, values: pixels };
        let mut map = self.first.around(&image, 2, |to, from, taps| {
            for (value, row) in from.iter().zip(taps.chunks_exact(to.len())) {
                to.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
            }
        });
        for Block { expand, depthwise, project, step, adds } in &self.blocks {
            let expanded = expand.as_ref().map(|layer| layer.pointwise(&map, true));
            let mixed = depthwise.depthwise(expanded.as_ref().unwrap_or(&map), *step);
            let mut output = project.pointwise(&mixed, false);
            if *adds {
                output.values.iter_mut().zip(&map.values).for_each(|(sum, value)| *sum += value);
            }
            map = output;
        }
        let map = self.last.pointwise(&map, true);
        let mut values = vec![0.0; map.channels];
        for pixel in map.values.chunks_exact(map.channels) {
            values.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value / 49.0);
        }
        for (number, layer) in self.dense.iter().enumerate() {
            values = layer.dense(&values);
            if number + 1 < self.dense.len() {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
        }
        let most = values.iter().copied().fold(f32::MIN, f32::max);
        values.iter_mut().for_each(|value| *value = (*value - most).exp());
        let sum: f32 = values.iter().sum();
        values.iter_mut().for_each(|value| *value /= sum);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../model/manifest.json");
    const WEIGHTS: &[u8] = include_bytes!("../model/weights.bin");

    fn check(pixel: impl Fn(usize, usize, usize) -> f32, expected: [f32; 5]) {
        let network = Network::read(MANIFEST, WEIGHTS).unwrap();
        let value = |at: usize| pixel(at / 3 % SIDE, at / 3 / SIDE, at % 3);
        let classes = network.classify((0..SIDE * SIDE * 3).map(value).collect());
        let is_near = classes.iter().zip(expected).all(|(is, should)| (is - should).abs() < 1e-4);
        assert!(is_near && classes.len() == 5, "{classes:?} is not {expected:?}");
    }

    /// What TensorFlow.js 4 says about the same pixels, with the model as it is in its package.
    #[test]
    fn network_says_what_tensorflow_says() {
        let drawn = |x: usize, y: usize, c: usize| (((x * 7 + y * 13 + c * 29) ^ (x * y / 32)) % 256) as f32 / 255.0;
        check(drawn, [0.111_663, 0.007_909, 0.864_044, 0.014_560, 0.001_825]);
        check(|_, _, _| 0.5, [0.837_545, 0.023_596, 0.128_795, 0.008_532, 0.001_531]);
    }

    #[test]
    fn model_that_is_not_this_one_is_refused() {
        for (manifest, weights) in [
            (MANIFEST, &WEIGHTS[1..]),
            (MANIFEST, &[WEIGHTS, &[0]].concat()[..]),
            (MANIFEST, &[][..]),
            (&MANIFEST.replace("block_7_expand/kernel", "block_7_other/kernel"), WEIGHTS),
            ("[]", &[]),
            ("", WEIGHTS),
        ] {
            assert!(Network::read(manifest, weights).is_err());
        }
    }
}

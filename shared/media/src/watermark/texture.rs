//! How busy a picture is, place by place: it hides the watermark, and hides it from the detector, too.

use super::plane::Plane;

/// The radius of the neighbourhood whose mean is the background of a pixel.
const BACKGROUND: usize = 8;
/// The radius of the neighbourhood that is averaged to an activity.
const NEIGHBOURHOOD: usize = 8;
/// Changes smaller than this many levels are noise rather than texture.
const FLOOR: f32 = 1.0;
/// Larger changes, in units of the activity, are edges of things.
const LIMIT: f32 = 2.5;

/// The usual change from a pixel to its near surroundings, in levels. The mean of roots, squared: a lone edge counts less
/// than a texture, because the watermark would be seen beside it.
pub(super) fn activity(luma: &Plane) -> Plane {
    luma.blurred(2).zip(luma, |mean, value| (value - mean).abs().sqrt()).blurred(3).map(|root| root * root)
}

/// What the detector looks at: the details of the size of the watermark's waves, about equally strong everywhere.
pub(super) fn details(luma: &Plane) -> Plane {
    let details = luma.blurred(1).zip(&luma.blurred(BACKGROUND), |value, background| value - background);
    let strength = details.clone().map(f32::abs).blurred(NEIGHBOURHOOD);
    details.zip(&strength, |detail, strength| (detail / (strength + FLOOR)).clamp(-LIMIT, LIMIT))
}

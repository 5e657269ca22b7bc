use super::jpeg_segment;

/// A JPEG of 8 by 8 pixels that all have these four stored values, with a marker of Adobe that names this transform, and with
/// this colour profile.
pub(crate) fn inks_jpeg(stored: [u8; 4], transform: Option<u8>, profile: &[u8]) -> Vec<u8> {
    const IDS: [u8; 4] = [1, 2, 3, 4];
    let mut out = vec![0xFF, 0xD8];
    if let Some(transform) = transform {
        out.extend(jpeg_segment(0xEE, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat()));
    }
    if !profile.is_empty() {
        out.extend(jpeg_segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", profile].concat()));
    }
    // A coefficient for the whole block is 8 times its value.
    out.extend(jpeg_segment(0xDB, &[&[0][..], &[8; 64]].concat()));
    let components = IDS.map(|id| [id, 0x11, 0]).concat();
    out.extend(jpeg_segment(0xC0, &[&[8, 0, 8, 0, 8, 4][..], &components].concat()));
    // Lengths of values: twelve codes of four bits. Of the rest of a block: one code of one bit, for its end.
    let (mut lengths, mut ends) = ([0; 16], [0; 16]);
    (lengths[3], ends[0]) = (12, 1);
    let values: Vec<u8> = (0..12).collect();
    out.extend(jpeg_segment(0xC4, &[&[0x00][..], &lengths, &values].concat()));
    out.extend(jpeg_segment(0xC4, &[&[0x10][..], &ends, &[0]].concat()));
    let selectors = IDS.map(|id| [id, 0]).concat();
    out.extend(jpeg_segment(0xDA, &[&[4][..], &selectors, &[0, 63, 0]].concat()));
    let mut bits = String::new();
    for value in stored {
        let level = i32::from(value) - 128;
        let length = usize::try_from(32 - level.unsigned_abs().leading_zeros()).unwrap();
        let coded = if level < 0 { level + (1 << length) - 1 } else { level };
        bits += &format!("{length:04b}");
        if length > 0 {
            bits += &format!("{coded:0length$b}");
        }
        bits.push('0');
    }
    while !bits.len().is_multiple_of(8) {
        bits.push('1');
    }
    for start in (0..bits.len()).step_by(8) {
        let byte = u8::from_str_radix(&bits[start..start + 8], 2).unwrap();
        out.push(byte);
        if byte == 0xFF {
            out.push(0);
        }
    }
    out.extend([0xFF, 0xD9]);
    out
}

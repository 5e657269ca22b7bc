mod canary;
mod checks;
mod fit;
mod images;
mod label;
mod normalize;
mod samples;
mod totality;
mod videos;
mod watermark;

use crate::{FileKind, MediaError, MediaType, UnsupportedFormat, sniff};

#[test]
fn types_are_detected_by_content() {
    let accepted = [
        (samples::jpeg(), MediaType::Jpeg),
        (samples::png(), MediaType::Png),
        (samples::webp(), MediaType::Webp),
        (samples::mp4(), MediaType::Mp4),
        (samples::webm(), MediaType::Webm),
    ];
    for (bytes, media_type) in accepted {
        assert_eq!(sniff(&bytes), Ok(media_type));
        assert_eq!(media_type.mime().parse(), Ok(media_type));
    }
    let refused: [(&[u8], UnsupportedFormat); 15] = [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", UnsupportedFormat::Heic),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", UnsupportedFormat::Avif),
        (b"GIF89a\x01\0\x01\0", UnsupportedFormat::Gif),
        (b"\xEF\xBB\xBF  <svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedFormat::Svg),
        (b"<!DOCTYPE html><script>", UnsupportedFormat::Svg),
        (b"%PDF-1.7", UnsupportedFormat::Pdf),
        (b"II*\0\x08\0\0\0", UnsupportedFormat::Tiff),
        (b"BM\x46\0\0\0\0\0\0\0\x36", UnsupportedFormat::Bmp),
        (b"\xFF\x0A\xFA", UnsupportedFormat::JpegXl),
        (b"\x1A\x45\xDF\xA3\x8B\x42\x82\x88matroska", UnsupportedFormat::Matroska),
        (b"RIFF\0\0\0\0AVI LIST", UnsupportedFormat::Avi),
        (b"RIFF\0\0\0\0WAVEfmt ", UnsupportedFormat::Audio),
        (b"OggS\0\x02", UnsupportedFormat::Audio),
        (b"hello", UnsupportedFormat::Unknown),
        (b"", UnsupportedFormat::Unknown),
    ];
    for (bytes, refusal) in refused {
        assert_eq!(sniff(bytes), Err(refusal), "{}", String::from_utf8_lossy(bytes));
    }
    let error = crate::strip_metadata(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "HEIC is not supported. Export the image as JPEG and try again.");
}

#[test]
fn output_must_have_the_required_kind_and_size() {
    let rule = |kind, max_bytes| crate::OutputRequirements { kind, max_bytes };
    let png = samples::png();
    let measured = crate::check_output(&png, rule(FileKind::Image, 1 << 20)).unwrap();
    assert_eq!((measured.width, measured.height), (24, 32), "the orientation exchanges the sides");
    let mp4 = samples::mp4();
    assert_eq!(crate::check_output(&mp4, rule(FileKind::Video, 1 << 20)).unwrap().duration_ms, Some(300));

    let error = |bytes: &[u8], rule| crate::check_output(bytes, rule).unwrap_err();
    assert!(matches!(error(b"", rule(FileKind::Image, 9)), MediaError::Empty));
    assert_eq!(
        error(&png, rule(FileKind::Image, 9)).to_string(),
        format!("The file has {} bytes. At most 9 bytes are allowed. Reduce its size and try again.", png.len())
    );
    assert_eq!(error(&mp4, rule(FileKind::Image, 1 << 20)).to_string(), "Expected image, got video/mp4.");
    assert_eq!(
        error(b"{\"error\":\"busy\"}", rule(FileKind::Video, 1 << 20)).to_string(),
        "This file type is not supported. Use JPEG, PNG or WebP for images, MP4 or WebM for videos."
    );
    // Sound structure around pixels that are not.
    let hollow = samples::png_with_data(&[0x78, 0x9C, 1, 2, 3]);
    assert!(crate::inspect(&hollow).is_ok());
    assert!(matches!(error(&hollow, rule(FileKind::Image, 1 << 20)), MediaError::Decode { .. }));
}

#[test]
fn a_note_that_is_too_long_is_refused() {
    let note = "&".repeat(crate::MAX_NOTE_BYTES);
    let marked = crate::mark_generated(samples::jpeg(), &note, None).unwrap();
    assert!(crate::inspect(&marked).is_ok());
    assert!(matches!(crate::mark_generated(samples::jpeg(), &format!("{note}&"), None), Err(MediaError::NoteTooLong)));
}

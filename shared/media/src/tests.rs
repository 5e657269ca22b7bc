mod pictures;
mod samples;
mod totality;
mod videos;

use crate::{Kind, MediaError, MediaType, Refusal, Sniffed, sniff};
use samples::CANARY;

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Checks that stripping removes every canary, is stable, and leaves what is measured as it was.
fn check_stripped(file: &[u8]) -> Vec<u8> {
    assert!(contains(file, CANARY), "the sample must hold what is to be removed");
    let stripped = crate::strip(file.to_vec()).unwrap();
    assert!(!contains(&stripped, CANARY), "a canary is left: {}", String::from_utf8_lossy(&stripped));
    assert_eq!(crate::strip(stripped.clone()).unwrap(), stripped, "stripping twice is the same as once");
    assert_eq!(crate::measure(&stripped).unwrap(), crate::measure(file).unwrap());
    stripped
}

/// Checks that a file that ends anywhere before its end is refused.
fn check_cuts(file: &[u8]) {
    for length in 0..file.len() {
        assert!(crate::measure(&file[..length]).is_err(), "cut to {length} of {} bytes", file.len());
    }
}

fn check_mark(file: Vec<u8>) -> Vec<u8> {
    let marked = crate::mark_generated(file, "made <by> Darkroom & co").unwrap();
    let packet = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
    assert!(contains(&marked, packet.as_bytes()));
    assert!(contains(&marked, b"made &lt;by&gt; Darkroom &amp; co"));
    assert!(!contains(&marked, CANARY));
    let again = crate::mark_generated(marked.clone(), "made <by> Darkroom & co").unwrap();
    assert!(again == marked, "marking again replaces the mark");
    assert!(!contains(&crate::strip(marked.clone()).unwrap(), packet.as_bytes()), "stripping removes the mark");
    marked
}

#[test]
fn types_are_recognised_by_content_and_refusals_have_names() {
    let accepted = [
        (samples::jpeg(), MediaType::Jpeg),
        (samples::png(), MediaType::Png),
        (samples::webp(), MediaType::Webp),
        (samples::mp4(), MediaType::Mp4),
        (samples::webm(), MediaType::Webm),
    ];
    for (bytes, media_type) in accepted {
        assert_eq!(sniff(&bytes), Sniffed::Accepted(media_type));
        assert_eq!(media_type.mime().parse(), Ok(media_type));
    }
    let refused: [(&[u8], Refusal); 16] = [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Refusal::Heic),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Refusal::Avif),
        (b"\0\0\0\x14ftypM4A \0\0\0\0isom", Refusal::Audio),
        (b"GIF89a\x01\0\x01\0", Refusal::Gif),
        (b"\xEF\xBB\xBF  <svg xmlns='http://www.w3.org/2000/svg'/>", Refusal::Svg),
        (b"<!DOCTYPE html><script>", Refusal::Svg),
        (b"%PDF-1.7", Refusal::Pdf),
        (b"II*\0\x08\0\0\0", Refusal::Tiff),
        (b"BM\x46\0\0\0\0\0\0\0\x36", Refusal::Bmp),
        (b"\xFF\x0A\xFA", Refusal::JpegXl),
        (b"\x1A\x45\xDF\xA3\x8B\x42\x82\x88matroska", Refusal::Matroska),
        (b"RIFF\0\0\0\0AVI LIST", Refusal::Avi),
        (b"RIFF\0\0\0\0WAVEfmt ", Refusal::Audio),
        (b"OggS\0\x02", Refusal::Audio),
        (b"hello", Refusal::Unknown),
        (b"", Refusal::Unknown),
    ];
    for (bytes, refusal) in refused {
        assert_eq!(sniff(bytes), Sniffed::Refused(refusal), "{}", String::from_utf8_lossy(bytes));
    }
    let error = crate::strip(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "heic cannot be stripped of its metadata here: convert it to JPEG");
}

#[test]
fn an_output_must_be_of_the_kind_and_size_that_was_asked_for() {
    let rule = |kind, max_bytes| crate::OutputRule { kind, max_bytes };
    let png = samples::png();
    let measured = crate::check_output(&png, rule(Kind::Image, 1 << 20)).unwrap();
    assert_eq!((measured.width, measured.height), (24, 32), "the orientation exchanges the sides");
    let mp4 = samples::mp4();
    assert_eq!(crate::check_output(&mp4, rule(Kind::Video, 1 << 20)).unwrap().duration_ms, Some(300));

    let error = |bytes: &[u8], rule| crate::check_output(bytes, rule).unwrap_err();
    assert!(matches!(error(b"", rule(Kind::Image, 9)), MediaError::Empty));
    assert_eq!(
        error(&png, rule(Kind::Image, 9)).to_string(),
        format!("the file has {} bytes, and at most 9 are allowed", png.len())
    );
    assert_eq!(error(&mp4, rule(Kind::Image, 1 << 20)).to_string(), "the file is video/mp4, where image was expected");
    assert_eq!(
        error(b"{\"error\":\"busy\"}", rule(Kind::Video, 1 << 20)).to_string(),
        "the file is none of the accepted types: JPEG, PNG, WebP, MP4, WebM"
    );
    // Sound structure around pixels that are not.
    let hollow = samples::png_with_data(&[0x78, 0x9C, 1, 2, 3]);
    assert!(crate::measure(&hollow).is_ok());
    assert!(matches!(error(&hollow, rule(Kind::Image, 1 << 20)), MediaError::Decode { .. }));
}

#[test]
fn a_note_that_is_too_long_is_refused() {
    let note = "&".repeat(crate::MAX_NOTE_BYTES);
    let marked = crate::mark_generated(samples::jpeg(), &note).unwrap();
    assert!(crate::measure(&marked).is_ok());
    assert!(matches!(crate::mark_generated(samples::jpeg(), &format!("{note}&")), Err(MediaError::NoteTooLong)));
}

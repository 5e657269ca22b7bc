use super::checks::{check_cuts, check_mark, check_stripped, contains};
use super::samples::{self, pixels};
use crate::{MediaError, MediaType, UnsupportedFormat, create_preview, inspect};
use image::GenericImageView;

#[test]
fn mp4_loses_metadata_and_data_tracks_and_plays_the_same() {
    let file = samples::mp4();
    let measured = inspect(&file).unwrap();
    assert_eq!((measured.media_type, measured.width, measured.height), (MediaType::Mp4, 48, 64));
    assert_eq!(measured.duration_ms, Some(300));
    let stripped = check_stripped(&file);
    let marked = check_mark(file.clone());
    assert!(!contains(&stripped, b"CANA"), "neither times nor vendors are left");
    assert!(file.starts_with(&stripped[..32]), "offsets do not move");
    let before = create_preview(&file, 64).unwrap();
    assert_eq!((before.width, before.height), (48, 64), "the frame is turned as the track asks for");
    assert_eq!(create_preview(&stripped, 64).unwrap(), before);
    assert_eq!(create_preview(&marked, 64).unwrap(), before);
    // The first frame's colour, within what coding costs.
    let colour = pixels(&before.jpeg).get_pixel(20, 30).0;
    for (is, was) in colour.into_iter().zip([0_u8, 200, 90]) {
        assert!(is.abs_diff(was) < 24, "{colour:?}");
    }
}

#[test]
fn fragmented_mp4_is_measured_by_fragments_and_stripped() {
    let file = samples::fragmented_mp4(None);
    assert_eq!(inspect(&file).unwrap().duration_ms, Some(350));
    check_stripped(&file);
    check_mark(file.clone());
    assert!(matches!(create_preview(&file, 64), Err(MediaError::NoVideoFrame { .. })));
    let with_data = crate::strip_metadata(samples::fragmented_mp4(Some(b"meta"))).unwrap_err();
    assert!(with_data.to_string().contains("tracks other than video and audio"), "{with_data}");
}

#[test]
fn webm_loses_its_metadata_and_keeps_its_blocks_in_place() {
    let file = samples::webm();
    let measured = inspect(&file).unwrap();
    assert_eq!((measured.media_type, measured.width, measured.height), (MediaType::Webm, 320, 180));
    assert_eq!(measured.duration_ms, Some(1033), "without a duration the last block tells");
    let stripped = check_stripped(&file);
    assert_eq!(stripped.len(), file.len());
    for block in [&b"first"[..], b"second", b"third", b"vorbis-parameters", b"vorbis-setup"] {
        let place = |bytes: &[u8]| bytes.windows(block.len()).position(|window| window == block).unwrap();
        assert_eq!(place(&stripped), place(&file));
    }
    assert!(matches!(
        crate::strip_metadata(samples::webm_with_track_type(0x11)),
        Err(MediaError::UnsupportedFeature { .. })
    ));
    assert!(matches!(create_preview(&file, 64), Err(MediaError::NoVideoFrame { .. })));
    assert!(matches!(crate::mark_generated(file, "", None), Err(MediaError::UnsupportedFeature { .. })));
}

#[test]
fn encrypted_webm_is_refused() {
    let error = crate::strip_metadata(samples::encrypted_webm()).unwrap_err();
    assert!(error.to_string().contains("it is encrypted. Export it without copy protection"), "{error}");
}

#[test]
fn video_that_is_cut_is_refused() {
    let file = crate::strip_metadata(samples::mp4()).unwrap();
    check_cuts(&file);
    // The media data shrinks, its box with it: only the sample tables tell.
    let mdat = file.windows(4).position(|window| window == b"mdat").unwrap() - 4;
    let mut short = file[..file.len() - 20].to_vec();
    let size = u32::try_from(short.len() - mdat).unwrap();
    short[mdat..mdat + 4].copy_from_slice(&size.to_be_bytes());
    assert_eq!(
        inspect(&short).unwrap_err().to_string(),
        "The MP4 file is cut short: the media data is incomplete. Export the file again and try again."
    );
}

#[test]
fn codec_whose_samples_may_contain_metadata_is_refused() {
    let error = crate::strip_metadata(samples::mp4_with_codec(b"jpeg")).unwrap_err();
    assert!(error.to_string().contains("codec is not supported"), "{error}");
    assert!(matches!(create_preview(&samples::mp4_with_codec(b"hvc1"), 64), Err(MediaError::NoVideoFrame { .. })));
}

#[test]
fn mp4_is_audio_only_without_a_video_track() {
    let brands = |file: &[u8]| {
        let size = u32::from_be_bytes(file[..4].try_into().unwrap()) as usize;
        let ftyp = b"\0\0\0\x18ftypM4V \0\0\0\x01M4V M4A ";
        [ftyp, &file[size..]].concat()
    };
    // What iTunes writes into its videos.
    let video = brands(&samples::fragmented_mp4(None));
    assert_eq!(inspect(&video).unwrap().media_type, MediaType::Mp4);
    let mut audio = video;
    while let Some(at) = audio.windows(4).position(|kind| kind == b"vide") {
        audio[at..at + 4].copy_from_slice(b"soun");
    }
    assert!(matches!(inspect(&audio), Err(MediaError::UnsupportedFormat(UnsupportedFormat::Audio))));
}

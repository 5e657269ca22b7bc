//! Checks the output of a provider, and marks and signs it once it passed the gate. Heavy on the processor, and blocks while the key signs.

use domain::{catalogue::models::MediaKind, moderation::blocklist::Fingerprints};
use media::{
    AigcLabel, MediaError, MediaInfo, MediaType, OutputRequirements, Preview, VisibleLabel,
    watermark::{self, WatermarkKey},
};
use provenance::{Claim, EarlierManifest, Manifest, SignError, Signed, Signer, TimeStamp};
use ring::digest::{SHA256, digest};

/// The largest image that is stored.
const IMAGE_BYTES: u64 = 25 << 20;
/// The largest video that is stored.
const VIDEO_BYTES: u64 = 100 << 20;
/// The longer side of a thumbnail.
const THUMBNAIL_SIDE_PX: u32 = 512;

/// A file as it is stored.
#[derive(Debug)]
pub(crate) struct File {
    /// Its content: without the metadata of the provider, marked as generated, and signed.
    pub(crate) bytes: Vec<u8>,
    /// Its type and dimensions.
    pub(crate) measured: MediaInfo,
    /// Its preview, marked as generated, where it could be decoded.
    pub(crate) preview: Option<Preview>,
    /// What copies of it are recognised by.
    pub(crate) fingerprints: Fingerprints,
    /// What was found of a manifest in the file of the provider.
    pub(crate) earlier: EarlierManifest,
    /// What became of the time stamp of its signature.
    pub(crate) time_stamp: TimeStamp,
}

/// Says why there is no file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// The file of the provider cannot be used.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// It was not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// The marks of an output beside its manifest.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// What the watermark says: bits that belong to the output and tell nothing about it.
    pub(crate) bits: u64,
    /// The key of the deployment.
    pub(crate) key: WatermarkKey,
    /// The visible label, if it is to have one.
    pub(crate) visible_label: Option<VisibleLabel>,
    /// The operator, as the label for China names them, if they want that label.
    pub(crate) aigc_producer: Option<String>,
}

impl Mark {
    /// Writes the marks into the metadata of a file. Its id there is that of the watermark.
    fn write(&self, bytes: Vec<u8>, note: &str) -> Result<Vec<u8>, MediaError> {
        let id = format!("{:016x}", self.bits);
        let label = self.aigc_producer.as_deref().map(|producer| AigcLabel { producer, id: &id });
        media::mark_generated(bytes, note, label)
    }
}

/// A file of a provider that can be used: it is not marked yet.
#[derive(Debug)]
pub(crate) struct Received {
    bytes: Vec<u8>,
    measured: MediaInfo,
    max_bytes: u64,
}

/// Checks a file of a provider.
///
/// # Errors
/// It is of another kind, of a format that cannot be marked, damaged, empty, or too large.
pub(crate) fn read(bytes: Vec<u8>, kind: MediaKind) -> Result<Received, MediaError> {
    let rule = match kind {
        MediaKind::Image => OutputRequirements { kind: media::FileKind::Image, max_bytes: IMAGE_BYTES },
        MediaKind::Video => OutputRequirements { kind: media::FileKind::Video, max_bytes: VIDEO_BYTES },
    };
    let measured = media::check_output(&bytes, rule)?;
    media::check_markable(measured.media_type)?;
    Ok(Received { bytes, measured, max_bytes: rule.max_bytes })
}

impl Received {
    /// Returns what a classifier sees of it, without the metadata of the provider, and its type: the image, or the first frame of a
    /// video. The whole file stands for a video of which no frame can be decoded.
    ///
    /// # Errors
    /// Its metadata cannot be removed.
    pub(crate) fn seen(&self) -> Result<(Vec<u8>, MediaType), MediaError> {
        if self.measured.duration_ms.is_some()
            && let Ok(frame) = media::create_preview(&self.bytes, THUMBNAIL_SIDE_PX)
        {
            return Ok((frame.jpeg, MediaType::Jpeg));
        }
        Ok((media::strip_metadata(self.bytes.clone())?, self.measured.media_type))
    }

    /// Draws the visible label and the watermark into its pixels, removes its metadata, marks it as generated, signs it, and creates
    /// its preview. The same bytes give the same file but for the id and the signature of its manifest, which has the same length.
    ///
    /// # Errors
    /// It is damaged, cannot have the visible label that it is to have, or was not signed.
    pub(crate) fn finish(self, mark: &Mark, (claim, signer): (&Claim<'_>, &Signer)) -> Result<File, OutputError> {
        let Self { bytes, measured, max_bytes } = self;
        let note = format!("Generated with Darkroom by the model {}", claim.model);
        let manifest = Manifest::begin(&bytes, measured.media_type.mime())?;
        let earlier = manifest.earlier().clone();
        let label = mark.visible_label.as_ref();
        let (bytes, measured) = match watermark::embed_file(&bytes, label, mark.bits, &mark.key)? {
            Some(marked) if u64::try_from(marked.len()).is_ok_and(|bytes| bytes <= max_bytes) => {
                let measured = media::inspect(&marked)?;
                (marked, measured)
            }
            Some(marked) if label.is_some() => {
                return Err(MediaError::TooLarge { bytes: marked.len() as u64, max_bytes }.into());
            }
            Some(_) => {
                tracing::warn!("a file with a watermark would be too large: it has none");
                (bytes, measured)
            }
            None => {
                tracing::info!(
                    kind = measured.media_type.mime(),
                    "a file has no watermark: it is too small, or of another codec"
                );
                (bytes, measured)
            }
        };
        let bytes = mark.write(bytes, &note)?;
        let Signed { file: bytes, time_stamp } = manifest.sign(&bytes, claim, signer)?;
        let preview = create_preview(&bytes, mark, &note)
            .inspect_err(|error| tracing::info!(error = %error, "a file has no preview"))
            .ok();
        let sha256 = hex::encode(digest(&SHA256, &bytes));
        let fingerprints = Fingerprints { sha256, pdq: preview.as_ref().and_then(|preview| preview.pdq.clone()) };
        Ok(File { bytes, measured, preview, fingerprints, earlier, time_stamp })
    }
}

/// Creates the preview of an output. Its thumbnail has the mark in its metadata, and no manifest: it is a copy beside a file that
/// has one.
fn create_preview(bytes: &[u8], mark: &Mark, note: &str) -> Result<Preview, MediaError> {
    let preview = media::create_preview(bytes, THUMBNAIL_SIDE_PX)?;
    Ok(Preview { jpeg: mark.write(preview.jpeg, note)?, ..preview })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use providers::{Outputs, PollResponse, Provider, ProviderRequest, Sketch, StartResponse};

    use super::*;

    /// A signer whose key is in this process, as KMS has one.
    fn signer() -> Signer {
        numbered_signer(1)
    }

    fn numbered_signer(number: u8) -> Signer {
        let key = fake_aws::signing::Key::numbered(number).unwrap();
        let chain =
            provenance::CertificateChain::issue(&key.public(), "2026-11-01T12:00:00Z".parse().unwrap()).unwrap();
        Signer::new(chain, move |digest| Ok(key.sign(digest)?))
    }

    fn mark() -> Mark {
        let key = WatermarkKey::new([7; 32]);
        Mark { bits: 0x0123_4567_89ab_cdef, key, visible_label: None, aigc_producer: None }
    }

    fn finished(bytes: Vec<u8>, kind: MediaKind) -> Result<File, OutputError> {
        finished_by(bytes, kind, &signer())
    }

    fn finished_by(bytes: Vec<u8>, kind: MediaKind, signer: &Signer) -> Result<File, OutputError> {
        let at = "2026-11-01T12:00:00Z".parse().unwrap();
        let mark = mark();
        finished_with(bytes, kind, &mark, (signer, at))
    }

    fn finished_with(
        bytes: Vec<u8>,
        kind: MediaKind,
        mark: &Mark,
        (signer, at): (&Signer, jiff::Timestamp),
    ) -> Result<File, OutputError> {
        let visible_label = mark.visible_label.as_ref().map(VisibleLabel::text);
        let claim = Claim { model: "some-model", provider: "sketch", has_starting_image: false, visible_label, at };
        read(bytes, kind)?.finish(mark, (&claim, signer))
    }

    /// The brightest level in the lower right corner of a picture.
    fn corner(picture: &[u8]) -> u8 {
        let media::Preview { jpeg, width, height, .. } = media::create_preview(picture, 512).unwrap();
        let shown =
            image::load_from_memory(&jpeg).unwrap().crop_imm(width / 2, height - 24, width / 2, 24).into_luma8();
        shown.pixels().map(|pixel| pixel.0[0]).max().unwrap()
    }

    #[tokio::test]
    async fn label_for_china_and_visible_label_are_signed_and_in_the_thumbnail() {
        let at = "2026-11-01T12:00:00Z".parse().unwrap();
        for (output, kind) in
            [(providers::OutputKind::Image, MediaKind::Image), (providers::OutputKind::Video, MediaKind::Video)]
        {
            let bytes = sketched(output, 512).await;
            let visible_label = Some(VisibleLabel::new("AI generated").unwrap());
            let mark = Mark { visible_label, aigc_producer: Some("operator 17".to_owned()), ..mark() };
            let file = finished_with(bytes.clone(), kind, &mark, (&signer(), at)).unwrap();
            let credentials = |file: &File| match provenance::check(
                &file.bytes,
                file.measured.media_type.mime(),
                signer().chain().pem(),
            ) {
                provenance::CredentialsCheck::Found(credentials) => *credentials,
                other => panic!("{other:?}"),
            };
            let checked = credentials(&file);
            assert!(checked.valid && checked.actions.last().unwrap().action == "c2pa.addedText", "{checked:?}");
            let thumbnail = file.preview.as_ref().unwrap().jpeg.clone();
            let label = r#"{"Label":"1","ContentProducer":"operator 17","ProduceID":"0123456789abcdef","#;
            for marked in [&file.bytes, &thumbnail] {
                assert!(contains(marked, label) && corner(marked) > 200, "{kind:?}: {}", corner(marked));
            }
            // The signature covers the label.
            let mut forged = file;
            let at = forged.bytes.windows(label.len()).position(|window| window == label.as_bytes()).unwrap();
            forged.bytes[at + 10] = b'2';
            assert!(!credentials(&forged).valid, "the label can be changed");
            let plain = finished(bytes, kind).unwrap();
            assert!(!contains(&plain.bytes, "AIGC") && credentials(&plain).actions.len() == 1);
        }
    }

    async fn sketched(kind: providers::OutputKind, side: u32) -> Vec<u8> {
        let request = ProviderRequest {
            kind,
            model: "sketch".to_owned(),
            prompt: "a lighthouse".to_owned(),
            negative_prompt: None,
            width: side,
            height: side / 2,
            quality: None,
            count: 1,
            seed: Some(7),
            duration_ms: Some(200),
            reference_image: None,
            callback: None,
        };
        let kept = Kept::default();
        let mut started = match Sketch::default().start(&request, &kept).await.unwrap() {
            StartResponse::Done => None,
            StartResponse::Job { id, .. } => Some(id),
        };
        while let Some(job) = started {
            started = match Sketch::default().poll(&job, &kept).await.unwrap() {
                PollResponse::Done => None,
                PollResponse::Pending { job: next, .. } => Some(next.unwrap_or(job)),
            };
        }
        kept.0.into_inner().unwrap()
    }

    /// Keeps the last output.
    #[derive(Default)]
    struct Kept(Mutex<Vec<u8>>);

    #[async_trait]
    impl Outputs for Kept {
        async fn take(&self, bytes: Vec<u8>) {
            *self.0.lock().unwrap() = bytes;
        }
    }

    fn contains(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    fn check(file: &File, media_type: MediaType, size: (u32, u32), thumbnail: (u32, u32)) {
        assert_eq!((file.measured.media_type, file.measured.width, file.measured.height), (media_type, size.0, size.1));
        assert!(contains(&file.bytes, "trainedAlgorithmicMedia"));
        assert!(contains(&file.bytes, "the model some-model"));
        assert!(!contains(&file.bytes, "lighthouse"));
        assert_eq!(file.earlier, EarlierManifest::None);
        let preview = file.preview.as_ref().unwrap();
        assert_eq!((preview.width, preview.height), thumbnail);
        assert!(!preview.thumbhash.is_empty());
    }

    #[tokio::test]
    async fn image_is_measured_marked_and_previewed() {
        let file = finished(sketched(providers::OutputKind::Image, 1024).await, MediaKind::Image).unwrap();
        check(&file, MediaType::Png, (1024, 512), (512, 256));
        assert_eq!(file.measured.duration_ms, None);
    }

    #[tokio::test]
    async fn video_is_measured_marked_and_previewed() {
        let file = finished(sketched(providers::OutputKind::Video, 128).await, MediaKind::Video).unwrap();
        check(&file, MediaType::Mp4, (128, 64), (128, 64));
        assert!(file.measured.duration_ms.is_some());
    }

    #[tokio::test]
    async fn same_bytes_give_the_same_file_but_for_the_signature() {
        for (output, kind) in
            [(providers::OutputKind::Image, MediaKind::Image), (providers::OutputKind::Video, MediaKind::Video)]
        {
            let bytes = sketched(output, 128).await;
            let signer = signer();
            let first = finished_by(bytes.clone(), kind, &signer).unwrap();
            let second = finished_by(bytes, kind, &signer).unwrap();
            assert_ne!(first.bytes, second.bytes);
            assert_eq!((first.bytes.len(), first.preview), (second.bytes.len(), second.preview));
            assert_eq!(first.measured, second.measured);
        }
    }

    #[tokio::test]
    async fn output_is_signed_over_its_mark_and_its_thumbnail_is_marked() {
        for (output, kind) in
            [(providers::OutputKind::Image, MediaKind::Image), (providers::OutputKind::Video, MediaKind::Video)]
        {
            let file = finished(sketched(output, 128).await, kind).unwrap();
            let mime = file.measured.media_type.mime();
            let check = |bytes: &[u8]| match provenance::check(bytes, mime, signer().chain().pem()) {
                provenance::CredentialsCheck::Found(credentials) => credentials.valid,
                other => panic!("{other:?}"),
            };
            assert!(check(&file.bytes));
            let mark = file.bytes.windows(9).position(|window| window == b"the model").unwrap();
            let mut forged = file.bytes.clone();
            forged[mark] = b'T';
            assert!(!check(&forged), "the mark can be changed");
            assert!(contains(&file.preview.unwrap().jpeg, "trainedAlgorithmicMedia"));
        }
    }

    /// A video as a provider sends it that signs its files.
    async fn signed_by_provider() -> Vec<u8> {
        let plain = sketched(providers::OutputKind::Video, 128).await;
        let at = "2026-11-01T12:00:00Z".parse().unwrap();
        let claim =
            Claim { model: "of the provider", provider: "another", has_starting_image: false, visible_label: None, at };
        let manifest = Manifest::begin(&plain, "video/mp4").unwrap();
        manifest.sign(&plain, &claim, &numbered_signer(9)).unwrap().file
    }

    fn of_video(bytes: &[u8], signer: &Signer) -> provenance::Credentials {
        match provenance::check(bytes, "video/mp4", signer.chain().pem()) {
            provenance::CredentialsCheck::Found(credentials) => *credentials,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn manifest_of_the_provider_in_a_video_is_verified_and_stays_as_an_ingredient() {
        let (received, own) = (signed_by_provider().await, signer());
        let before = of_video(&received, &own);
        assert!(before.valid && !before.trusted && before.ingredients.is_empty(), "{before:?}");
        let file = finished_by(received, MediaKind::Video, &own).unwrap();
        let problems = "signingCredential.untrusted".to_owned();
        assert_eq!(file.earlier, EarlierManifest::Kept { valid: true, problems });
        let credentials = of_video(&file.bytes, &own);
        assert!(credentials.trusted && credentials.problems.is_empty(), "{credentials:?}");
        let actions: Vec<_> = credentials.actions.iter().map(|action| action.action.as_str()).collect();
        assert_eq!(actions, ["c2pa.opened", "c2pa.edited"]);
        let [parent] = credentials.ingredients.as_slice() else { panic!("{credentials:?}") };
        assert_eq!((parent.relationship.as_str(), parent.signer.as_deref()), ("parentOf", Some("Darkroom")));
        assert!(contains(&file.bytes, "of the provider"), "the manifest of the provider is gone");
    }

    #[tokio::test]
    async fn video_that_was_changed_after_its_provider_signed_it_is_said_to_be() {
        let (mut changed, own) = (signed_by_provider().await, signer());
        // The lowest byte of the time at which the video was created, which nobody sees.
        let header = changed.windows(4).position(|window| window == b"mvhd").unwrap();
        changed[header + 11] ^= 1;
        let before = of_video(&changed, &own);
        assert!(!before.valid && before.problems.iter().any(|code| code.contains("bmffHash.mismatch")), "{before:?}");
        let file = finished_by(changed, MediaKind::Video, &own).unwrap();
        let EarlierManifest::Kept { valid: false, problems } = &file.earlier else { panic!("{:?}", file.earlier) };
        assert!(problems.contains("bmffHash.mismatch"), "{problems}");
        let credentials = of_video(&file.bytes, &own);
        assert!(credentials.trusted && credentials.ingredients.len() == 1, "{credentials:?}");
        assert!(contains(&file.bytes, "bmffHash.mismatch"), "the ingredient does not say that it was changed");
    }

    /// A WebM file of one frame, 320 by 180.
    fn webm() -> Vec<u8> {
        fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
            let size = u32::try_from(content.len()).unwrap() | 0x1000_0000;
            [id, &size.to_be_bytes(), content].concat()
        }
        let header = element(b"\x1a\x45\xdf\xa3", &element(b"\x42\x82", b"webm"));
        let scale = element(b"\x2a\xd7\xb1", &1_000_000_u32.to_be_bytes());
        let info = element(b"\x15\x49\xa9\x66", &[scale, element(b"\x44\x89", &1000_f32.to_be_bytes())].concat());
        let size = [element(b"\xb0", &320_u16.to_be_bytes()), element(b"\xba", &[180])].concat();
        let track =
            [element(b"\xd7", &[1]), element(b"\x73\xc5", &[1]), element(b"\x83", &[1]), element(b"\x86", b"V_VP9")];
        let track = [track.concat(), element(b"\xe0", &size)].concat();
        let tracks = element(b"\x16\x54\xae\x6b", &element(b"\xae", &track));
        let cluster = [element(b"\xe7", &[0]), element(b"\xa3", b"\x81\0\0\x80frame")].concat();
        let segment = [info, tracks, element(b"\x1f\x43\xb6\x75", &cluster)].concat();
        [header, element(b"\x18\x53\x80\x67", &segment)].concat()
    }

    #[test]
    fn webm_is_refused_as_it_cannot_be_marked() {
        media::inspect(&webm()).unwrap();
        let refused = read(webm(), MediaKind::Video).unwrap_err();
        assert!(refused.to_string().contains("no place for a provenance mark"), "{refused}");
    }

    #[tokio::test]
    async fn output_of_another_kind_or_damaged_is_refused() {
        let image = sketched(providers::OutputKind::Image, 128).await;
        let cut = image[..image.len() / 2].to_vec();
        let refused = |bytes, kind| match finished(bytes, kind) {
            Err(OutputError::Media(error)) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(refused(image, MediaKind::Video), MediaError::WrongKind { .. }));
        refused(cut, MediaKind::Image);
        assert!(matches!(refused(Vec::new(), MediaKind::Image), MediaError::Empty));
        refused(b"<html>Not Found</html>".to_vec(), MediaKind::Image);
        let large = vec![0; usize::try_from(IMAGE_BYTES).unwrap() + 1];
        assert!(matches!(refused(large, MediaKind::Image), MediaError::TooLarge { .. }));
    }
}

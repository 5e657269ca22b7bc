mod time_stamps;

use std::io::Cursor;

use fake_aws::signing::Key;
use image::{DynamicImage, ImageFormat, RgbImage};
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::{
    CertificateChain, CertificateError, Claim, Credentials, CredentialsCheck, EarlierManifest, Manifest, SignError,
    Signer, check,
};

const FORMATS: [(ImageFormat, &str); 3] =
    [(ImageFormat::Png, "image/png"), (ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::WebP, "image/webp")];

fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

/// Returns the signer with the key of this number, and a new chain.
fn signer(number: u8) -> Signer {
    let key = Key::numbered(number).unwrap();
    let chain = CertificateChain::issue(&key.public(), now()).unwrap();
    Signer::new(chain, move |digest| Ok(key.sign(digest)?))
}

fn picture(format: ImageFormat) -> Vec<u8> {
    let pixels =
        RgbImage::from_fn(64, 48, |x, y| image::Rgb([u8::try_from(x * 3).unwrap(), u8::try_from(y * 5).unwrap(), 90]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn claim(has_starting_image: bool) -> Claim<'static> {
    Claim { model: "sketch-image", provider: "sketch", has_starting_image, visible_label: None, at: now() }
}

fn sign(file: &[u8], media_type: &'static str, has_starting_image: bool, signer: &Signer) -> Vec<u8> {
    Manifest::begin(file, media_type).unwrap().sign(file, &claim(has_starting_image), signer).unwrap().file
}

fn found(file: &[u8], media_type: &str, anchors: &str) -> Credentials {
    match check(file, media_type, anchors) {
        CredentialsCheck::Found(credentials) => *credentials,
        other => panic!("{media_type}: {other:?}"),
    }
}

fn actions(credentials: &Credentials) -> Vec<&str> {
    credentials.actions.iter().map(|action| action.action.as_str()).collect()
}

#[test]
fn signed_image_is_valid_and_trusted_under_the_chain_of_its_key_only() {
    let (own, another) = (signer(1), signer(2));
    for (format, media_type) in FORMATS {
        let signed = sign(&picture(format), media_type, false, &own);
        let credentials = found(&signed, media_type, own.chain().pem());
        assert!(credentials.valid && credentials.trusted, "{media_type}: {credentials:?}");
        assert_eq!(credentials.problems, [""; 0], "{media_type}");
        assert_eq!(credentials.signer.as_deref(), Some("Darkroom"));
        assert_eq!(credentials.claim_generator, Some(format!("Darkroom {}", env!("CARGO_PKG_VERSION"))));
        assert_eq!(actions(&credentials), ["c2pa.created"]);
        assert_eq!(credentials.actions[0].source_type.as_deref(), Some(crate::TRAINED_ALGORITHMIC_MEDIA));
        for anchors in ["", another.chain().pem()] {
            let credentials = found(&signed, media_type, anchors);
            assert!(credentials.valid && !credentials.trusted, "{media_type}: {credentials:?}");
            assert_eq!(credentials.problems, ["signingCredential.untrusted"], "{media_type}");
        }
    }
}

#[test]
fn changed_pixel_makes_the_signature_invalid() {
    let own = signer(1);
    for (format, media_type) in FORMATS {
        let mut signed = sign(&picture(format), media_type, false, &own);
        let at = signed.len() - 40;
        signed[at] ^= 1;
        let credentials = found(&signed, media_type, own.chain().pem());
        assert!(!credentials.valid && !credentials.trusted, "{media_type}: {credentials:?}");
    }
}

#[test]
fn starting_image_is_named_as_what_the_output_was_made_from() {
    let own = signer(1);
    let signed = sign(&picture(ImageFormat::Png), "image/png", true, &own);
    let credentials = found(&signed, "image/png", own.chain().pem());
    assert!(credentials.trusted, "{credentials:?}");
    assert_eq!(actions(&credentials), ["c2pa.opened", "c2pa.edited"]);
    assert_eq!(credentials.ingredients[0].relationship, "parentOf");
    assert_eq!(credentials.ingredients.len(), 1);
}

#[test]
fn visible_label_is_an_action_after_the_others() {
    let own = signer(1);
    for (format, media_type) in FORMATS {
        for has_starting_image in [false, true] {
            let plain = picture(format);
            let claim = Claim { visible_label: Some("AI generated"), ..claim(has_starting_image) };
            let signed = Manifest::begin(&plain, media_type).unwrap().sign(&plain, &claim, &own).unwrap().file;
            let credentials = found(&signed, media_type, own.chain().pem());
            assert!(credentials.trusted && credentials.problems.is_empty(), "{media_type}: {credentials:?}");
            let (last, before) = credentials.actions.split_last().unwrap();
            assert_eq!((last.action.as_str(), last.source_type.as_deref()), ("c2pa.addedText", None));
            assert_eq!(before.len(), 1 + usize::from(has_starting_image), "{credentials:?}");
            let text = b"Visible label: AI generated";
            assert!(signed.windows(text.len()).any(|window| window == text));
        }
    }
}

#[test]
fn manifest_of_the_provider_is_verified_and_kept() {
    let (provider, own) = (signer(2), signer(1));
    for (format, media_type) in FORMATS {
        let plain = picture(format);
        let received = sign(&plain, media_type, false, &provider);
        for has_starting_image in [false, true] {
            let manifest = Manifest::begin(&received, media_type).unwrap();
            let problems = "signingCredential.untrusted".to_owned();
            assert_eq!(manifest.earlier(), &EarlierManifest::Kept { valid: true, problems }, "{media_type}");
            let signed = manifest.sign(&plain, &claim(has_starting_image), &own).unwrap().file;
            let credentials = found(&signed, media_type, own.chain().pem());
            assert!(credentials.trusted, "{media_type}: {credentials:?}");
            assert_eq!(actions(&credentials), ["c2pa.opened", "c2pa.edited"]);
            let parent = credentials.ingredients.iter().find(|one| one.relationship == "parentOf").unwrap();
            assert_eq!(parent.signer.as_deref(), Some("Darkroom"), "{credentials:?}");
            assert_eq!(credentials.ingredients.len(), 1 + usize::from(has_starting_image), "{credentials:?}");
        }
        // The provider changed its file after it signed it: that is said, and the manifest is kept as well.
        let mut changed = received;
        let at = changed.len() - 40;
        changed[at] ^= 1;
        let manifest = Manifest::begin(&changed, media_type).unwrap();
        assert!(matches!(manifest.earlier(), EarlierManifest::Kept { valid: false, .. }), "{:?}", manifest.earlier());
        let credentials =
            found(&manifest.sign(&plain, &claim(false), &own).unwrap().file, media_type, own.chain().pem());
        assert!(credentials.valid, "{media_type}: {credentials:?}");
    }
}

#[test]
fn file_without_manifest_has_none() {
    for (format, media_type) in FORMATS {
        let plain = picture(format);
        assert_eq!(check(&plain, media_type, ""), CredentialsCheck::Missing);
        assert_eq!(Manifest::begin(&plain, media_type).unwrap().earlier(), &EarlierManifest::None);
    }
}

#[test]
fn failure_of_the_key_is_told_from_a_file_that_cannot_be_signed() {
    let failing = Signer::new(signer(1).chain().clone(), |_| Err("the key is away".into()));
    let plain = picture(ImageFormat::Png);
    let signed = Manifest::begin(&plain, "image/png").unwrap().sign(&plain, &claim(false), &failing);
    assert!(matches!(&signed, Err(SignError::Key(error)) if error.contains("the key is away")), "{signed:?}");
    let signed = Manifest::begin(b"no picture", "image/png").unwrap().sign(b"no picture", &claim(false), &signer(1));
    assert!(matches!(signed, Err(SignError::File(_))), "{signed:?}");
}

#[test]
fn chain_is_for_its_key_and_its_time_only() {
    let (key, another) = (Key::numbered(1).unwrap(), Key::numbered(2).unwrap());
    let chain = CertificateChain::issue(&key.public(), now()).unwrap();
    chain.check(&key.public(), now()).unwrap();
    assert!(matches!(chain.check(&another.public(), now()), Err(CertificateError::OtherKey)));
    for wrong in [now() - SignedDuration::from_hours(24 * 30), chain.ends_at()] {
        assert!(matches!(chain.check(&key.public(), wrong), Err(CertificateError::NotValidNow)), "{wrong}");
    }
    assert!(chain.ends_at() > now() + SignedDuration::from_hours(24 * 365 * 29));
    assert_eq!(CertificateChain::parse(chain.pem()).unwrap(), chain);
    // Two chains of one key have different authorities.
    assert_ne!(CertificateChain::issue(&key.public(), now()).unwrap().pem(), chain.pem());
}

#[test]
fn chain_ends_with_the_first_of_its_certificates() {
    let chain = CertificateChain::issue(&Key::numbered(1).unwrap().public(), now()).unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    (authority.not_before, authority.not_after) = (date_time_ymd(2026, 10, 1), date_time_ymd(2027, 3, 1));
    let authority = authority.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let chain = CertificateChain::parse(&format!("{}{}", chain.pem(), authority.pem())).unwrap();
    assert_eq!(chain.ends_at().to_string(), "2027-03-01T00:00:00Z");
}

#[test]
fn text_that_is_no_chain_of_a_signing_key_is_refused() {
    let chain = CertificateChain::issue(&Key::numbered(1).unwrap().public(), now()).unwrap();
    let authority = chain.pem().split_inclusive("-----END CERTIFICATE-----\n").last().unwrap().to_owned();
    assert!(matches!(CertificateChain::parse(&authority), Err(CertificateError::NotALeaf)));
    assert!(matches!(CertificateChain::parse("none"), Err(CertificateError::Empty)));
    let more = format!("{}{}", chain.pem(), authority.replace("CERTIFICATE", "X509 CRL"));
    assert!(matches!(CertificateChain::parse(&more), Err(CertificateError::Unreadable(_))));
    assert!(CertificateChain::parse(&chain.pem().replace("MII", "AAA")).is_err());
    assert!(matches!(CertificateChain::issue(b"no key", now()), Err(CertificateError::UnsupportedKey)));
    assert!(authority.contains("BEGIN CERTIFICATE") && !chain.pem().contains("PRIVATE"));
}

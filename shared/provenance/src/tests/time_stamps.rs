//! Time stamps of an authority that is played, and one that OpenSSL 3.0 gave.

use std::sync::Arc;

use c2pa::{Reader, validation_status};
use fake_aws::time_stamps::Authority;

use super::*;
use crate::{MAX_TIME_STAMP_BYTES, TimeStamp, TimeStampAuthority, TimeStampError, context, time_stamp};

/// The answer of `openssl ts -reply` to the request for [`MESSAGE`] and [`NONCE`], with a key of RSA.
const OF_OPENSSL: &[u8] = include_bytes!("openssl.tsr");
const MESSAGE: &[u8] = b"a signature";
const NONCE: [u8; 8] = [0x41, 2, 3, 4, 5, 6, 7, 8];
/// When OpenSSL gave it.
const GIVEN: &str = "2026-11-30T10:43:01Z";

type Answer = dyn Fn(&[u8]) -> Result<Vec<u8>, crate::KeyError> + Send + Sync;

/// What is answered, how, and what is wrong with it.
type Case = (&'static str, Box<Answer>, fn(&TimeStampError) -> bool);

/// Answers as a function says.
struct Played(Box<Answer>);

impl TimeStampAuthority for Played {
    fn nonce(&self) -> [u8; 8] {
        [0xff; 8]
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, crate::KeyError> {
        (self.0)(request)
    }
}

fn stamped(answer: impl Fn(&[u8]) -> Result<Vec<u8>, crate::KeyError> + Send + Sync + 'static) -> Signer {
    signer(1).with_time_stamps(Arc::new(Played(Box::new(answer))))
}

/// Returns the codes that C2PA has for the time stamp of a file: those of success, and all others.
fn codes(file: &[u8], media_type: &str, anchors: &str) -> [Vec<String>; 2] {
    let reader =
        Reader::from_context(context(Some(anchors)).unwrap()).with_stream(media_type, Cursor::new(file)).unwrap();
    let results = reader.validation_results().unwrap().active_manifest().unwrap();
    let of = |statuses: &[c2pa::validation_status::ValidationStatus]| {
        let codes = statuses.iter().map(|status| status.code().to_owned());
        codes.filter(|code| code.starts_with("timeStamp.")).collect::<Vec<_>>()
    };
    [of(results.success()), [of(results.informational()), of(results.failure())].concat()]
}

#[test]
fn signature_with_a_time_stamp_is_valid_and_its_authority_is_trusted_by_those_who_know_it() {
    let authority = Authority::new().unwrap();
    let root = authority.root().to_owned();
    let own = stamped(move |request| Ok(authority.answer(request, now())?));
    for (format, media_type) in FORMATS {
        let plain = picture(format);
        let signed = Manifest::begin(&plain, media_type).unwrap().sign(&plain, &claim(false), &own).unwrap();
        assert!(matches!(signed.time_stamp, TimeStamp::Given(at) if at == now()), "{:?}", signed.time_stamp);
        let credentials = found(&signed.file, media_type, own.chain().pem());
        assert!(credentials.trusted && credentials.problems.is_empty(), "{media_type}: {credentials:?}");
        let [right, wrong] = codes(&signed.file, media_type, &format!("{}{root}", own.chain().pem()));
        assert_eq!(
            right,
            [validation_status::TIMESTAMP_VALIDATED, validation_status::TIMESTAMP_TRUSTED],
            "{media_type}"
        );
        assert_eq!(wrong, [""; 0], "{media_type}");
        let [right, wrong] = codes(&signed.file, media_type, own.chain().pem());
        assert_eq!(right, [validation_status::TIMESTAMP_VALIDATED], "{media_type}");
        assert_eq!(wrong, [validation_status::TIMESTAMP_UNTRUSTED], "{media_type}");
        // A second one has the same length.
        let again = Manifest::begin(&plain, media_type).unwrap().sign(&plain, &claim(false), &own).unwrap();
        assert_eq!(again.file.len(), signed.file.len());
    }
}

#[test]
fn output_is_signed_without_what_is_no_time_stamp_of_its_signature() {
    let changed = |mut request: Vec<u8>, from_end: usize| {
        let at = request.len() - from_end;
        request[at] ^= 1;
        request
    };
    let answers: [Case; 11] = [
        ("no answer", Box::new(|_| Err("no connection".into())), |error| matches!(error, TimeStampError::NoAnswer(_))),
        ("nothing", Box::new(|_| Ok(Vec::new())), |error| matches!(error, TimeStampError::NotGiven(_))),
        ("a page", Box::new(|_| Ok(b"<html></html>".to_vec())), |error| matches!(error, TimeStampError::NotGiven(_))),
        ("a refusal", Box::new(|_| Ok(Authority::refusal())), |error| matches!(error, TimeStampError::NotGiven(_))),
        (
            "another imprint",
            Box::new(move |request| Ok(Authority::new()?.answer(&changed(request.to_vec(), 14), now())?)),
            |error| matches!(error, TimeStampError::NotValid(_)),
        ),
        (
            "another nonce",
            Box::new(move |request| Ok(Authority::new()?.answer(&changed(request.to_vec(), 4), now())?)),
            |error| matches!(error, TimeStampError::OtherNonce),
        ),
        (
            "a changed signature",
            Box::new(move |request| Ok(changed(Authority::new()?.answer(request, now())?, 1))),
            |error| matches!(error, TimeStampError::NotValid(_)),
        ),
        ("no authority", Box::new(|request| Ok(Authority::with_another_purpose()?.answer(request, now())?)), |error| {
            matches!(error, TimeStampError::NotAnAuthority)
        }),
        (
            "another time",
            Box::new(|request| Ok(Authority::new()?.answer(request, now() + SignedDuration::from_mins(61))?)),
            |error| matches!(error, TimeStampError::OtherTime(_)),
        ),
        (
            "a token without its response",
            // The header of the response and its status are nine bytes.
            Box::new(|request| Ok(Authority::new()?.answer(request, now())?.split_off(9))),
            |error| matches!(error, TimeStampError::NotGiven(_)),
        ),
        (
            "too much",
            Box::new(|request| {
                let mut answer = Authority::new()?.answer(request, now())?;
                answer.resize(MAX_TIME_STAMP_BYTES + 1, 0);
                Ok(answer)
            }),
            |error| matches!(error, TimeStampError::TooLarge(_)),
        ),
    ];
    let plain = picture(ImageFormat::Png);
    for (what, answer, expected) in answers {
        let own = stamped(answer);
        let signed = Manifest::begin(&plain, "image/png").unwrap().sign(&plain, &claim(false), &own).unwrap();
        assert!(
            matches!(&signed.time_stamp, TimeStamp::Missing(error) if expected(error)),
            "{what}: {:?}",
            signed.time_stamp
        );
        let credentials = found(&signed.file, "image/png", own.chain().pem());
        assert!(credentials.trusted && credentials.problems.is_empty(), "{what}: {credentials:?}");
        assert_eq!(codes(&signed.file, "image/png", own.chain().pem()), [Vec::<String>::new(), Vec::new()], "{what}");
    }
}

#[test]
fn largest_answer_fits_into_the_manifest_and_a_larger_one_is_left_out() {
    let plain = picture(ImageFormat::Png);
    let mut largest = 0;
    for bytes in (MAX_TIME_STAMP_BYTES - 500..MAX_TIME_STAMP_BYTES + 500).step_by(50) {
        let authority = Authority::with_answers_of(bytes).unwrap();
        let length = Arc::new(std::sync::Mutex::new(0));
        let answered = Arc::clone(&length);
        let own = stamped(move |request| {
            let answer = authority.answer(request, now())?;
            *answered.lock().unwrap() = answer.len();
            Ok(answer)
        });
        let signed = Manifest::begin(&plain, "image/png").unwrap().sign(&plain, &claim(false), &own).unwrap();
        let length = *length.lock().unwrap();
        let is_given = matches!(signed.time_stamp, TimeStamp::Given(_));
        assert_eq!(is_given, length <= MAX_TIME_STAMP_BYTES, "{length}: {:?}", signed.time_stamp);
        largest = if is_given { largest.max(length) } else { largest };
    }
    assert!(largest > MAX_TIME_STAMP_BYTES - 60, "only {largest}");
}

#[test]
fn time_stamp_of_openssl_is_right_for_its_request_only() {
    let given: Timestamp = GIVEN.parse().unwrap();
    assert_eq!(time_stamp::check(OF_OPENSSL, MESSAGE, NONCE, given).unwrap(), given);
    let other = time_stamp::check(OF_OPENSSL, b"another signature", NONCE, given);
    assert!(matches!(other, Err(TimeStampError::NotValid(_))), "{other:?}");
    let other = time_stamp::check(OF_OPENSSL, MESSAGE, [0x42; 8], given);
    assert!(matches!(other, Err(TimeStampError::OtherNonce)), "{other:?}");
    let request = time_stamp::request(MESSAGE, NONCE);
    assert_eq!(request.len(), 67);
    assert!(request.ends_with(&[&[2, 8], NONCE.as_slice(), &[1, 1, 0xff]].concat()));
}

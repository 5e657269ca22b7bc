//! Names files in the archive: readable, safe on every system, and unique.

use domain::{GenerationId, UploadId, generations::upload::Upload};
use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

/// The most characters of a file name that a user chose.
const CHOSEN_CHARACTERS: usize = 60;

/// Returns the beginning of the name of the archive: the safe characters of the name of the service.
pub(crate) fn of_service(name: &str) -> String {
    let safe = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    let name: String = name.to_ascii_lowercase().chars().map(safe).collect();
    match name.trim_matches('-') {
        "" => "archive".to_owned(),
        name => name.to_owned(),
    }
}

/// Returns the name for a file of the bucket with the key `accounts/<account>/<folder>/<id>/<file>`. Needs the upload for the
/// name that its owner chose.
pub(crate) fn of_file(key: &str, upload: Option<&Upload>) -> String {
    let mut parts = key.splitn(5, '/').skip(2);
    let (folder, id, file) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match (folder, id.parse::<Uuid>(), upload) {
        ("generations", Ok(id), _) => of_media(GenerationId(id), file),
        ("uploads", Ok(_), Some(upload)) => of_upload(upload, file),
        ("uploads", Ok(id), None) => format!("uploads/{}/{id}-{}", day_of(id), plain(file)),
        _ => format!("files/{}/{}-{}", plain(folder).replace('.', "_"), plain(id), plain(file)),
    }
}

/// Returns the name for a file of a generation. `file` is the last part of its key.
pub(crate) fn of_media(id: GenerationId, file: &str) -> String {
    format!("media/{}/{id}-{}", day_of(id.0), plain(file))
}

/// Returns the name for a file of an upload: the safe characters of the name that its owner chose. `file` is the last part of
/// its key.
pub(crate) fn of_upload(upload: &Upload, file: &str) -> String {
    let UploadId(id) = upload.id;
    let chosen = upload.file_name.as_deref().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = chosen.rsplit_once('.').map_or(chosen, |(stem, _)| stem);
    let stem: String = stem.chars().take(CHOSEN_CHARACTERS).map(alphanumeric_or_hyphen).collect();
    let stem = match stem.trim_matches('-') {
        "" => "upload",
        stem => stem,
    };
    let arrived = if file == "inspected" { String::new() } else { format!("-{}", plain(file)) };
    format!("uploads/{}/{id}-{stem}{arrived}.{}", day_of(id), extension(&upload.content_type))
}

/// Returns the media type of a file in the archive, by its extension.
pub(crate) fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "json" => "application/json",
        "csv" => "text/csv",
        "html" => "text/html",
        "jpg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        _ => "application/octet-stream",
    }
}

fn extension(content_type: &str) -> &'static str {
    match content_type {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        _ => "bin",
    }
}

/// Returns the date on which an id was created.
fn day_of(id: Uuid) -> String {
    let seconds = id.get_timestamp().map(|timestamp| timestamp.to_unix().0);
    let at = seconds.and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok());
    at.map_or_else(|| "undated".to_owned(), |at| TimeZone::UTC.to_datetime(at).date().to_string())
}

fn alphanumeric_or_hyphen(character: char) -> char {
    if character.is_alphanumeric() { character } else { '-' }
}

/// Replaces every character but ASCII letters and digits, `.`, `-` or `_`.
fn plain(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    text.chars().map(|character| if is_plain(character) { character } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use domain::{accounts::account::Account, generations::upload};

    use super::*;

    const ID: &str = "0199c8a4-7e3b-7d21-9c44-5b0f6a1e2d3c";

    #[test]
    fn archive_has_the_safe_characters_of_the_name_of_the_service() {
        for (service, name) in [("Darkroom", "darkroom"), ("Ada & \"Co\"", "ada----co"), ("暗室", "archive")] {
            assert_eq!(of_service(service), name);
        }
    }

    fn upload(file_name: Option<&str>) -> Upload {
        let now = Timestamp::UNIX_EPOCH;
        let account = Account::open(Uuid::nil().into(), String::new(), domain::Credits(0), Uuid::nil().into(), now).0;
        let declared = upload::UploadDeclaration {
            content_type: "image/jpeg".to_owned(),
            bytes: 1,
            sha256: "0".repeat(64),
            file_name: file_name.map(str::to_owned),
        };
        upload::declare(&account, &domain::service_settings::compiled().plans, declared, ID.parse().unwrap(), now)
            .unwrap()
            .1
    }

    fn check(file_name: Option<&str>, file: &str, name: &str) {
        let key = format!("accounts/{}/uploads/{ID}/{file}", Uuid::nil());
        assert_eq!(of_file(&key, Some(&upload(file_name))), format!("uploads/2025-10-09/{ID}-{name}"));
    }

    #[test]
    fn upload_keeps_the_safe_part_of_its_name() {
        check(Some("holiday.JPEG"), "inspected", "holiday.jpg");
        check(Some("holiday.jpeg"), "original", "holiday-original.jpg");
        check(Some("Été à Paris (2).png"), "inspected", "Été-à-Paris--2.jpg");
        check(None, "inspected", "upload.jpg");
    }

    #[test]
    fn name_cannot_leave_its_folder_or_hide_its_extension() {
        check(Some("../../etc/passwd"), "inspected", "passwd.jpg");
        check(Some("..\\..\\boot.ini"), "inspected", "boot.jpg");
        check(Some("a\u{202e}gpj.exe"), "inspected", "a-gpj.jpg");
        check(Some("..."), "inspected", "upload.jpg");
        check(Some(&"é".repeat(200)), "inspected", &format!("{}.jpg", "é".repeat(60)));
        assert_eq!(of_file("accounts/a/other/../x/y", None), "files/other/..-x_y");
    }

    #[test]
    fn media_are_in_the_folder_of_their_day() {
        let key = format!("accounts/{}/generations/{ID}/0.thumb.jpg", Uuid::nil());
        assert_eq!(of_file(&key, None), format!("media/2025-10-09/{ID}-0.thumb.jpg"));
    }
}

//! Large files of the bucket: listings, ranged reads, multipart uploads.

use std::ops::Range;

use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use jiff::Timestamp;

use crate::{bucket::Bucket, error::StoreError, query::Page};

/// Least size of every part but the last, in bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
pub const MIN_PART_BYTES: u64 = 5 << 20;
/// Most parts of a file (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
pub const MAX_PARTS: u64 = 10_000;

/// A part of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    /// Changes with its content.
    pub etag: String,
    /// The checksum that it was uploaded with.
    crc32: Option<String>,
}

/// A file of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key.
    pub key: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Changes with its content.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
}

impl Bucket {
    /// Lists files under this prefix in the order of their keys, without older versions, at most a thousand.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list(&self, prefix: &str, after: Option<String>) -> Result<Page<StoredObject, String>, StoreError> {
        let request = self.s3.list_objects_v2().bucket(&self.name).prefix(prefix).set_start_after(after);
        let answer = request.send().await.map_err(StoreError::call("ListObjectsV2"))?;
        let stored = answer.contents().iter().filter_map(|object| {
            Some(StoredObject {
                key: object.key.clone()?,
                bytes: u64::try_from(object.size?).ok()?,
                etag: object.e_tag.clone()?,
                modified: Timestamp::from_second(object.last_modified?.secs()).ok()?,
            })
        });
        let items: Vec<_> = stored.collect();
        let more = answer.is_truncated() == Some(true);
        Ok(Page { next: items.last().map(|last| last.key.clone()).filter(|_| more), items })
    }

    /// Reads a range of a file with this ETag. Returns `None` if there is no such file.
    ///
    /// # Errors
    /// The call failed.
    pub async fn read_piece(&self, key: &str, etag: &str, piece: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let range = format!("bytes={}-{}", piece.start, piece.end.saturating_sub(1));
        let request = self.s3.get_object().bucket(&self.name).key(key).if_match(etag).range(range);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "PreconditionFailed")) => return Ok(None),
            Err(error) => return Err(StoreError::call("GetObject")(error)),
        };
        let body = answer.body.collect().await.map_err(StoreError::of("GetObject"))?;
        Ok(Some(body.to_vec()))
    }

    /// Returns the size of a file, in bytes, if there is one.
    ///
    /// # Errors
    /// The call failed.
    pub async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        match self.s3.head_object().bucket(&self.name).key(key).send().await {
            Ok(answer) => Ok(answer.content_length().and_then(|size| u64::try_from(size).ok())),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found()) => Ok(None),
            Err(error) => Err(StoreError::call("HeadObject")(error)),
        }
    }

    /// Begins a multipart upload of a file that browsers save under this name. Returns the id of the upload.
    ///
    /// # Errors
    /// The call failed; an upload may have begun.
    pub async fn begin_upload(&self, key: &str, content_type: &str, save_as: &str) -> Result<String, StoreError> {
        let request = self.s3.create_multipart_upload().bucket(&self.name).key(key).content_type(content_type);
        let request = request.content_disposition(format!("attachment; filename=\"{save_as}\""));
        let answer = request.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await;
        let answer = answer.map_err(StoreError::call("CreateMultipartUpload"))?;
        answer.upload_id.ok_or("no id").map_err(StoreError::of("CreateMultipartUpload"))
    }

    /// Uploads a part. A repeat replaces it. Returns its ETag, or `None` if there is no such upload.
    ///
    /// # Errors
    /// The call failed; the part may have been uploaded.
    pub async fn upload_part(
        &self,
        (key, upload): (&str, &str),
        number: u32,
        bytes: Vec<u8>,
    ) -> Result<Option<String>, StoreError> {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let request = self.s3.upload_part().bucket(&self.name).key(key).upload_id(upload).part_number(number);
        match request.checksum_algorithm(ChecksumAlgorithm::Crc32).body(bytes.into()).send().await {
            Ok(answer) => answer.e_tag.ok_or("no ETag").map_err(StoreError::of("UploadPart")).map(Some),
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(None),
            Err(error) => Err(StoreError::call("UploadPart")(error)),
        }
    }

    /// Lists the parts that were uploaded, in order; none if there is no such upload.
    ///
    /// # Errors
    /// A call failed.
    pub async fn parts(&self, (key, upload): (&str, &str)) -> Result<Vec<Part>, StoreError> {
        let (mut parts, mut after) = (Vec::new(), None);
        loop {
            let request = self.s3.list_parts().bucket(&self.name).key(key).upload_id(upload);
            let listed = match request.set_part_number_marker(after).send().await {
                Ok(listed) => listed,
                Err(error) if error.code() == Some("NoSuchUpload") => return Ok(Vec::new()),
                Err(error) => return Err(StoreError::call("ListParts")(error)),
            };
            parts.extend(listed.parts().iter().filter_map(|part| {
                let number = u32::try_from(part.part_number?).ok()?;
                Some(Part { number, etag: part.e_tag.clone()?, crc32: part.checksum_crc32.clone() })
            }));
            if listed.is_truncated() != Some(true) {
                return Ok(parts);
            }
            after = listed.next_part_number_marker;
        }
    }

    /// Completes an upload with these parts. Returns `false` if a part is missing or there is no such upload, as after
    /// a repeat.
    ///
    /// # Errors
    /// The call failed; the file may have been written.
    pub async fn complete_upload(&self, (key, upload): (&str, &str), parts: &[Part]) -> Result<bool, StoreError> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
                .e_tag(&part.etag)
                .set_checksum_crc32(part.crc32.clone())
                .build()
        });
        let whole = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let request = self.s3.complete_multipart_upload().bucket(&self.name).key(key).upload_id(upload);
        match request.multipart_upload(whole).send().await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.code(), Some("NoSuchUpload" | "InvalidPart")) => Ok(false),
            Err(error) => Err(StoreError::call("CompleteMultipartUpload")(error)),
        }
    }
}

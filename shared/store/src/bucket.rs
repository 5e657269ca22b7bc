//! The bucket: `accounts/<account>/{uploads,generations,exports,disclosures}/<id>/..`.

pub(crate) mod distribution;
pub(crate) mod parts;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    Client,
    presigning::PresigningConfig,
    types::{Delete, ObjectIdentifier},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    AccountId, DisclosureId, ExportId, GenerationId, UploadId,
    generations::share::{MEDIA_LINK_S, media_link_time},
};
use jiff::Timestamp;

use crate::{bucket::distribution::Distribution, error::StoreError};

/// The bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub(crate) s3: Client,
    pub(crate) name: String,
    distribution: Option<Distribution>,
}

/// A version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    key: String,
    id: Option<String>,
}

/// A request that everyone who has it can make, unchanged, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presigned {
    /// `GET` or `PUT`.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// The headers that must be sent with it, unchanged.
    pub headers: Vec<(String, String)>,
}

impl Bucket {
    /// Addresses the bucket with this name.
    #[must_use]
    pub fn new(s3: Client, name: String) -> Self {
        Self { s3, name, distribution: None }
    }

    /// Lets links to files lead to this distribution, instead of to S3.
    #[must_use]
    pub fn behind(self, distribution: Option<Distribution>) -> Self {
        Self { distribution, ..self }
    }

    /// Returns the prefix of all files of an account.
    #[must_use]
    pub fn account_prefix(account: AccountId) -> String {
        format!("accounts/{account}/")
    }

    /// Returns the prefix of the files of a generation.
    #[must_use]
    pub fn generation_prefix(account: AccountId, id: GenerationId) -> String {
        format!("accounts/{account}/generations/{id}/")
    }

    /// Returns the prefix of the files that were received for a generation and are not finished.
    #[must_use]
    pub fn received_prefix(account: AccountId, id: GenerationId) -> String {
        format!("{}received/", Self::generation_prefix(account, id))
    }

    /// Returns the key of a received file, which is as the provider sent it.
    #[must_use]
    pub fn received_key(account: AccountId, id: GenerationId, number: u32) -> String {
        format!("{}{number}", Self::received_prefix(account, id))
    }

    /// Returns the prefix of the files of an upload.
    #[must_use]
    pub fn upload_prefix(account: AccountId, id: UploadId) -> String {
        format!("accounts/{account}/uploads/{id}/")
    }

    /// Returns the prefix of the files of an export.
    #[must_use]
    pub fn export_prefix(account: AccountId, id: ExportId) -> String {
        format!("accounts/{account}/exports/{id}/")
    }

    /// Returns the key of the archive of an export.
    #[must_use]
    pub fn archive_key(account: AccountId, id: ExportId) -> String {
        format!("{}archive.zip", Self::export_prefix(account, id))
    }

    /// Returns the prefix of the files of a disclosure.
    #[must_use]
    pub fn disclosure_prefix(account: AccountId, id: DisclosureId) -> String {
        format!("accounts/{account}/disclosures/{id}/")
    }

    /// Returns the key of the document of a disclosure.
    #[must_use]
    pub fn document_key(account: AccountId, id: DisclosureId) -> String {
        format!("{}document.json", Self::disclosure_prefix(account, id))
    }

    /// Returns the key to which a client uploads.
    #[must_use]
    pub fn original_key(account: AccountId, id: UploadId) -> String {
        format!("{}original", Self::upload_prefix(account, id))
    }

    /// Returns the key of an upload after its inspection.
    #[must_use]
    pub fn inspected_key(account: AccountId, id: UploadId) -> String {
        format!("{}inspected", Self::upload_prefix(account, id))
    }

    /// Returns the upload to which a file belongs, if it belongs to one.
    #[must_use]
    pub fn upload_of(key: &str) -> Option<UploadId> {
        let mut parts = key.split('/').skip(2);
        let (Some("uploads"), Some(id)) = (parts.next(), parts.next()) else { return None };
        id.parse().ok()
    }

    /// Returns the account and the upload of a key to which a client uploads.
    #[must_use]
    pub fn parse_original_key(key: &str) -> Option<(AccountId, UploadId)> {
        let mut parts = key.split('/');
        let (Some("accounts"), Some(account), Some("uploads"), Some(id), Some("original"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        Some((account.parse().ok()?, id.parse().ok()?))
    }

    /// Signs a `PUT` of exactly this type, size and SHA-256 (hexadecimal). S3 refuses any other, and one while a file is there.
    ///
    /// # Errors
    /// It could not be signed, or the hash is not hexadecimal.
    pub async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        bytes: u64,
        sha256: &str,
        (expires_in_s, now): (u64, Timestamp),
    ) -> Result<Presigned, StoreError> {
        let size = i64::try_from(bytes).map_err(StoreError::of("presign"))?;
        let digest = hex::decode(sha256).map_err(StoreError::of("presign"))?;
        let request = self
            .s3
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .content_length(size)
            .checksum_sha256(STANDARD.encode(digest))
            .if_none_match("*")
            .presigned(presigning(expires_in_s, now)?)
            .await
            .map_err(StoreError::of("presign"))?;
        Ok(Presigned {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }

    /// Signs a link to a file, which everyone who has it can read until it expires. Calls nothing.
    ///
    /// # Errors
    /// It could not be signed.
    pub async fn link(&self, key: &str, expires_in_s: u64, now: Timestamp) -> Result<String, StoreError> {
        match &self.distribution {
            Some(distribution) => Ok(distribution.link(key, expires_in_s, now)),
            None => self.presign_get(key, expires_in_s, now).await,
        }
    }

    /// Signs a link to an image or a video, or to a preview of one. All links of half a minute are the same. Calls nothing.
    ///
    /// # Errors
    /// It could not be signed.
    pub async fn media_link(&self, key: &str, now: Timestamp) -> Result<String, StoreError> {
        self.link(key, MEDIA_LINK_S, media_link_time(now)).await
    }

    async fn presign_get(&self, key: &str, expires_in_s: u64, now: Timestamp) -> Result<String, StoreError> {
        let request = self.s3.get_object().bucket(&self.name).key(key);
        let signed = request.presigned(presigning(expires_in_s, now)?).await.map_err(StoreError::of("presign"))?;
        Ok(signed.uri().to_owned())
    }

    /// Returns the scheme and host of links to files, then those of uploads if they differ, for a policy that names them. Calls
    /// nothing.
    ///
    /// # Errors
    /// A link could not be signed.
    pub async fn origins(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let link = self.presign_get("accounts/", 1, now).await?;
        let s3 = link.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let distribution = self.distribution.as_ref().map(|distribution| distribution.origin().to_owned());
        Ok(distribution.into_iter().chain([s3]).collect())
    }

    /// Reads a file of at most `most` bytes. Returns `None` if there is none.
    ///
    /// # Errors
    /// A call failed, or the file is larger.
    pub async fn read(&self, key: &str, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read_version(key, most).await?.map(|(bytes, _)| bytes))
    }

    /// Reads a file as [`read`](Self::read) does, and returns which version of it was read.
    ///
    /// # Errors
    /// A call failed, or the file is larger.
    pub async fn read_version(&self, key: &str, most: u64) -> Result<Option<(Vec<u8>, FileVersion)>, StoreError> {
        let answer = match self.s3.get_object().bucket(&self.name).key(key).send().await {
            Ok(answer) => answer,
            Err(e) if e.as_service_error().is_some_and(|e| e.is_no_such_key()) => return Ok(None),
            Err(e) => return Err(StoreError::call("GetObject")(e)),
        };
        let size = answer.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or(u64::MAX);
        if size > most {
            return Err(StoreError::of("GetObject")(format!("{size} bytes, more than {most}")));
        }
        let version = FileVersion { key: key.to_owned(), id: answer.version_id.clone() };
        let mut body = answer.body;
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        while let Some(chunk) = body.try_next().await.map_err(StoreError::of("GetObject"))? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some((bytes, version)))
    }

    /// Writes a file. A repeat replaces it.
    ///
    /// # Errors
    /// The call failed; the file may have been written.
    pub async fn write(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.s3
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .body(bytes.into())
            .send()
            .await
            .map_err(StoreError::call("PutObject"))?;
        Ok(())
    }

    /// Deletes these versions of files, without a listing. A repeat finds nothing.
    ///
    /// # Errors
    /// The call failed; some may be deleted.
    pub async fn remove_versions(&self, versions: Vec<FileVersion>) -> Result<(), StoreError> {
        let objects = versions.into_iter().map(|version| object(version.key, version.id));
        self.delete(objects.collect::<Result<_, _>>()?).await
    }

    /// Deletes every version and delete marker of every file under this prefix. A repeat deletes the rest.
    ///
    /// # Errors
    /// A call failed; some may be deleted.
    pub async fn remove_all(&self, prefix: &str) -> Result<(), StoreError> {
        // Listed versions are deleted before the next listing, so no marker is needed.
        loop {
            let listed = self
                .s3
                .list_object_versions()
                .bucket(&self.name)
                .prefix(prefix)
                .send()
                .await
                .map_err(StoreError::call("ListObjectVersions"))?;
            let versions = listed.versions().iter().map(|v| (v.key(), v.version_id()));
            let markers = listed.delete_markers().iter().map(|m| (m.key(), m.version_id()));
            let mut objects = Vec::new();
            for (key, version) in versions.chain(markers) {
                objects.push(object(key.unwrap_or_default().to_owned(), version.map(str::to_owned))?);
            }
            if objects.is_empty() {
                return Ok(());
            }
            self.delete(objects).await?;
            if listed.is_truncated() != Some(true) {
                return Ok(());
            }
        }
    }

    /// Counts the versions of files under this prefix, by the folder that follows it.
    ///
    /// # Errors
    /// A call failed.
    pub async fn count(&self, prefix: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut counted = BTreeMap::new();
        let (mut key, mut version) = (None, None);
        loop {
            let listed = self
                .s3
                .list_object_versions()
                .bucket(&self.name)
                .prefix(prefix)
                .set_key_marker(key)
                .set_version_id_marker(version)
                .send()
                .await
                .map_err(StoreError::call("ListObjectVersions"))?;
            let versions = listed.versions().iter().map(|version| version.key());
            let markers = listed.delete_markers().iter().map(|marker| marker.key());
            for key in versions.chain(markers).flatten() {
                let folder = key.strip_prefix(prefix).and_then(|rest| rest.split('/').next()).unwrap_or_default();
                *counted.entry(folder.to_owned()).or_default() += 1;
            }
            if listed.is_truncated() != Some(true) {
                return Ok(counted);
            }
            (key, version) = (listed.next_key_marker, listed.next_version_id_marker);
        }
    }

    /// Aborts unfinished multipart uploads under this prefix.
    ///
    /// # Errors
    /// A call failed; some may be aborted.
    pub async fn abort_uploads(&self, prefix: &str) -> Result<(), StoreError> {
        loop {
            let request = self.s3.list_multipart_uploads().bucket(&self.name).prefix(prefix);
            let listed = request.send().await.map_err(StoreError::call("ListMultipartUploads"))?;
            for upload in listed.uploads() {
                let request = self.s3.abort_multipart_upload().bucket(&self.name);
                let request = request.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
                match request.send().await {
                    Ok(_) => {}
                    Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_upload()) => {}
                    Err(error) => return Err(StoreError::call("AbortMultipartUpload")(error)),
                }
            }
            if listed.is_truncated() != Some(true) {
                return Ok(());
            }
        }
    }

    async fn delete(&self, objects: Vec<ObjectIdentifier>) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(StoreError::of("build DeleteObjects"))?;
        let answer = self
            .s3
            .delete_objects()
            .bucket(&self.name)
            .delete(delete)
            .send()
            .await
            .map_err(StoreError::call("DeleteObjects"))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => {
                let code = error.code().unwrap_or("unknown").to_owned();
                Err(StoreError::of("DeleteObjects")(format!("{code} for {} objects", answer.errors().len())))
            }
        }
    }
}

fn object(key: String, version: Option<String>) -> Result<ObjectIdentifier, StoreError> {
    let object = ObjectIdentifier::builder().key(key).set_version_id(version);
    object.build().map_err(StoreError::of("build DeleteObjects"))
}

fn presigning(expires_in_s: u64, now: Timestamp) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::builder()
        .start_time(now.into())
        .expires_in(Duration::from_secs(expires_in_s))
        .build()
        .map_err(StoreError::of("presign"))
}

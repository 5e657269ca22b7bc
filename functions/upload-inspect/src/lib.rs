//! Inspects received uploads. Triggered by S3 when a file arrives.
//!
//! A file that matches its declaration and is supported is stored without its metadata, an image also upright, opaque and
//! in sRGB, and the upload is ready. Any other file is deleted, and the upload is rejected with the reason; so is one that matches
//! the blocklist.
//!
//! The original is deleted before the upload is ready. After a crash, the next event for the same file continues: Lambda
//! repeats a failed event twice. Otherwise the sweep deletes the upload, which is still pending, with its files.
//!
//! | crash | what a repeat finds |
//! |---|---|
//! | before the prepared file is stored | everything as it was |
//! | before the original is deleted | the original: the same file is stored again |
//! | before `ready` is written | the prepared file without the original: it is measured, and `ready` is written |
//! | before a rejected original is deleted | `rejected`: it is deleted |
//!
//! A file that arrives later under the same key, while the presigned request is valid, is deleted and changes nothing.

mod inspection;

use std::sync::Arc;

use aws_lambda_events::event::s3::S3Event;
use domain::{
    AccountId, UploadId,
    generations::upload::{Upload, UploadState, VIDEO_BYTES},
    moderation::blocklist,
};
use lambda_runtime::LambdaEvent;
use runtime::{Error, clients::Clients, clock, events};
use store::{Bucket, StoreError, Table, Write};

use crate::inspection::Accepted;

/// The most attempts to write after other writes came first.
const ATTEMPTS: usize = 8;

/// The error of an event, which Lambda repeats.
#[derive(Debug, thiserror::Error)]
#[error("upload {upload} of {account} was not inspected")]
struct NotInspected {
    account: AccountId,
    upload: UploadId,
    source: InspectError,
}

/// The cause of the error.
#[derive(Debug, thiserror::Error)]
enum InspectError {
    /// A call of the table or the bucket failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inspection panicked.
    #[error("the inspection did not end")]
    Inspection(#[from] tokio::task::JoinError),
    /// Other writes came first each time.
    #[error("other writes came first each time")]
    Contended,
}

struct Inspector {
    table: Table,
    bucket: Bucket,
}

/// Handles events until Lambda ends the process.
///
/// # Errors
/// A setting is missing or invalid.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Clients::new(&environment)?;
        let inspector = Arc::new(Inspector {
            table: Table::new(
                clients.dynamodb().clone(),
                environment.required("TABLE")?,
                environment.integer("INDEX_SHARDS")?,
            ),
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
        });
        Ok(move |event: LambdaEvent<S3Event>| {
            let inspector = Arc::clone(&inspector);
            async move { Ok::<_, Error>(inspector.all(event.payload).await?) }
        })
    })
    .await
}

impl Inspector {
    async fn all(&self, event: S3Event) -> Result<(), NotInspected> {
        for record in event.records {
            let object = record.s3.object;
            let Some((account, id)) = upload_at(object.key.as_deref().unwrap_or_default()) else {
                tracing::warn!("event of a file that is not an original: check the filter of the trigger");
                continue;
            };
            let size = object.size.and_then(|size| u64::try_from(size).ok());
            let arrived = self.arrived(account, id, size).await;
            arrived.map_err(|source| NotInspected { account, upload: id, source })?;
        }
        Ok(())
    }

    async fn arrived(&self, account: AccountId, id: UploadId, size: Option<u64>) -> Result<(), InspectError> {
        let everything = Bucket::upload_prefix(account, id);
        let mut known = None;
        for _ in 0..ATTEMPTS {
            let (owner, upload) = self.table.account_and_upload(account, id).await?;
            let (Some(owner), Some(upload)) = (owner, upload.filter(|upload| !upload.deleting)) else {
                return Ok(self.bucket.remove_all(&everything).await?);
            };
            match upload.state {
                UploadState::Pending => {}
                UploadState::Ready { .. } => {
                    return Ok(self.bucket.remove_all(&Bucket::original_key(account, id)).await?);
                }
                UploadState::Rejected { .. } => return Ok(self.bucket.remove_all(&everything).await?),
            }
            let inspected = match known.take() {
                Some(inspected) => inspected,
                None => match self.inspect(&upload, size).await? {
                    Some(inspected) => inspected,
                    None => return Ok(()),
                },
            };
            let (state, content_type) = match &inspected {
                Ok(accepted) => (&accepted.state, Some(accepted.content_type)),
                Err(rejected) => (rejected, None),
            };
            let plans = self.table.settings(clock::now()).await?.plans;
            let next = upload.inspected(state.clone(), content_type, &owner, &plans);
            let Some(next) = next else { continue };
            // Conditioned on the account, so that a concurrent change of its plan finds the upload, or is found.
            if self.table.try_commit(&[Write::Upload(&next), Write::Unchanged(&owner)]).await? {
                return if inspected.is_err() { Ok(self.bucket.remove_all(&everything).await?) } else { Ok(()) };
            }
            known = Some(inspected);
        }
        Err(InspectError::Contended)
    }

    /// Inspects the file, stores the prepared one and deletes the original. Returns `None` if there is no file, or
    /// [`UploadState::Rejected`] for a file that is not accepted.
    async fn inspect(
        &self,
        upload: &Upload,
        size: Option<u64>,
    ) -> Result<Option<Result<Accepted, UploadState>>, InspectError> {
        // A wrong size is found before the file is read.
        if let Some(rejected) = size.and_then(|size| inspection::check_size(upload, size).err()) {
            return Ok(Some(Err(rejected)));
        }
        let (account, id) = (upload.account, upload.id);
        let (original, inspected) = (Bucket::original_key(account, id), Bucket::inspected_key(account, id));
        let Some(bytes) = self.bucket.read(&original, upload.bytes).await? else {
            let Some(bytes) = self.bucket.read(&inspected, VIDEO_BYTES).await? else { return Ok(None) };
            return Ok(Some(inspection::measure(&bytes)));
        };
        let declared = upload.clone();
        let prepare = move || {
            let (bytes, accepted) = inspection::prepare(&declared, bytes)?;
            let fingerprints = inspection::fingerprints(&declared, &bytes)?;
            Ok::<_, UploadState>((bytes, accepted, fingerprints))
        };
        let (bytes, accepted, fingerprints) = match tokio::task::spawn_blocking(prepare).await? {
            Ok(prepared) => prepared,
            Err(rejected) => return Ok(Some(Err(rejected))),
        };
        if blocklist::check(&self.table.blocklist().await?, &fingerprints).is_err() {
            tracing::info!(%account, upload = %id, "an upload matches the blocklist");
            return Ok(Some(Err(inspection::known_content())));
        }
        self.bucket.write(&inspected, accepted.content_type, bytes).await?;
        self.bucket.remove_all(&original).await?;
        Ok(Some(Ok(accepted)))
    }
}

/// Returns the account and id of the upload with this key of its original. S3 encodes keys like a form
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>).
fn upload_at(key: &str) -> Option<(AccountId, UploadId)> {
    let (decoded, _) = form_urlencoded::parse(key.as_bytes()).next()?;
    Bucket::parse_original_key(&decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, found: bool) {
        assert_eq!(upload_at(key).is_some(), found, "{key}");
    }

    #[test]
    fn only_originals_are_inspected() {
        let account = "0199a3c0-0000-4000-8000-000000000001";
        let id = "0199a3c0-0000-7000-8000-000000000002";
        check(&format!("accounts/{account}/uploads/{id}/original"), true);
        check(&format!("accounts%2F{account}%2Fuploads%2F{id}%2Foriginal"), true);
        check(&format!("accounts/{account}/uploads/{id}/inspected"), false);
        check(&format!("accounts/{account}/uploads/{id}/original/original"), false);
        check(&format!("accounts/{account}/generations/{id}/original"), false);
        check(&format!("accounts/{account}/uploads/..%2F{id}/original"), false);
        check(&format!("accounts/+{account}/uploads/{id}/original"), false);
        check("", false);
    }

    #[test]
    fn event_names_the_upload_and_its_size() {
        let event: S3Event = serde_json::from_str(include_str!("../../../events/upload-inspect/arrived.json")).unwrap();
        let object = &event.records[0].s3.object;
        assert!(upload_at(object.key.as_deref().unwrap()).is_some());
        assert_eq!(object.size, Some(1_204_311));
    }
}

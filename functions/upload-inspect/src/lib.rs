//! S3 says that an upload arrived: is it what was declared? Then its metadata goes and it is ready; else it is rejected,
//! with the reason, and removed.
//!
//! The order makes two promises: an upload that is ready has lost its original, metadata and all, before; and whatever
//! is cut off is put right by the next event for the same object, of which Lambda sends two after a failure, or by the
//! sweep, which removes an upload that stays pending, with all its files.
//!
//! | cut off | what a repeat finds |
//! |---|---|
//! | before the stripped copy is written | everything as it was |
//! | before the original is removed | the original: the same copy is written again |
//! | before `ready` is written | the copy without the original: it is measured, and `ready` is written |
//! | before a rejected original is removed | `rejected`: it is removed |
//!
//! An object that arrives later under the same key, while the presigned request lives, is removed, and changes nothing.

mod inspection;

use std::sync::Arc;

use aws_lambda_events::event::s3::S3Event;
use domain::{
    AccountId, UploadId,
    accounts::account::Account,
    accounts::plan::Retention,
    generations::upload::{Upload, UploadState},
};
use lambda_runtime::LambdaEvent;
use runtime::{Error, clients::Clients, clock, events};
use store::{Bucket, StoreError, Table, Write};

/// Most times that it is decided anew because somebody changed the upload in between.
const ATTEMPTS: usize = 8;

/// The event is to come again.
#[derive(Debug, thiserror::Error)]
#[error("upload {upload} of {account} was not inspected")]
struct NotInspected {
    account: AccountId,
    upload: UploadId,
    source: InspectError,
}

/// Why it was not inspected.
#[derive(Debug, thiserror::Error)]
enum InspectError {
    /// The table or the bucket.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading the file crashed.
    #[error("the inspection did not end")]
    Inspection(#[from] tokio::task::JoinError),
    /// Others wrote every time.
    #[error("it is being changed by others")]
    Contended,
}

struct Inspector {
    table: Table,
    bucket: Bucket,
    retention: Retention,
}

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Clients::new(&environment)?;
        let inspector = Arc::new(Inspector {
            table: Table::new(clients.dynamodb().clone(), environment.required("TABLE")?),
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            retention: lifecycle::retention(&environment)?,
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
                tracing::warn!("an object that is not the original of an upload: the filter of the trigger is wrong");
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
            let Some(state) = self.inspect(&upload, size).await? else { return Ok(()) };
            let rejected = matches!(state, UploadState::Rejected { .. });
            if self.write(&upload, state, &owner).await? {
                return if rejected { Ok(self.bucket.remove_all(&everything).await?) } else { Ok(()) };
            }
        }
        Err(InspectError::Contended)
    }

    /// What the upload is to be, its files in order; `None` if nothing is there.
    async fn inspect(&self, upload: &Upload, size: Option<u64>) -> Result<Option<UploadState>, InspectError> {
        // A lie about the size is found before the file is fetched.
        if let Some(state) = size.and_then(|size| inspection::check_size(upload, size).err()) {
            return Ok(Some(state));
        }
        let (account, id) = (upload.account, upload.id);
        let (original, inspected) = (Bucket::original_key(account, id), Bucket::inspected_key(account, id));
        let Some(bytes) = self.bucket.read(&original, upload.bytes).await? else {
            let Some(bytes) = self.bucket.read(&inspected, upload.bytes).await? else { return Ok(None) };
            return Ok(Some(inspection::measure(&bytes)));
        };
        let declared = upload.clone();
        let stripped = tokio::task::spawn_blocking(move || inspection::strip(&declared, bytes)).await?;
        match stripped {
            Ok(bytes) => {
                let state = inspection::measure(&bytes);
                self.bucket.write(&inspected, &upload.content_type, bytes).await?;
                self.bucket.remove_all(&original).await?;
                Ok(Some(state))
            }
            Err(rejected) => Ok(Some(rejected)),
        }
    }

    /// Whether it is written; if not, the upload has changed.
    async fn write(&self, upload: &Upload, state: UploadState, owner: &Account) -> Result<bool, InspectError> {
        let Some(next) = upload.inspected(state, owner, self.retention, clock::now()) else { return Ok(false) };
        Ok(self.table.try_commit(&[Write::Upload(&next)]).await?)
    }
}

/// Whose upload has its original under this key. Keys come as a form encodes them
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
    fn only_the_original_of_an_upload_is_inspected() {
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
    fn the_event_of_s3_names_the_upload_and_its_size() {
        let event: S3Event = serde_json::from_str(include_str!("../../../events/upload-inspect/arrived.json")).unwrap();
        let object = &event.records[0].s3.object;
        assert!(upload_at(object.key.as_deref().unwrap()).is_some());
        assert_eq!(object.size, Some(1_204_311));
    }
}

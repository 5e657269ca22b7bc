//! Builds the data export of an account: one ZIP with all items and files. Triggered by the export queue.
//!
//! A worker first takes a snapshot: it copies the account's items and the list of its files into pages beside the archive.
//! Then it writes the archive from the snapshot as a multipart upload. The archive depends on the snapshot only, so every
//! worker that writes a part writes the same bytes. After each part the worker moves the checkpoint in the export item,
//! which also renews the lease: a crash or the end of the function's time costs one part. Memory holds one part, one piece
//! of a file and one page of the snapshot, however many files there are.
//!
//! A message is dropped while another worker holds the lease; `sweep` sends another if that worker crashed. If the account
//! is pending deletion, the export stops and its files are deleted in all versions; the erasure does the rest.
//!
//! Each step may crash before it, crash after it, or run twice:
//!
//! | step | crash before it | crash after it | run twice |
//! |---|---|---|---|
//! | write the claim | the message is delivered again, or the sweep sends one | the lease expires, and the next worker continues | the second write is stale, finds the lease, and is dropped |
//! | write a page of the snapshot | it is read again | it is read again | each copy has its own name; the checkpoint names one |
//! | begin the multipart upload | the next worker begins it | the next worker aborts it and begins another | as for a crash after it |
//! | write a part | the next worker writes it | the next worker overwrites it | the bytes are the same, unless a file was deleted meanwhile: then the parts differ from the checkpoint, and the export restarts |
//! | write a page of the directory | the part is written again | the part is written again | each copy has its own name; the checkpoint names one |
//! | move the checkpoint | the part is written again | the next worker continues | the second write is stale: that worker stops |
//! | complete the multipart upload | the next worker completes it | the file exists and has the expected size | as for a crash after it |
//! | delete snapshot and directory | the next worker deletes them | nothing is left | nothing is left |
//! | mark the export as ready | the next worker finds the file | the export has ended | the second write is stale |
//!
//! If the upload or a page of the snapshot no longer exists, the export restarts. After a day without a ready archive the
//! sweep marks the export as failed.

mod checkpoint;
mod contents;
mod directory;
mod error;
mod index_page;
mod layout;
mod names;
mod pages;
mod schemas;
mod sections;
mod tables;
mod work;
mod writer;

use std::sync::Arc;

use lambda_runtime::LambdaEvent;
use runtime::{Error, clients::Clients, events, sqs};
use serde_json::Value;
use store::{Bucket, Queue, Table};

/// Handles events until Lambda ends the process.
///
/// # Errors
/// A setting is missing or invalid.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Clients::new(&environment)?;
        let exporter = Arc::new(work::Exporter {
            table: Table::new(
                clients.dynamodb().clone(),
                environment.required("TABLE")?,
                environment.integer("INDEX_SHARDS")?,
            ),
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queue: Queue::new(clients.sqs().clone(), environment.required("EXPORT_QUEUE_URL")?),
            lease_s: environment.integer("EXPORT_LEASE_SECONDS")?,
        });
        Ok(move |event: LambdaEvent<Value>| {
            let exporter = Arc::clone(&exporter);
            async move { Ok(sqs::handle_batch(event, async |record| exporter.work(record).await).await?) }
        })
    })
    .await
}

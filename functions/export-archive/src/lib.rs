//! The queue of exports: everything that is held about a person, in one ZIP for them.
//!
//! First the stock is taken: the drawer and the list of the files, as they are found once, are written down beside the
//! archive. Then the archive is written from that, as an S3 upload in parts; it is a function of the stock, so whoever
//! writes a part writes the same one. Each part that is written moves the checkpoint in the export's item, which renews
//! the lease as well: a death, or the end of the function's time, costs the part that was being made and no more. Neither
//! the files nor their number count in memory: a part, a piece of a file and a page of the stock do.
//!
//! A message that comes while somebody else has the lease is dropped: if that somebody dies, `sweep` sends another. If the
//! account is closing the archive stops and what there is of it goes, in all versions; the erasure does the rest.
//!
//! Each step can be cut off before it, after it, or be done twice:
//!
//! | step | died before it | died after it | done twice |
//! |---|---|---|---|
//! | write the claim | the message comes back, or the sweep sends one | the lease runs out, and the next one goes on | the second write is stale, finds the lease, and is dropped |
//! | write a page of the stock | it is read anew | the same | each under a name of its own; the checkpoint knows one |
//! | begin the upload | the next one begins it | the next one ends it and begins another | as before |
//! | write a part | the next one makes it again | the next one makes it again, over it | the same, unless a file is gone meanwhile: then the parts are not those of the checkpoint, and it is begun anew |
//! | write a page of the directory | the part is made again | the same | each under a name of its own; the checkpoint knows one |
//! | move the checkpoint | the part is made again | nothing is left to do | the second write is stale: it stops |
//! | make the parts one file | the next one does it | the upload is gone, and the file is there and as large as it should be | as before |
//! | remove stock and directory | the next one does it | nothing is there | nothing is there |
//! | write that it is ready | the next one finds the file | nothing is left to do | the second write is stale |
//!
//! What cannot be gone on with (the upload or a page of the stock is gone) is begun anew, until the day in which an
//! archive must be ready is over; then the sweep ends it.

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

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Clients::new(&environment)?;
        let exporter = Arc::new(work::Exporter {
            table: Table::new(clients.dynamodb().clone(), environment.required("TABLE")?),
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queue: Queue::new(clients.sqs().clone(), environment.required("EXPORT_QUEUE_URL")?),
            lease_s: u32::try_from(environment.integer("EXPORT_LEASE_SECONDS")?).unwrap_or(u32::MAX),
        });
        Ok(move |event: LambdaEvent<Value>| {
            let exporter = Arc::clone(&exporter);
            async move { Ok(sqs::handle_batch(event, async |record| exporter.work(record).await).await?) }
        })
    })
    .await
}

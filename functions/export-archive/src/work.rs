//! One message, from claim to archive.

use domain::{
    AccountId, ExportId,
    privacy::export::{Export, ExportClaim, ExportProgress},
    registry::ExportRule,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use runtime::{
    clock,
    sqs::Record,
    telemetry::{Metric, metric},
};
use store::{Bucket, CommitError, ExportMessage, Queue, StoredObject, Table, Write, registry};

use crate::{
    checkpoint::{ArchiveTotals, Checkpoint, Stage, Writing},
    contents::{self, ArchiveContents, ItemLine, ListedFile},
    error::WorkError,
    names,
    writer::{Writer, working_prefix},
};

/// When less than this is left of the invocation, the next one goes on: longer than any step takes.
const MIN_TIME_LEFT: SignedDuration = SignedDuration::from_secs(45);
/// Seconds before what is begun anew is begun, so that whatever is wrong with it has time to pass.
const RESTART_DELAY_S: u32 = 60;

/// Makes archives.
pub(crate) struct Exporter {
    pub table: Table,
    pub bucket: Bucket,
    pub queue: Queue,
    pub lease_s: u32,
}

/// An export that this worker has for itself, as it was last written.
struct ClaimedExport<'a> {
    exporter: &'a Exporter,
    export: Export,
    deadline: Timestamp,
}

/// Pages of the stock that were just written.
#[derive(Default)]
struct RecentPages {
    page: Option<(u32, Vec<ItemLine>)>,
    list: Option<(u32, Vec<ListedFile>)>,
}

impl Exporter {
    /// Does what a message asks for, if it is still to be done and nobody else is doing it.
    pub(crate) async fn work(&self, record: Record<ExportMessage>) -> Result<(), WorkError> {
        let ExportMessage { account, export: id } = record.body;
        let mut held = loop {
            let Some(export) = self.table.export(account, id).await? else {
                // An attempt that came too late and died may have written something after the rest was removed.
                return self.clear(account, id).await;
            };
            let ExportClaim::Work(claimed) = export.claim(self.lease_s, clock::now()) else { return Ok(()) };
            let mut held = ClaimedExport { exporter: self, export, deadline: record.deadline };
            match held.write(*claimed).await {
                Ok(()) => break held,
                // It need not be a claim: the sweep notes that it sent this message, and may do so only now.
                Err(WorkError::Superseded) => {}
                Err(WorkError::AccountGone) => return self.clear(account, id).await,
                Err(error) => return Err(error),
            }
        };
        match held.make().await {
            Ok(()) => Ok(()),
            Err(WorkError::Superseded) => {
                tracing::info!(export = %id, "somebody else has it, or it has ended: this attempt stops");
                Ok(())
            }
            Err(WorkError::AccountGone) => self.clear(account, id).await,
            Err(WorkError::OutOfTime) => held.hand_over(0).await,
            Err(WorkError::Lost(what)) => {
                tracing::warn!(export = %id, what, "gone: the archive is begun anew");
                // If somebody else has it by now, this is refused, and what is there is theirs.
                held.write(held.export.progressed(None, ExportProgress::default(), self.lease_s, clock::now())).await?;
                self.clear(account, id).await?;
                held.hand_over(RESTART_DELAY_S).await
            }
            Err(error) => {
                // Whoever gets the next message need not wait for the lease to end. If this fails too, they do.
                let _ = held.write(held.export.handed_over(0, clock::now())).await;
                Err(error)
            }
        }
    }

    /// Removes all that there is of an archive.
    async fn clear(&self, account: AccountId, id: ExportId) -> Result<(), WorkError> {
        let prefix = Bucket::export_prefix(account, id);
        self.bucket.abort_uploads(&prefix).await?;
        Ok(self.bucket.remove_all(&prefix).await?)
    }
}

impl ClaimedExport<'_> {
    async fn make(&mut self) -> Result<(), WorkError> {
        let (found, recent) = self.collect_contents().await?;
        let mut writer = Writer::open(&self.exporter.bucket, self.export.clone(), found).await?;
        writer.cache_pages(recent.page, recent.list);
        while !writer.zip.is_finished() {
            self.check_time()?;
            writer.write_next().await?;
            if writer.flush().await? {
                self.keep(&writer.checkpoint()).await?;
                writer.export.clone_from(&self.export);
            }
        }
        writer.complete().await?;
        self.exporter.bucket.remove_all(&working_prefix(&self.export)).await?;
        let (files, bytes) = (writer.totals.files, writer.totals.bytes);
        let progress = ExportProgress { files, files_total: files, bytes, bytes_total: bytes };
        let ready = self.export.ready(writer.zip.position(), clock::now());
        self.write(Export { progress, ..ready }).await?;
        metric(Metric::Exports, 1, &[]);
        tracing::info!(export = %self.export.id, files, "an archive is ready");
        Ok(())
    }

    /// Writes down what there is, and begins the archive of it. What was written down before is not looked for again.
    async fn collect_contents(
        &mut self,
    ) -> Result<((ArchiveContents, Writing, ArchiveTotals), RecentPages), WorkError> {
        let mut checkpoint = Checkpoint::of(self.export.checkpoint.as_deref());
        let mut recent = RecentPages::default();
        loop {
            self.check_time()?;
            let Checkpoint { mut contents, stage, totals } = checkpoint;
            let stage = match stage {
                Stage::Items(after) => {
                    let (page, next) = self.collect_items(&mut contents, after).await?;
                    recent.page = Some(page);
                    next.map_or(Stage::Files(None), |next| Stage::Items(Some(next)))
                }
                Stage::Files(after) => {
                    let (list, next) = self.collect_files(&mut contents, after).await?;
                    recent.list = Some(list);
                    match next {
                        Some(next) => Stage::Files(Some(next)),
                        None => Stage::Archive(Box::new(Writing::begin(self.begin_upload().await?, &contents))),
                    }
                }
                Stage::Archive(writing) => return Ok(((contents, *writing, totals), recent)),
            };
            checkpoint = Checkpoint { contents, stage, totals };
            self.keep(&checkpoint).await?;
        }
    }

    /// The next page of the drawer, and where the one after it begins.
    async fn collect_items(
        &self,
        contents: &mut ArchiveContents,
        after: Option<String>,
    ) -> Result<((u32, Vec<ItemLine>), Option<String>), WorkError> {
        let page = self.exporter.table.contents(self.export.account, after).await?;
        let number = contents.pages.count();
        let lines = contents.add_page(page.items, self.export.version, clock::now());
        self.write_page(contents.pages.key("items", number), contents::encode(&lines)).await?;
        Ok(((number, lines), page.next))
    }

    /// The next page of the list of files, and where the one after it begins. Archives are not in archives, nor is what is
    /// for staff.
    async fn collect_files(
        &self,
        contents: &mut ArchiveContents,
        after: Option<String>,
    ) -> Result<((u32, Vec<ListedFile>), Option<String>), WorkError> {
        let prefix = Bucket::account_prefix(self.export.account);
        let page = self.exporter.bucket.list(&prefix, after).await?;
        let is_exported = |stored: &StoredObject| {
            registry::object_kind(&stored.key).is_none_or(|kind| kind.export == ExportRule::Files)
        };
        let mut list = Vec::with_capacity(page.items.len());
        for stored in page.items.into_iter().filter(is_exported) {
            list.push(self.named(stored).await?);
        }
        let number = contents.lists.count();
        contents.add_list(&list, self.export.version);
        self.write_page(contents.lists.key("files", number), serde_json::to_vec(&list)?).await?;
        Ok(((number, list), page.next))
    }

    async fn write_page(&self, name: Option<String>, page: Vec<u8>) -> Result<(), WorkError> {
        let key = format!("{}{}", working_prefix(&self.export), name.unwrap_or_default());
        Ok(self.exporter.bucket.write(&key, "application/octet-stream", page).await?)
    }

    async fn named(&self, stored: StoredObject) -> Result<ListedFile, WorkError> {
        let upload = match Bucket::upload_of(&stored.key) {
            Some(id) => self.exporter.table.upload(self.export.account, id).await?,
            None => None,
        };
        let name = names::of_file(&stored.key, upload.as_ref());
        let StoredObject { key, bytes, etag, modified } = stored;
        Ok(ListedFile { key, name, bytes, etag, modified })
    }

    /// Begins the upload of the archive; one that somebody began who died before writing it down is ended.
    async fn begin_upload(&self) -> Result<String, WorkError> {
        let (bucket, Export { account, id, requested_at, .. }) = (&self.exporter.bucket, &self.export);
        bucket.abort_uploads(&Bucket::export_prefix(*account, *id)).await?;
        let day = TimeZone::UTC.to_datetime(*requested_at).date();
        let save_as = format!("darkroom-{day}.zip");
        Ok(bucket.begin_upload(&Bucket::archive_key(*account, *id), "application/zip", &save_as).await?)
    }

    fn check_time(&self) -> Result<(), WorkError> {
        let left = self.deadline.duration_since(clock::now());
        if left < MIN_TIME_LEFT { Err(WorkError::OutOfTime) } else { Ok(()) }
    }

    /// Moves the checkpoint.
    async fn keep(&mut self, checkpoint: &Checkpoint) -> Result<(), WorkError> {
        let kept = serde_json::to_string(checkpoint)?;
        let progress = checkpoint.progress();
        self.write(self.export.progressed(Some(kept), progress, self.exporter.lease_s, clock::now())).await
    }

    /// Gives it up for another invocation, and sends the message for that. One that is lost is sent by the sweep.
    async fn hand_over(&mut self, delay_s: u32) -> Result<(), WorkError> {
        self.write(self.export.handed_over(delay_s, clock::now())).await?;
        let Export { account, id: export, .. } = self.export;
        if let Err(error) = self.exporter.queue.send(&ExportMessage { account, export }, delay_s).await {
            tracing::warn!(error = %error, %export, "the message was not sent: the sweep will send it");
        }
        Ok(())
    }

    async fn write(&mut self, next: Export) -> Result<(), WorkError> {
        match self.exporter.table.commit(&[Write::Export(&next)]).await {
            Ok(()) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::AccountGone) => return Err(WorkError::AccountGone),
            Err(CommitError::Stale | CommitError::Replayed(_)) => {
                // The SDK repeats a write whose answer was lost, and that repeat finds the write itself.
                let current = self.exporter.table.export(next.account, next.id).await?;
                if current.as_ref() != Some(&next) {
                    return Err(WorkError::Superseded);
                }
            }
        }
        self.export = next;
        Ok(())
    }
}

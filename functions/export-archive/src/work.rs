//! Handles one message, from the claim to the finished archive.

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

/// The time that must be left of the invocation to begin another step: longer than any step takes.
const MIN_TIME_LEFT: SignedDuration = SignedDuration::from_secs(45);
/// Seconds until a restarted export is picked up, so that the cause of the restart can pass.
const RESTART_DELAY_S: u32 = 60;

/// Builds archives.
pub(crate) struct Exporter {
    pub table: Table,
    pub bucket: Bucket,
    pub queue: Queue,
    pub lease_s: u32,
}

/// An export that this worker has claimed, as last written.
struct ClaimedExport<'a> {
    exporter: &'a Exporter,
    export: Export,
    deadline: Timestamp,
}

/// The last written pages of the snapshot, kept to avoid reading them again.
#[derive(Default)]
struct RecentPages {
    page: Option<(u32, Vec<ItemLine>)>,
    list: Option<(u32, Vec<ListedFile>)>,
}

impl Exporter {
    /// Builds the archive that a message asks for. Does nothing if the export has ended or another worker holds its lease.
    pub(crate) async fn work(&self, record: Record<ExportMessage>) -> Result<(), WorkError> {
        let ExportMessage { account, export: id } = record.body;
        let mut held = loop {
            let Some(export) = self.table.export(account, id).await? else {
                // A late worker may have written files after the export was deleted.
                return self.clear(account, id).await;
            };
            let ExportClaim::Work(claimed) = export.claim(self.lease_s, clock::now()) else { return Ok(()) };
            let mut held = ClaimedExport { exporter: self, export, deadline: record.deadline };
            match held.write(*claimed).await {
                Ok(()) => break held,
                // The other write need not be a claim: the sweep records that it sent this message, possibly after us.
                Err(WorkError::Superseded) => {}
                Err(WorkError::AccountGone) => return self.clear(account, id).await,
                Err(error) => return Err(error),
            }
        };
        match held.make().await {
            Ok(()) => Ok(()),
            Err(WorkError::Superseded) => {
                tracing::info!(export = %id, "stopping: another worker holds the lease, or the export has ended");
                Ok(())
            }
            Err(WorkError::AccountGone) => self.clear(account, id).await,
            Err(WorkError::OutOfTime) => held.hand_over(0).await,
            Err(WorkError::Lost(what)) => {
                tracing::warn!(export = %id, what, "restarting the export: a file no longer exists");
                // If another worker holds the lease by now, this write fails and deletes nothing.
                held.write(held.export.progressed(None, ExportProgress::default(), self.lease_s, clock::now())).await?;
                self.clear(account, id).await?;
                held.hand_over(RESTART_DELAY_S).await
            }
            Err(error) => {
                // Releases the lease, so the next worker need not wait for it to expire. If this fails, it waits.
                let _ = held.write(held.export.handed_over(0, clock::now())).await;
                Err(error)
            }
        }
    }

    /// Deletes every file and multipart upload of an export. A repeat deletes what is left.
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
        tracing::info!(export = %self.export.id, files, "archive ready");
        Ok(())
    }

    /// Takes the snapshot and begins the archive; continues from the checkpoint if there is one.
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
                        None => {
                            Stage::Archive(Box::new(Writing::begin(self.begin_upload(&contents).await?, &contents)))
                        }
                    }
                }
                Stage::Archive(writing) => return Ok(((contents, *writing, totals), recent)),
            };
            checkpoint = Checkpoint { contents, stage, totals };
            self.keep(&checkpoint).await?;
        }
    }

    /// Copies the next page of items into the snapshot. Returns it with the key to continue after.
    async fn collect_items(
        &self,
        contents: &mut ArchiveContents,
        after: Option<String>,
    ) -> Result<((u32, Vec<ItemLine>), Option<String>), WorkError> {
        let table = &self.exporter.table;
        if after.is_none() {
            contents.service = table.texts(clock::now()).await?.name.clone();
        }
        let page = table.contents(self.export.account, after).await?;
        let number = contents.pages.count();
        let lines = contents.add_page(page.items, self.export.version, clock::now());
        self.write_page(contents.pages.key("items", number), contents::encode(&lines)).await?;
        Ok(((number, lines), page.next))
    }

    /// Copies the next page of the file list into the snapshot. Returns it with the key to continue after. Leaves out archives
    /// and files for staff.
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

    /// Begins the multipart upload of the archive. Aborts uploads that a crashed worker began without recording them.
    async fn begin_upload(&self, contents: &ArchiveContents) -> Result<String, WorkError> {
        let (bucket, Export { account, id, requested_at, .. }) = (&self.exporter.bucket, &self.export);
        bucket.abort_uploads(&Bucket::export_prefix(*account, *id)).await?;
        let day = TimeZone::UTC.to_datetime(*requested_at).date();
        let save_as = format!("{}-{day}.zip", names::of_service(&contents.service));
        Ok(bucket.begin_upload(&Bucket::archive_key(*account, *id), "application/zip", &save_as).await?)
    }

    fn check_time(&self) -> Result<(), WorkError> {
        let left = self.deadline.duration_since(clock::now());
        if left < MIN_TIME_LEFT { Err(WorkError::OutOfTime) } else { Ok(()) }
    }

    /// Writes the checkpoint and renews the lease.
    async fn keep(&mut self, checkpoint: &Checkpoint) -> Result<(), WorkError> {
        let kept = serde_json::to_string(checkpoint)?;
        let progress = checkpoint.progress();
        self.write(self.export.progressed(Some(kept), progress, self.exporter.lease_s, clock::now())).await
    }

    /// Releases the lease and sends a message for the next invocation. If the message is lost, the sweep sends another.
    async fn hand_over(&mut self, delay_s: u32) -> Result<(), WorkError> {
        self.write(self.export.handed_over(delay_s, clock::now())).await?;
        let Export { account, id: export, .. } = self.export;
        if let Err(error) = self.exporter.queue.send(&ExportMessage { account, export }, delay_s).await {
            tracing::warn!(error = %error, %export, "message not sent: the sweep will send it");
        }
        Ok(())
    }

    async fn write(&mut self, next: Export) -> Result<(), WorkError> {
        match self.exporter.table.commit(&[Write::Export(&next)]).await {
            Ok(()) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::AccountGone) => return Err(WorkError::AccountGone),
            Err(CommitError::Stale | CommitError::Replayed(_)) => {
                // The SDK retries a write whose response was lost, and the retry finds the first write.
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

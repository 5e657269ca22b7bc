//! Writes the archive into the parts of a multipart upload.

use archive::{DirectoryEntry, NewFile, ZipWriter};
use domain::privacy::export::Export;
use jiff::Timestamp;
use store::{Bucket, MAX_PARTS, MIN_PART_BYTES};

use crate::{
    checkpoint::{ArchiveTotals, Checkpoint, Parts, Stage, Writing},
    contents::{self, ArchiveContents, ItemLine, ListedFile},
    directory::Directory,
    error::WorkError,
    layout::{ArchivePosition, Section, sections},
    pages::Pages,
};

/// The size of a part of a normal archive, in bytes.
const PART_SIZE: u64 = 8 << 20;
/// Above this number of parts, parts become larger. The rest is room for what the snapshot does not show.
const TARGET_PARTS: u64 = MAX_PARTS * 9 / 10;
/// The size limit of a page of the snapshot, in bytes.
const PAGE_BYTES: u64 = 64 << 20;

const _: () = assert!(PART_SIZE >= MIN_PART_BYTES, "S3 refuses smaller parts");

/// An archive that this process is writing.
pub(crate) struct Writer<'a> {
    pub bucket: &'a Bucket,
    /// The export, as last written.
    pub export: Export,
    pub contents: ArchiveContents,
    pub sections: Vec<Section>,
    pub zip: ZipWriter,
    pub position: ArchivePosition,
    pub totals: ArchiveTotals,
    pub directory: Directory,
    /// The bytes that are not uploaded yet.
    out: Vec<u8>,
    upload: String,
    parts: Parts,
    part_bytes: u64,
    page: Option<(u32, Vec<ItemLine>)>,
    list: Option<(u32, Vec<ListedFile>)>,
}

/// Returns the prefix of the snapshot and the directory.
pub(crate) fn working_prefix(export: &Export) -> String {
    format!("{}work/", Bucket::export_prefix(export.account, export.id))
}

/// Returns the size of the parts for this snapshot, in bytes: larger than [`PART_SIZE`] only where there would be too many
/// parts. The estimate includes what is generated from the items, and some hundred bytes for each file.
fn part_bytes(contents: &ArchiveContents) -> u64 {
    let estimate = contents.file_bytes + 4 * contents.item_bytes + 1024 * contents.files;
    PART_SIZE.max(estimate.div_ceil(TARGET_PARTS).next_multiple_of(1 << 20))
}

impl Writing {
    /// Returns the state of an archive of this snapshot before its first byte.
    pub(crate) fn begin(upload: String, contents: &ArchiveContents) -> Self {
        let (parts, zip, position, directory) =
            (Parts::default(), ZipWriter::default(), ArchivePosition::default(), Pages::default());
        Self { upload, parts, part_bytes: part_bytes(contents), zip, position, directory }
    }
}

impl<'a> Writer<'a> {
    /// Continues from a checkpoint.
    ///
    /// # Errors
    /// A call failed, or a page no longer exists.
    pub(crate) async fn open(
        bucket: &'a Bucket,
        export: Export,
        (contents, writing, totals): (ArchiveContents, Writing, ArchiveTotals),
    ) -> Result<Self, WorkError> {
        let Writing { upload, parts, part_bytes, zip, position, directory } = writing;
        Ok(Self {
            bucket,
            sections: sections(&contents),
            directory: Directory::open(bucket, working_prefix(&export), zip.file_count(), directory).await?,
            export,
            contents,
            zip,
            position,
            totals,
            out: Vec::new(),
            upload,
            parts,
            part_bytes,
            page: None,
            list: None,
        })
    }

    /// Returns the checkpoint to continue from. Everything written so far must be uploaded.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let writing = Writing {
            upload: self.upload.clone(),
            parts: self.parts.clone(),
            part_bytes: self.part_bytes,
            zip: self.zip.clone(),
            position: self.position,
            directory: self.directory.pages.clone(),
        };
        Checkpoint { contents: self.contents.clone(), stage: Stage::Archive(Box::new(writing)), totals: self.totals }
    }

    /// Uploads the next part if there are enough bytes for it, or if it is the last. Returns whether it did. A repeat
    /// overwrites the part.
    ///
    /// # Errors
    /// A call failed, or the multipart upload no longer exists.
    pub(crate) async fn flush(&mut self) -> Result<bool, WorkError> {
        let enough = self.out.len() as u64 >= self.part_bytes || self.zip.is_finished();
        if !enough || self.out.is_empty() {
            return Ok(false);
        }
        let key = Bucket::archive_key(self.export.account, self.export.id);
        let part = std::mem::take(&mut self.out);
        let etag = self.bucket.upload_part((&key, &self.upload), self.parts.count + 1, part).await?;
        self.parts.push(&etag.ok_or(WorkError::Lost("the upload"))?);
        self.directory.save(self.bucket, self.export.version).await?;
        Ok(true)
    }

    /// Completes the multipart upload. Uses only the recorded parts, as a worker whose lease expired may still upload parts. A
    /// repeat finds the completed file.
    ///
    /// # Errors
    /// A call failed, or a part was overwritten, or neither the upload nor the file exists.
    pub(crate) async fn complete(&self) -> Result<(), WorkError> {
        let key = Bucket::archive_key(self.export.account, self.export.id);
        let upload = (key.as_str(), self.upload.as_str());
        let completed = match self.parts.among(self.bucket.parts(upload).await?) {
            Some(parts) => self.bucket.complete_upload(upload, &parts).await?,
            None => false,
        };
        if completed || self.bucket.size(&key).await? == Some(self.zip.position()) {
            return Ok(());
        }
        Err(WorkError::Lost("the upload"))
    }

    /// Begins a file of the archive. Fails if its name or its size is not allowed.
    pub(crate) fn begin(&mut self, name: String, modified: Timestamp, max_bytes: Option<u64>) -> Result<(), WorkError> {
        Ok(self.zip.start_file(NewFile { name, modified, max_bytes }, &mut self.out)?)
    }

    /// Appends bytes to the file.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), WorkError> {
        Ok(self.zip.write(bytes, &mut self.out)?)
    }

    /// Ends the file and adds it to the directory.
    pub(crate) async fn end(&mut self) -> Result<(), WorkError> {
        let record = self.zip.finish_file(&mut self.out)?;
        self.directory.add(self.bucket, record, self.export.version).await?;
        self.totals.files += 1;
        Ok(())
    }

    /// Writes entries to the central directory.
    pub(crate) fn list(&mut self, records: &[DirectoryEntry]) -> Result<(), WorkError> {
        records.iter().try_for_each(|record| Ok(self.zip.add_to_directory(record, &mut self.out)?))
    }

    /// Ends the archive.
    pub(crate) fn finish(&mut self) -> Result<(), WorkError> {
        Ok(self.zip.finish(&mut self.out)?)
    }

    /// Keeps pages that were just written, to avoid reading them again.
    pub(crate) fn cache_pages(&mut self, page: Option<(u32, Vec<ItemLine>)>, list: Option<(u32, Vec<ListedFile>)>) {
        (self.page, self.list) = (page, list);
    }

    /// Returns the items on a page of the snapshot.
    ///
    /// # Errors
    /// A call failed, or the page no longer exists.
    pub(crate) async fn items(&mut self, page: u32) -> Result<&[ItemLine], WorkError> {
        if self.page.as_ref().is_none_or(|(read, _)| *read != page) {
            let bytes = self.read(self.contents.pages.key("items", page)).await?;
            let lines = contents::decode(&bytes).ok_or(WorkError::Lost("a valid page of the snapshot"))?;
            self.page = Some((page, lines));
        }
        Ok(self.page.as_ref().map_or(&[], |(_, lines)| lines))
    }

    /// Returns the files on a page of the snapshot.
    ///
    /// # Errors
    /// A call failed, or the page no longer exists.
    pub(crate) async fn files(&mut self, list: u32) -> Result<&[ListedFile], WorkError> {
        if self.list.as_ref().is_none_or(|(read, _)| *read != list) {
            let bytes = self.read(self.contents.lists.key("files", list)).await?;
            self.list = Some((list, serde_json::from_slice(&bytes)?));
        }
        Ok(self.list.as_ref().map_or(&[], |(_, files)| files))
    }

    async fn read(&self, name: Option<String>) -> Result<Vec<u8>, WorkError> {
        let gone = || WorkError::Lost("a page of the snapshot");
        let key = format!("{}{}", working_prefix(&self.export), name.ok_or_else(gone)?);
        self.bucket.read(&key, PAGE_BYTES).await?.ok_or_else(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(gibibytes: u64, mebibytes_of_a_part: u64) {
        let contents = ArchiveContents { file_bytes: gibibytes << 30, ..ArchiveContents::default() };
        assert_eq!(part_bytes(&contents), mebibytes_of_a_part << 20, "{gibibytes} GiB");
        assert!((gibibytes << 30).div_ceil(part_bytes(&contents)) <= MAX_PARTS);
    }

    #[test]
    fn parts_grow_only_when_there_would_be_too_many() {
        check(0, 8);
        check(5, 8);
        check(70, 8);
        check(80, 10);
        check(5 << 10, 583);
    }
}

//! The part of the archive that is being made, and where parts go.

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

/// The size of a part, in bytes, as long as there are few enough of them.
const PART_SIZE: u64 = 8 << 20;
/// Parts are made larger rather than more than this, so that what the stock does not tell has room.
const TARGET_PARTS: u64 = MAX_PARTS * 9 / 10;
/// Largest page of the stock, in bytes.
const PAGE_BYTES: u64 = 64 << 20;

const _: () = assert!(PART_SIZE >= MIN_PART_BYTES, "S3 refuses smaller parts");

/// An archive that is being written, in this process.
pub(crate) struct Writer<'a> {
    pub bucket: &'a Bucket,
    /// As it was last written.
    pub export: Export,
    pub contents: ArchiveContents,
    pub sections: Vec<Section>,
    pub zip: ZipWriter,
    pub position: ArchivePosition,
    pub totals: ArchiveTotals,
    pub directory: Directory,
    /// What is not in a part yet.
    out: Vec<u8>,
    upload: String,
    parts: Parts,
    part_bytes: u64,
    page: Option<(u32, Vec<ItemLine>)>,
    list: Option<(u32, Vec<ListedFile>)>,
}

/// Where what is needed to make the archive lies.
pub(crate) fn working_prefix(export: &Export) -> String {
    format!("{}work/", Bucket::export_prefix(export.account, export.id))
}

/// The size of the parts of an archive of this stock: the same until there would be too many of them. What is not known
/// yet is small beside the files: everything that is made of the items, and some hundred bytes for each file.
fn part_bytes(contents: &ArchiveContents) -> u64 {
    let estimate = contents.file_bytes + 4 * contents.item_bytes + 1024 * contents.files;
    PART_SIZE.max(estimate.div_ceil(TARGET_PARTS).next_multiple_of(1 << 20))
}

impl Writing {
    /// An archive of this stock of which nothing is written yet.
    pub(crate) fn begin(upload: String, contents: &ArchiveContents) -> Self {
        let (parts, zip, position, directory) =
            (Parts::default(), ZipWriter::default(), ArchivePosition::default(), Pages::default());
        Self { upload, parts, part_bytes: part_bytes(contents), zip, position, directory }
    }
}

impl<'a> Writer<'a> {
    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// A call failed, or what should be there is not.
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

    /// What to go on from, once everything so far is in a part.
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

    /// Writes what there is as a part, if it is enough for one or the last.
    ///
    /// # Errors
    /// A call failed, or the upload is gone.
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

    /// Makes the parts one file. One that is not as this writer, or one before it, wrote it is not taken: whoever was
    /// thought dead and is not may write parts of its own.
    ///
    /// # Errors
    /// A call failed, or the upload is gone and there is no such file.
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
        Err(WorkError::Lost("what was uploaded"))
    }

    /// Begins a file of the archive.
    pub(crate) fn begin(&mut self, name: String, modified: Timestamp, max_bytes: Option<u64>) -> Result<(), WorkError> {
        Ok(self.zip.start_file(NewFile { name, modified, max_bytes }, &mut self.out)?)
    }

    /// More of that file.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), WorkError> {
        Ok(self.zip.write(bytes, &mut self.out)?)
    }

    /// The end of that file.
    pub(crate) async fn end(&mut self) -> Result<(), WorkError> {
        let record = self.zip.finish_file(&mut self.out)?;
        self.directory.add(self.bucket, record, self.export.version).await?;
        self.totals.files += 1;
        Ok(())
    }

    /// Lists files in the directory at the end.
    pub(crate) fn list(&mut self, records: &[DirectoryEntry]) -> Result<(), WorkError> {
        records.iter().try_for_each(|record| Ok(self.zip.add_to_directory(record, &mut self.out)?))
    }

    /// The end of the archive.
    pub(crate) fn finish(&mut self) -> Result<(), WorkError> {
        Ok(self.zip.finish(&mut self.out)?)
    }

    /// Has a page of the stock that was just written in memory.
    pub(crate) fn cache_pages(&mut self, page: Option<(u32, Vec<ItemLine>)>, list: Option<(u32, Vec<ListedFile>)>) {
        (self.page, self.list) = (page, list);
    }

    /// The items on a page of the stock.
    ///
    /// # Errors
    /// A call failed, or it is gone.
    pub(crate) async fn items(&mut self, page: u32) -> Result<&[ItemLine], WorkError> {
        if self.page.as_ref().is_none_or(|(read, _)| *read != page) {
            let bytes = self.read(self.contents.pages.key("items", page)).await?;
            let lines = contents::decode(&bytes).ok_or(WorkError::Lost("what a page of the stock says"))?;
            self.page = Some((page, lines));
        }
        Ok(self.page.as_ref().map_or(&[], |(_, lines)| lines))
    }

    /// The files on a page of the stock.
    ///
    /// # Errors
    /// A call failed, or it is gone.
    pub(crate) async fn files(&mut self, list: u32) -> Result<&[ListedFile], WorkError> {
        if self.list.as_ref().is_none_or(|(read, _)| *read != list) {
            let bytes = self.read(self.contents.lists.key("files", list)).await?;
            self.list = Some((list, serde_json::from_slice(&bytes)?));
        }
        Ok(self.list.as_ref().map_or(&[], |(_, files)| files))
    }

    async fn read(&self, name: Option<String>) -> Result<Vec<u8>, WorkError> {
        let gone = || WorkError::Lost("a page of the stock");
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
    fn parts_stay_small_until_there_would_be_too_many() {
        check(0, 8);
        check(5, 8);
        check(70, 8);
        check(80, 10);
        check(5 << 10, 583);
    }
}

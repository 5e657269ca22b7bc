//! The entries of the archive's files, for the manifest and the central directory. They are stored in pages beside the
//! archive, since they may not fit in memory.

use archive::DirectoryEntry;
use serde::Serialize;
use store::Bucket;

use crate::{error::WorkError, names, pages::Pages};

/// The number of entries on a page.
pub(crate) const PAGE: u64 = 1000;
/// The size limit of a page, in bytes.
const PAGE_BYTES: u64 = 64 << 20;

/// Reads and writes the pages. The page that is being filled is in memory.
#[derive(Debug)]
pub(crate) struct Directory {
    prefix: String,
    /// The stored pages. The last one may hold an older state of the page that is being filled.
    pub pages: Pages,
    filling: Vec<DirectoryEntry>,
    /// The number of the page that is being filled.
    number: u32,
    /// The page that was read last.
    read: Option<(u32, Vec<DirectoryEntry>)>,
}

/// A line of the manifest.
#[derive(Serialize)]
struct ManifestEntry<'a> {
    name: &'a str,
    bytes: u64,
    #[serde(rename = "type")]
    media_type: &'static str,
    sha256: &'a str,
}

impl Directory {
    /// Opens the directory with this prefix, which lists `files` files on these pages.
    ///
    /// # Errors
    /// A call failed, or a page no longer exists.
    pub(crate) async fn open(bucket: &Bucket, prefix: String, files: u64, pages: Pages) -> Result<Self, WorkError> {
        let number = u32::try_from(files / PAGE).unwrap_or(u32::MAX);
        let mut directory = Self { prefix, pages, filling: Vec::new(), number, read: None };
        if !files.is_multiple_of(PAGE) {
            directory.filling = directory.load(bucket, number).await?;
        }
        Ok(directory)
    }

    /// Adds a file, for a writer with this version of the export. Stores the page if it is full.
    ///
    /// # Errors
    /// The call failed.
    pub(crate) async fn add(&mut self, bucket: &Bucket, record: DirectoryEntry, version: u64) -> Result<(), WorkError> {
        self.filling.push(record);
        if self.filling.len() as u64 == PAGE {
            self.save(bucket, version).await?;
            self.filling.clear();
            self.number += 1;
        }
        Ok(())
    }

    /// Stores the page that is being filled, for a writer with this version of the export.
    ///
    /// # Errors
    /// The call failed.
    pub(crate) async fn save(&mut self, bucket: &Bucket, version: u64) -> Result<(), WorkError> {
        if self.filling.is_empty() {
            return Ok(());
        }
        self.pages.push(self.number, version);
        let page = serde_json::to_vec(&self.filling)?;
        Ok(bucket.write(&self.key(self.number)?, "application/json", page).await?)
    }

    /// Returns the entries on a page; none after the last page.
    ///
    /// # Errors
    /// A call failed, or a page no longer exists.
    pub(crate) async fn page(&mut self, bucket: &Bucket, number: u32) -> Result<&[DirectoryEntry], WorkError> {
        if number >= self.number {
            return Ok(if number == self.number { &self.filling } else { &[] });
        }
        if self.read.as_ref().is_none_or(|(read, _)| *read != number) {
            self.read = Some((number, self.load(bucket, number).await?));
        }
        Ok(self.read.as_ref().map_or(&[], |(_, page)| page))
    }

    async fn load(&self, bucket: &Bucket, number: u32) -> Result<Vec<DirectoryEntry>, WorkError> {
        let page = bucket.read(&self.key(number)?, PAGE_BYTES).await?;
        let page = page.ok_or(WorkError::Lost("a page of the directory"))?;
        Ok(serde_json::from_slice(&page)?)
    }

    fn key(&self, number: u32) -> Result<String, WorkError> {
        let name = self.pages.key("directory", number).ok_or(WorkError::Lost("a page of the directory"))?;
        Ok(format!("{}{name}", self.prefix))
    }
}

/// Formats entries as lines of the manifest.
pub(crate) fn manifest(records: &[DirectoryEntry]) -> Result<Vec<String>, serde_json::Error> {
    let listed = records.iter().map(|record| ManifestEntry {
        name: &record.name,
        bytes: record.bytes,
        media_type: names::media_type(&record.name),
        sha256: &record.sha256,
    });
    listed.map(|listed| serde_json::to_string(&listed)).collect()
}

/// Returns the number of pages for this many files.
pub(crate) const fn pages(files: u64) -> u64 {
    files.div_ceil(PAGE)
}

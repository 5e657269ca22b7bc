//! The checkpoint from which the next worker continues an export.

use archive::ZipWriter;
use domain::privacy::export::ExportProgress;
use ring::digest;
use serde::{Deserialize, Serialize};
use store::Part;

use crate::{
    contents::ArchiveContents,
    layout::{self, ArchivePosition},
    pages::Pages,
};

/// The state of the work, stored in the export item. It stays small: what grows with the archive is stored in pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The snapshot so far.
    pub contents: ArchiveContents,
    /// The current stage.
    pub stage: Stage,
    /// What the archive contains so far.
    pub totals: ArchiveTotals,
}

/// A stage of the work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Copying items, after this sort key.
    Items(Option<String>),
    /// Listing files, after this key.
    Files(Option<String>),
    /// Writing the archive.
    Archive(Box<Writing>),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Items(None)
    }
}

/// The state of an archive that is being written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Writing {
    /// The id of the multipart upload.
    pub upload: String,
    /// The uploaded parts.
    pub parts: Parts,
    /// The minimum size of a part, in bytes.
    pub part_bytes: u64,
    /// The state of the ZIP.
    pub zip: ZipWriter,
    /// The next piece to write.
    pub position: ArchivePosition,
    /// The pages of the directory.
    pub directory: Pages,
}

/// Identifies the parts that this export uploaded, so that parts of another worker are detected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// The number of parts.
    pub count: u32,
    /// A chained hash of their ETags.
    digest: String,
}

impl Parts {
    /// Adds a part. Quotes around the ETag make no difference.
    pub(crate) fn push(&mut self, etag: &str) {
        let etag = etag.trim_matches('"');
        let hash = digest::digest(&digest::SHA256, format!("{} {etag}", self.digest).as_bytes());
        self.digest = hex::encode(hash);
        self.count += 1;
    }

    /// Returns the parts to complete the upload with; `None` if any differs from what was uploaded.
    pub(crate) fn among(&self, mut written: Vec<Part>) -> Option<Vec<Part>> {
        written.retain(|part| part.number <= self.count);
        let mut found = Self::default();
        for part in &written {
            found.push(&part.etag);
        }
        (found == *self).then_some(written)
    }
}

/// Counts what the archive contains.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ArchiveTotals {
    /// The number of files.
    pub files: u64,
    /// The size of items and files, in bytes.
    pub bytes: u64,
}

impl Checkpoint {
    /// Parses the checkpoint of an export. Returns the start of the work if there is none, or if another version wrote it.
    pub(crate) fn of(kept: Option<&str>) -> Self {
        let Some(kept) = kept else { return Self::default() };
        serde_json::from_str(kept).unwrap_or_else(|error| {
            tracing::warn!(%error, "restarting the export: the checkpoint cannot be parsed");
            Self::default()
        })
    }

    /// Returns the progress as the account owner sees it.
    pub(crate) fn progress(&self) -> ExportProgress {
        let Stage::Archive(_) = self.stage else { return ExportProgress::default() };
        ExportProgress {
            files: self.totals.files,
            files_total: layout::files(&self.contents),
            bytes: self.totals.bytes,
            bytes_total: self.contents.item_bytes + self.contents.file_bytes,
        }
    }
}

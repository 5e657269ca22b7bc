//! From where on the next worker goes on.

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

/// How far the work is. It is kept in the export's item, so it stays small: what grows with the archive lies beside that.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// What was found so far.
    pub contents: ArchiveContents,
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub totals: ArchiveTotals,
}

/// What is being done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Reading the drawer, from behind this sort key on.
    Items(Option<String>),
    /// Listing the files, from behind this key on.
    Files(Option<String>),
    /// Writing the archive.
    Archive(Box<Writing>),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Items(None)
    }
}

/// An archive that is being written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Writing {
    /// The id of the upload in parts.
    pub upload: String,
    /// Parts that are written.
    pub parts: Parts,
    /// The bytes that each part has at least.
    pub part_bytes: u64,
    /// The archive up to there.
    pub zip: ZipWriter,
    /// What comes next.
    pub position: ArchivePosition,
    /// The pages of the directory.
    pub directory: Pages,
}

/// Parts that are written, so that those of somebody else are told apart in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// How many there are.
    pub count: u32,
    /// A hash over their ETags.
    digest: String,
}

impl Parts {
    /// One more. An ETag is the same with its quotes and without.
    pub(crate) fn push(&mut self, etag: &str) {
        let etag = etag.trim_matches('"');
        let hash = digest::digest(&digest::SHA256, format!("{} {etag}", self.digest).as_bytes());
        self.digest = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.count += 1;
    }

    /// Those of these that are meant, if they are as they were written.
    pub(crate) fn among(&self, mut written: Vec<Part>) -> Option<Vec<Part>> {
        written.retain(|part| part.number <= self.count);
        let mut found = Self::default();
        for part in &written {
            found.push(&part.etag);
        }
        (found == *self).then_some(written)
    }
}

/// What is in the archive.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ArchiveTotals {
    /// Files.
    pub files: u64,
    /// Bytes of items and files.
    pub bytes: u64,
}

impl Checkpoint {
    /// What is kept of an export; what cannot be read, since another version wrote it, is begun anew.
    pub(crate) fn of(kept: Option<&str>) -> Self {
        let Some(kept) = kept else { return Self::default() };
        serde_json::from_str(kept).unwrap_or_else(|error| {
            tracing::warn!(%error, "a checkpoint cannot be read: it is begun anew");
            Self::default()
        })
    }

    /// How far that is, for its owner.
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

//! From where on the next worker goes on.

use archive::ZipWriter;
use domain::privacy::export::ExportProgress;
use ring::digest;
use serde::{Deserialize, Serialize};
use store::Part;

use crate::{
    outline::{self, ArchivePosition},
    stock::ArchiveContents,
};

/// How far the work is. It is kept in the export's item, so it stays small: what grows with the archive lies beside that.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// What was found so far.
    pub stock: ArchiveContents,
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: Done,
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
    pub place: ArchivePosition,
    /// The pages of the directory.
    pub directory: Pages,
}

/// Pages that lie beside the archive. Each is named by its number and the version of the export that its writer had, which
/// no two writers share: whoever was thought dead and is not writes over nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pages(Vec<u64>);

impl Pages {
    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Where one lies, among those of this kind; nothing if there is no such page.
    pub(crate) fn key(&self, kind: &str, number: u32) -> Option<String> {
        let version = self.0.get(usize::try_from(number).ok()?)?;
        Some(format!("{kind}-{number:06}-{version}"))
    }

    /// Another one after so many, of a writer with this version, in place of whatever came there before.
    pub(crate) fn push(&mut self, before: u32, version: u64) {
        self.0.truncate(usize::try_from(before).unwrap_or(usize::MAX));
        self.0.push(version);
    }
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
pub(crate) struct Done {
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
            files: self.done.files,
            files_total: outline::files(&self.stock),
            bytes: self.done.bytes,
            bytes_total: self.stock.item_bytes + self.stock.file_bytes,
        }
    }
}

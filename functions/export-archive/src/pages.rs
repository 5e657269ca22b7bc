//! The names of the pages that are stored beside the archive.

use serde::{Deserialize, Serialize};

/// Lists the pages of one kind. A page is named by its number and by the version of the export that its writer held. No
/// two writers share a version, so a worker whose lease expired overwrites no page of its successor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pages(Vec<u64>);

impl Pages {
    /// Counts the pages.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Returns the name of a page of this kind; `None` if there is no such page.
    pub(crate) fn key(&self, kind: &str, number: u32) -> Option<String> {
        let version = self.0.get(usize::try_from(number).ok()?)?;
        Some(format!("{kind}-{number:06}-{version}"))
    }

    /// Adds a page after the first `before` pages, for a writer with this version. Drops every page that followed them.
    pub(crate) fn push(&mut self, before: u32, version: u64) {
        self.0.truncate(usize::try_from(before).unwrap_or(usize::MAX));
        self.0.push(version);
    }
}

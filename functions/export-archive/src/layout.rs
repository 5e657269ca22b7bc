//! Lists the sections of the archive in the order in which they are written.

use serde::{Deserialize, Serialize};

use crate::contents::{self, ArchiveContents};

/// A section of the archive, which is written in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// The items of a kind, one page of the snapshot per piece.
    Items(String),
    /// The JSON schema of these items.
    Schema(&'static str),
    /// The ledger as CSV, one page of the snapshot per piece.
    Ledger,
    /// The payments as CSV, one page of the snapshot per piece.
    Payments,
    /// The files on a page of the snapshot, each in as many reads as it takes.
    Files(u32),
    /// The index page, one chapter per piece.
    Index,
    /// The manifest, one page of the directory per piece.
    Manifest,
    /// The central directory of the ZIP, one page per piece.
    Directory,
}

/// A chapter of the index page. `first` and `last` state whether it begins with the heading and ends the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chapter {
    /// The header with the profile, from the page of the snapshot that contains the account.
    Opening(Option<u32>),
    /// The items of a kind on a page of the snapshot.
    Items { kind: &'static str, page: u32, first: bool, last: bool },
    /// The list of files.
    Closing,
}

/// The kinds whose items the index page shows one by one.
pub(crate) const DETAILED_KINDS: [&str; 3] = ["payment", "generation", "upload"];

/// The next piece of a section to write and, within a file of the bucket, the next byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchivePosition {
    /// The index of the section.
    pub section: u32,
    /// The index of the piece.
    pub piece: u64,
    /// The offset in a file of the bucket.
    pub byte: u64,
}

impl ArchivePosition {
    /// Returns the position of the next piece.
    pub(crate) const fn next_piece(self) -> Self {
        Self { piece: self.piece + 1, byte: 0, ..self }
    }

    /// Returns the position of the next section.
    pub(crate) const fn next_section(self) -> Self {
        Self { section: self.section + 1, piece: 0, byte: 0 }
    }
}

/// Lists all sections of an archive.
pub(crate) fn sections(contents: &ArchiveContents) -> Vec<Section> {
    let kinds = || contents::kinds().map(|kind| kind.name);
    let undeclared = contents.run("undeclared").map(|run| run.kind.clone());
    let mut sections: Vec<_> = kinds().map(str::to_owned).chain(undeclared).map(Section::Items).collect();
    sections.extend(kinds().map(Section::Schema));
    sections.extend([Section::Ledger, Section::Payments]);
    sections.extend((0..contents.lists.count()).map(Section::Files));
    sections.extend([Section::Index, Section::Manifest, Section::Directory]);
    sections
}

/// Lists all chapters of the index page.
pub(crate) fn chapters(contents: &ArchiveContents) -> Vec<Chapter> {
    let mut chapters = vec![Chapter::Opening(contents.run("account").map(|run| run.first))];
    for kind in DETAILED_KINDS {
        if let Some(run) = contents.run(kind) {
            let chapter = |page| Chapter::Items { kind, page, first: page == run.first, last: page == run.last };
            chapters.extend((run.first..=run.last).map(chapter));
        }
    }
    chapters.push(Chapter::Closing);
    chapters
}

/// Counts the files of the archive, as far as the snapshot shows.
pub(crate) fn files(contents: &ArchiveContents) -> u64 {
    let is_file = |section: &&Section| !matches!(section, Section::Files(_) | Section::Directory);
    contents.files + sections(contents).iter().filter(is_file).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::ItemRun;

    fn contents() -> ArchiveContents {
        let run = |kind: &str, first, last| ItemRun { kind: kind.to_owned(), first, last, items: 1 };
        let runs = vec![run("account", 0, 0), run("generation", 0, 2), run("upload", 2, 2)];
        ArchiveContents { runs, files: 7, ..ArchiveContents::default() }
    }

    #[test]
    fn every_kind_has_items_and_schema_even_without_items() {
        let sections = sections(&contents());
        for kind in contents::kinds() {
            assert!(sections.contains(&Section::Items(kind.name.to_owned())), "{}", kind.name);
            assert!(sections.contains(&Section::Schema(kind.name)), "{}", kind.name);
        }
        let kinds = contents::kinds().count() as u64;
        assert_eq!(files(&contents()), 7 + 2 * kinds + 4);
    }

    #[test]
    fn index_page_has_a_heading_and_an_end_for_each_kind_with_items() {
        let items = |kind, page, first, last| Chapter::Items { kind, page, first, last };
        let expected = [
            Chapter::Opening(Some(0)),
            items("generation", 0, true, false),
            items("generation", 1, false, false),
            items("generation", 2, false, true),
            items("upload", 2, true, true),
            Chapter::Closing,
        ];
        assert_eq!(chapters(&contents()), expected);
    }
}

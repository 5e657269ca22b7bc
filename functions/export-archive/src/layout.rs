//! What the archive consists of, piece by piece, in the order in which it is written.

use domain::registry;
use serde::{Deserialize, Serialize};

use crate::contents::{self, ArchiveContents};

/// A part of the archive that is written piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// The items of a kind, a page of the stock at a time.
    Items(String),
    /// What those items look like.
    Schema(&'static str),
    /// The ledger as a table, a page of the stock at a time.
    Ledger,
    /// The payments as a table, a page of the stock at a time.
    Payments,
    /// The files on a page of the stock, each in as many reads as it takes.
    Files(u32),
    /// The page that people read, chapter by chapter.
    Index,
    /// What is in the archive, a page of the directory at a time.
    Manifest,
    /// The directory of the ZIP, a page at a time.
    Directory,
}

/// A chapter of the page that people read. `first` and `last` tell whether its heading and its end belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chapter {
    /// Who it is about, what they have, with a page of the stock.
    Opening(Option<u32>),
    /// Items of a kind on a page of the stock.
    Items { kind: &'static str, page: u32, first: bool, last: bool },
    /// What files there are.
    Closing,
}

/// The kinds that the page for people tells of one by one.
pub(crate) const DETAILED_KINDS: [&str; 3] = ["payment", "generation", "upload"];

/// Where the writing is: the next piece of a section and, within a file of the bucket, the next byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchivePosition {
    /// Which section.
    pub section: u32,
    /// Which piece of it.
    pub piece: u64,
    /// Which byte of a file.
    pub byte: u64,
}

impl ArchivePosition {
    /// The next piece.
    pub(crate) const fn next_piece(self) -> Self {
        Self { piece: self.piece + 1, byte: 0, ..self }
    }

    /// The next section.
    pub(crate) const fn next_section(self) -> Self {
        Self { section: self.section + 1, piece: 0, byte: 0 }
    }
}

/// All sections of an archive.
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

/// All chapters of the page for people.
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

/// Files of the archive, as far as is known from the stock.
pub(crate) fn files(contents: &ArchiveContents) -> u64 {
    let is_file = |section: &&Section| !matches!(section, Section::Files(_) | Section::Directory);
    contents.files + sections(contents).iter().filter(is_file).count() as u64
}

/// What a kind is for, as the registry has it.
pub(crate) fn purpose(kind: &str) -> &'static str {
    registry::data_kind(kind).map_or("", |kind| kind.purpose)
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
    fn every_kind_has_its_items_and_their_schema_whether_there_are_any_or_not() {
        let sections = sections(&contents());
        for kind in contents::kinds() {
            assert!(sections.contains(&Section::Items(kind.name.to_owned())), "{}", kind.name);
            assert!(sections.contains(&Section::Schema(kind.name)), "{}", kind.name);
        }
        let kinds = contents::kinds().count() as u64;
        assert_eq!(files(&contents()), 7 + 2 * kinds + 4);
    }

    #[test]
    fn the_page_has_a_heading_and_an_end_for_each_kind_that_there_is() {
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

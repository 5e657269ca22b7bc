//! Writes the pieces of each section.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    contents::{ItemLine, ListedFile},
    directory,
    error::WorkError,
    index_page,
    layout::{Chapter, Section, chapters},
    schemas, tables,
    writer::Writer,
};

/// The most bytes of a file that one read fetches.
const READ_BYTES: u64 = 4 << 20;

impl Writer<'_> {
    /// Appends the next piece to the archive. Only a part that was uploaded counts as progress.
    ///
    /// # Errors
    /// A call failed, or a page no longer exists.
    pub(crate) async fn write_next(&mut self) -> Result<(), WorkError> {
        let section = usize::try_from(self.position.section).ok().and_then(|section| self.sections.get(section));
        match section.cloned() {
            Some(Section::Items(kind)) => self.items_of_kind(&kind).await,
            Some(Section::Schema(kind)) => self.schema(kind).await,
            Some(Section::Ledger) => {
                let render = |line: &ItemLine| Ok(tables::entry(&serde_json::from_str(&line.json)?)?);
                self.table("ledger", tables::LEDGER_COLUMNS, render).await
            }
            Some(Section::Payments) => {
                let render = |line: &ItemLine| Ok(tables::payment(&serde_json::from_str(&line.json)?)?);
                self.table("payment", tables::PAYMENT_COLUMNS, render).await
            }
            Some(Section::Files(list)) => self.file(list).await,
            Some(Section::Index) => self.index().await,
            Some(Section::Manifest) => self.manifest().await,
            Some(Section::Directory) | None => self.zip_directory().await,
        }
    }

    /// Appends a page of the JSON array of a kind, one item a line.
    async fn items_of_kind(&mut self, kind: &str) -> Result<(), WorkError> {
        let (lines, pieces) = self.page_of(kind).await?;
        let json: Vec<_> = lines.iter().map(|line| line.json.as_str()).collect();
        let before = if self.position.piece == 0 { "[\n" } else { ",\n" };
        let after = if self.position.piece + 1 == pieces { "\n]\n" } else { "" };
        let text = format!("{before}{}{after}", json.join(",\n"));
        self.totals.bytes += lines.iter().map(|line| line.json.len() as u64).sum::<u64>();
        self.piece(format!("data/{kind}.json"), &text, pieces).await
    }

    async fn schema(&mut self, kind: &str) -> Result<(), WorkError> {
        let text = format!("{:#}\n", schemas::of(kind).unwrap_or(Value::Bool(true)));
        self.piece(format!("schemas/{kind}.schema.json"), &text, 1).await
    }

    async fn table(
        &mut self,
        kind: &str,
        columns: &[&str],
        render: impl Fn(&ItemLine) -> Result<String, WorkError>,
    ) -> Result<(), WorkError> {
        let (lines, pieces) = self.page_of(kind).await?;
        let mut text = if self.position.piece == 0 { tables::header(columns)? } else { String::new() };
        for line in &lines {
            text += &render(line)?;
        }
        self.piece(format!("data/{kind}.csv"), &text, pieces).await
    }

    async fn index(&mut self) -> Result<(), WorkError> {
        let chapters = chapters(&self.contents);
        let chapter = usize::try_from(self.position.piece).ok().and_then(|piece| chapters.get(piece)).copied();
        let chapter = chapter.ok_or(WorkError::Lost("a chapter of the index page"))?;
        let (contents, requested_at) = (self.contents.clone(), self.export.requested_at);
        let lines = match chapter {
            Chapter::Opening(Some(page)) | Chapter::Items { page, .. } => self.items(page).await?,
            Chapter::Opening(None) | Chapter::Closing => &[],
        };
        let text = index_page::chapter(chapter, lines, &contents, requested_at);
        self.piece("index.html".to_owned(), &text, chapters.len() as u64).await
    }

    async fn manifest(&mut self) -> Result<(), WorkError> {
        let pieces = directory::pages(self.zip.file_count());
        let listed = directory::manifest(self.directory.page(self.bucket, self.page_number()).await?)?.join(",\n");
        let before = if self.position.piece == 0 {
            let (export, account, requested_at) = (self.export.id, self.export.account, self.export.requested_at);
            format!(
                "{{\"export\":\"{export}\",\"account\":\"{account}\",\"requested_at\":\"{requested_at}\",\"files\":[\n"
            )
        } else {
            ",\n".to_owned()
        };
        let after = if self.position.piece + 1 == pieces { "\n]}\n" } else { "" };
        self.piece("manifest.json".to_owned(), &format!("{before}{listed}{after}"), pieces).await
    }

    async fn zip_directory(&mut self) -> Result<(), WorkError> {
        let records = self.directory.page(self.bucket, self.page_number()).await?.to_vec();
        self.list(&records)?;
        self.position = self.position.next_piece();
        if self.position.piece == directory::pages(self.zip.file_count()) {
            self.finish()?;
        }
        Ok(())
    }

    /// Appends the next bytes of the current file. Leaves out a file that was deleted or replaced meanwhile.
    async fn file(&mut self, list: u32) -> Result<(), WorkError> {
        let piece = usize::try_from(self.position.piece).unwrap_or(usize::MAX);
        let Some(ListedFile { key, name, bytes, etag, modified }) = self.files(list).await?.get(piece).cloned() else {
            self.position = self.position.next_section();
            return Ok(());
        };
        let first = self.position.byte;
        let end = bytes.min(first + READ_BYTES);
        let read = match first..end {
            nothing if nothing.is_empty() => Some(Vec::new()),
            piece => self.bucket.read_piece(&key, &etag, piece).await?,
        };
        match read {
            Some(read) if read.len() as u64 == end - first => {
                if first == 0 {
                    self.begin(name, modified, Some(bytes))?;
                }
                self.write(&read)?;
                self.totals.bytes += end - first;
                self.position.byte = end;
                if end == bytes {
                    self.end().await?;
                    self.position = self.position.next_piece();
                }
            }
            Some(_) | None => {
                self.zip.abort_file();
                self.totals.bytes += bytes - first;
                self.position = self.position.next_piece();
            }
        }
        Ok(())
    }

    /// Returns the items of a kind on the current page, and the number of pages with such items. A kind without items has one
    /// empty page.
    async fn page_of(&mut self, kind: &str) -> Result<(Vec<ItemLine>, u64), WorkError> {
        let Some((first, last)) = self.contents.run(kind).map(|run| (run.first, run.last)) else {
            return Ok((Vec::new(), 1));
        };
        let page = first + u32::try_from(self.position.piece).unwrap_or(u32::MAX);
        let lines = self.items(page).await?.iter().filter(|line| line.kind == kind).cloned().collect();
        Ok((lines, u64::from(last - first) + 1))
    }

    /// Returns the number of the current page of the directory.
    fn page_number(&self) -> u32 {
        u32::try_from(self.position.piece).unwrap_or(u32::MAX)
    }

    /// Appends one of `pieces` pieces of a generated file.
    async fn piece(&mut self, name: String, text: &str, pieces: u64) -> Result<(), WorkError> {
        if self.position.piece == 0 {
            let modified: Timestamp = self.export.requested_at;
            // Items of one account stay far below.
            self.begin(name, modified, Some(archive::MAX_BYTES))?;
        }
        self.write(text.as_bytes())?;
        self.position = self.position.next_piece();
        if self.position.piece == pieces {
            self.end().await?;
            self.position = self.position.next_section();
        }
        Ok(())
    }
}

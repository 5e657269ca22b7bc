//! The pieces of each section.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    csv, directory,
    outline::{Chapter, Section, chapters},
    page, schemas,
    stock::{Line, Listed},
    work::WorkError,
    writer::Writer,
};

/// Bytes of a file that are read at once.
const PIECE: u64 = 4 << 20;

impl Writer<'_> {
    /// Appends the next piece.
    ///
    /// # Errors
    /// A call failed, or what should be there is not. Nothing counts that was not in a part.
    pub(crate) async fn step(&mut self) -> Result<(), WorkError> {
        let section = usize::try_from(self.place.section).ok().and_then(|section| self.sections.get(section));
        match section.cloned() {
            Some(Section::Items(kind)) => self.items_of(&kind).await,
            Some(Section::Schema(kind)) => self.schema(kind).await,
            Some(Section::Ledger) => {
                let render = |line: &Line| serde_json::from_str(&line.json).map(|entry| csv::entry(&entry));
                self.table(("ledger", csv::LEDGER), render).await
            }
            Some(Section::Payments) => {
                let render = |line: &Line| serde_json::from_str(&line.json).map(|payment| csv::payment(&payment));
                self.table(("payment", csv::PAYMENTS), render).await
            }
            Some(Section::Files(list)) => self.file(list).await,
            Some(Section::Index) => self.index().await,
            Some(Section::Manifest) => self.manifest().await,
            Some(Section::Directory) | None => self.list_all().await,
        }
    }

    /// `[`, the items of a kind, one a line, `]`.
    async fn items_of(&mut self, kind: &str) -> Result<(), WorkError> {
        let (lines, pieces) = self.page_of(kind).await?;
        let json: Vec<_> = lines.iter().map(|line| line.json.as_str()).collect();
        let before = if self.place.piece == 0 { "[\n" } else { ",\n" };
        let after = if self.place.piece + 1 == pieces { "\n]\n" } else { "" };
        let text = format!("{before}{}{after}", json.join(",\n"));
        self.done.bytes += lines.iter().map(|line| line.json.len() as u64).sum::<u64>();
        self.piece(format!("data/{kind}.json"), &text, pieces).await
    }

    async fn schema(&mut self, kind: &str) -> Result<(), WorkError> {
        let text = format!("{:#}\n", schemas::of(kind).unwrap_or(Value::Bool(true)));
        self.piece(format!("schemas/{kind}.schema.json"), &text, 1).await
    }

    async fn table(
        &mut self,
        (kind, head): (&str, &str),
        render: impl Fn(&Line) -> Result<String, serde_json::Error>,
    ) -> Result<(), WorkError> {
        let (lines, pieces) = self.page_of(kind).await?;
        let mut text = if self.place.piece == 0 { head.to_owned() } else { String::new() };
        for line in &lines {
            text += &render(line)?;
        }
        self.piece(format!("data/{kind}.csv"), &text, pieces).await
    }

    async fn index(&mut self) -> Result<(), WorkError> {
        let chapters = chapters(&self.stock);
        let chapter = usize::try_from(self.place.piece).ok().and_then(|piece| chapters.get(piece)).copied();
        let chapter = chapter.ok_or(WorkError::Lost("a chapter of the page"))?;
        let (stock, asked_at) = (self.stock.clone(), self.export.requested_at);
        let lines = match chapter {
            Chapter::Opening(Some(page)) | Chapter::Items { page, .. } => self.items(page).await?,
            Chapter::Opening(None) | Chapter::Closing => &[],
        };
        let text = page::chapter(chapter, lines, &stock, asked_at);
        self.piece("index.html".to_owned(), &text, chapters.len() as u64).await
    }

    async fn manifest(&mut self) -> Result<(), WorkError> {
        let pieces = directory::pages(self.zip.file_count());
        let listed = directory::manifest(self.directory.page(self.bucket, self.page_number()).await?)?.join(",\n");
        let before = if self.place.piece == 0 {
            let (export, account, asked_at) = (self.export.id, self.export.account, self.export.requested_at);
            format!("{{\"export\":\"{export}\",\"account\":\"{account}\",\"asked_at\":\"{asked_at}\",\"files\":[\n")
        } else {
            ",\n".to_owned()
        };
        let after = if self.place.piece + 1 == pieces { "\n]}\n" } else { "" };
        self.piece("manifest.json".to_owned(), &format!("{before}{listed}{after}"), pieces).await
    }

    async fn list_all(&mut self) -> Result<(), WorkError> {
        let records = self.directory.page(self.bucket, self.page_number()).await?.to_vec();
        self.list(&records)?;
        self.place = self.place.next_piece();
        if self.place.piece == directory::pages(self.zip.file_count()) {
            self.finish()?;
        }
        Ok(())
    }

    /// The next bytes of the file that it is at. One that is gone meanwhile is not in the archive.
    async fn file(&mut self, list: u32) -> Result<(), WorkError> {
        let piece = usize::try_from(self.place.piece).unwrap_or(usize::MAX);
        let Some(Listed { key, name, bytes, etag, modified }) = self.files(list).await?.get(piece).cloned() else {
            self.place = self.place.next_section();
            return Ok(());
        };
        let first = self.place.byte;
        let end = bytes.min(first + PIECE);
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
                self.done.bytes += end - first;
                self.place.byte = end;
                if end == bytes {
                    self.end().await?;
                    self.place = self.place.next_piece();
                }
            }
            Some(_) | None => {
                self.zip.abort_file();
                self.done.bytes += bytes - first;
                self.place = self.place.next_piece();
            }
        }
        Ok(())
    }

    /// The items of a kind on the page that it is at, and how many such pages there are. One without any if there are none.
    async fn page_of(&mut self, kind: &str) -> Result<(Vec<Line>, u64), WorkError> {
        let Some((first, last)) = self.stock.run(kind).map(|run| (run.first, run.last)) else {
            return Ok((Vec::new(), 1));
        };
        let page = first + u32::try_from(self.place.piece).unwrap_or(u32::MAX);
        let lines = self.items(page).await?.iter().filter(|line| line.kind == kind).cloned().collect();
        Ok((lines, u64::from(last - first) + 1))
    }

    /// The page of the directory that it is at.
    fn page_number(&self) -> u32 {
        u32::try_from(self.place.piece).unwrap_or(u32::MAX)
    }

    /// One of so many pieces of a file that is made here.
    async fn piece(&mut self, name: String, text: &str, pieces: u64) -> Result<(), WorkError> {
        if self.place.piece == 0 {
            let modified: Timestamp = self.export.requested_at;
            self.begin(name, modified, None)?;
        }
        self.write(text.as_bytes())?;
        self.place = self.place.next_piece();
        if self.place.piece == pieces {
            self.end().await?;
            self.place = self.place.next_section();
        }
        Ok(())
    }
}

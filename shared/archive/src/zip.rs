//! The writer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    checksum::Checksums,
    fields::{
        ELSEWHERE_16, ELSEWHERE_32, FLAGS, Fields, MADE_BY, STORED, VERSION, VERSION_ZIP64, ZIP64, dos_time, narrow,
    },
    record::{DirectoryEntry, length},
};

/// A file that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name, with slashes between folders; at most 65,535 bytes.
    pub name: String,
    /// When it was changed last.
    pub modified: Timestamp,
    /// The most bytes that it may come to, if that is known. What is not known may be large, and is written so that it
    /// can be.
    pub max_bytes: Option<u64>,
}

/// A ZIP as far as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ZipWriter {
    position: u64,
    files: u64,
    stage: Stage,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Stage {
    #[default]
    BetweenFiles,
    InFile(Box<File>),
    InDirectory {
        start: u64,
        listed: u64,
    },
    Finished,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct File {
    name: String,
    modified: Timestamp,
    offset: u64,
    wide: bool,
    checksums: Checksums,
}

/// A step that does not follow from the one before. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    /// A file begins where none can: another is open, or the directory has begun.
    #[error("no file can begin here")]
    CannotStartFile,
    /// A file is open, so the directory cannot begin.
    #[error("a file is open")]
    FileOpen,
    /// Bytes come, or an end, and no file is open.
    #[error("no file is open")]
    NoFileOpen,
    /// The archive has ended.
    #[error("the archive is finished")]
    Finished,
    /// The name has no bytes or too many.
    #[error("the name of a file has 1 to 65,535 bytes")]
    InvalidName,
    /// The file is larger than it was said to be at most.
    #[error("the file is larger than it was said to be at most")]
    FileTooLarge,
    /// The directory does not list as many files as there are.
    #[error("the directory lists {listed} of {files} files")]
    IncompleteDirectory {
        /// Files that it lists.
        listed: u64,
        /// Files that there are.
        files: u64,
    },
}

impl ZipWriter {
    /// Bytes so far.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Files that have ended.
    #[must_use]
    pub const fn file_count(&self) -> u64 {
        self.files
    }

    /// Whether a file has begun and not ended.
    #[must_use]
    pub const fn has_open_file(&self) -> bool {
        matches!(self.stage, Stage::InFile(_))
    }

    /// Whether nothing comes any more.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// Begins a file.
    ///
    /// # Errors
    /// [`ZipError::CannotStartFile`], [`ZipError::InvalidName`].
    pub fn start_file(&mut self, entry: NewFile, out: &mut Vec<u8>) -> Result<(), ZipError> {
        let Stage::BetweenFiles = self.stage else { return Err(ZipError::CannotStartFile) };
        if entry.name.is_empty() || entry.name.len() > usize::from(u16::MAX) {
            return Err(ZipError::InvalidName);
        }
        let wide = entry.max_bytes.is_none_or(|most| narrow(most).is_none());
        let file = File {
            name: entry.name,
            modified: entry.modified,
            offset: self.position,
            wide,
            checksums: Checksums::default(),
        };
        self.append(out, |out| file.header(out));
        self.stage = Stage::InFile(Box::new(file));
        Ok(())
    }

    /// More of the open file.
    ///
    /// # Errors
    /// [`ZipError::NoFileOpen`], [`ZipError::FileTooLarge`].
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ZipError> {
        let Stage::InFile(file) = &mut self.stage else { return Err(ZipError::NoFileOpen) };
        if !file.wide && narrow(file.checksums.bytes + bytes.len() as u64).is_none() {
            return Err(ZipError::FileTooLarge);
        }
        file.checksums.update(bytes);
        self.append(out, |out| out.extend_from_slice(bytes));
        Ok(())
    }

    /// Leaves the open file out, if there is one: its bytes stay where they are, and nothing leads to them.
    pub fn abort_file(&mut self) {
        if self.has_open_file() {
            self.stage = Stage::BetweenFiles;
        }
    }

    /// Ends the open file. Its record must come back in [`add_to_directory`](Self::add_to_directory).
    ///
    /// # Errors
    /// [`ZipError::NoFileOpen`].
    pub fn finish_file(&mut self, out: &mut Vec<u8>) -> Result<DirectoryEntry, ZipError> {
        let Stage::InFile(file) = &self.stage else { return Err(ZipError::NoFileOpen) };
        let record = file.record();
        self.stage = Stage::BetweenFiles;
        self.append(out, |out| descriptor(&record, out));
        self.files += 1;
        Ok(record)
    }

    /// Lists a file in the directory at the end, after which no other can begin.
    ///
    /// # Errors
    /// [`ZipError::FileOpen`], [`ZipError::Finished`].
    pub fn add_to_directory(&mut self, record: &DirectoryEntry, out: &mut Vec<u8>) -> Result<(), ZipError> {
        let (start, listed) = self.directory()?;
        self.append(out, |out| record.list(out));
        self.stage = Stage::InDirectory { start, listed: listed + 1 };
        Ok(())
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// [`ZipError::FileOpen`], [`ZipError::IncompleteDirectory`], [`ZipError::Finished`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ZipError> {
        let (start, listed) = self.directory()?;
        if listed != self.files {
            return Err(ZipError::IncompleteDirectory { listed, files: self.files });
        }
        let end = self.position;
        self.append(out, |out| finish(listed, start, end, out));
        self.stage = Stage::Finished;
        Ok(())
    }

    /// Where the directory begins, and how many files it lists so far.
    const fn directory(&self) -> Result<(u64, u64), ZipError> {
        match self.stage {
            Stage::InFile(_) => Err(ZipError::FileOpen),
            Stage::BetweenFiles => Ok((self.position, 0)),
            Stage::InDirectory { start, listed } => Ok((start, listed)),
            Stage::Finished => Err(ZipError::Finished),
        }
    }

    fn append(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let before = out.len();
        write(out);
        self.position += (out.len() - before) as u64;
    }
}

impl File {
    /// The local header (4.3.7). Checksum and sizes follow the bytes, so they are zero; where the sizes that follow have 64
    /// bits, the extra field says so (4.3.9.2).
    fn header(&self, out: &mut Vec<u8>) {
        let (time, date) = dos_time(self.modified);
        let (version, size, extra) = if self.wide { (VERSION_ZIP64, ELSEWHERE_32, 20) } else { (VERSION, 0, 0) };
        let fields = Fields(out).bytes(b"PK\x03\x04").u16(version).u16(FLAGS).u16(STORED).u16(time).u16(date);
        let fields = fields.u32(0).u32(size).u32(size).u16(length(self.name.as_bytes())).u16(extra);
        let fields = fields.bytes(self.name.as_bytes());
        if self.wide {
            fields.u16(ZIP64).u16(16).u64(0).u64(0);
        }
    }

    fn record(&self) -> DirectoryEntry {
        DirectoryEntry {
            name: self.name.clone(),
            bytes: self.checksums.bytes,
            sha256: self.checksums.sha256(),
            crc32: self.checksums.crc32,
            modified: self.modified,
            offset: self.offset,
            wide: self.wide,
        }
    }
}

/// Checksum and sizes (4.3.9).
fn descriptor(record: &DirectoryEntry, out: &mut Vec<u8>) {
    let fields = Fields(out).bytes(b"PK\x07\x08").u32(record.crc32);
    match narrow(record.bytes).filter(|_| !record.wide) {
        Some(bytes) => fields.u32(bytes).u32(bytes),
        None => fields.u64(record.bytes).u64(record.bytes),
    };
}

/// The end of the central directory, which begins at `start` and ends at `end` (4.3.14 to 4.3.16).
fn finish(files: u64, start: u64, end: u64, out: &mut Vec<u8>) {
    let count = u16::try_from(files).ok().filter(|count| *count != ELSEWHERE_16);
    let (size, offset) = (narrow(end - start), narrow(start));
    if count.is_none() || size.is_none() || offset.is_none() {
        // The record of ZIP64, 44 bytes from here on, and where to find it.
        let fields = Fields(out).bytes(b"PK\x06\x06").u64(44).u16(MADE_BY).u16(VERSION_ZIP64).u32(0).u32(0);
        let fields = fields.u64(files).u64(files).u64(end - start).u64(start);
        fields.bytes(b"PK\x06\x07").u32(0).u64(end).u32(1);
    }
    let (count, size) = (count.unwrap_or(ELSEWHERE_16), size.unwrap_or(ELSEWHERE_32));
    let fields = Fields(out).bytes(b"PK\x05\x06").u16(0).u16(0).u16(count).u16(count).u32(size);
    fields.u32(offset.unwrap_or(ELSEWHERE_32)).u16(0);
}

//! The archive writer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    checksum::Checksums,
    deflate,
    directory::{DirectoryEntry, length},
    fields::{
        DEFLATED, FLAGS, Fields, IN_ZIP64_16, IN_ZIP64_32, MADE_BY, VERSION, VERSION_ZIP64, ZIP64_EXTRA, dos_time,
        to_u32,
    },
};

/// The most bytes of a file that is not in ZIP64 format. It leaves room for the heads of blocks.
pub const MAX_BYTES: u64 = 15 << 28;

/// Describes a file that is about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// The name, with slashes between folders, of 1 to 65,535 bytes.
    pub name: String,
    /// The time of the last change.
    pub modified: Timestamp,
    /// The most bytes that the file can have, if known. Without a limit, or with one above [`MAX_BYTES`], the file is written in ZIP64
    /// format, which older readers that do not seek refuse.
    pub max_bytes: Option<u64>,
}

/// Writes a ZIP archive step by step. The serialized writer can be resumed by another process.
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
    zip64: bool,
    /// The bytes in the archive so far.
    deflated: u64,
    checksums: Checksums,
}

/// Reports a step that is not allowed in the current state. The step wrote nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    /// A file cannot start: another is open, or the central directory has started.
    #[error("a file cannot start now")]
    CannotStartFile,
    /// A file is open, so the central directory cannot start.
    #[error("a file is open")]
    FileOpen,
    /// No file is open, so there is nothing to write to or to finish.
    #[error("no file is open")]
    NoFileOpen,
    /// The archive is finished.
    #[error("the archive is finished")]
    Finished,
    /// The file name is empty or longer than 65,535 bytes.
    #[error("a file name must have 1 to 65,535 bytes")]
    InvalidName,
    /// The file exceeds 4 GiB although its `max_bytes` did not exceed [`MAX_BYTES`].
    #[error("the file is larger than declared")]
    FileTooLarge,
    /// The central directory does not list every file.
    #[error("the central directory lists {listed} of {files} files")]
    IncompleteDirectory {
        /// The number of files that the directory lists.
        listed: u64,
        /// The number of files in the archive.
        files: u64,
    },
}

impl ZipWriter {
    /// Returns the number of bytes written so far.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Returns the number of finished files.
    #[must_use]
    pub const fn file_count(&self) -> u64 {
        self.files
    }

    /// Returns whether a file was started and is not finished.
    #[must_use]
    pub const fn has_open_file(&self) -> bool {
        matches!(self.stage, Stage::InFile(_))
    }

    /// Returns whether the archive is finished.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// Starts a file and appends its local header to `out`.
    ///
    /// # Errors
    /// [`ZipError::CannotStartFile`], [`ZipError::InvalidName`].
    pub fn start_file(&mut self, new: NewFile, out: &mut Vec<u8>) -> Result<(), ZipError> {
        let Stage::BetweenFiles = self.stage else { return Err(ZipError::CannotStartFile) };
        if new.name.is_empty() || new.name.len() > usize::from(u16::MAX) {
            return Err(ZipError::InvalidName);
        }
        let zip64 = new.max_bytes.is_none_or(|max_bytes| max_bytes > MAX_BYTES);
        let file = File {
            name: new.name,
            modified: new.modified,
            offset: self.position,
            zip64,
            deflated: 0,
            checksums: Checksums::default(),
        };
        self.append(out, |out| file.append_header(out));
        self.stage = Stage::InFile(Box::new(file));
        Ok(())
    }

    /// Appends content to the open file.
    ///
    /// # Errors
    /// [`ZipError::NoFileOpen`], [`ZipError::FileTooLarge`].
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ZipError> {
        let Stage::InFile(file) = &mut self.stage else { return Err(ZipError::NoFileOpen) };
        let deflated = file.deflated + deflate::size(bytes.len() as u64);
        if !file.zip64 && to_u32(deflated + deflate::END_BYTES).is_none() {
            return Err(ZipError::FileTooLarge);
        }
        file.deflated = deflated;
        file.checksums.update(bytes);
        self.append(out, |out| deflate::append(bytes, out));
        Ok(())
    }

    /// Drops the open file, if any, from the archive. Its bytes stay in the output, and the directory does not list them. A reader that
    /// does not seek stops there.
    pub fn abort_file(&mut self) {
        if self.has_open_file() {
            self.stage = Stage::BetweenFiles;
        }
    }

    /// Finishes the open file and returns its directory entry, which the caller must pass to
    /// [`add_to_directory`](Self::add_to_directory) later.
    ///
    /// # Errors
    /// [`ZipError::NoFileOpen`].
    pub fn finish_file(&mut self, out: &mut Vec<u8>) -> Result<DirectoryEntry, ZipError> {
        let Stage::InFile(file) = &self.stage else { return Err(ZipError::NoFileOpen) };
        let entry = file.directory_entry();
        self.stage = Stage::BetweenFiles;
        self.append(out, |out| {
            deflate::append_end(out);
            append_descriptor(&entry, out);
        });
        self.files += 1;
        Ok(entry)
    }

    /// Lists a finished file in the central directory. No file can start after the first call.
    ///
    /// # Errors
    /// [`ZipError::FileOpen`], [`ZipError::Finished`].
    pub fn add_to_directory(&mut self, entry: &DirectoryEntry, out: &mut Vec<u8>) -> Result<(), ZipError> {
        let (start, listed) = self.directory()?;
        self.append(out, |out| entry.append_to(out));
        self.stage = Stage::InDirectory { start, listed: listed + 1 };
        Ok(())
    }

    /// Finishes the archive by appending the end of the central directory.
    ///
    /// # Errors
    /// [`ZipError::FileOpen`], [`ZipError::IncompleteDirectory`], [`ZipError::Finished`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ZipError> {
        let (start, listed) = self.directory()?;
        if listed != self.files {
            return Err(ZipError::IncompleteDirectory { listed, files: self.files });
        }
        let end = self.position;
        self.append(out, |out| append_end(listed, start, end, out));
        self.stage = Stage::Finished;
        Ok(())
    }

    /// Returns the offset of the central directory and the number of files that it lists so far.
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
    /// Appends the local header (4.3.7). Checksum and sizes are zero because they follow the bytes. The extra field
    /// declares that the sizes in the data descriptor have 64 bits (4.3.9.2).
    fn append_header(&self, out: &mut Vec<u8>) {
        let (time, date) = dos_time(self.modified);
        let (version, size, extra) = if self.zip64 { (VERSION_ZIP64, IN_ZIP64_32, 20) } else { (VERSION, 0, 0) };
        let fields = Fields(out).bytes(b"PK\x03\x04").u16(version).u16(FLAGS).u16(DEFLATED).u16(time).u16(date);
        let fields = fields.u32(0).u32(size).u32(size).u16(length(self.name.as_bytes())).u16(extra);
        let fields = fields.bytes(self.name.as_bytes());
        if self.zip64 {
            fields.u16(ZIP64_EXTRA).u16(16).u64(0).u64(0);
        }
    }

    fn directory_entry(&self) -> DirectoryEntry {
        DirectoryEntry {
            name: self.name.clone(),
            bytes: self.checksums.bytes,
            deflated: self.deflated + deflate::END_BYTES,
            sha256: self.checksums.sha256(),
            crc32: self.checksums.crc32,
            modified: self.modified,
            offset: self.offset,
            zip64: self.zip64,
        }
    }
}

/// Appends the data descriptor (4.3.9).
fn append_descriptor(entry: &DirectoryEntry, out: &mut Vec<u8>) {
    let fields = Fields(out).bytes(b"PK\x07\x08").u32(entry.crc32);
    match (to_u32(entry.deflated), to_u32(entry.bytes)) {
        (Some(deflated), Some(bytes)) if !entry.zip64 => fields.u32(deflated).u32(bytes),
        _ => fields.u64(entry.deflated).u64(entry.bytes),
    };
}

/// Appends the end of the central directory, which spans `start` to `end` (4.3.14 to 4.3.16).
fn append_end(files: u64, start: u64, end: u64, out: &mut Vec<u8>) {
    let count = u16::try_from(files).ok().filter(|count| *count != IN_ZIP64_16);
    let (size, offset) = (to_u32(end - start), to_u32(start));
    if count.is_none() || size.is_none() || offset.is_none() {
        // The end record of ZIP64, 44 bytes from here on, and its locator.
        let fields = Fields(out).bytes(b"PK\x06\x06").u64(44).u16(MADE_BY).u16(VERSION_ZIP64).u32(0).u32(0);
        let fields = fields.u64(files).u64(files).u64(end - start).u64(start);
        fields.bytes(b"PK\x06\x07").u32(0).u64(end).u32(1);
    }
    let (count, size) = (count.unwrap_or(IN_ZIP64_16), size.unwrap_or(IN_ZIP64_32));
    let fields = Fields(out).bytes(b"PK\x05\x06").u16(0).u16(0).u16(count).u16(count).u32(size);
    fields.u32(offset.unwrap_or(IN_ZIP64_32)).u16(0);
}

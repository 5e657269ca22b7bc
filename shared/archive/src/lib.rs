//! Writes a ZIP archive from its first byte to its last, in as many processes as it takes.
//!
//! [`ZipWriter`] does no I/O: each step appends its bytes to a buffer, and the caller sends the buffer to where the archive
//! is stored. Between two steps the writer can be serialized, in the middle of a file too, and another process can resume
//! it. It keeps nothing about finished files: it returns a [`DirectoryEntry`] for each, and the caller passes them back for
//! the central directory. So memory grows neither with the size of a file nor with the number of files.
//!
//! Files are not compressed: images and videos are compressed already. Checksums and sizes follow the bytes in data
//! descriptors, so files are deflated, in blocks that are stored as they are. A reader that does not seek, such as Java's
//! `ZipInputStream`, finds where a deflated file ends, and refuses a stored file whose size follows. Values that exceed the
//! original fields use ZIP64. Names are UTF-8. The format is that of
//! [APPNOTE 6.3.10](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT); comments in the code give its section
//! numbers.

mod checksum;
mod deflate;
mod directory;
mod fields;
mod zip;

pub use directory::DirectoryEntry;
pub use zip::{MAX_BYTES, NewFile, ZipError, ZipWriter};

//! A ZIP that is written from its first byte to its last, in as many processes as it takes.
//!
//! [`ZipWriter`] does no I/O: each step appends what it makes to a buffer, and whoever calls sends the buffer wherever the
//! archive goes. Between two steps the writer can be kept as it is, in the middle of a file too, and gone on with by
//! another process. It remembers nothing about files that have ended: their [`DirectoryEntry`]s are handed back one by one, for
//! the directory at the end. So neither the size of a file nor the number of files counts in memory.
//!
//! Files are stored as they are: pictures and films are compressed already. Their checksums and sizes come after their
//! bytes, in data descriptors. What is too large for the fields of 1989 goes into those of ZIP64. Names are UTF-8. As
//! [APPNOTE 6.3.10](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT) has it; the numbers of its sections are
//! in the code.

mod checksum;
mod fields;
mod record;
mod zip;

pub use record::DirectoryEntry;
pub use zip::{NewFile, ZipError, ZipWriter};

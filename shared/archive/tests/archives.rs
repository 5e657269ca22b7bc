//! Has other implementations read the archives: Python's `zipfile`, and Info-ZIP's `unzip` where it is installed.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail by panicking, and say what they leave out")]

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::PathBuf,
    process::Command,
};

use archive::{DirectoryEntry, MAX_BYTES, NewFile, ZipError, ZipWriter};
use jiff::Timestamp;

/// Receives the bytes of an archive.
trait Sink {
    fn take(&mut self, bytes: &mut Vec<u8>);
}

const MIB: usize = 1 << 20;
const ZEROS: &[u8] = &[0; MIB];

/// Writes zeros as holes, so that an archive of gigabytes takes no disk space.
struct Sparse(File);

impl Sink for Sparse {
    fn take(&mut self, bytes: &mut Vec<u8>) {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            // A block of zeros, or else the head of the next one.
            let (block, after) = rest.split_at(rest.len().min(usize::from(u16::MAX)));
            rest = if block.len() > 1000 && ZEROS.starts_with(block) {
                self.0.seek(SeekFrom::Current(i64::try_from(block.len()).unwrap())).unwrap();
                after
            } else {
                let (head, after) = rest.split_at(rest.len().min(5));
                self.0.write_all(head).unwrap();
                after
            };
        }
        bytes.clear();
    }
}

impl Sink for Vec<u8> {
    fn take(&mut self, bytes: &mut Vec<u8>) {
        self.append(bytes);
    }
}

fn entry(name: &str, max_bytes: Option<u64>) -> NewFile {
    NewFile { name: name.to_owned(), modified: Timestamp::from_second(1_790_000_000).unwrap(), max_bytes }
}

/// Writes a file of `times` times the same bytes.
fn add(
    zip: &mut ZipWriter,
    (name, most): (&str, Option<u64>),
    (bytes, times): (&[u8], u64),
    sink: &mut impl Sink,
) -> DirectoryEntry {
    let mut out = Vec::new();
    zip.start_file(entry(name, most), &mut out).unwrap();
    sink.take(&mut out);
    for _ in 0..times {
        zip.write(bytes, &mut out).unwrap();
        sink.take(&mut out);
    }
    let record = zip.finish_file(&mut out).unwrap();
    sink.take(&mut out);
    record
}

fn close(mut zip: ZipWriter, records: &[DirectoryEntry], sink: &mut impl Sink) {
    let mut out = Vec::new();
    for record in records {
        zip.add_to_directory(record, &mut out).unwrap();
    }
    zip.finish(&mut out).unwrap();
    sink.take(&mut out);
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Checks the archive with other implementations and returns what Python lists: name, size, CRC-32.
fn read_with_other_tools(path: &PathBuf) -> Vec<(String, u64, u32)> {
    let script = "import sys, zipfile\n\
        archive = zipfile.ZipFile(sys.argv[1])\n\
        assert archive.testzip() is None\n\
        for i in archive.infolist(): print(i.file_size, i.CRC, i.filename)";
    let python = Command::new("python3").args(["-c", script]).arg(path).output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    match Command::new("unzip").arg("-tq").arg(path).output() {
        Ok(unzip) => assert!(unzip.status.success(), "{}", String::from_utf8_lossy(&unzip.stdout)),
        Err(_) => eprintln!("unzip is not installed: only Python has read the archive"),
    }
    let listed = String::from_utf8(python.stdout).unwrap();
    let read = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (bytes, crc32) = (words.next().unwrap().parse().unwrap(), words.next().unwrap().parse().unwrap());
        (words.next().unwrap().to_owned(), bytes, crc32)
    };
    listed.lines().map(read).collect()
}

fn listed(records: &[DirectoryEntry]) -> Vec<(String, u64, u32)> {
    records.iter().map(|record| (record.name.clone(), record.bytes, record.crc32)).collect()
}

#[test]
fn other_tools_read_the_archive() {
    let (mut zip, mut bytes) = (ZipWriter::default(), Vec::new());
    let records = [
        add(&mut zip, ("empty", Some(0)), (b"", 0), &mut bytes),
        add(&mut zip, ("data/tickets.txt", None), (b"abc", 1000), &mut bytes),
        // An aborted file does not disturb the ones around it.
        {
            zip.start_file(entry("left out", None), &mut bytes).unwrap();
            zip.write(b"half of it", &mut bytes).unwrap();
            zip.abort_file();
            add(&mut zip, ("after it", None), (b"xyz", 1), &mut bytes)
        },
        add(&mut zip, ("media/\u{e9}t\u{e9} \u{1f305}.png", Some(4000)), (b"\x89PNG", 1000), &mut bytes),
    ];
    close(zip, &records, &mut bytes);
    std::fs::write(path("few.zip"), &bytes).unwrap();
    assert_eq!(read_with_other_tools(&path("few.zip")), listed(&records));
    // As `printf 'abc%.0s' {1..1000} | sha256sum` has it.
    assert_eq!(records[1].sha256, "328de8f1895f8bb09f6e6b4c2012ef2b2a6f067cd002794b750aa040a6f6d8bd");
}

/// Reads files from the first byte on, without the directory, as `stream-unzip` does.
const FORWARD: &str = r#"
import struct, sys, zlib
archive = open(sys.argv[1], "rb")
while (signature := archive.read(4)) == b"PK\x03\x04":
    _, flags, method, _, _, _, _, size, name, extra = struct.unpack("<HHHHHIIIHH", archive.read(26))
    name = archive.read(name).decode()
    archive.read(extra)
    assert not flags & 8 or method == 8, "only DEFLATED entries can have EXT descriptor"
    content, inflater = b"", zlib.decompressobj(-15)
    while not inflater.eof:
        content += inflater.decompress(archive.read(1000))
    archive.seek(-len(inflater.unused_data), 1)
    wide = size == 0xFFFFFFFF
    signature, crc, deflated, size = struct.unpack("<4sIQQ" if wide else "<4sIII", archive.read(24 if wide else 16))
    assert signature == b"PK\x07\x08" and size == len(content) and crc == zlib.crc32(content), name
    print(size, "wide" if wide else "", name)
assert signature == b"PK\x01\x02", signature
"#;

/// Reads files in the same way in Java, which refuses ZIP64 there.
const FORWARD_IN_JAVA: &str = r#"
import java.io.FileInputStream;
import java.util.zip.ZipInputStream;
public class Forward {
    public static void main(String[] arguments) throws Exception {
        try (var archive = new ZipInputStream(new FileInputStream(arguments[0]))) {
            for (var entry = archive.getNextEntry(); entry != null; entry = archive.getNextEntry()) {
                System.out.println(archive.readAllBytes().length + " " + entry.getName());
            }
        }
    }
}
"#;

/// Writes an archive of files with limits, and perhaps one without, and returns where it is.
fn limited_files(name: &str, has_unlimited: bool) -> PathBuf {
    let (mut zip, mut bytes) = (ZipWriter::default(), Vec::new());
    let mut records = vec![
        add(&mut zip, ("empty", Some(0)), (b"", 0), &mut bytes),
        add(&mut zip, ("data.json", Some(MAX_BYTES)), (b"abc", 1000), &mut bytes),
        add(&mut zip, ("image.png", Some(200_000)), (&[7; 200_000], 1), &mut bytes),
    ];
    if has_unlimited {
        records.push(add(&mut zip, ("without a limit", None), (b"xyz", 1), &mut bytes));
    }
    close(zip, &records, &mut bytes);
    let path = path(name);
    std::fs::write(&path, &bytes).unwrap();
    path
}

#[test]
fn archive_is_read_forward_without_its_directory() {
    let path = limited_files("forward.zip", true);
    let python = Command::new("python3").args(["-c", FORWARD]).arg(&path).output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let read = String::from_utf8(python.stdout).unwrap();
    assert_eq!(read, "0  empty\n3000  data.json\n200000  image.png\n3 wide without a limit\n");
}

#[test]
fn java_reads_files_with_limits_forward() {
    let class = path("Forward.java");
    std::fs::write(&class, FORWARD_IN_JAVA).unwrap();
    match Command::new("java").arg(&class).arg(limited_files("limited.zip", false)).output() {
        Ok(java) => {
            assert!(java.status.success(), "{}", String::from_utf8_lossy(&java.stderr));
            assert_eq!(String::from_utf8(java.stdout).unwrap(), "0 empty\n3000 data.json\n200000 image.png\n");
        }
        Err(_) => eprintln!("java is not installed: it has not read the archive"),
    }
}

#[test]
fn archive_without_files_is_valid() {
    let mut bytes = Vec::new();
    close(ZipWriter::default(), &[], &mut bytes);
    assert_eq!(bytes.len(), 22);
    std::fs::write(path("none.zip"), &bytes).unwrap();
    let script = "import sys, zipfile; assert zipfile.ZipFile(sys.argv[1]).namelist() == []";
    assert!(Command::new("python3").args(["-c", script]).arg(path("none.zip")).status().unwrap().success());
}

#[test]
fn serialized_writer_resumes_after_every_step() {
    let whole = |stop: &mut dyn FnMut(ZipWriter) -> ZipWriter| {
        let (mut zip, mut bytes, mut records) = (ZipWriter::default(), Vec::new(), Vec::new());
        for name in ["one", "two"] {
            zip.start_file(entry(name, None), &mut bytes).unwrap();
            zip = stop(zip);
            for piece in ["the first ", "piece, and ", "the last"] {
                zip.write(piece.as_bytes(), &mut bytes).unwrap();
                zip = stop(zip);
            }
            records.push(zip.finish_file(&mut bytes).unwrap());
            zip = stop(zip);
        }
        for record in &records {
            let record = serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap();
            zip.add_to_directory(&record, &mut bytes).unwrap();
            zip = stop(zip);
        }
        zip.finish(&mut bytes).unwrap();
        bytes
    };
    let mut stops = 0;
    let stopped = whole(&mut |zip| {
        stops += 1;
        serde_json::from_str(&serde_json::to_string(&zip).unwrap()).unwrap()
    });
    assert_eq!(stops, 12);
    assert_eq!(stopped, whole(&mut |zip| zip));
}

#[test]
fn files_over_4_gib_and_files_after_them_are_read() {
    let (mut zip, path) = (ZipWriter::default(), path("large.zip"));
    let mut sink = Sparse(File::create(&path).unwrap());
    let records = [
        add(&mut zip, ("large", None), (ZEROS, 4097), &mut sink),
        add(&mut zip, ("could be large", Some(4097 << 20)), (b"small", 1), &mut sink),
        add(&mut zip, ("after", Some(3)), (b"end", 1), &mut sink),
    ];
    close(zip, &records, &mut sink);
    assert_eq!(read_with_other_tools(&path), listed(&records));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn more_than_65535_files_are_read() {
    for files in [65_534, 65_535, 65_536] {
        let (mut zip, mut bytes) = (ZipWriter::default(), Vec::new());
        let records: Vec<_> =
            (0..files).map(|number| add(&mut zip, (&format!("{number:05}"), Some(1)), (b"x", 1), &mut bytes)).collect();
        close(zip, &records, &mut bytes);
        let path = path(&format!("many-{files}.zip"));
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read_with_other_tools(&path).len(), files);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn invalid_step_is_refused_and_writes_nothing() {
    let (mut zip, mut out) = (ZipWriter::default(), Vec::new());
    assert_eq!(zip.write(b"x", &mut out), Err(ZipError::NoFileOpen));
    assert_eq!(zip.finish_file(&mut out), Err(ZipError::NoFileOpen));
    assert_eq!(zip.start_file(entry("", None), &mut out), Err(ZipError::InvalidName));
    assert_eq!(zip.start_file(entry(&"x".repeat(65_536), None), &mut out), Err(ZipError::InvalidName));
    assert!(out.is_empty());
    zip.start_file(entry("one", Some(1)), &mut out).unwrap();
    assert_eq!(zip.start_file(entry("two", None), &mut out), Err(ZipError::CannotStartFile));
    assert_eq!(zip.finish(&mut out), Err(ZipError::FileOpen));
    let record = zip.finish_file(&mut out).unwrap();
    assert_eq!(zip.clone().finish(&mut out), Err(ZipError::IncompleteDirectory { listed: 0, files: 1 }));
    zip.add_to_directory(&record, &mut out).unwrap();
    assert_eq!(zip.start_file(entry("two", None), &mut out), Err(ZipError::CannotStartFile));
    zip.finish(&mut out).unwrap();
    assert!(zip.is_finished());
    assert_eq!(zip.add_to_directory(&record, &mut out), Err(ZipError::Finished));
    assert_eq!(zip.finish(&mut out), Err(ZipError::Finished));
    assert_eq!(zip.position(), out.len() as u64);
}

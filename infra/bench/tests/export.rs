//! What `export-archive` needs for archives of different sizes.

use std::process::Command;

use bench::function::Function;
use bench::large::{Holdings, Large};
use jiff::SignedDuration;

/// More than the peak of one run differs from that of another.
const NOISE_KIB: u64 = 8 << 10;

/// The peak of memory, and how many invocations it took if each has half a second more than the one before.
async fn export(generations: u64, archive: &std::path::Path) -> (u64, i32) {
    let large = Large::start(Holdings { generations, picture_bytes: 1_000_003 }, Some(archive)).await.unwrap();
    let binary = bench::build("dev").unwrap().join("export-archive");
    let mut function = Function::start(&binary, &large.aws).await.unwrap();
    let (invocations, bytes) = large.export(&mut function, Some(SignedDuration::from_millis(500))).await.unwrap();
    assert!(bytes > generations * 1_000_003);
    (function.peak_memory_kib().unwrap(), invocations)
}

#[tokio::test]
async fn an_archive_of_ten_times_as_much_needs_no_more_memory_and_goes_on_where_the_time_ran_out() {
    let archive = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.zip");
    let (small, _) = export(40, &archive).await;
    let (large, invocations) = export(400, &archive).await;
    assert!(large < small + NOISE_KIB, "{small} KiB for 40 pictures, {large} KiB for 400");
    assert!(invocations > 2, "the time of {invocations} invocations did not run out");
    let script =
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(len(z.namelist()))";
    let read = Command::new("python3").args(["-c", script]).arg(&archive).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(String::from_utf8(read.stdout).unwrap().trim().parse::<u32>().unwrap() > 400);
    std::fs::remove_file(archive).unwrap();
}

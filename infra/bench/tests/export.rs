//! What `export-archive` needs for archives of different sizes.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use bench::function::Function;
use bench::large::{Holdings, Large};
use jiff::SignedDuration;

/// More than the peak of one run differs from that of another: the buffer of a part, once more or once less.
const NOISE_KIB: u64 = 16 << 10;

/// The peak of memory, and how many invocations it took if each has half a second more than the one before.
async fn export(generations: u64, archive: &Path) -> Result<(u64, i32)> {
    let large = Large::start(Holdings { generations, image_bytes: 1_000_003 }, Some(archive)).await?;
    let mut function = Function::start(&bench::build("dev")?.join("export-archive"), &large.aws).await?;
    let (invocations, bytes) = large.export(&mut function, Some(SignedDuration::from_millis(500))).await?;
    ensure!(bytes > generations * 1_000_003, "{bytes} bytes are too few");
    Ok((function.peak_memory_kib()?, invocations))
}

#[tokio::test]
async fn an_archive_of_ten_times_as_much_needs_no_more_memory_and_goes_on_where_the_time_ran_out() -> Result<()> {
    let archive = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.zip");
    let (small, _) = export(10, &archive).await?;
    let (large, invocations) = export(100, &archive).await?;
    assert!(large < small + NOISE_KIB, "{small} KiB for 10 pictures, {large} KiB for 100");
    assert!(invocations > 2, "the time of {invocations} invocations did not run out");
    let script =
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(len(z.namelist()))";
    let read = Command::new("python3").args(["-c", script]).arg(&archive).output()?;
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(String::from_utf8(read.stdout)?.trim().parse::<u32>()? > 100);
    std::fs::remove_file(archive)?;
    Ok(())
}

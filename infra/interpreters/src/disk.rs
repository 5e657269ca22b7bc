//! Checks of the disk before something is written to it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Returns an error unless `folder` can be created and written to.
///
/// # Errors
/// The folder, or the whole checkout, is read-only.
pub fn require_writable(folder: &Path) -> Result<()> {
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, ""))
        .and_then(|()| fs::remove_file(&probe))
        .with_context(|| format!("{} cannot be written to: use a checkout that you may write to", folder.display()))
}

/// Returns an error if the disk of `folder` has less than `needed` bytes free for `purpose`. Returns nothing if `df`
/// cannot tell.
///
/// # Errors
/// The disk is too full.
pub fn require_free(folder: &Path, needed: u64, purpose: &str) -> Result<()> {
    match free_bytes(folder) {
        Some(free) if free < needed => bail!(
            "{purpose} needs {} free at {}, and {} is free: free some space and try again",
            gigabytes(needed),
            folder.display(),
            gigabytes(free)
        ),
        _ => Ok(()),
    }
}

/// Returns the bytes that are free on the disk of an existing folder, as `df` counts them; nothing if `df` fails.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the fourth column of the last line, in units of 1,024 bytes.
fn parse(report: &str) -> Option<u64> {
    report.lines().last()?.split_whitespace().nth(3)?.parse::<u64>().ok()?.checked_mul(1024)
}

fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_from_the_report_of_df() {
        let report =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 263000000 26000000 70000000 28% /\n";
        assert_eq!(parse(report), Some(71_680_000_000));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn too_little_space_is_refused_with_both_numbers() {
        let folder = std::env::temp_dir();
        assert!(require_free(&folder, 1, "a test").is_ok());
        let error = require_free(&folder, u64::MAX, "a test").unwrap_err().to_string();
        assert!(error.contains("GB") && error.contains("a test needs"), "{error}");
    }
}

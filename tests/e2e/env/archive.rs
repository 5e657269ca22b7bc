//! An export archive as its owner receives it: downloaded, read by Python, unpacked.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::env::{exports::wait_for_export, http::text, test_env::TestUser};

/// An export archive that Python read and unpacked.
pub struct ExportArchive {
    /// The stack that the user belongs to.
    pub folder: PathBuf,
}

impl ExportArchive {
    /// Waits for an export, downloads its archive, and unpacks it with Python.
    pub async fn download(user: &TestUser, id: &str) -> Result<Self> {
        let export = wait_for_export(user, id).await?;
        let response = user.fetch(&text(&export["download"], "url")?).await?.is(200)?;
        ensure!(response.header("content-type") == Some("application/zip"), "{:?}", response.headers);
        let disposition = response.header("content-disposition").context("it has no name")?;
        ensure!(disposition.starts_with("attachment; filename=\"darkroom-20"), "{disposition}");
        ensure!(export["bytes"] == response.bytes.len(), "{export}");
        let folder = user.env.folder.with_extension("exports").join(id);
        let archive = folder.with_extension("zip");
        fs::create_dir_all(&folder)?;
        fs::write(&archive, &response.bytes)?;
        read_with("read_archive.py", &folder)?;
        Ok(Self { folder })
    }

    /// Checks that a program that does not wait for the end of the archive reads the same files.
    pub fn check_forward(&self) -> Result<()> {
        read_with("read_forward.py", &self.folder)
    }

    /// Returns the text of a file.
    pub fn text(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.folder.join(name)).with_context(|| format!("{name} is not in the archive"))
    }

    /// Returns the items of a kind.
    pub fn items(&self, kind: &str) -> Result<Vec<Value>> {
        Ok(serde_json::from_str(&self.text(&format!("data/{kind}.json"))?)?)
    }

    /// Returns the SHA-256 of every file in the archive that comes from the bucket.
    pub fn files(&self) -> Result<BTreeSet<Vec<u8>>> {
        let mut hashes = BTreeSet::new();
        for folder in ["media", "uploads", "files"] {
            for file in files_below(&self.folder.join(folder))? {
                hashes.insert(digest(&SHA256, &fs::read(file)?).as_ref().to_vec());
            }
        }
        Ok(hashes)
    }

    /// Returns whether a text is in any file of the archive.
    pub fn contains(&self, text: &str) -> Result<bool> {
        for file in files_below(&self.folder)? {
            if fs::read(file)?.windows(text.len()).any(|bytes| bytes == text.as_bytes()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Runs a script of `tests` with the archive that was unpacked into this folder.
fn read_with(script: &str, folder: &Path) -> Result<()> {
    let python = stack::python("venv-tests", "Schemathesis", "tests/requirements.txt", &mut ())?;
    let script = stack::workspace().join("tests").join(script);
    let output = Command::new(python).arg(script).arg(folder.with_extension("zip")).arg(folder).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

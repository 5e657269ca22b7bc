//! The folder with the data of a stack that survives a restart.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Holds the lock on the folder.
pub(crate) struct State {
    folder: PathBuf,
    _lock: File,
}

impl State {
    /// Locks and prepares the folder. Deletes the data in it if the start is `fresh`, but only with the lock.
    pub(crate) fn open(folder: &Path, fresh: bool) -> Result<Self> {
        let unusable = || format!("{} cannot be used: make it a folder that you may write to", folder.display());
        fs::create_dir_all(folder).with_context(unusable)?;
        let folder = folder.canonicalize().with_context(unusable)?;
        let lock = File::create(folder.join("lock")).with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another stack uses {}: stop it first", folder.display()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        let state = Self { folder, _lock: lock };
        if fresh || state.was_never_saved() {
            state.clear()?;
        }
        state.require_whole()?;
        for folder in [state.services(), state.objects(), state.temporary()] {
            fs::create_dir_all(&folder).with_context(unusable)?;
        }
        Ok(state)
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The data of the services, a JSON file each.
    pub(crate) fn services(&self) -> PathBuf {
        self.folder.join("services")
    }

    /// The objects of the buckets.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    /// Unpacked functions and other files that need not survive.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// The log of the local AWS and the functions.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("aws.log")
    }

    /// Returns the port of the last start if it is free, so that addresses stay valid, or else a free one.
    pub(crate) fn choose_port(&self) -> Result<u16> {
        let remembered = self.folder.join("port");
        let last = fs::read_to_string(&remembered).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, last)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        fs::write(remembered, port.to_string())?;
        Ok(port)
    }

    /// Returns whether an earlier start was killed before the local AWS first wrote its data. The objects of its buckets
    /// belong to nothing then, and their buckets could not be created again.
    fn was_never_saved(&self) -> bool {
        self.objects().exists() && !self.services().join("cloudformation.json").exists()
    }

    /// Returns an error if a file with the data of a service was cut off, as by a full disk: the local AWS would start
    /// without that service's data.
    fn require_whole(&self) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.services()) else { return Ok(()) };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") && !ends_as_json(&path)? {
                bail!("{} is damaged: start with --fresh, which deletes the local data", path.display());
            }
        }
        Ok(())
    }

    fn clear(&self) -> Result<()> {
        // Written by the fake payment services: payments of accounts that are deleted here.
        match fs::remove_file(self.folder.join("payments.json")) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).context("payments.json cannot be removed");
            }
            _ => {}
        }
        for folder in [self.services(), self.objects(), self.temporary()] {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("{} cannot be removed", folder.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn ends_as_json(path: &Path) -> Result<bool> {
    let mut file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let Ok(_) = file.seek(SeekFrom::End(-1)) else { return Ok(false) };
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(matches!(last, [b'}' | b']' | b'l']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("darkroom-state-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn second_stack_in_a_folder_is_refused_until_the_first_ends() {
        let folder = folder("lock");
        let first = State::open(&folder, false).unwrap();
        let error = State::open(&folder, false).err().unwrap().to_string();
        assert!(error.contains("another stack uses"), "{error}");
        drop(first);
        State::open(&folder, false).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn data_is_kept_unless_the_start_is_fresh() {
        let folder = folder("fresh");
        let state = State::open(&folder, false).unwrap();
        let kept = state.objects().join("image");
        fs::write(&kept, "bytes").unwrap();
        fs::write(state.services().join("cloudformation.json"), "{}").unwrap();
        drop(state);
        drop(State::open(&folder, false).unwrap());
        assert!(kept.exists());
        drop(State::open(&folder, true).unwrap());
        assert!(!kept.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn refused_fresh_start_deletes_no_payments() {
        let folder = folder("payments");
        let running = State::open(&folder, false).unwrap();
        let payments = folder.join("payments.json");
        fs::write(&payments, "{}").unwrap();
        assert!(State::open(&folder, true).is_err());
        assert!(payments.exists());
        drop(running);
        drop(State::open(&folder, true).unwrap());
        assert!(!payments.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn buckets_of_a_start_that_never_saved_are_removed() {
        let folder = folder("killed");
        let orphan = State::open(&folder, false).unwrap().objects().join("orphan");
        fs::write(&orphan, "bytes").unwrap();
        drop(State::open(&folder, false).unwrap());
        assert!(!orphan.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn truncated_data_is_refused_with_what_to_do() {
        let folder = folder("truncated");
        let services = State::open(&folder, false).unwrap().services();
        fs::write(services.join("cloudformation.json"), "{}").unwrap();
        for truncated in ["", "{\"table\": {\"items\": "] {
            fs::write(services.join("dynamodb.json"), truncated).unwrap();
            let error = State::open(&folder, false).err().unwrap().to_string();
            assert!(error.contains("dynamodb.json") && error.contains("--fresh"), "{error}");
        }
        drop(State::open(&folder, true).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn port_stays_the_same_unless_it_is_taken() {
        let folder = folder("port");
        let state = State::open(&folder, false).unwrap();
        let port = state.choose_port().unwrap();
        assert_eq!(state.choose_port().unwrap(), port);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_ne!(state.choose_port().unwrap(), port);
        drop(taken);
        fs::remove_dir_all(folder).unwrap();
    }
}

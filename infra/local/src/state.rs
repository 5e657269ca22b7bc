//! The folder in which a stack keeps what survives a restart.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The folder, locked for as long as this lives.
pub(crate) struct State {
    folder: PathBuf,
    _lock: File,
}

impl State {
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
        if fresh {
            state.clear()?;
        }
        for folder in [state.services(), state.objects(), state.temporary()] {
            fs::create_dir_all(&folder).with_context(unusable)?;
        }
        Ok(state)
    }

    /// What the services remember.
    pub(crate) fn services(&self) -> PathBuf {
        self.folder.join("services")
    }

    /// The objects of the buckets.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    /// Unpacked functions and the like; nothing that must stay.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// What the local AWS and the functions log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("aws.log")
    }

    /// The port of the last time if it is free, so that addresses that were handed out stay good; otherwise a free one.
    pub(crate) fn choose_port(&self) -> Result<u16> {
        let remembered = self.folder.join("port");
        let last = fs::read_to_string(&remembered).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, last)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        fs::write(remembered, port.to_string())?;
        Ok(port)
    }

    fn clear(&self) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("darkroom-state-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_second_stack_in_the_same_folder_is_refused_until_the_first_has_ended() {
        let folder = folder("lock");
        let first = State::open(&folder, false).unwrap();
        let error = State::open(&folder, false).err().unwrap().to_string();
        assert!(error.contains("another stack uses"), "{error}");
        drop(first);
        State::open(&folder, false).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_was_kept_is_there_again_unless_the_start_is_fresh() {
        let folder = folder("fresh");
        let kept = State::open(&folder, false).unwrap().objects().join("picture");
        fs::write(&kept, "bytes").unwrap();
        drop(State::open(&folder, false).unwrap());
        assert!(kept.exists());
        drop(State::open(&folder, true).unwrap());
        assert!(!kept.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_port_stays_the_same_unless_somebody_took_it() {
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

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

//! Runs the whole stack on one machine: the real `template.yaml` and the real function binaries on a local AWS (MiniStack),
//! behind an address that stays the same. Needs no Docker, and no network after the first installation.
//!
//! [`Stack::start`] installs what it needs, deploys, and serves; [`Stack::stop`], or dropping it, ends every process that
//! it started. The folder [`Options::state`] keeps the data. The local AWS writes it every few seconds and at its end.

mod deployment;
mod functions;
mod ministack;
#[cfg(test)]
mod on_aws;
mod options;
pub mod payments;
mod proxy;
mod state;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

pub use crate::functions::Functions;
use crate::ministack::Ministack;
pub use crate::options::Options;
use crate::proxy::Proxy;
use crate::state::State;
pub use interpreters::{Progress, disk, python, workspace};

/// Sets every password, once a code was requested: the local AWS sends no mail.
pub const MAILED_CODE: &str = "654321";

/// Runs until it is stopped or dropped.
pub struct Stack {
    base_url: String,
    endpoint: String,
    outputs: BTreeMap<String, String>,
    proxy: Proxy,
    ministack: Ministack,
    state: State,
}

/// Holds the port and the folder of a stack before it starts, so that nothing is changed for a start that is refused.
pub struct Claim {
    listener: TcpListener,
    state: State,
}

impl Claim {
    /// Takes the port and locks the folder. Deletes the data in the folder if the start is fresh.
    ///
    /// # Errors
    /// The port is taken, another stack uses the folder, or the folder cannot be written to or is damaged.
    pub fn new(options: &Options) -> Result<Self> {
        let listener = listen(options.port)?;
        Ok(Self { listener, state: State::open(&options.state, options.fresh)? })
    }
}

impl Stack {
    /// Builds, installs, deploys and serves; returns when the API answers. Blocks for minutes the first time and for
    /// seconds after that.
    ///
    /// # Errors
    /// Each error is one line that says what to do.
    pub fn start(options: &Options, progress: &mut dyn Progress) -> Result<Self> {
        Self::start_with(Claim::new(options)?, options, progress)
    }

    /// Starts as [`Stack::start`] does, on a port and a folder that were claimed before.
    ///
    /// # Errors
    /// Each error is one line that says what to do.
    pub fn start_with(claim: Claim, options: &Options, progress: &mut dyn Progress) -> Result<Self> {
        let Claim { listener, state } = claim;
        disk::require_free(state.folder(), STATE_BYTES, "the local AWS")?;
        let binaries = options.functions.locate(progress)?;
        let python = python("venv", "the local AWS", "infra/stack/requirements.txt", progress)?;

        progress.step("Starting the local AWS");
        let ministack = Ministack::start(&python, &state, options)?;
        progress.step("Deploying the template");
        let base_url = format!("http://localhost:{}", listener.local_addr()?.port());
        let outputs = deployment::deploy(&python, ministack.endpoint(), &binaries, &base_url, options, progress)?;
        let api = outputs.get("ApiId").context("the template has no output ApiId")?;
        let proxy = Proxy::start(listener, ministack.port(), api, options.web.clone())?;
        Ok(Self { base_url, endpoint: ministack.endpoint().to_owned(), outputs, proxy, ministack, state })
    }

    /// Returns the address of the API, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the address of the AWS services. Credentials are `test` and `test`, the region is `us-east-1`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the template's outputs.
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    /// Returns an error once the stack cannot go on: the local AWS ended, or the disk is almost full. Call it every few
    /// seconds while the stack runs.
    ///
    /// # Errors
    /// One line says what happened, what is kept, and what to do.
    pub fn check(&mut self) -> Result<()> {
        self.ministack.check(&self.state)?;
        disk::require_free(self.state.folder(), RESERVE_BYTES, "the local AWS")
    }

    /// Stops the local AWS and the functions in place, so that an idle stack takes no processor time from others: queues are
    /// not polled and schedules do not run until [`resume`](Self::resume). A repeat does nothing.
    ///
    /// # Errors
    /// The processes cannot be signaled.
    pub fn pause(&self) -> Result<()> {
        self.ministack.signal(Signal::STOP)
    }

    /// Lets a paused stack go on. A repeat does nothing.
    ///
    /// # Errors
    /// The processes cannot be signaled.
    pub fn resume(&self) -> Result<()> {
        self.ministack.signal(Signal::CONT)
    }

    /// Ends every process that the stack started, and keeps its data.
    ///
    /// # Errors
    /// The local AWS did not end cleanly, so that the last changes may be lost.
    pub fn stop(mut self) -> Result<()> {
        self.proxy.stop();
        self.ministack.stop()
    }
}

/// Free space that a start needs: packages of the functions, twice, and the data.
const STATE_BYTES: u64 = 2_000_000_000;
/// Free space below which a running stack ends, while the data can still be written.
const RESERVE_BYTES: u64 = 500_000_000;

fn listen(port: u16) -> Result<TcpListener> {
    match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("port {port} is taken: stop what listens there, or choose another with --port")
        }
        Err(error) => Err(error).with_context(|| format!("port {port} cannot be opened: choose another with --port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_with_what_to_do() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = listen(port).unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("--port"), "{error}");
    }
}

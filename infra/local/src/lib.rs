//! The whole stack on one machine: the real `template.yaml` and the real function binaries on a local AWS (MiniStack),
//! behind an address that stays the same. No Docker, no network but for the first installation.
//!
//! [`Stack::start`] installs what it needs, deploys, and serves; [`Stack::stop`], or dropping it, ends every process that
//! it started. What the stack holds lies in [`Options::state`] and survives a clean stop.

mod deployment;
mod functions;
mod ministack;
pub mod payments;
mod proxy;
mod state;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub use crate::functions::Functions;
use crate::ministack::Ministack;
use crate::proxy::Proxy;
use crate::state::State;
pub use interpreters::{Progress, python, workspace};

/// The code that confirms every address: the local AWS sends no mail.
pub const MAILED_CODE: &str = "123456";
/// The code that replaces every forgotten password, once one was asked for.
pub const MAILED_RESET_CODE: &str = "654321";

/// What a stack is made of.
pub struct Options {
    /// The port of the API on the loopback interface; 0 takes a free one.
    pub port: u16,
    /// The folder for everything that the stack keeps. One stack at a time.
    pub state: PathBuf,
    /// Forget what the folder holds.
    pub fresh: bool,
    /// Where the functions' binaries come from.
    pub functions: Functions,
    /// Values for the template's parameters, by name. `Stage` is `dev` unless it is given here.
    pub parameters: BTreeMap<String, String>,
    /// Variables that every function sees beside those of the template.
    pub function_environment: BTreeMap<String, String>,
    /// Keys of AI providers by the provider's name, for the template's secret. Those providers are enabled, before
    /// `sketch`, unless the parameter `Providers` is given.
    pub provider_keys: BTreeMap<String, String>,
    /// The content of the template's secret with the keys of the payment providers.
    pub payment_keys: serde_json::Value,
    /// The file to which each AWS call of a function is appended as a line of JSON: `role`, `action`, `resource`,
    /// `allowed`.
    pub calls: Option<PathBuf>,
    /// Where to write down what items and messages are made of, when they are written; nowhere if `None`.
    pub shapes: Option<PathBuf>,
}

impl Options {
    /// A stack with this folder: a free port, functions built by cargo, no keys, nothing recorded.
    #[must_use]
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            port: 0,
            state: state.into(),
            fresh: false,
            functions: Functions::BuiltByCargo,
            parameters: BTreeMap::new(),
            function_environment: BTreeMap::new(),
            provider_keys: BTreeMap::new(),
            payment_keys: serde_json::json!({}),
            calls: None,
            shapes: None,
        }
    }
}

/// A running stack.
pub struct Stack {
    base_url: String,
    endpoint: String,
    outputs: BTreeMap<String, String>,
    proxy: Proxy,
    ministack: Ministack,
    _state: State,
}

impl Stack {
    /// Builds, installs, deploys and serves; returns when the API answers. Blocks for minutes the first time and for
    /// seconds after that. Each error is one line that says what to do.
    pub fn start(options: &Options, progress: &mut dyn Progress) -> Result<Self> {
        let listener = listen(options.port)?;
        let state = State::open(&options.state, options.fresh)?;
        let binaries = options.functions.locate(progress)?;
        let python = python("venv", "the local AWS", "infra/local/requirements.txt", progress)?;

        progress.step("Starting the local AWS");
        let ministack = Ministack::start(&python, &state, options)?;
        progress.step("Deploying the template");
        let base_url = format!("http://localhost:{}", listener.local_addr()?.port());
        let outputs = deployment::deploy(&python, ministack.endpoint(), &binaries, &base_url, options, progress)?;
        let api = outputs.get("ApiId").context("the template has no output ApiId")?;
        let proxy = Proxy::start(listener, ministack.port(), api)?;
        Ok(Self { base_url, endpoint: ministack.endpoint().to_owned(), outputs, proxy, ministack, _state: state })
    }

    /// Where the API is, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where the AWS services are. Credentials are `test` and `test`, the region is `us-east-1`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The template's outputs.
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    /// Ends every process that the stack started, and keeps its state.
    pub fn stop(mut self) -> Result<()> {
        self.proxy.stop();
        self.ministack.stop()
    }
}

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

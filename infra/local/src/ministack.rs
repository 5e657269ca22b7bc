//! The process of the local AWS. It is a process group of its own, which also holds the functions.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::state::State;
use crate::{Options, workspace};

const POLL: Duration = Duration::from_millis(20);
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Ministack {
    child: Child,
    /// Closing it tells the launcher to save its state and end; it closes too when this process dies.
    input: Option<ChildStdin>,
    port: u16,
    endpoint: String,
}

impl Ministack {
    /// Returns when it accepts calls.
    pub(crate) fn start(python: &Path, state: &State, options: &Options) -> Result<Self> {
        let port = state.choose_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let log = File::create(state.log())?;
        let mut command = Command::new(python);
        // What the server sees, the functions see: nothing of this process' environment.
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", state.temporary())
            .env("TMPDIR", state.temporary())
            .env("STATE_DIR", state.services())
            .env("S3_DATA_DIR", state.objects())
            .envs([("PERSIST_STATE", "1"), ("S3_PERSIST", "1"), ("AUTH", "true")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .envs([("IOT_MTLS_ENABLED", "0"), ("SFTP_ENABLED", "0"), ("BIND_HOST", "127.0.0.1")])
            .env("GATEWAY_PORT", port.to_string())
            .env("AWS_ENDPOINT_URL", &endpoint)
            .envs(&options.function_environment);
        if let Some(calls) = &options.calls {
            command.env("AWS_CALLS_FILE", calls);
        }
        if let Some(shapes) = &options.shapes {
            command.env("AWS_SHAPES_FILE", shapes);
        }
        let mut child = command
            .arg(workspace().join("infra/local/ministack_launcher.py"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("the local AWS cannot be started")?;
        let input = child.stdin.take();
        let mut ministack = Self { child, input, port, endpoint };
        ministack.wait_until_ready(state)?;
        Ok(ministack)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Lets it save its state and waits for its end. A repeat does nothing.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.input = None;
        let Some(status) = self.wait(STOP_LIMIT)? else {
            self.kill()?;
            bail!("the local AWS did not end in {} s and was killed: its last changes are lost", STOP_LIMIT.as_secs());
        };
        if status.code().is_some_and(|code| code != 0) {
            bail!("the local AWS ended with {status}: its last changes may be lost");
        }
        Ok(())
    }

    fn wait_until_ready(&mut self, state: &State) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if self.child.try_wait()?.is_some() || started.elapsed() > START_LIMIT {
                let log = fs::read_to_string(state.log()).unwrap_or_default();
                let reason = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
                bail!("the local AWS did not start: {reason} (all of it is in {})", state.log().display());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if started.elapsed() > limit {
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }

    fn kill(&mut self) -> Result<()> {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).context("the local AWS cannot be killed")?;
        }
        self.child.wait()?;
        Ok(())
    }
}

/// For a stack that was not stopped, as when a test panics: no process stays, and it is as good if the state is lost.
impl Drop for Ministack {
    fn drop(&mut self) {
        self.input = None;
        if !matches!(self.wait(STOP_LIMIT), Ok(Some(_))) {
            let _ = self.kill();
        }
    }
}

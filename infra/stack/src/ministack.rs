//! The process of the local AWS. It is a process group of its own, which also contains the functions.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use interpreters::workspace;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::options::Options;
use crate::state::State;

const POLL: Duration = Duration::from_millis(20);
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often the launcher writes the data.
const SAVE_INTERVAL_S: u32 = 10;
const STOP_LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Ministack {
    child: Child,
    /// Closing it makes the launcher save its data and end; it also closes when this process ends.
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
        // The functions inherit this environment: it contains nothing of the environment of this process.
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
        if options.saves_regularly {
            command.env("SAVE_INTERVAL_S", SAVE_INTERVAL_S.to_string());
        }
        if let Some(calls) = &options.calls {
            command.env("AWS_CALLS_FILE", calls);
        }
        if let Some(shapes) = &options.shapes {
            command.env("AWS_SHAPES_FILE", shapes);
        }
        let mut child = command
            .arg(workspace().join("infra/stack/ministack_launcher.py"))
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

    /// Lets it save its data, and waits for its end. A repeat does nothing.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.input = None;
        let Some(status) = self.wait(STOP_LIMIT)? else {
            self.kill()?;
            bail!("the local AWS did not end in {} s and was killed: its last changes are lost", STOP_LIMIT.as_secs());
        };
        // Its own SIGTERM is how it ends when its input closes.
        if !status.success() && status.signal() != Some(Signal::TERM.as_raw()) {
            bail!("the local AWS ended with {status}: its last changes may be lost");
        }
        Ok(())
    }

    /// Returns an error if the process has ended by itself.
    pub(crate) fn check(&mut self, state: &State) -> Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let log = state.log();
        bail!(
            "the local AWS ended unexpectedly with {status}: changes of the last {SAVE_INTERVAL_S} seconds may be lost. \
             Start again to go on with the data that was saved; the log is {}",
            log.display()
        );
    }

    fn wait_until_ready(&mut self, state: &State) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if self.child.try_wait()?.is_some() || started.elapsed() > START_LIMIT {
                let log = fs::read_to_string(state.log()).unwrap_or_default();
                let reason = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it logged nothing");
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

    /// Sends a signal to the local AWS and the functions.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, signal).context("the local AWS cannot be signaled")?;
        }
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.child.wait()?;
        Ok(())
    }
}

/// Ends the processes of a stack that was not stopped, as when a test panics. Its last changes may be lost.
impl Drop for Ministack {
    fn drop(&mut self) {
        self.input = None;
        if !matches!(self.wait(STOP_LIMIT), Ok(Some(_))) {
            let _ = self.kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_aws_that_ended_by_itself_is_told_with_what_is_kept() {
        let folder = std::env::temp_dir().join(format!("darkroom-ministack-{}", std::process::id()));
        let state = State::open(&folder, true).unwrap();
        let child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let mut ministack = Ministack { child, input: None, port: 0, endpoint: String::new() };
        ministack.check(&state).unwrap();
        // As the kernel does when memory runs out.
        ministack.signal(Signal::KILL).unwrap();
        ministack.wait(STOP_LIMIT).unwrap();
        for error in [ministack.check(&state).unwrap_err(), ministack.stop().unwrap_err()] {
            assert!(error.to_string().contains("may be lost"), "{error}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

//! Runs one function as a process with a fake of [Lambda's runtime API].
//!
//! [Lambda's runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path as Segment, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use fake_aws::{aws::Aws, environment::environment};
use http::StatusCode;
use jiff::SignedDuration;
use runtime::clock;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use crate::cpu::CpuShare;

const PATIENCE: Duration = Duration::from_secs(60);
/// The time limit of an invocation, unless [`Function::allow`] sets another.
const ALLOWED: SignedDuration = SignedDuration::from_secs(60);

/// A running function. Dropping it kills the process.
pub struct Function {
    process: Child,
    lambda: Arc<Lambda>,
    started_in: Duration,
}

/// The result of an event.
pub struct Answer {
    /// The response of the function.
    pub body: Bytes,
    /// The time from sending the event to receiving the response.
    pub took: Duration,
}

struct Lambda {
    events: mpsc::Sender<Bytes>,
    to_hand_out: Mutex<mpsc::Receiver<Bytes>>,
    said: mpsc::UnboundedSender<Said>,
    heard: Mutex<mpsc::UnboundedReceiver<Said>>,
    allowed: Mutex<SignedDuration>,
}

/// A message of the function to Lambda.
enum Said {
    Next(Instant),
    Answered(Bytes, Instant),
    Failed(Bytes),
}

impl Function {
    /// Freezes the fake AWS, starts the process and waits until it asks for its first event.
    ///
    /// # Errors
    /// It does not start. Its log, on standard error, says why.
    pub async fn start(binary: &Path, aws: &Aws) -> Result<Self> {
        Self::start_with(binary, aws, &[]).await
    }

    /// Starts the process as [`start`](Self::start) does, with these environment variables in place of those that it has else.
    ///
    /// # Errors
    /// It does not start. Its log, on standard error, says why.
    pub async fn start_with(binary: &Path, aws: &Aws, variables: &[(&str, &str)]) -> Result<Self> {
        Self::launch(binary, aws, variables, Stdio::null()).await
    }

    /// Starts the process as [`start_with`](Self::start_with) does, and keeps what it writes to standard output for [`output`](Self::output).
    ///
    /// # Errors
    /// It does not start. Its log, on standard error, says why.
    pub async fn start_recorded(binary: &Path, aws: &Aws, variables: &[(&str, &str)]) -> Result<Self> {
        Self::launch(binary, aws, variables, Stdio::piped()).await
    }

    async fn launch(binary: &Path, aws: &Aws, variables: &[(&str, &str)], output: Stdio) -> Result<Self> {
        aws.freeze().await;
        let (events, to_hand_out) = mpsc::channel(1);
        let (said, heard) = mpsc::unbounded_channel();
        let (to_hand_out, heard, allowed) = (Mutex::new(to_hand_out), Mutex::new(heard), Mutex::new(ALLOWED));
        let lambda = Arc::new(Lambda { events, to_hand_out, said, heard, allowed });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(ended))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .layer(DefaultBodyLimit::disable())
            .with_state(lambda.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let started = Instant::now();
        let process = Command::new(binary)
            .env_clear()
            .envs(environment(aws)?)
            .envs(variables.iter().copied())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(output)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut function = Self { process, lambda, started_in: Duration::ZERO };
        match function.listen().await.with_context(|| format!("{} asks for no event", binary.display()))? {
            Said::Next(at) => function.started_in = at.duration_since(started),
            Said::Answered(body, _) | Said::Failed(body) => bail!("instead of asking: {}", text(&body)),
        }
        Ok(function)
    }

    /// Returns the time from starting the process to its request for the first event.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Limits its share of a CPU from now on.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn limit(&self, share: &CpuShare) -> Result<()> {
        share.admit(self.process.id())
    }

    /// Sets the time limit of its invocations from now on.
    pub async fn allow(&self, time: SignedDuration) {
        *self.lambda.allowed.lock().await = time;
    }

    /// Sends an event, and waits for the response and the request for the next event.
    ///
    /// # Errors
    /// It responds with an error, or not within a minute.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Answer> {
        let handed_over = Instant::now();
        self.lambda.events.send(event).await?;
        let answer = match self.listen().await.context("the function does not answer")? {
            Said::Answered(body, at) => Answer { body, took: at.duration_since(handed_over) },
            Said::Failed(error) => bail!("the function failed: {}", text(&error)),
            Said::Next(_) => bail!("the function asks for an event before it has answered the last"),
        };
        self.listen().await.context("the function asks for no more")?;
        Ok(answer)
    }

    /// Returns the CPU time of all threads of the process so far
    /// (<https://docs.kernel.org/scheduler/sched-stats.html>).
    ///
    /// # Errors
    /// This is not Linux, or the process has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let statistics = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += statistics.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Returns the peak memory of the process so far, in KiB.
    ///
    /// # Errors
    /// This is not Linux, or the process has ended.
    pub fn peak_memory_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel does not say")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Ends the process. Returns what it has written to standard output, if it was [recorded](Self::start_recorded): some lines, as
    /// a process that writes more than a pipe holds would wait.
    ///
    /// # Errors
    /// It is no text.
    pub fn output(mut self) -> Result<String> {
        self.process.kill()?;
        let mut output = String::new();
        if let Some(mut written) = self.process.stdout.take() {
            written.read_to_string(&mut output)?;
        }
        Ok(output)
    }

    async fn listen(&self) -> Result<Said> {
        let mut heard = self.lambda.heard.lock().await;
        timeout(PATIENCE, heard.recv()).await?.context("the fake Lambda has stopped")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // Both fail only if the process has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn next(State(lambda): State<Arc<Lambda>>) -> Response {
    let _ = lambda.said.send(Said::Next(Instant::now()));
    let Some(event) = lambda.to_hand_out.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = clock::now() + *lambda.allowed.lock().await;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millisecond().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:function".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-69a42b40-000000000000000000005a11".to_owned()),
    ];
    (headers, event).into_response()
}

async fn ended(
    State(lambda): State<Arc<Lambda>>,
    Segment((_, outcome)): Segment<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let said = if outcome == "response" { Said::Answered(body, Instant::now()) } else { Said::Failed(body) };
    let _ = lambda.said.send(said);
    StatusCode::ACCEPTED
}

async fn failed(State(lambda): State<Arc<Lambda>>, body: Bytes) -> StatusCode {
    let _ = lambda.said.send(Said::Failed(body));
    StatusCode::ACCEPTED
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

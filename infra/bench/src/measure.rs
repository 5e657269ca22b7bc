//! The measurements of one function.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench::cpu::CpuShare;
use bench::function::Function;
use bytes::Bytes;
use domain::catalogue::models::MediaKind;
use fake_aws::tls::Tls;
use fake_aws::{current, seed};
use flate2::{Compression, write::DeflateEncoder};
use runtime::clock;

/// How long a warm function is kept busy.
const WARM: Duration = Duration::from_secs(2);
/// Invocations that it is kept busy with at most, and at least.
const INVOCATIONS: (u32, u32) = (500, 3);

/// A function and what is known of it by now.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) event: &'static str,
    pub(crate) binary_bytes: u64,
    pub(crate) zip_bytes: u64,
    pub(crate) peak_memory_kib: u64,
    pub(crate) warm_cpu: Duration,
    /// The connections that the first request opened, over TLS.
    pub(crate) connections: usize,
    starts: Vec<Duration>,
    firsts: Vec<Duration>,
    firsts_over_tls: Vec<Duration>,
    /// Each with the time that the fake AWS was busy.
    firsts_with_share: Vec<(Duration, Duration)>,
    input: Vec<u8>,
    binary: PathBuf,
}

impl Measured {
    /// A function with the event that it is measured with.
    pub(crate) fn new(binaries: &Path, name: &'static str, event: &'static str) -> Result<Self> {
        let binary = binaries.join(name);
        let program = std::fs::read(&binary).with_context(|| format!("{} cannot be read", binary.display()))?;
        let mut zip = DeflateEncoder::new(Vec::new(), Compression::default());
        zip.write_all(&program)?;
        Ok(Self {
            name,
            event,
            binary_bytes: u64::try_from(program.len())?,
            zip_bytes: u64::try_from(zip.finish()?.len())?,
            peak_memory_kib: 0,
            warm_cpu: Duration::ZERO,
            connections: 0,
            starts: Vec::new(),
            firsts: Vec::new(),
            firsts_over_tls: Vec::new(),
            firsts_with_share: Vec::new(),
            input: std::fs::read(stack::workspace().join(event))?,
            binary,
        })
    }

    /// One cold start and one request.
    pub(crate) async fn start_once(&mut self) -> Result<()> {
        let aws = seed::aws(self.kind()).await?;
        let mut function = Function::start(&self.binary, &aws).await?;
        self.starts.push(function.started_in());
        self.firsts.push(function.invoke(self.input()?).await?.took);
        Ok(())
    }

    /// The same over TLS.
    pub(crate) async fn start_once_over_tls(&mut self, tls: &Tls) -> Result<()> {
        let aws = seed::aws(self.kind()).await?.over_tls(tls).await?;
        let mut function = Function::start(&self.binary, &aws).await?;
        let before = aws.connections();
        self.firsts_over_tls.push(function.invoke(self.input()?).await?.took);
        self.connections = aws.connections() - before;
        Ok(())
    }

    /// The same over TLS with a share of a CPU. As on Lambda, the start has the CPU for itself; the
    /// request comes some time after it.
    pub(crate) async fn start_once_with_share(&mut self, tls: &Tls, share: &CpuShare, after: Duration) -> Result<()> {
        let aws = seed::aws(self.kind()).await?.over_tls(tls).await?;
        let mut function = Function::start(&self.binary, &aws).await?;
        function.limit(share)?;
        tokio::time::sleep(after).await;
        let busy_before = aws.busy().await;
        let took = function.invoke(self.input()?).await?.took;
        self.firsts_with_share.push((took, aws.busy().await - busy_before));
        Ok(())
    }

    /// Many requests to one process.
    pub(crate) async fn run_warm(&mut self) -> Result<()> {
        let aws = seed::aws(self.kind()).await?;
        let mut function = Function::start(&self.binary, &aws).await?;
        function.invoke(self.input()?).await?;
        let (began, cpu_before) = (Instant::now(), function.cpu_time()?);
        let (most, least) = INVOCATIONS;
        let mut invocations = 0;
        while invocations < least || (invocations < most && began.elapsed() < WARM) {
            function.invoke(self.input()?).await?;
            invocations += 1;
        }
        self.warm_cpu = (function.cpu_time()? - cpu_before) / invocations;
        self.peak_memory_kib = function.peak_memory_kib()?;
        Ok(())
    }

    /// From the start of the process to its first question, median.
    pub(crate) fn start(&self) -> Duration {
        median(self.starts.iter().copied())
    }

    /// The first request, median.
    pub(crate) fn first(&self) -> Duration {
        median(self.firsts.iter().copied())
    }

    /// The first request over TLS, median.
    pub(crate) fn first_over_tls(&self) -> Duration {
        median(self.firsts_over_tls.iter().copied())
    }

    /// Returns the first request over TLS with a share of a CPU, with and without the time that the fake AWS was busy; medians.
    pub(crate) fn first_with_share(&self) -> (Duration, Duration) {
        let took = median(self.firsts_with_share.iter().map(|(took, _)| *took));
        (took, median(self.firsts_with_share.iter().map(|(took, busy)| *took - *busy)))
    }

    /// A signature on it is as new as this call.
    fn input(&self) -> Result<Bytes> {
        current(&self.input, clock::now())
    }

    fn kind(&self) -> MediaKind {
        if self.name == "generate-video" { MediaKind::Video } else { MediaKind::Image }
    }
}

fn median(measured: impl Iterator<Item = Duration>) -> Duration {
    let mut sorted: Vec<_> = measured.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

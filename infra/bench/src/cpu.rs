//! The share of a CPU that Lambda gives to its smallest functions, by a control group of the kernel.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

/// How often a process gets its share anew. It is Lambda's own: <https://github.com/pwrdrvr/lambda-throttling> measured
/// there that what was throttled goes on at multiples of 20 ms.
pub const PERIOD: Duration = Duration::from_millis(20);
const MEMORY_MB: u128 = 128;
/// What buys one whole CPU (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
const MEMORY_OF_ONE_CPU_MB: u128 = 1_769;
const GROUP: &str = "darkroom-bench";

/// A control group whose processes together get the share of a function of 128 MB: 128/1769 of a CPU.
pub struct CpuShare {
    group: PathBuf,
    limits: Vec<(&'static str, String)>,
}

impl CpuShare {
    /// Makes the group, with version 1 or 2 of the kernel's interface
    /// (<https://docs.kernel.org/scheduler/sched-bwc.html>, <https://docs.kernel.org/admin-guide/cgroup-v2.html>).
    ///
    /// # Errors
    /// There are no control groups here, or this user may not make any.
    pub fn new() -> Result<Self> {
        let (version_1, version_2) = (Path::new("/sys/fs/cgroup/cpu"), Path::new("/sys/fs/cgroup"));
        let period = PERIOD.as_micros();
        let quota = period * MEMORY_MB / MEMORY_OF_ONE_CPU_MB;
        let (parent, limits) = if version_1.exists() {
            (version_1, vec![("cpu.cfs_period_us", period.to_string()), ("cpu.cfs_quota_us", quota.to_string())])
        } else {
            // Where this fails it is on already, or else the limit cannot be set below.
            let _ = std::fs::write(version_2.join("cgroup.subtree_control"), "+cpu");
            (version_2, vec![("cpu.max", format!("{quota} {period}"))])
        };
        let group = parent.join(GROUP);
        match std::fs::create_dir(&group) {
            // A run that was interrupted has left it.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.with_context(|| format!("{} cannot be made", group.display()))?,
        }
        let share = Self { group, limits };
        share.set_limits()?;
        Ok(share)
    }

    /// Takes a process in, with the share of one period before it.
    pub(crate) fn admit(&self, process: u32) -> Result<()> {
        self.write("cgroup.procs", &process.to_string())?;
        self.set_limits()
    }

    /// Besides setting the limits, this fills up what was used of them.
    fn set_limits(&self) -> Result<()> {
        self.limits.iter().try_for_each(|(file, limit)| self.write(file, limit))
    }

    fn write(&self, file: &str, value: &str) -> Result<()> {
        let path = self.group.join(file);
        std::fs::write(&path, value).with_context(|| format!("{} cannot be written", path.display()))
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // Fails only if a process is still in it, and then the next run finds it.
        let _ = std::fs::remove_dir(&self.group);
    }
}

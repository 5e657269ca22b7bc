//! Trials, and the lease of a stack to each test that runs.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use libtest_mimic::{Failed, Trial};

use crate::env::test_env::TestEnv;

/// The number of tests whose durations are printed.
const SLOWEST_TESTS: usize = 20;

/// A test: an async function of the environment.
pub type Test = fn(&'static TestEnv) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// Turns async functions into trials that are named after their module and function.
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        /// Lists the tests of this file.
        pub fn trials(envs: Option<&'static $crate::env::trial::TestEnvs>) -> Vec<libtest_mimic::Trial> {
            let file = module_path!().split_once("::").map_or("", |(_, path)| path);
            vec![$($crate::env::trial::trial(
                envs,
                format!("{file}::{}", stringify!($test)),
                |env| Box::pin($test(env)),
            )),*]
        }
    };
}

/// Returns a trial that leases a stack and runs the test on its own runtime.
pub fn trial(envs: Option<&'static TestEnvs>, name: String, test: Test) -> Trial {
    Trial::test(name.clone(), move || {
        let lease = envs.ok_or("no stack is running")?.lease()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let started = Instant::now();
        let result = runtime.block_on(test(lease.env)).map_err(|error| Failed::from(format!("{error:#}")));
        if let Ok(mut durations) = DURATIONS.lock() {
            durations.push((started.elapsed(), name));
        }
        result
    })
}

static DURATIONS: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

/// Returns the slowest tests so far and how long each took, the slowest first.
pub fn slowest_tests() -> Vec<(Duration, String)> {
    let mut durations = DURATIONS.lock().map(|durations| durations.clone()).unwrap_or_default();
    durations.sort_unstable_by(|a, b| b.cmp(a));
    durations.truncate(SLOWEST_TESTS);
    durations
}

/// The stacks that concurrent tests lease: one shared by all, or one for each.
pub struct TestEnvs(Mutex<Vec<&'static TestEnv>>);

impl TestEnvs {
    /// Takes one entry for each thread.
    pub fn new(envs: Vec<&'static TestEnv>) -> &'static Self {
        Box::leak(Box::new(Self(Mutex::new(envs))))
    }

    pub fn lease(&'static self) -> Result<Lease> {
        let mut free = self.0.lock().map_err(|_| anyhow!("a test panicked while it held the list of stacks"))?;
        let env = free.pop().context("more threads than stacks")?;
        Ok(Lease { env, from: self })
    }
}

/// A stack that is leased to a test; dropping returns it.
pub struct Lease {
    pub env: &'static TestEnv,
    pub from: &'static TestEnvs,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Ok(mut free) = self.from.0.lock() {
            free.push(self.env);
        }
    }
}

pub(crate) use tests;

static TEST_NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();

/// Stores the names of all tests of the suite, once, before any test runs.
pub fn store_test_names(names: BTreeSet<String>) {
    let _ = TEST_NAMES.set(names);
}

/// Returns the names of all tests of the suite.
pub fn test_names() -> BTreeSet<String> {
    TEST_NAMES.get().cloned().unwrap_or_default()
}

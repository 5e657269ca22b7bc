//! Fault injection: stops a function at one of its AWS calls.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, PATIENCE},
    ledger::check_ledger,
    table::sort_keys,
    test_env::{TestEnv, TestUser},
};

/// Starts a stack of this name whose functions read faults to inject.
pub fn start_with_faults(name: &str) -> Result<&'static TestEnv> {
    let faults = fault_folder(name);
    let _ = std::fs::remove_dir_all(&faults);
    std::fs::create_dir_all(&faults)?;
    let variable = ("FAULT_INJECTION_DIR".to_owned(), faults.display().to_string());
    TestEnv::with(name, 2, BTreeMap::from([variable]), false)
}

/// Returns the folder of the faults for the functions of a stack.
fn fault_folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("faults")
}

/// A crash that is injected into one function.
pub struct Fault {
    pub path: PathBuf,
    pub done: PathBuf,
}

impl Fault {
    /// Injects a crash at a call, after `skip` calls. The file is renamed into place, as the function may read it at
    /// any time.
    pub async fn inject(env: &TestEnv, function: &str, phase: &str, skip: u32) -> Result<Self> {
        Self::put(env, function, json!({"phase": phase, "skip": skip})).await
    }

    /// Injects a crash at the first call of an operation.
    pub async fn at(env: &TestEnv, function: &str, phase: &str, operation: &str) -> Result<Self> {
        Self::put(env, function, json!({"phase": phase, "skip": 0, "operation": operation})).await
    }

    pub async fn put(env: &TestEnv, function: &str, fault: Value) -> Result<Self> {
        let function = env.function_name(function).await?;
        let folder = env.folder.with_extension("faults");
        let (path, done) = (folder.join(&function), folder.join(&function).with_extension("done"));
        let written = folder.join("written");
        std::fs::write(&written, fault.to_string())?;
        std::fs::rename(written, &path)?;
        Ok(Self { path, done })
    }

    /// Waits until the function crashed.
    pub async fn triggered(self) -> Result<()> {
        let started = Instant::now();
        while !self.done.exists() {
            ensure!(started.elapsed() < PATIENCE, "the function did not crash");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(std::fs::remove_file(&self.done)?)
    }

    /// Returns the call at which the function crashed. Otherwise removes the fault; a process that counts calls holds
    /// it for a moment.
    pub async fn outcome(self) -> Result<Option<Value>> {
        let started = Instant::now();
        loop {
            if self.done.exists() {
                let call = serde_json::from_slice(&std::fs::read(&self.done)?)?;
                std::fs::remove_file(&self.done)?;
                return Ok(Some(call));
            }
            if std::fs::remove_file(&self.path).is_ok() {
                return Ok(None);
            }
            ensure!(started.elapsed() < PATIENCE, "the fault was removed without a crash");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Runs `act` with a crash before each call of `function` in turn, and then after its last one, and checks the ledger after each
/// run.
///
/// Calls are those to AWS and to providers that may change something. A crash anywhere else leaves what one of these leaves: a
/// call that only reads leaves nothing, and after a call is the same as before the next.
pub async fn crash_at_each_call(
    env: &'static TestEnv,
    function: &str,
    least_calls: u32,
    act: impl AsyncFn(&TestUser) -> Result<()>,
) -> Result<()> {
    let mut calls = 0;
    while crashes_at(env, function, ("before", calls), &act).await? {
        calls += 1;
    }
    ensure!(calls >= least_calls, "{function} made fewer than {least_calls} calls: {calls}");
    // Signing a link counted as a call, although nothing arrives after it.
    for skip in (0..calls).rev() {
        if crashes_at(env, function, ("after", skip), &act).await? {
            return Ok(());
        }
    }
    bail!("{function} never crashed after a call")
}

/// Runs `act` with a crash in this phase of the call after these many, checks the ledger, and returns whether the
/// function crashed.
async fn crashes_at(
    env: &'static TestEnv,
    function: &str,
    (phase, skip): (&str, u32),
    act: &impl AsyncFn(&TestUser) -> Result<()>,
) -> Result<bool> {
    ensure!(skip < 100, "{function} never succeeds");
    let user = env.user().await?;
    let fault = Fault::inject(env, function, phase, skip).await?;
    let acted = act(&user).await;
    let call = fault.outcome().await?;
    let at = || format!("{function} crashed {phase} call {skip}: {call:?}");
    acted.with_context(at)?;
    // An erased account has none.
    if !sort_keys(env, &user.account_id).await?.is_empty() {
        check_ledger(&user).await.with_context(at)?;
    }
    Ok(call.is_some())
}

/// Repeats a request with the same key, as clients do, while the response is a server error.
pub async fn retry_until_answered(ask: impl AsyncFn() -> Result<ApiResponse>) -> Result<ApiResponse> {
    let started = Instant::now();
    loop {
        let response = ask().await?;
        if !response.status.is_server_error() {
            return Ok(response);
        }
        ensure!(started.elapsed() < PATIENCE, "{response:?}");
    }
}

/// Sweeps until it succeeds, as the schedule does.
pub async fn sweep_until_done(env: &TestEnv, now: Timestamp) -> Result<()> {
    let started = Instant::now();
    while env.sweep(now).await.is_err() {
        ensure!(started.elapsed() < PATIENCE, "the sweep never succeeds");
    }
    Ok(())
}

/// Declares an upload without sending it.
pub async fn declare_any_upload(user: &TestUser) -> Result<()> {
    let body = json!({"content_type": "image/png", "bytes": 100, "sha256": "0".repeat(64)});
    user.post("/v1/uploads", &body).await?.is(201)?;
    Ok(())
}

/// Returns the time in the given duration.
pub fn now_plus(later: SignedDuration) -> Timestamp {
    runtime::clock::now() + later
}

/// Counts the versions and delete markers under a user's prefix.
pub async fn object_count(env: &TestEnv, user: &TestUser) -> Result<usize> {
    let prefix = format!("accounts/{}/", user.account_id);
    let clients = env.clients()?;
    let listed = clients.s3().list_object_versions().bucket(env.output("BucketName")?).prefix(prefix).send().await?;
    Ok(listed.versions().len() + listed.delete_markers().len())
}

//! Runs the binary of one function at a time without a stack: a fake Lambda sends it the events of `events/`, and a fake AWS
//! answers and records its calls.
//!
//! That shows what a stack cannot: how long the process takes by itself, and exactly which calls an event costs.

pub mod aws;
pub mod cpu;
pub mod events;
pub mod function;
pub mod large;
pub mod payments;
pub mod seed;
pub mod tls;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

/// Returns an event as it would arrive now: with a new signature of Stripe, and of a staff member who signed in just now.
///
/// # Errors
/// The event is not JSON.
pub fn current(event: &[u8], now: Timestamp) -> Result<Bytes> {
    let mut event: Value = serde_json::from_slice(&payments::signed(event, now)?)?;
    if let Some(claims) = event.pointer_mut("/requestContext/authorizer/jwt/claims")
        && claims["cognito:groups"].is_string()
    {
        claims["auth_time"] = now.as_second().to_string().into();
    }
    Ok(event.to_string().into())
}

/// Builds every binary of the workspace in this profile. Returns their folder.
///
/// # Errors
/// Cargo cannot be run, or fails.
pub fn build(profile: &str) -> Result<PathBuf> {
    let mut command = cargo_build::command();
    // A part of the workspace would be built with other features, and so again.
    command.args(["build", "--workspace", "--bins", "--profile", profile]);
    if !command.status().context("cargo cannot be run: put it on the PATH")?.success() {
        bail!("the functions do not build: see the errors of cargo above");
    }
    // This program is in `<target>/<profile>`, a test in `<target>/<profile>/deps`.
    let program = std::env::current_exe()?;
    let own = program.parent().map(|folder| if folder.ends_with("deps") { folder.parent() } else { Some(folder) });
    let target = own.flatten().and_then(Path::parent).context("this program is not in a target folder of cargo")?;
    Ok(target.join(if profile == "dev" { "debug" } else { profile }))
}

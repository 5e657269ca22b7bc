//! Deploys the template with `deploy.py`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use interpreters::{Progress, workspace};
use serde::Deserialize;

use crate::options::Options;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Progress(String),
    Outputs(BTreeMap<String, String>),
}

/// Deploys the template for clients at `origin`, and returns its outputs. A repeat with nothing changed deploys nothing.
pub(crate) fn deploy(
    python: &Path,
    endpoint: &str,
    binaries: &Path,
    origin: &str,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<BTreeMap<String, String>> {
    let mut command = Command::new(python);
    command
        .env_clear()
        .envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        // Every user of the machine can read command lines.
        .env("PROVIDER_KEYS", serde_json::to_string(&options.provider_keys)?)
        .env("PAYMENT_KEYS", options.payment_keys.to_string())
        .env("SERVICE_SETTINGS", options.settings.to_string())
        .arg(workspace().join("infra/stack/deploy.py"))
        .args(["--endpoint", endpoint, "--stack", "darkroom"])
        .arg("--template")
        .arg(workspace().join("template.yaml"))
        .arg("--binaries")
        .arg(binaries);
    let providers = options.provider_keys.keys().map(String::as_str).chain(["sketch"]).collect::<Vec<_>>().join(",");
    let mut parameters = BTreeMap::from([
        ("Providers".to_owned(), providers),
        ("AllowedOrigin".to_owned(), origin.to_owned()),
        // The real providers cannot reach this machine.
        ("ProviderWebhooks".to_owned(), "false".to_owned()),
        ("ReturnUrl".to_owned(), format!("{origin}/credits/{{checkout}}")),
    ]);
    parameters.extend(options.parameters.clone());
    for (name, value) in parameters {
        command.args(["--parameter", &format!("{name}={value}")]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("the template cannot be deployed")?;
    let mut outputs = None;
    if let Some(messages) = child.stdout.take() {
        for line in BufReader::new(messages).lines() {
            match serde_json::from_str(&line?)? {
                Message::Progress(text) => progress.detail(&text),
                Message::Outputs(deployed) => outputs = Some(deployed),
            }
        }
    }
    let mut errors = String::new();
    if let Some(mut stream) = child.stderr.take() {
        stream.read_to_string(&mut errors)?;
    }
    if !child.wait()?.success() {
        let reason = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it printed nothing");
        bail!("the deployment failed: {reason}");
    }
    outputs.context("the deployment ended without outputs")
}

//! Deploys to AWS with `infra/stack/deploy_on_aws.py`, shows the demo there, and says where everything is.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use interpreters::{Progress, python, workspace};

use crate::Lines;

const DEPLOY: &str = "infra/stack/deploy_on_aws.py";
const NO_DEMO: &str = "--no-demo";

/// Runs a command for a stage; without one for `dev`. A repeat of `deploy` with nothing changed changes nothing and shows no demo,
/// and one after a run that was cut off goes on. Returns whether it succeeded: if not, what failed has said why.
///
/// # Errors
/// A program cannot be installed or run, or the demo not built.
pub(crate) fn run(command: &str, arguments: &[OsString]) -> Result<bool> {
    let (stage, options) = match arguments {
        [stage, options @ ..] if !stage.to_string_lossy().starts_with('-') => (stage.clone(), options),
        options => (OsString::from("dev"), options),
    };
    let has = |option: &str| options.iter().any(|given| given == option);
    let mut lines = Lines::default();
    let python = python("venv", "the clients of AWS", "infra/stack/requirements.txt", &mut lines)?;
    let aws = |task: &str| {
        let mut aws = Command::new(&python);
        cargo_build::clean(&mut aws);
        aws.arg(workspace().join(DEPLOY)).arg(task).arg(&stage);
        aws
    };
    let mut deploying = aws(command);
    deploying.args(options.iter().filter(|option| *option != NO_DEMO));
    if command == "deploy" && !has("--functions") {
        let builder = interpreters::python(
            "venv-build",
            "Cargo Lambda and Zig",
            "infra/stack/build-requirements.txt",
            &mut lines,
        )?;
        deploying.arg("--cargo-lambda").arg(builder.with_file_name("cargo-lambda"));
    }
    lines.finish();
    if command != "deploy" || has("--plan") {
        return succeeds(&mut deploying);
    }
    let deployed =
        deploying.stdin(Stdio::inherit()).stderr(Stdio::inherit()).output().context("Python cannot be run")?;
    if !deployed.status.success() {
        return Ok(false);
    }
    let settings = options.iter().position(|option| option == "--settings");
    let settings = settings.and_then(|at| options.get(at..at + 2)).unwrap_or_default();
    let shown = if shows_demo(options, &deployed.stdout) {
        demo(aws("demo-account").args(settings), &mut lines)
    } else {
        Ok(true)
    };
    Ok(succeeds(aws("where").args(settings))? && shown?)
}

/// Says whether a demo follows a deployment with these options that printed this: if it changed something. A generation may cost
/// money.
fn shows_demo(options: &[OsString], printed: &[u8]) -> bool {
    printed.trim_ascii() == b"changed" && options.iter().all(|option| option != NO_DEMO)
}

/// Generates an image and a video in what is deployed.
fn demo(account: &mut Command, lines: &mut Lines) -> Result<bool> {
    let created = account.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("Python cannot be run")?;
    let created = String::from_utf8(created.stdout)?;
    let [address, email, password] = created.lines().collect::<Vec<_>>()[..] else { return Ok(false) };
    lines.step("Building the demo");
    let built = cargo_build::build(&["stack".to_owned()], lines);
    lines.finish();
    let mut demo = Command::new(built?.join("stack"));
    succeeds(demo.args(["demo", "--at", address]).env("DEMO_EMAIL", email).env("DEMO_PASSWORD", password))
}

fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status();
    Ok(status.with_context(|| format!("{} cannot be run", command.get_program().display()))?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_follows_a_deployment_that_changed_something_unless_it_is_unwanted() {
        let options = |given: &[&str]| given.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(shows_demo(&[], b"changed\n"));
        assert!(shows_demo(&options(&["--settings", "other.toml"]), b"changed\n"));
        assert!(!shows_demo(&[], b"unchanged\n"));
        assert!(!shows_demo(&[], b""));
        assert!(!shows_demo(&options(&["--settings", "other.toml", "--no-demo"]), b"changed\n"));
    }
}

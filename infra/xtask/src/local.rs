//! Commands against the AWS of the running local stack.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};

/// Runs `infra/stack/aws.py` against the stack whose data is in `.local/state`.
///
/// # Errors
/// No stack runs there, or the command failed. The program says why.
pub(crate) fn aws(root: &Path, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<()> {
    let python = interpreters::python("venv", "the local AWS", "infra/stack/requirements.txt", &mut ())?;
    let mut command = Command::new(python);
    command.arg(root.join("infra/stack/aws.py")).arg(root.join(".local/state"));
    let status = arguments(&mut command).status()?;
    ensure!(status.success(), "the local AWS did not do it");
    Ok(())
}

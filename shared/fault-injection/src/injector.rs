//! The rule of a function, and the processes that count its calls.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

/// How the names of operations begin that change nothing.
const READS: [&str; 10] =
    ["GET", "Get", "BatchGet", "TransactGet", "Query", "Scan", "List", "Head", "AdminGet", "AdminList"];

/// Aborts the process if the rule of this function names the call.
pub(crate) fn abort_if_due(call: &Call<'_>) {
    static INJECTOR: LazyLock<Option<Injector>> = LazyLock::new(|| {
        let directory = env::var_os("FAULT_INJECTION_DIR")?;
        Some(Injector { rule_path: Path::new(&directory).join(env::var_os("AWS_LAMBDA_FUNCTION_NAME")?) })
    });
    if INJECTOR.as_ref().is_some_and(|injector| injector.count(call)) {
        process::abort();
    }
}

/// Counts the calls of one function.
struct Injector {
    rule_path: PathBuf,
}

impl Injector {
    /// Counts a call, and returns whether the process must abort at it.
    ///
    /// A process takes the rule by renaming its file, which succeeds for one process only. Calls of others are not counted meanwhile.
    fn count(&self, call: &Call<'_>) -> bool {
        let taken = self.rule_path.with_extension(format!("{}.taken", process::id()));
        if fs::rename(&self.rule_path, &taken).is_err() {
            return false;
        }
        let rule = fs::read(&taken).ok().and_then(|bytes| serde_json::from_slice::<FaultRule>(&bytes).ok());
        match rule {
            Some(rule) if rule.counts(call) && rule.skip == 0 => {
                write(&taken, call);
                fs::rename(&taken, self.rule_path.with_extension("done")).is_ok()
            }
            Some(rule) if rule.counts(call) => {
                write(&taken, &FaultRule { skip: rule.skip - 1, ..rule });
                put_back(&taken, &self.rule_path)
            }
            _ => put_back(&taken, &self.rule_path),
        }
    }
}

/// When the process aborts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Before the request is sent.
    Before,
    /// After the response has arrived.
    After,
}

#[derive(Serialize, Deserialize)]
struct FaultRule {
    skip: u32,
    phase: Phase,
    #[serde(default)]
    operation: Option<String>,
}

impl FaultRule {
    fn counts(&self, call: &Call<'_>) -> bool {
        let is_meant = match &self.operation {
            Some(operation) => operation == call.operation,
            None => call.may_change_something(),
        };
        self.phase == call.phase && is_meant
    }
}

/// A call to AWS or to a provider.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Call<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) phase: Phase,
}

impl Call<'_> {
    fn may_change_something(&self) -> bool {
        !READS.iter().any(|read| self.operation.starts_with(read))
    }
}

/// Logs a failure. The test then waits in vain for the `.done` file, and fails.
fn write(path: &Path, content: &impl Serialize) {
    if let Err(error) = serde_json::to_vec(content).map_err(io::Error::other).and_then(|json| fs::write(path, json)) {
        tracing::error!(%error, path = %path.display(), "fault rule could not be written");
    }
}

fn put_back(taken: &Path, rule_path: &Path) -> bool {
    if let Err(error) = fs::rename(taken, rule_path) {
        tracing::error!(%error, path = %rule_path.display(), "fault rule could not be put back");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injector(name: &str) -> Injector {
        let directory = env::temp_dir().join(format!("darkroom-faults-{}", process::id()));
        fs::create_dir_all(&directory).unwrap();
        Injector { rule_path: directory.join(name) }
    }

    fn call(operation: &'static str, phase: Phase) -> Call<'static> {
        Call { service: "DynamoDB", operation, phase }
    }

    #[test]
    fn aborts_at_the_call_after_those_to_skip_and_records_it() {
        let injector = injector("counts");
        fs::write(&injector.rule_path, r#"{"skip": 1, "phase": "before"}"#).unwrap();
        assert!(!injector.count(&call("PutItem", Phase::Before)));
        assert!(!injector.count(&call("PutItem", Phase::After)), "the other phase does not count");
        assert!(injector.count(&call("PutItem", Phase::Before)));
        assert!(!injector.count(&call("PutItem", Phase::Before)), "a rule applies once");
        let done = fs::read_to_string(injector.rule_path.with_extension("done")).unwrap();
        assert_eq!(done, r#"{"service":"DynamoDB","operation":"PutItem","phase":"before"}"#);
        assert!(!injector.rule_path.exists());
    }

    #[test]
    fn only_calls_that_may_change_something_count() {
        let injector = injector("reads");
        fs::write(&injector.rule_path, r#"{"skip": 0, "phase": "before"}"#).unwrap();
        for read in
            ["GetItem", "BatchGetItem", "TransactGetItems", "Query", "ListParts", "HeadObject", "AdminGetUser", "GET"]
        {
            assert!(!injector.count(&call(read, Phase::Before)), "{read} counts");
        }
        for change in ["TransactWriteItems", "UpdateItem", "DeleteObjects", "SendMessage", "AdminInitiateAuth", "POST"]
        {
            fs::write(&injector.rule_path, r#"{"skip": 0, "phase": "before"}"#).unwrap();
            assert!(injector.count(&call(change, Phase::Before)), "{change} does not count");
        }
    }

    #[test]
    fn calls_of_other_operations_do_not_count() {
        let injector = injector("names");
        fs::write(&injector.rule_path, r#"{"skip": 0, "phase": "before", "operation": "GetItem"}"#).unwrap();
        assert!(!injector.count(&call("PutItem", Phase::Before)));
        assert!(injector.count(&call("GetItem", Phase::Before)));
    }

    #[test]
    fn without_a_rule_every_call_passes() {
        assert!(!injector("absent").count(&call("PutItem", Phase::After)));
    }
}

//! Injects faults: aborts the process at a chosen call to AWS, for tests that show that a crash loses nothing. Release builds do
//! not contain it.
//!
//! With `FAULT_INJECTION_DIR` set, each call of a client looks for the file `FAULT_INJECTION_DIR/<function name>`, such as
//! `{"skip": 2, "phase": "after"}`: two calls pass, and at the third the process aborts, either `before` the request is sent, or
//! `after` the response has arrived and before the caller gets it. The rule is removed, and `<function name>.done` names the call,
//! so that a test can go through all calls without knowing them: it increments `skip` until the rule is left over.
//!
//! A retry counts as a call. Signing a link counts for `before`, although nothing is sent. With `"operation": "ListParts"` only
//! calls of that operation count.

use std::fs;
use std::path::{Path, PathBuf};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde::{Deserialize, Serialize};

use crate::config::Environment;

/// Intercepts the calls of a function, and aborts the process at the call that the rule names.
#[derive(Clone, Debug)]
pub(crate) struct FaultInjector {
    rule_path: PathBuf,
}

impl FaultInjector {
    /// Returns the injector; `None` unless `FAULT_INJECTION_DIR` and the name of the function are set.
    pub(crate) fn from_environment(environment: &Environment) -> Option<Self> {
        let directory = Path::new(environment.optional("FAULT_INJECTION_DIR")?);
        Some(Self { rule_path: directory.join(environment.optional("AWS_LAMBDA_FUNCTION_NAME")?) })
    }

    fn abort_if_due(&self, phase: Phase, cfg: &ConfigBag) {
        let operation = cfg.load::<Metadata>();
        let call = Call {
            service: operation.map_or("unknown", Metadata::service),
            operation: operation.map_or("unknown", Metadata::name),
            phase,
        };
        if self.count(&call) {
            std::process::abort();
        }
    }

    /// Counts a call, and returns whether the process must abort at it.
    ///
    /// A process takes the rule by renaming its file, which succeeds for one process only. Calls of others are not counted meanwhile.
    fn count(&self, call: &Call<'_>) -> bool {
        let taken = self.rule_path.with_extension(format!("{}.taken", std::process::id()));
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

impl Intercept for FaultInjector {
    fn name(&self) -> &'static str {
        "FaultInjector"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.abort_if_due(Phase::Before, cfg);
        Ok(())
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.abort_if_due(Phase::After, cfg);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Before,
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
        self.phase == call.phase && self.operation.as_deref().is_none_or(|operation| operation == call.operation)
    }
}

#[derive(Serialize)]
struct Call<'a> {
    service: &'a str,
    operation: &'a str,
    phase: Phase,
}

/// Logs a failure. The test then waits in vain for the `.done` file, and fails.
fn write(path: &Path, content: &impl Serialize) {
    if let Err(error) =
        serde_json::to_vec(content).map_err(std::io::Error::other).and_then(|json| fs::write(path, json))
    {
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

    fn injector(name: &str) -> FaultInjector {
        let directory = std::env::temp_dir().join(format!("darkroom-faults-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let environment = Environment::from_iter([
            ("FAULT_INJECTION_DIR", directory.to_str().unwrap()),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
        ]);
        FaultInjector::from_environment(&environment).unwrap()
    }

    fn call(phase: Phase) -> Call<'static> {
        Call { service: "DynamoDB", operation: "GetItem", phase }
    }

    #[test]
    fn aborts_at_the_call_after_those_to_skip_and_records_it() {
        let injector = injector("counts");
        fs::write(&injector.rule_path, r#"{"skip": 1, "phase": "before"}"#).unwrap();
        assert!(!injector.count(&call(Phase::Before)));
        assert!(!injector.count(&call(Phase::After)), "the other phase does not count");
        assert!(injector.count(&call(Phase::Before)));
        assert!(!injector.count(&call(Phase::Before)), "a rule applies once");
        let done = fs::read_to_string(injector.rule_path.with_extension("done")).unwrap();
        assert_eq!(done, r#"{"service":"DynamoDB","operation":"GetItem","phase":"before"}"#);
        assert!(!injector.rule_path.exists());
    }

    #[test]
    fn calls_of_other_operations_do_not_count() {
        let injector = injector("names");
        fs::write(&injector.rule_path, r#"{"skip": 0, "phase": "before", "operation": "PutItem"}"#).unwrap();
        assert!(!injector.count(&call(Phase::Before)));
        assert!(injector.count(&Call { operation: "PutItem", ..call(Phase::Before) }));
    }

    #[test]
    fn without_a_rule_every_call_passes() {
        assert!(!injector("absent").count(&call(Phase::After)));
    }

    #[test]
    fn without_the_variable_there_is_no_injector() {
        assert!(
            FaultInjector::from_environment(&Environment::from_iter([("AWS_LAMBDA_FUNCTION_NAME", "submit")]))
                .is_none()
        );
    }
}

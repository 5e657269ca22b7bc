//! Death at a chosen AWS call, for the tests that show that nothing is lost by it. Release builds do not have it.
//!
//! With `CHAOS_DIR` set, each call of a client looks for the file `CHAOS_DIR/<function name>`, such as
//! `{"skip": 2, "phase": "after"}`: two calls pass, and at the third the process aborts, either `before` the request is
//! sent, or `after` the answer arrived and before the caller sees it. The file goes, and `<function name>.done` says which
//! call it was, so that a test can walk through all calls without knowing them: it adds one to `skip` until the file stays.
//! Attempts count as calls; so does, for `before`, signing a link, though nothing is sent. With `"operation": "ListParts"`
//! only calls of that operation count.

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

/// The interceptor that counts the calls of one function down.
#[derive(Clone, Debug)]
pub(crate) struct FaultInjector {
    order: PathBuf,
}

impl FaultInjector {
    /// None unless both `CHAOS_DIR` and the function's name are set.
    pub(crate) fn from_environment(environment: &Environment) -> Option<Self> {
        let directory = Path::new(environment.optional("CHAOS_DIR")?);
        Some(Self { order: directory.join(environment.optional("AWS_LAMBDA_FUNCTION_NAME")?) })
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

    /// Counts one call, and says whether it is the last of this process.
    ///
    /// The order is taken by renaming it, which only one process can do; whoever comes meanwhile passes uncounted.
    fn count(&self, call: &Call<'_>) -> bool {
        let taken = self.order.with_extension(format!("{}.taken", std::process::id()));
        if fs::rename(&self.order, &taken).is_err() {
            return false;
        }
        let order = fs::read(&taken).ok().and_then(|bytes| serde_json::from_slice::<FaultRule>(&bytes).ok());
        match order {
            Some(order) if order.counts(call) && order.skip == 0 => {
                write(&taken, call);
                fs::rename(&taken, self.order.with_extension("done")).is_ok()
            }
            Some(order) if order.counts(call) => {
                write(&taken, &FaultRule { skip: order.skip - 1, ..order });
                put_back(&taken, &self.order)
            }
            _ => put_back(&taken, &self.order),
        }
    }
}

impl Intercept for FaultInjector {
    fn name(&self) -> &'static str {
        "Interruption"
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

/// A failure shows as a test that waits for a `.done` that never comes.
fn write(path: &Path, content: &impl Serialize) {
    if let Err(error) =
        serde_json::to_vec(content).map_err(std::io::Error::other).and_then(|json| fs::write(path, json))
    {
        tracing::error!(%error, path = %path.display(), "the order of a crash test could not be written");
    }
}

fn put_back(taken: &Path, order: &Path) -> bool {
    if let Err(error) = fs::rename(taken, order) {
        tracing::error!(%error, path = %order.display(), "the order of a crash test could not be put back");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interruption(name: &str) -> FaultInjector {
        let directory = std::env::temp_dir().join(format!("darkroom-chaos-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let environment =
            Environment::from_iter([("CHAOS_DIR", directory.to_str().unwrap()), ("AWS_LAMBDA_FUNCTION_NAME", name)]);
        FaultInjector::from_environment(&environment).unwrap()
    }

    fn call(phase: Phase) -> Call<'static> {
        Call { service: "DynamoDB", operation: "GetItem", phase }
    }

    #[test]
    fn calls_pass_until_the_count_is_down_and_the_last_one_is_written_down() {
        let interruption = interruption("counts");
        fs::write(&interruption.order, r#"{"skip": 1, "phase": "before"}"#).unwrap();
        assert!(!interruption.count(&call(Phase::Before)));
        assert!(!interruption.count(&call(Phase::After)), "the other phase does not count");
        assert!(interruption.count(&call(Phase::Before)));
        assert!(!interruption.count(&call(Phase::Before)), "an order is carried out once");
        let done = fs::read_to_string(interruption.order.with_extension("done")).unwrap();
        assert_eq!(done, r#"{"service":"DynamoDB","operation":"GetItem","phase":"before"}"#);
        assert!(!interruption.order.exists());
    }

    #[test]
    fn calls_of_another_operation_than_the_order_names_pass_uncounted() {
        let interruption = interruption("names");
        fs::write(&interruption.order, r#"{"skip": 0, "phase": "before", "operation": "PutItem"}"#).unwrap();
        assert!(!interruption.count(&call(Phase::Before)));
        assert!(interruption.count(&Call { operation: "PutItem", ..call(Phase::Before) }));
    }

    #[test]
    fn without_an_order_every_call_passes() {
        assert!(!interruption("absent").count(&call(Phase::After)));
    }

    #[test]
    fn without_the_switch_there_is_no_interruption() {
        assert!(
            FaultInjector::from_environment(&Environment::from_iter([("AWS_LAMBDA_FUNCTION_NAME", "submit")]))
                .is_none()
        );
    }
}

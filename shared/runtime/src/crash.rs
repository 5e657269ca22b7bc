//! Lets tests crash a function at each of its calls to AWS. Release builds do not contain it.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

/// Tells the fault injection of every call of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrashAtCalls;

/// Returns the names of the service and the operation that are called.
fn names(cfg: &ConfigBag) -> (&str, &str) {
    cfg.load::<Metadata>().map_or(("unknown", "unknown"), |called| (called.service(), called.name()))
}

impl Intercept for CrashAtCalls {
    fn name(&self) -> &'static str {
        "CrashAtCalls"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (service, operation) = names(cfg);
        fault_injection::before_call(service, operation);
        Ok(())
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (service, operation) = names(cfg);
        fault_injection::after_call(service, operation);
        Ok(())
    }
}

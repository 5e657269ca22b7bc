//! Injects faults: aborts the process at a chosen call to AWS or to a provider, for tests that show that a crash loses nothing.
//! Release builds do not contain it: there, both functions do nothing.
//!
//! With `FAULT_INJECTION_DIR` set, each call looks for the file `FAULT_INJECTION_DIR/<function name>`, such as
//! `{"skip": 2, "phase": "after"}`: two calls pass, and at the third the process aborts, either `before` the request is sent, or
//! `after` the response has arrived and before the caller gets it. The rule is removed, and `<function name>.done` names the call,
//! so that a test can go through all calls without knowing them: it increments `skip` until the rule is left over.
//!
//! Calls that only read do not count, as a crash at one leaves what a crash at the call before it leaves. A retry counts as a call.
//! Signing a link to upload counts for `before`, although nothing is sent. With `"operation": "ListParts"` only calls of that
//! operation count, also those that only read.

#[cfg(debug_assertions)]
mod injector;

/// Aborts the process if it must crash before this call is sent.
pub fn before_call(service: &str, operation: &str) {
    #[cfg(debug_assertions)]
    injector::abort_if_due(&injector::Call { service, operation, phase: injector::Phase::Before });
    #[cfg(not(debug_assertions))]
    let _ = (service, operation);
}

/// Aborts the process if it must crash after the response to this call has arrived.
pub fn after_call(service: &str, operation: &str) {
    #[cfg(debug_assertions)]
    injector::abort_if_due(&injector::Call { service, operation, phase: injector::Phase::After });
    #[cfg(not(debug_assertions))]
    let _ = (service, operation);
}

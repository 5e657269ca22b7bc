//! Holds the error type of starts and invocations.

/// Says why a function could not start, or why an invocation failed as a whole.
pub type Error = lambda_runtime::Error;

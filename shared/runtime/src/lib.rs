//! Holds what every function needs, and nothing that only one of them needs.
//!
//! - [`config`], [`clients`], [`clock`]: the environment, AWS, time and randomness. Each is read here and nowhere else.
//! - [`http`]: requests and responses: problem details, strict bodies and queries, the caller, idempotency keys.
//! - [`signed`]: calls of AWS services that have no client in [`clients`].
//! - [`events`], [`sqs`]: the triggers other than HTTP.
//! - [`seal`], [`cursor`]: what clients store for us and must not read or change.
//! - [`totp`], [`webauthn`]: one-time codes of authenticator apps, and passkeys.
//! - [`telemetry`]: logs and metrics.
//!
//! Depends on neither the domain nor the table.

pub mod clients;
pub mod clock;
pub mod config;
#[cfg(debug_assertions)]
mod crash;
pub mod cursor;
mod error;
pub mod events;
pub mod http;
pub mod seal;
pub mod secrets;
pub mod signed;
pub mod sqs;
mod start;
pub mod telemetry;
pub mod totp;
pub mod webauthn;

pub use error::Error;

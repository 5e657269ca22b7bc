//! The environment of the tests: the stack, its users, and the calls that several test files share.
//!
//! Test files import these modules and never each other.

pub mod archive;
pub mod checkouts;
pub mod connections;
pub mod erasures;
pub mod exports;
pub mod faults;
pub mod gallery;
pub mod http;
pub mod ledger;
pub mod logs;
pub mod moderation;
pub mod passkeys;
pub mod paypal;
pub mod provider_stub;
pub mod recorder;
pub mod second_factor;
pub mod sessions;
pub mod staff_access;
pub mod stripe;
pub mod support;
pub mod table;
pub mod test_env;
pub mod trial;
pub mod uploads;
pub mod windows;

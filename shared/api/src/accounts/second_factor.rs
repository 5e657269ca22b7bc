//! Describes the API of the second factor: one-time codes of an authenticator app, and recovery codes. Seals and hashes what is
//! stored of it.

use domain::AccountId;
use runtime::seal::Sealer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Shows whether the account has a second factor, and how many recovery codes are left.
    SHOW = get("/v1/account/second-factor", "account")
        .returns::<SecondFactorView>(200);

    /// Begins to set up a second factor. Needs a recent sign-in. Nothing changes until the first code is confirmed. A repeat
    /// returns another secret.
    BEGIN = post("/v1/account/second-factor", "account")
        .parameters(&[IdempotencyKey])
        .returns::<SecondFactorSetup>(200).problems(&[400, 403, 409, 422, 429]);

    /// Turns the second factor on with the first code of the app, within ten minutes. Every sign-in needs a code from then on.
    /// Returns the recovery codes, this once.
    CONFIRM = post("/v1/account/second-factor/confirmation", "account")
        .takes::<SecondFactorConfirmation>(r#"{"setup": "sealed", "code": "123456"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<RecoveryCodesView>(200).problems(&[400, 409, 413, 415, 422, 429]);

    /// Turns the second factor off and deletes its recovery codes. Needs a recent sign-in. A repeat changes nothing.
    REMOVE = delete("/v1/account/second-factor", "account")
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 409, 422, 429]);
}

/// The purpose of the sealed secret.
const SECRET: &str = "second factor";
/// The purpose of the keyed hash of a recovery code.
const RECOVERY: &str = "recovery code";

/// Seals the secret of a second factor.
#[must_use]
pub fn seal_secret(sealer: &Sealer, secret: &[u8]) -> String {
    sealer.seal(SECRET, secret)
}

/// Opens a sealed secret. `None` if the application key was changed.
#[must_use]
pub fn open_secret(sealer: &Sealer, sealed: &str) -> Option<Vec<u8>> {
    sealer.open(SECRET, sealed)
}

/// Hashes a recovery code of an account. Case, spaces and hyphens do not matter.
#[must_use]
pub fn hash_recovery_code(sealer: &Sealer, account: AccountId, code: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    sealer.keyed_hash(RECOVERY, format!("{account} {}", code.to_ascii_lowercase()).as_bytes())
}

/// Shows the second factor of an account.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorView {
    /// Whether a sign-in needs a code.
    pub enabled: bool,
    /// The number of recovery codes that are left.
    pub recovery_codes: usize,
}

/// Shows what an authenticator app needs.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorSetup {
    /// The secret in base32, to type into the app.
    pub secret: String,
    /// The same as a link that opens the app.
    pub uri: String,
    /// What the confirmation must send back.
    pub setup: String,
}

/// Carries the first code of the app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorConfirmation {
    /// What the setup returned.
    #[schema(min_length = 1, max_length = 1024)]
    pub setup: String,
    /// The code that the app shows. Spaces and hyphens are ignored.
    #[schema(max_length = 32)]
    pub code: String,
}

/// Shows the recovery codes. Only their keyed hashes are stored.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodesView {
    /// The codes. Each signs the person in once, in place of a code of the app.
    pub recovery_codes: Vec<String>,
}

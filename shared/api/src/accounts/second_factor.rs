//! Describes the API of the second factor: one-time codes of an authenticator app, and recovery codes. Seals and hashes what is
//! stored of it. Passkeys are added and removed beside it.

use domain::{AccountId, PasskeyId, accounts::second_factor::Passkey};
use jiff::Timestamp;
use runtime::seal::Sealer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Shows the second factor: whether there is an authenticator app, the passkeys, and how many recovery codes are left.
    SHOW = get("/v1/account/second-factor", "account")
        .returns::<SecondFactorView>(200);

    /// Begins to set up an authenticator app. Needs a recent sign-in. Nothing changes until the first code is confirmed. A repeat
    /// returns another secret.
    BEGIN = post("/v1/account/second-factor/app", "account")
        .parameters(&[IdempotencyKey])
        .returns::<SecondFactorSetup>(200).problems(&[400, 403, 409, 422, 429]);

    /// Adds the authenticator app with its first code, within ten minutes. Every sign-in needs a second factor from then on.
    /// Returns the recovery codes, this once, if the account had no second factor before.
    CONFIRM = post("/v1/account/second-factor/app/confirmation", "account")
        .takes::<SecondFactorConfirmation>(r#"{"setup": "sealed", "code": "123456"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<RecoveryCodesView>(200).problems(&[400, 409, 413, 415, 422, 429]);

    /// Removes the authenticator app, and the recovery codes if there is no passkey. Needs a recent sign-in. A repeat changes
    /// nothing.
    REMOVE = delete("/v1/account/second-factor/app", "account")
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
    /// Whether there is an authenticator app. A sign-in needs a second factor if there is one, or a passkey.
    pub app: bool,
    /// The passkeys, in the order in which they were added.
    pub passkeys: Vec<PasskeyView>,
    /// The number of recovery codes that are left.
    pub recovery_codes: usize,
}

/// Shows a passkey.
#[derive(Serialize, ToSchema)]
pub struct PasskeyView {
    /// The id.
    pub id: PasskeyId,
    /// The name.
    pub name: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it signed in last.
    pub last_used_at: Option<Timestamp>,
}

impl From<Passkey> for PasskeyView {
    fn from(passkey: Passkey) -> Self {
        let Passkey { id, name, added_at, last_used_at, .. } = passkey;
        Self { id, name, added_at, last_used_at }
    }
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
    /// The codes. Each signs the person in once, in place of a code of the app or a passkey. Empty if the account had a second
    /// factor before: the codes that were shown then are still valid.
    pub recovery_codes: Vec<String>,
}

//! Describes the API of passkeys, which are added to an account and sign in as its second factor. Seals their challenges.

use domain::{AccountId, accounts::second_factor::challenge_is_open};
use jiff::Timestamp;
use runtime::seal::Sealer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::second_factor::RecoveryCodesView,
    operation::{Parameter::IdempotencyKey, operations},
};

operations! {
    /// Begins to add a passkey. Needs a recent sign-in. Nothing changes until the passkey is confirmed. A repeat returns another
    /// challenge.
    BEGIN = post("/v1/account/second-factor/passkeys", "account")
        .parameters(&[IdempotencyKey])
        .returns::<PasskeySetup>(200).problems(&[400, 403, 409, 422, 429]);

    /// Adds the passkey that was created for the challenge, within five minutes. Every sign-in needs a second factor from then
    /// on. Returns the recovery codes, this once, if the account had no second factor before.
    CONFIRM = post("/v1/account/second-factor/passkeys/confirmation", "account")
        .takes::<PasskeyConfirmation>(r#"{"name": "Phone", "client_data": "e30", "attestation_object": "oA"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<RecoveryCodesView>(200).problems(&[400, 409, 413, 415, 422, 429]);

    /// Removes a passkey, and the recovery codes with the last one if there is no authenticator app. Needs a recent sign-in.
    REMOVE = delete("/v1/account/second-factor/passkeys/{id}", "account")
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 422, 429]);
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// A passkey is created.
    Creation,
    /// A passkey signs in.
    SignIn,
}

/// A challenge. It is not stored: who has it cannot read or change it.
#[derive(Serialize, Deserialize)]
struct Challenge {
    account: AccountId,
    at: Timestamp,
}

impl Ceremony {
    /// The purpose of its sealed challenges.
    const fn purpose(self) -> &'static str {
        match self {
            Self::Creation => "passkey creation",
            Self::SignIn => "passkey sign-in",
        }
    }

    /// Makes a challenge for an account.
    #[must_use]
    pub fn challenge(self, sealer: &Sealer, account: AccountId, now: Timestamp) -> String {
        let challenge = serde_json::json!(Challenge { account, at: now });
        sealer.seal(self.purpose(), challenge.to_string().as_bytes())
    }

    /// Opens a challenge, and returns when it was made. `None` if it was not made for this and this account, or has expired.
    #[must_use]
    pub fn open(self, sealer: &Sealer, account: AccountId, challenge: &str, now: Timestamp) -> Option<Timestamp> {
        let opened: Challenge = serde_json::from_slice(&sealer.open(self.purpose(), challenge)?).ok()?;
        (opened.account == account && challenge_is_open(opened.at, now)).then_some(opened.at)
    }
}

/// Shows what `navigator.credentials.create` needs.
#[derive(Serialize, ToSchema)]
pub struct PasskeySetup {
    /// The challenge, in base64url.
    pub challenge: String,
    /// The id of the relying party.
    pub rp_id: String,
    /// The id of the user, in base64url.
    pub user_id: String,
    /// The email address, as the name of the user.
    pub user_name: String,
    /// The accepted algorithms, by their COSE identifiers.
    pub algorithms: Vec<i64>,
    /// The ids of the credentials that the account has, in base64url. Their authenticators are refused.
    pub exclude: Vec<String>,
}

/// Carries the passkey that was created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyConfirmation {
    /// Its name: 1 to 64 characters.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// The `clientDataJSON` of the response, in base64url.
    #[schema(min_length = 1, max_length = 2048)]
    pub client_data: String,
    /// The `attestationObject` of the response, in base64url. Its attestation is ignored.
    #[schema(min_length = 1, max_length = 8192)]
    pub attestation_object: String,
}

/// Carries what a passkey signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAssertion {
    /// The id of the credential, in base64url.
    #[schema(min_length = 1, max_length = 1364)]
    pub credential_id: String,
    /// The `clientDataJSON` of the response, in base64url.
    #[schema(min_length = 1, max_length = 2048)]
    pub client_data: String,
    /// The `authenticatorData` of the response, in base64url.
    #[schema(min_length = 1, max_length = 2048)]
    pub authenticator_data: String,
    /// The `signature` of the response, in base64url.
    #[schema(min_length = 1, max_length = 2048)]
    pub signature: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_is_for_one_ceremony_and_account_and_five_minutes() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let [ada, bob] = [1, 2].map(|number| AccountId(uuid::Uuid::from_u128(number)));
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let challenge = Ceremony::SignIn.challenge(&sealer, ada, at(0));
        let open = |ceremony: Ceremony, account, second| ceremony.open(&sealer, account, &challenge, at(second));
        assert_eq!(open(Ceremony::SignIn, ada, 299), Some(at(0)));
        assert_eq!(open(Ceremony::SignIn, ada, 300), None);
        assert_eq!(open(Ceremony::SignIn, bob, 0), None);
        assert_eq!(open(Ceremony::Creation, ada, 0), None);
        assert_ne!(challenge, Ceremony::SignIn.challenge(&sealer, ada, at(0)));
        assert_eq!(Ceremony::SignIn.open(&sealer, ada, "Y2hhbGxlbmdl", at(0)), None);
    }
}

//! The second step of a sign-in, for accounts that have a second factor.
//!
//! The password is checked first, so that nobody without it can learn whether there is a second factor, or use up the attempts.
//! The session that the user pool opened for it leaves this function only with a code or a passkey. A code, and the challenge that
//! a passkey signed, are used up in the same write that accepts them, and work once even if two requests carry them.

use api::{
    accounts::{
        passkeys::{Ceremony, PasskeyAssertion},
        second_factor::{hash_recovery_code, open_secret},
        session::Credentials,
    },
    store_problem,
};
use domain::{
    AccountId,
    accounts::second_factor::{PasskeyAnswer, SecondFactor},
};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{http::Problem, seal::Sealer, totp, webauthn::PasskeyRequest};
use store::Write;

use crate::{app::App, fields::Code};

/// What a sign-in brings besides the password.
pub(crate) enum Proof {
    /// A code of the app, or a recovery code.
    Code(Code),
    /// What a passkey signed.
    Passkey(PasskeyAssertion),
}

impl Proof {
    /// Takes the proof out of the credentials.
    ///
    /// # Errors
    /// A 400: the code is malformed, or there are both.
    pub(crate) fn parse(body: &mut Credentials) -> Result<Option<Self>, Problem> {
        match (body.code.take(), body.passkey.take()) {
            (Some(_), Some(_)) => Err(Problem::invalid("passkey", "must not be sent together with a code")),
            (Some(code), None) => Code::parse(&code).map(|code| Some(Self::Code(code))),
            (None, passkey) => Ok(passkey.map(Self::Passkey)),
        }
    }
}

impl App {
    /// Checks the second factor of a sign-in, if the account has one.
    ///
    /// # Errors
    /// 401 without a proof or with a wrong one, 429 after too many.
    pub(crate) async fn check_second_factor(
        &self,
        account: AccountId,
        proof: Option<&Proof>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let Some(factor) = self.mutations.table.second_factor(account).await.map_err(store_problem)? else {
            return Ok(());
        };
        let sealer = self.mutations.sealer().await?;
        let Some(proof) = proof else { return Err(self.proof_needed(&factor, sealer, now)) };
        self.limit_second_factor(account, now).await?;
        let accepted = match proof {
            Proof::Code(code) => accept_code(&factor, sealer, code, now)?,
            Proof::Passkey(assertion) => self.accept_passkey(&factor, sealer, assertion, now),
        };
        let accepted = accepted.ok_or_else(wrong_proof)?;
        // Another request may have used it up meanwhile.
        if self.mutations.table.try_commit(&[Write::SecondFactor(&accepted)]).await.map_err(store_problem)? {
            Ok(())
        } else {
            Err(wrong_proof())
        }
    }

    fn accept_passkey(
        &self,
        factor: &SecondFactor,
        sealer: &Sealer,
        assertion: &PasskeyAssertion,
        now: Timestamp,
    ) -> Option<SecondFactor> {
        let PasskeyAssertion { credential_id, client_data, authenticator_data, signature } = assertion;
        let passkey = factor.passkeys.iter().find(|passkey| passkey.credential_id == *credential_id)?;
        let party = &self.config.relying_party;
        let verified = party.verify_assertion(&passkey.public_key, client_data, authenticator_data, signature).ok()?;
        let challenge_at = Ceremony::SignIn.open(sealer, factor.account, &verified.challenge, now)?;
        let answer = PasskeyAnswer { credential_id, challenge_at, sign_count: verified.sign_count };
        factor.accept_passkey(answer, now)
    }

    fn proof_needed(&self, factor: &SecondFactor, sealer: &Sealer, now: Timestamp) -> Problem {
        let title = "This account needs a second factor";
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "second-factor-needed", title).with_detail(
            "Send the code of the authenticator app, what a passkey signed, or a recovery code, with the password.",
        );
        if factor.passkeys.is_empty() {
            return problem;
        }
        problem.with_passkey(PasskeyRequest {
            challenge: Ceremony::SignIn.challenge(sealer, factor.account, now),
            rp_id: self.config.relying_party.id().to_owned(),
            credential_ids: factor.passkeys.iter().map(|passkey| passkey.credential_id.clone()).collect(),
        })
    }
}

fn accept_code(
    factor: &SecondFactor,
    sealer: &Sealer,
    code: &Code,
    now: Timestamp,
) -> Result<Option<SecondFactor>, Problem> {
    let step = match &factor.app {
        None => None,
        Some(app) => {
            let secret = open_secret(sealer, &app.secret).ok_or_else(|| {
                Problem::internal("a second factor cannot be opened: was the application key changed?")
            })?;
            totp::matching_step(&secret, code.as_str(), now)
        }
    };
    Ok(match step {
        Some(step) => factor.accept_step(step),
        None => factor.accept_recovery_code(&hash_recovery_code(sealer, factor.account, code.as_str())),
    })
}

fn wrong_proof() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-second-factor", "Wrong second factor").with_detail(
        "Send the code that the authenticator app shows now, an unused recovery code, or what a passkey signed for a new \
         challenge. Each works once.",
    )
}

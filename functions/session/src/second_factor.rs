//! The second step of a sign-in, for accounts that have a second factor.
//!
//! The password is checked first, so that nobody without it can learn whether there is a second factor, or use up the attempts.
//! The session that the user pool opened for it leaves this function only with a code. A code is used up in the same write that
//! accepts it, and works once even if two requests carry it.

use api::{
    accounts::second_factor::{hash_recovery_code, open_secret},
    store_problem,
};
use domain::AccountId;
use http::StatusCode;
use jiff::Timestamp;
use runtime::{http::Problem, totp};
use store::Write;

use crate::{app::App, fields::Code};

impl App {
    /// Checks the code of a sign-in, if the account has a second factor.
    ///
    /// # Errors
    /// 401 without a code or with a wrong one, 429 after too many.
    pub(crate) async fn check_second_factor(
        &self,
        account: AccountId,
        code: Option<&Code>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let Some(factor) = self.mutations.table.second_factor(account).await.map_err(store_problem)? else {
            return Ok(());
        };
        let Some(code) = code else { return Err(code_needed()) };
        self.limit_second_factor(account, now).await?;
        let sealer = self.mutations.sealer().await?;
        let secret = open_secret(sealer, &factor.secret)
            .ok_or_else(|| Problem::internal("a second factor cannot be opened: was the application key changed?"))?;
        let accepted = match totp::matching_step(&secret, code.as_str(), now) {
            Some(step) => factor.accept_step(step),
            None => factor.accept_recovery_code(&hash_recovery_code(sealer, account, code.as_str())),
        };
        let accepted = accepted.ok_or_else(wrong_code)?;
        // Another request may have used the code meanwhile.
        if self.mutations.table.try_commit(&[Write::SecondFactor(&accepted)]).await.map_err(store_problem)? {
            Ok(())
        } else {
            Err(wrong_code())
        }
    }
}

fn code_needed() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "second-factor-needed", "This account needs a second factor")
        .with_detail("Send the code of the authenticator app, or a recovery code, with the password.")
}

fn wrong_code() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-second-factor", "Wrong code")
        .with_detail("Send the code that the authenticator app shows now, or an unused recovery code. Each works once.")
}

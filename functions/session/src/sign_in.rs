//! Sign-in, and the account that the first one makes.

use std::sync::Arc;

use api::{
    accounts::session::{Credentials, SignedIn},
    store_problem,
};
use axum::{
    extract::{MatchedPath, State},
    response::{IntoResponse, Response},
};
use domain::{AccountId, ActivityId, LedgerEntryId, accounts::account::Account, privacy::erasure::TOMBSTONE};
use http::{StatusCode, header::SET_COOKIE};
use jiff::Timestamp;
use runtime::{
    clock,
    http::{Problem, RequestContext, StrictJson},
    seal::Sealer,
};
use store::{Activity, ActivityKind, CommitError, Write};

use crate::{
    App,
    cookie::Session,
    fields::{Email, Password},
    user_pool::OpenedSession,
};

/// Tries to write against others who make the same account at the same time.
const TRIES: usize = 3;

/// Opens a session. If it cannot be recorded, it is not given out, and the sign-in can be repeated.
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    StrictJson(body): StrictJson<Credentials>,
) -> Result<Response, Problem> {
    let email = Email::parse(&body.email)?;
    let password = Password::recall(body.password)?;
    app.limit_address(&path, &email).await?;
    let signed = app.user_pool.sign_in(&email, &password).await;
    let (opened, token) = signed.map_err(|error| error.into_problem(wrong_credentials))?;
    app.record(opened.account, &email, context, clock::now()).await?;
    signed_in(opened, &Session::begin(token), app.sealer().await?)
}

/// The tokens, each where it belongs.
pub(crate) fn signed_in(opened: OpenedSession, session: &Session, sealer: &Sealer) -> Result<Response, Problem> {
    let cookie = [(SET_COOKIE, session.to_cookie()?)];
    let view = SignedIn {
        csrf_token: session.csrf_token(sealer),
        access_token: opened.access_token,
        expires_in_s: opened.expires_in_s,
        account_id: opened.account,
    };
    Ok((cookie, axum::Json(view)).into_response())
}

fn wrong_credentials() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-credentials", "Address and password do not sign in")
        .with_detail("The address or the password is wrong, or the address is not confirmed yet")
}

impl App {
    /// Who is erased while they sign in does not come back. It is written down that an account is erased before the account
    /// goes, so that it cannot be missed here.
    async fn must_be_new(&self, id: AccountId) -> Result<(), Problem> {
        let keyed_hash = self.sealer().await?.keyed_hash(TOMBSTONE, id.0.as_bytes());
        if self.records.has_tombstone(&keyed_hash).await.map_err(store_problem)? {
            Err(wrong_credentials())
        } else {
            Ok(())
        }
    }

    /// Writes down the sign-in, and the account if there is none yet. Others may make it meanwhile.
    async fn record(
        &self,
        id: AccountId,
        email: &Email,
        context: RequestContext,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let network = context.client_network();
        let client = (context.client_address, context.user_agent.as_str());
        let activity = Activity::new(ActivityId(clock::uuid_at(now)), id, ActivityKind::SignIn, now, client);
        for _ in 0..TRIES {
            let mut writes = vec![Write::Activity(&activity)];
            let opened;
            if self.table.account(id).await.map_err(store_problem)?.is_none() {
                self.must_be_new(id).await?;
                let entry = LedgerEntryId(clock::uuid_at(now));
                let (account, welcome) = Account::open(id, email.as_str().to_owned(), self.config.welcome, entry, now);
                let crowded = self.count_account(&network, now).await? > self.config.accounts_per_network_per_day;
                opened = (if crowded { account.frozen_at_opening(now) } else { account }, welcome);
                writes.push(Write::Account(&opened.0));
                writes.extend(opened.1.iter().map(|entry| Write::LedgerEntry(id, entry)));
            }
            match self.table.commit(&writes).await {
                // Whoever comes back while the account is being deleted may still take that back; the visit is not recorded.
                Ok(()) | Err(CommitError::AccountGone) => return Ok(()),
                Err(CommitError::Stale) => {}
                Err(error) => return Err(Problem::internal(error)),
            }
        }
        Err(Problem::internal("the account was being made by others, again and again"))
    }
}

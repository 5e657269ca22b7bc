//! Sign-in. The first one creates the account.

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
    app::App,
    fields::{Code, Email, Password},
    session_cookie::Session,
    user_pool::Tokens,
};

/// The most attempts to record a sign-in while other requests create the same account.
const MAX_ATTEMPTS: usize = 3;

/// Opens a session. A session that cannot be recorded is not returned, and the sign-in can be repeated.
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    StrictJson(body): StrictJson<Credentials>,
) -> Result<Response, Problem> {
    let email = Email::parse(&body.email)?;
    let password = Password::existing(body.password)?;
    let code = body.code.as_deref().map(Code::parse).transpose()?;
    app.limit_address(&path, &email).await?;
    let tokens = app.user_pool().await?.sign_in(&email, &password).await;
    let (opened, token) = tokens.map_err(|error| error.into_problem(wrong_credentials))?;
    let now = clock::now();
    app.check_second_factor(opened.account, code.as_ref(), now).await?;
    app.record(opened.account, &email, context, now).await?;
    signed_in(opened, &Session::begin(token), app.sealer().await?)
}

/// Builds the response: the access token and the CSRF token in the body, the refresh token in the cookie.
pub(crate) fn signed_in(opened: Tokens, session: &Session, sealer: &Sealer) -> Result<Response, Problem> {
    let cookie = [(SET_COOKIE, session.to_cookie(sealer)?)];
    let view = SignedIn {
        csrf_token: session.csrf_token(sealer),
        access_token: opened.access_token,
        expires_in_s: opened.expires_in_s,
        account_id: opened.account,
    };
    Ok((cookie, axum::Json(view)).into_response())
}

fn wrong_credentials() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-credentials", "Wrong email address or password")
        .with_detail("The email address or the password is wrong.")
}

impl App {
    /// Refuses an account that was erased during the sign-in. The tombstone is written before the account is deleted, so
    /// this check cannot miss it.
    async fn check_not_erased(&self, id: AccountId) -> Result<(), Problem> {
        let keyed_hash = self.sealer().await?.keyed_hash(TOMBSTONE, id.0.as_bytes());
        if self.records.has_tombstone(&keyed_hash).await.map_err(store_problem)? {
            Err(wrong_credentials())
        } else {
            Ok(())
        }
    }

    /// Records the sign-in and creates the account if there is none. Another request may create it at the same time.
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
        for _ in 0..MAX_ATTEMPTS {
            let mut writes = vec![Write::Activity(&activity)];
            let opened;
            let sign_up;
            if self.table.account(id).await.map_err(store_problem)?.is_none() {
                self.check_not_erased(id).await?;
                sign_up = self.table.sign_up(id).await.map_err(store_problem)?;
                if let Some(sign_up) = &sign_up {
                    if !sign_up.is_open() {
                        return Err(wrong_credentials());
                    }
                    writes.push(Write::RemoveSignUp(sign_up));
                }
                let entry = LedgerEntryId(clock::uuid_at(now));
                let (account, welcome) = Account::open(id, email.as_str().to_owned(), self.config.welcome, entry, now);
                let is_suspicious = self.count_account(&network, now).await? > self.config.accounts_per_network_per_day;
                opened = (if is_suspicious { account.frozen_at_opening(now) } else { account }, welcome);
                writes.push(Write::Account(&opened.0));
                writes.extend(opened.1.iter().map(|entry| Write::LedgerEntry(id, entry)));
            }
            match self.table.commit(&writes).await {
                // The owner of an account that is being deleted may sign in to cancel that. The sign-in is not recorded.
                Ok(()) | Err(CommitError::AccountGone) => return Ok(()),
                Err(CommitError::Stale) => {}
                Err(error) => return Err(Problem::internal(error)),
            }
        }
        Err(Problem::internal("other requests kept creating the account"))
    }
}

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
use domain::{
    AccountId, ActivityId, Credits, LedgerEntryId,
    accounts::{
        account::Account,
        email,
        freeze::FreezeReason,
        sign_up::SignUp,
        welcome::{WELCOME, Welcome},
    },
    credits::ledger::LedgerEntry,
    privacy::erasure::TOMBSTONE,
    staff::daily_sum::DailySum,
};
use http::{StatusCode, header::SET_COOKIE};
use jiff::Timestamp;
use runtime::{
    clock,
    http::{Problem, RequestContext, StrictJson},
    seal::Sealer,
};
use store::{Activity, ActivityKind, CommitError, StoreError, Write};
use tokio::join;

use crate::{
    app::App,
    fields::{Email, Password},
    second_factor::Proof,
    session_cookie::Session,
    user_pool::Tokens,
};

/// The most attempts to record a sign-in while other requests create the same account.
const MAX_ATTEMPTS: usize = 16;

/// Opens a session. A session that cannot be recorded is not returned, and the sign-in can be repeated.
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    StrictJson(mut body): StrictJson<Credentials>,
) -> Result<Response, Problem> {
    let email = Email::parse(&body.email)?;
    let proof = Proof::parse(&mut body)?;
    let password = Password::existing(body.password)?;
    app.limit_address(&path, &context, &email).await?;
    let tokens = app.user_pool().await?.sign_in(&email, &password).await;
    let (opened, token) = tokens.map_err(|error| error.into_problem(wrong_credentials))?;
    let now = clock::now();
    let account = app.mutations.table.account(opened.account);
    let (proven, account) = join!(app.check_second_factor(opened.account, proof.as_ref(), now), account);
    proven?;
    app.record(opened.account, &email, context, account, now).await?;
    signed_in(opened, &Session::begin(token), app.mutations.sealer().await?)
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
        let keyed_hash = self.mutations.sealer().await?.keyed_hash(TOMBSTONE, id.0.as_bytes());
        if self.records.has_tombstone(&keyed_hash).await.map_err(store_problem)? {
            Err(wrong_credentials())
        } else {
            Ok(())
        }
    }

    /// Records the sign-in and creates the account if there is none. Another request may create it at the same time. `read` is the
    /// account as it was read before.
    async fn record(
        &self,
        id: AccountId,
        email: &Email,
        context: RequestContext,
        read: Result<Option<Account>, StoreError>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let networks = context.networks();
        let client = (context.client_address, context.user_agent.as_str());
        let activity = Activity::new(ActivityId(clock::uuid_at(now)), id, ActivityKind::SignIn, now, client);
        let (mut counted, mut read) = (None, Some(read));
        for _ in 0..MAX_ATTEMPTS {
            let mut writes = vec![Write::Activity(&activity)];
            let opening;
            let account = match read.take() {
                Some(read) => read,
                None => self.mutations.table.account(id).await,
            };
            if account.map_err(store_problem)?.is_none() {
                opening = self.open(id, email, &networks, &mut counted, now).await?;
                writes.extend(opening.writes());
            }
            match self.mutations.table.commit(&writes).await {
                // The owner of an account that is being deleted may sign in to cancel that. The sign-in is not recorded.
                Ok(()) | Err(CommitError::AccountGone) => return Ok(()),
                Err(CommitError::Stale) => {}
                Err(error) => return Err(store_problem(error)),
            }
        }
        Err(Problem::internal("other requests kept creating the account"))
    }

    /// Decides what an account starts with: welcome credits, if its address had none lately and some are left for today, and
    /// freezes. Counts the account and the grant, unless an earlier attempt of this request has.
    async fn open(
        &self,
        id: AccountId,
        email: &Email,
        networks: &[String],
        counted: &mut Option<Counted>,
        now: Timestamp,
    ) -> Result<Opening, Problem> {
        let table = &self.mutations.table;
        self.check_not_erased(id).await?;
        let sign_up = table.sign_up(id).await.map_err(store_problem)?;
        if sign_up.as_ref().is_some_and(|sign_up| !sign_up.is_open()) {
            return Err(wrong_credentials());
        }
        let mailbox = email::mailbox(email.as_str());
        let welcome_key = self.mutations.sealer().await?.keyed_hash(WELCOME, mailbox.as_bytes());
        let before = table.welcome(&welcome_key).await.map_err(store_problem)?;
        let latest = match before.and_then(|before| before.account) {
            Some(latest) => table.account(latest).await.map_err(store_problem)?,
            None => None,
        };
        let welcome = Welcome::opened(before.as_ref(), latest.as_ref(), id, now);
        let is_remembered = before.is_some_and(|before| before.counts(now));
        let Counted { welcome: granted, too_many } = match *counted {
            Some(counted) => counted,
            None => {
                let welcome = if is_remembered { Credits::ZERO } else { self.grant_welcome(now).await? };
                Counted { welcome, too_many: self.opens_too_many_accounts(networks, now).await? }
            }
        };
        *counted = Some(Counted { welcome: granted, too_many });
        // Another account may have been opened with the address meanwhile.
        let grant = if is_remembered { Credits::ZERO } else { granted };
        let entry = LedgerEntryId(clock::uuid_at(now));
        let (account, entry) = Account::open(id, email.as_str().to_owned(), grant, entry, now);
        let mut account = account.accepting(sign_up.as_ref().and_then(|sign_up| sign_up.terms.clone()));
        if too_many {
            account = account.frozen_at_opening(FreezeReason::ManyAccounts, now);
        }
        if welcome.is_frozen {
            account = account.frozen_at_opening(FreezeReason::EarlierAccount, now);
        }
        let sum = DailySum::of_sign_up(grant, now);
        Ok(Opening { account: account.remembered_as(welcome_key.clone()), entry, welcome_key, welcome, sign_up, sum })
    }
}

/// What an attempt to open an account counted, for the next one.
#[derive(Clone, Copy)]
struct Counted {
    /// The welcome credits that are left for it.
    welcome: Credits,
    /// Whether its network opened too many accounts.
    too_many: bool,
}

/// Holds what the first sign-in writes.
struct Opening {
    account: Account,
    /// Of the welcome credits, if there are any.
    entry: Option<LedgerEntry>,
    welcome_key: String,
    welcome: Welcome,
    /// The sign-up that ends.
    sign_up: Option<SignUp>,
    /// What it adds to the sums of the day.
    sum: DailySum,
}

impl Opening {
    fn writes(&self) -> Vec<Write<'_>> {
        let mut writes = vec![Write::Account(&self.account), Write::Welcome(&self.welcome_key, &self.welcome)];
        writes.extend(self.entry.iter().map(|entry| Write::LedgerEntry(self.account.id, entry)));
        writes.extend(self.sign_up.iter().map(Write::RemoveSignUp));
        writes.push(Write::DailySum(&self.sum, self.account.id.0));
        writes
    }
}

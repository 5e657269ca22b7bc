//! Sessions: sign-up, sign-in, sign-out, the cookie, and what responses must not reveal.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::{
    AccountId,
    accounts::{account::Account, sign_up::SignUp, terms::TermsAcceptance},
};
use futures_util::future::join_all;
use reqwest::Method;
use runtime::clock;
use serde_json::{Value, json};
use stack::MAILED_CODE;
use store::Write;

use crate::env::{
    erasures::{request_erasure, wait_for_erasure},
    http::{ApiResponse, text},
    sessions::{Session, post_session, send_tokens, try_sign_in},
    test_env::{PASSWORD, TestEnv, TestUser, new_address, terms_version},
    trial::tests,
};

tests![
    p1_sign_in_needs_a_password_set_with_the_mailed_code,
    p27_user_pool_does_nothing_for_what_a_browser_has,
    p20_user_who_never_signs_in_is_deleted,
    p27_refresh_token_is_in_a_host_only_cookie,
    refresh_rotates_the_token_and_expires_the_old_one,
    session_survives_a_lost_refresh_response,
    p27_cookie_without_its_csrf_token_is_refused,
    session_cookie_is_not_an_access_token,
    sign_out_ends_only_that_session,
    password_reset_ends_every_session,
    mail_with_a_code_names_the_service_in_the_language_of_the_account,
    terms_accepted_at_sign_up_are_recorded_and_newer_ones_can_be_accepted,
    session_responses_do_not_reveal_registered_addresses,
    session_routes_name_each_invalid_field,
    concurrent_first_sign_ins_create_one_account,
    p11_sign_in_attempts_per_address_are_rate_limited,
    p11_stranger_does_not_lock_the_owner_out,
    p12_address_is_welcomed_once_and_stays_frozen,
];

const OTHER_PASSWORD: &str = "Another-staple-8-cell";

/// The longest time until a refresh token that was rotated expires.
const PATIENCE: Duration = Duration::from_secs(60);

const WRONG_CODE: &str = "111111";

/// The number of requests to one route about one address that one network may send in ten minutes.
const ADDRESS_RATE: usize = 20;

/// Signs up a new address without setting a password.
async fn unconfirmed(visitor: &TestUser) -> Result<String> {
    let email = new_address();
    post_session(visitor, "sign-up", &json!({"email": email, "terms": terms_version()})).await?.is(202)?;
    Ok(email)
}

/// Signs up a new address and sets the password.
async fn confirmed(visitor: &TestUser) -> Result<String> {
    let email = unconfirmed(visitor).await?;
    reset(visitor, &email, MAILED_CODE, PASSWORD).await?.is(204)?;
    Ok(email)
}

/// Sets a password with a code.
async fn reset(visitor: &TestUser, email: &str, code: &str, password: &str) -> Result<ApiResponse> {
    post_session(visitor, "reset", &json!({"email": email, "code": code, "password": password})).await
}

async fn p1_sign_in_needs_a_password_set_with_the_mailed_code(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    // Another person signs the address up first. They cannot choose a password.
    let email = unconfirmed(&visitor).await?;
    let credentials = json!({"email": email, "password": OTHER_PASSWORD});
    post_session(&visitor, "sign-up", &credentials).await?.is(400)?;
    let early = try_sign_in(&visitor, &email, OTHER_PASSWORD).await?.is(401)?;
    ensure!(early.json["type"] == "urn:darkroom:problem:wrong-credentials", "{}", early.json);
    // The owner of the address signs it up again, and presents the code.
    post_session(&visitor, "sign-up", &json!({"email": email, "terms": terms_version()})).await?.is(202)?;
    ensure!(reset(&visitor, &email, WRONG_CODE, OTHER_PASSWORD).await?.is(400)?.fields() == ["code"]);
    try_sign_in(&visitor, &email, OTHER_PASSWORD).await?.is(401)?;
    let grouped = format!("{} {}", &MAILED_CODE[..3], &MAILED_CODE[3..]);
    reset(&visitor, &email, &grouped, PASSWORD).await?.is(204)?;
    ensure!(reset(&visitor, &email, MAILED_CODE, PASSWORD).await?.is(400)?.fields() == ["code"], "a code is good once");
    try_sign_in(&visitor, &email, OTHER_PASSWORD).await?.is(401)?;
    // Addresses are compared without regard to case.
    let response = try_sign_in(&visitor, &email.to_uppercase(), PASSWORD).await?.is(200)?;
    ensure!(response.json["expires_in_s"] == 900, "{}", response.json);
    let mut ada = env.visitor()?;
    ada.token = Some(Session::of(&response)?.access_token);
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["email"] == email.as_str() && account["id"] == response.json["account_id"], "{account}");
    ensure!(account["credits"] == json!({"available": 40, "held": 0}), "{account}");
    Ok(())
}

/// Calls the user pool as anybody can, without a signature. Returns the code of the error, or `None` if it did what it was
/// asked.
async fn call_user_pool(visitor: &TestUser, operation: &str, request: &Value) -> Result<Option<String>> {
    let target = format!("AWSCognitoIdentityProviderService.{operation}");
    let call = visitor.http.post(&visitor.env.endpoint).header("x-amz-target", target);
    let call = call.header("content-type", "application/x-amz-json-1.1").body(request.to_string());
    let response = ApiResponse::read(call.send().await?).await?;
    if response.status == 200 {
        return Ok(None);
    }
    let code = text(&response.json, "__type").with_context(|| format!("{operation}: {}", response.json))?;
    Ok(Some(code.rsplit('#').next().unwrap_or_default().to_owned()))
}

async fn p27_user_pool_does_nothing_for_what_a_browser_has(env: &'static TestEnv) -> Result<()> {
    let (mut ada, visitor) = (env.user().await?, env.visitor()?);
    let session = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let (client, token, cookie) = (env.output("ClientId")?, &session.access_token, &session.cookie);
    let (email, new) = (&ada.email, new_address());
    let password = json!({"USERNAME": email, "PASSWORD": PASSWORD});
    let attributes = json!([{"Name": "email", "Value": new}]);
    let of_client = |mut request: Value| {
        request["ClientId"] = json!(client);
        request
    };
    let calls = [
        ("SignUp", of_client(json!({"Username": new, "Password": PASSWORD}))),
        ("ForgotPassword", of_client(json!({"Username": email}))),
        (
            "ConfirmForgotPassword",
            of_client(json!({"Username": email, "ConfirmationCode": MAILED_CODE, "Password": OTHER_PASSWORD})),
        ),
        ("InitiateAuth", of_client(json!({"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": password}))),
        (
            "InitiateAuth",
            of_client(json!({"AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": {"REFRESH_TOKEN": cookie}})),
        ),
        ("GetTokensFromRefreshToken", of_client(json!({"RefreshToken": cookie}))),
        ("RevokeToken", of_client(json!({"Token": cookie}))),
        ("GetUser", json!({"AccessToken": token})),
        ("UpdateUserAttributes", json!({"AccessToken": token, "UserAttributes": attributes})),
        (
            "ChangePassword",
            json!({"AccessToken": token, "PreviousPassword": PASSWORD, "ProposedPassword": OTHER_PASSWORD}),
        ),
        ("AssociateSoftwareToken", json!({"AccessToken": token})),
        ("GlobalSignOut", json!({"AccessToken": token})),
        ("DeleteUser", json!({"AccessToken": token})),
    ];
    for (operation, request) in calls {
        let refused = call_user_pool(&visitor, operation, &request).await?;
        ensure!(refused.as_deref() == Some("NotAuthorizedException"), "{operation} {request}: {refused:?}");
    }
    // Nothing changed: the session goes on, the password signs in, and the new address has no user.
    session.refresh(&visitor).await?.is(200)?;
    ada.sign_in().await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["email"] == ada.email.as_str());
    try_sign_in(&visitor, &new, PASSWORD).await?.is(401)?;
    Ok(())
}

/// Returns the id of the user who signs in with this address.
async fn user_of(env: &TestEnv, email: &str) -> Result<Option<AccountId>> {
    let (clients, pool) = (env.clients()?, env.output("UserPoolId")?);
    let users = clients.cognito().list_users().user_pool_id(pool).filter(format!("email = \"{email}\"")).send().await?;
    users.users().first().and_then(|user| user.username()).map(|id| Ok(id.parse()?)).transpose()
}

async fn p20_user_who_never_signs_in_is_deleted(env: &'static TestEnv) -> Result<()> {
    let (visitor, table) = (env.visitor()?, env.table()?);
    let (silent, confirmed) = (unconfirmed(&visitor).await?, confirmed(&visitor).await?);
    let ada = env.user().await?;
    ensure!(table.sign_up(ada.account()?).await?.is_none(), "the first sign-in leaves the sign-up");
    for email in [&silent, &confirmed] {
        let account = user_of(env, email).await?.context("there is no user")?;
        let sign_up = table.sign_up(account).await?.context("the sign-up is not written")?;
        // As if the days were over for this user alone: the sweep of another test must not find those of the others due.
        let due = SignUp { next_at: clock::now(), version: sign_up.version + 1, ..sign_up };
        ensure!(table.try_commit(&[Write::SignUp(&due)]).await?);
    }
    env.sweep(clock::now()).await?;
    for email in [&silent, &confirmed] {
        ensure!(user_of(env, email).await?.is_none(), "the user is still there");
        try_sign_in(&visitor, email, PASSWORD).await?.is(401)?;
    }
    ensure!(user_of(env, &ada.email).await?.is_some(), "the user of an account was deleted");
    // The address can sign up again.
    post_session(&visitor, "sign-up", &json!({"email": silent, "terms": terms_version()})).await?.is(202)?;
    reset(&visitor, &silent, MAILED_CODE, PASSWORD).await?.is(204)?;
    try_sign_in(&visitor, &silent, PASSWORD).await?.is(200).map(drop)
}

async fn p27_refresh_token_is_in_a_host_only_cookie(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let response = try_sign_in(&visitor, &ada.email, PASSWORD).await?.is(200)?;
    let session = Session::of(&response)?;
    let cookie = response.header("set-cookie").context("no cookie")?;
    let mut attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    attributes.sort_unstable();
    // The `__Host-` prefix forbids a Domain attribute.
    ensure!(attributes == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Strict", "Secure"], "{cookie}");
    ensure!(!session.cookie.is_empty());
    let body = String::from_utf8(response.bytes.clone())?;
    ensure!(!body.contains(&session.cookie), "scripts can read the refresh token");
    ensure!(response.header("cache-control") == Some("no-store"));
    Ok(())
}

async fn refresh_rotates_the_token_and_expires_the_old_one(env: &'static TestEnv) -> Result<()> {
    let (mut ada, visitor) = (env.user().await?, env.visitor()?);
    let first = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let response = first.refresh(&visitor).await?.is(200)?;
    let second = Session::of(&response)?;
    ensure!(response.json["account_id"] == ada.account_id.as_str());
    ensure!(second.cookie != first.cookie, "the refresh token was not rotated");
    ada.token = Some(second.access_token.clone());
    ada.get("/v1/account").await?.is(200)?;

    // The user pool does not report when the ten seconds are over.
    let started = Instant::now();
    let spent = loop {
        let again = first.refresh(&visitor).await?;
        if again.status != 200 {
            break again.is(401)?;
        }
        ensure!(started.elapsed() < PATIENCE, "the old refresh token never expires");
        tokio::time::sleep(Duration::from_secs(3)).await;
    };
    ensure!(spent.json["type"] == "urn:darkroom:problem:no-session", "{}", spent.json);
    ensure!(spent.header("set-cookie").is_none(), "the refusal removes a newer cookie");
    second.refresh(&visitor).await?.is(200)?;
    Ok(())
}

async fn session_survives_a_lost_refresh_response(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let first = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let second = Session::of(&first.refresh(&visitor).await?.is(200)?)?;
    // Neither the cookie nor the response arrived.
    first.refresh(&visitor).await?.is(200)?;
    // The cookie arrived, but the page was closed before it read the response.
    send_tokens(&visitor, "refresh", Some(&second.cookie), Some(&first.csrf_token)).await?.is(200)?;
    send_tokens(&visitor, "sign-out", Some(&second.cookie), Some(&first.csrf_token)).await?.is(204)?;
    second.refresh(&visitor).await?.is(401)?;
    Ok(())
}

async fn p27_cookie_without_its_csrf_token_is_refused(env: &'static TestEnv) -> Result<()> {
    let (ada, bob, visitor) = (env.user().await?, env.user().await?, env.visitor()?);
    let session = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let other = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let bobs = Session::open(&visitor, &bob.email, PASSWORD).await?;
    let cut = &session.csrf_token[1..];
    let wrong = [None, Some(""), Some("wrong"), Some(cut), Some(&*other.csrf_token), Some(&*bobs.csrf_token)];
    for route in ["refresh", "sign-out"] {
        for csrf_token in wrong {
            let refused = send_tokens(&visitor, route, Some(&session.cookie), csrf_token).await?.is(401)?;
            ensure!(refused.json["type"] == "urn:darkroom:problem:no-csrf-token", "{csrf_token:?}: {}", refused.json);
            ensure!(refused.header("set-cookie").is_none());
        }
    }
    for cookie in [None, Some(""), Some("garbage")] {
        send_tokens(&visitor, "refresh", cookie, Some(&session.csrf_token)).await?.is(401)?;
    }
    session.refresh(&visitor).await?.is(200)?;
    Ok(())
}

async fn session_cookie_is_not_an_access_token(env: &'static TestEnv) -> Result<()> {
    let (ada, mut visitor) = (env.user().await?, env.visitor()?);
    let session = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let cookie = format!("__Host-refresh={}", session.cookie);
    for csrf_token in ["", &session.csrf_token] {
        let request = visitor.request(Method::GET, "/v1/account").header("cookie", &cookie);
        ApiResponse::read(request.header("x-csrf-token", csrf_token).send().await?).await?.is(401)?;
    }
    for token in [session.cookie, session.csrf_token] {
        visitor.token = Some(token);
        visitor.get("/v1/account").await?.is(401)?;
    }
    Ok(())
}

async fn sign_out_ends_only_that_session(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let ended = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let other = Session::open(&visitor, &ada.email, PASSWORD).await?;
    // A repeat has the same result.
    let (cookie, csrf) = (Some(&*ended.cookie), Some(&*ended.csrf_token));
    for _ in 0..2 {
        let response = send_tokens(&visitor, "sign-out", cookie, csrf).await?.is(204)?;
        let removal = response.header("set-cookie").context("the cookie is not removed")?;
        ensure!(removal.starts_with("__Host-refresh=; ") && removal.ends_with("; Max-Age=0"), "{removal}");
    }
    // Without the cookie the request may come from another site: the cookie stays.
    let response = send_tokens(&visitor, "sign-out", None, csrf).await?.is(204)?;
    ensure!(response.header("set-cookie").is_none(), "another site can remove the cookie");
    ended.refresh(&visitor).await?.is(401)?;
    other.refresh(&visitor).await?.is(200)?;
    Ok(())
}

async fn password_reset_ends_every_session(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let sessions =
        [Session::open(&visitor, &ada.email, PASSWORD).await?, Session::open(&visitor, &ada.email, PASSWORD).await?];
    post_session(&visitor, "forgot", &json!({"email": ada.email})).await?.is(202)?;
    ensure!(reset(&visitor, &ada.email, WRONG_CODE, OTHER_PASSWORD).await?.is(400)?.fields() == ["code"]);
    ensure!(reset(&visitor, &ada.email, MAILED_CODE, "short").await?.is(400)?.fields() == ["password"]);
    Session::open(&visitor, &ada.email, PASSWORD).await?;

    reset(&visitor, &ada.email, MAILED_CODE, OTHER_PASSWORD).await?.is(204)?;
    let again = reset(&visitor, &ada.email, MAILED_CODE, PASSWORD).await?.is(400)?;
    ensure!(again.fields() == ["code"], "a code is good once");
    for session in sessions {
        session.refresh(&visitor).await?.is(401)?;
    }
    try_sign_in(&visitor, &ada.email, PASSWORD).await?.is(401)?;
    let response = try_sign_in(&visitor, &ada.email, OTHER_PASSWORD).await?.is(200)?;
    ensure!(response.json["account_id"] == ada.account_id.as_str());
    Ok(())
}

async fn mail_with_a_code_names_the_service_in_the_language_of_the_account(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let last = async || {
        let mails = env.password_mails(&ada.email).await?;
        mails.into_iter().last().context("no mail")
    };
    // Of the sign-up, before there is an account.
    let (subject, body) = last().await?;
    ensure!(
        subject == "Your Darkroom code" && body == format!("Your Darkroom code is {MAILED_CODE}."),
        "{subject}: {body}"
    );
    ada.patch("/v1/account", &json!({"preferences": {"language": "de"}})).await?.is(200)?;
    post_session(&visitor, "forgot", &json!({"email": ada.email})).await?.is(202)?;
    let (subject, body) = last().await?;
    ensure!(
        subject == "Dein Code für Darkroom" && body == format!("{subject} lautet {MAILED_CODE}."),
        "{subject}: {body}"
    );
    Ok(())
}

/// Checks that a route gives the same response for each address, down to the header names.
async fn check_same(visitor: &TestUser, route: &str, addresses: &[&str], rest: Value) -> Result<()> {
    let mut responses = Vec::new();
    for address in addresses {
        let mut body = rest.clone();
        body["email"] = json!(address);
        let mut response = post_session(visitor, route, &body).await?;
        if let Some(problem) = response.json.as_object_mut() {
            problem.remove("request_id");
        }
        let mut headers: Vec<_> = response.headers.keys().map(|name| name.as_str().to_owned()).collect();
        headers.sort_unstable();
        responses.push((response.status, response.json, headers));
    }
    for response in &responses {
        ensure!(*response == responses[0], "{route} tells addresses apart: {response:?} is not {:?}", responses[0]);
    }
    Ok(())
}

async fn terms_accepted_at_sign_up_are_recorded_and_newer_ones_can_be_accepted(env: &'static TestEnv) -> Result<()> {
    let (ada, table) = (env.user().await?, env.table()?);
    let accepted = async || Ok::<_, anyhow::Error>(ada.get("/v1/account").await?.is(200)?.json["terms"].clone());
    let terms = accepted().await?;
    ensure!(terms["version"] == terms_version() && terms["accepted"]["version"] == terms_version(), "{terms}");
    // As if the account had accepted an earlier version.
    let account = table.account(ada.account()?).await?.context("no account")?;
    let earlier = TermsAcceptance { version: "2020-01-01".to_owned(), at: clock::now() };
    let before = Account { terms: Some(earlier), version: account.version + 1, ..account };
    ensure!(table.try_commit(&[Write::Account(&before)]).await?);
    ensure!(accepted().await?["accepted"]["version"] == "2020-01-01");
    let refused = ada.post("/v1/account/terms", &json!({"version": "2020-01-01"})).await?.is(400)?;
    ensure!(refused.fields() == ["version"], "{}", refused.json);
    let present = json!({"version": terms_version()});
    let first = ada.post("/v1/account/terms", &present).await?.is(200)?.json;
    ensure!(first["accepted"]["version"] == terms_version(), "{first}");
    ensure!(ada.post("/v1/account/terms", &present).await?.is(200)?.json == first, "a repeat keeps the time");
    ensure!(accepted().await? == first);
    Ok(())
}

async fn session_responses_do_not_reveal_registered_addresses(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    let (known, waiting, unregistered) = (confirmed(&visitor).await?, unconfirmed(&visitor).await?, new_address());
    let all: [&str; 3] = [&known, &waiting, &unregistered];
    check_same(&visitor, "sign-in", &all, json!({"password": OTHER_PASSWORD})).await?;
    check_same(&visitor, "sign-in", &[&waiting, &unregistered], json!({"password": PASSWORD})).await?;
    let code = json!({"code": MAILED_CODE, "password": OTHER_PASSWORD});
    check_same(&visitor, "reset", &[&known, &unregistered], code).await?;
    check_same(&visitor, "forgot", &all, json!({})).await?;
    check_same(&visitor, "reset", &all, json!({"code": WRONG_CODE, "password": OTHER_PASSWORD})).await?;
    check_same(&visitor, "sign-up", &[&known, &waiting, &new_address()], json!({"terms": terms_version()})).await?;
    // A sign-up with a registered address does not change its password.
    try_sign_in(&visitor, &known, PASSWORD).await?.is(200)?;
    try_sign_in(&visitor, &known, OTHER_PASSWORD).await?.is(401)?;
    Ok(())
}

async fn session_routes_name_each_invalid_field(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    let good = json!({"email": new_address(), "password": PASSWORD, "code": MAILED_CODE, "terms": terms_version()});
    let check = async |route: &str, field: &str, value: Value| -> Result<()> {
        let needed: &[&str] = match route {
            "sign-in" => &["email", "password"],
            "reset" => &["email", "code", "password"],
            "sign-up" => &["email", "terms"],
            _ => &["email"],
        };
        let mut body: Value = needed.iter().map(|name| ((*name).to_owned(), good[*name].clone())).collect();
        body[field] = value;
        let refused = post_session(&visitor, route, &body).await?.is(400)?;
        ensure!(refused.fields() == [field], "{route} {body}: {}", refused.json);
        ensure!(refused.json["errors"][0]["rule"].as_str().is_some_and(|rule| rule.contains("must")), "{body}");
        Ok(())
    };
    for route in ["sign-up", "sign-in", "forgot", "reset"] {
        for email in ["", "ada", "ada@", "ada@example", "a b@example.com", "ada@example.com\n", "<ada@example.com>"] {
            check(route, "email", json!(email)).await?;
        }
    }
    let passwords =
        ["", "elevenchars", " with a space before it", "nul\u{0}in-a-password", "aaaaaaaaaaaa", "123456789012"];
    for password in passwords.into_iter().chain([&*"ab-cd".repeat(52)]) {
        check("reset", "password", json!(password)).await?;
    }
    for code in ["", "12\u{0}34", "12345678901234567"] {
        check("reset", "code", json!(code)).await?;
    }
    for terms in ["", "yes", "2026-01-01"] {
        check("sign-up", "terms", json!(terms)).await?;
    }
    check("sign-in", "password", json!("")).await
}

async fn concurrent_first_sign_ins_create_one_account(env: &'static TestEnv) -> Result<()> {
    let (mut ada, email) = (env.visitor()?, confirmed(&env.visitor()?).await?);
    let responses = join_all((0..8).map(|_| try_sign_in(&ada, &email, PASSWORD))).await;
    let mut accounts = Vec::new();
    for response in responses {
        let response = response?.is(200)?;
        accounts.push(text(&response.json, "account_id")?);
        ada.token = Some(Session::of(&response)?.access_token);
    }
    accounts.dedup();
    ensure!(accounts.len() == 1, "{accounts:?}");
    ensure!(ada.credits().await? == (40, 0));
    let statement = ada.get("/v1/account/statement").await?.is(200)?.json;
    ensure!(statement["entries"].as_array().is_some_and(|entries| entries.len() == 1), "{statement}");
    let activity = ada.get("/v1/account/activity").await?.is(200)?.json;
    ensure!(activity["items"].as_array().is_some_and(|items| items.len() == 8), "{activity}");
    Ok(())
}

async fn p11_sign_in_attempts_per_address_are_rate_limited(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    // The address is not registered: the limit does not depend on it.
    let email = new_address();
    let mut passed = 0;
    let refused = loop {
        // The limit ignores the case of the address.
        let written = if passed % 2 == 0 { email.clone() } else { email.to_uppercase() };
        let response = try_sign_in(&visitor, &written, PASSWORD).await?;
        if response.status == 429 {
            break response;
        }
        response.is(401)?;
        passed += 1;
        // At most one window ends during the loop.
        ensure!(passed <= 2 * ADDRESS_RATE, "the rate limit is never applied");
    };
    ensure!(passed >= ADDRESS_RATE, "refused after {passed}");
    ensure!(refused.json["type"] == "urn:darkroom:problem:rate-limited", "{}", refused.json);
    let wait: u64 = refused.header("retry-after").context("no Retry-After")?.parse()?;
    ensure!((1..=600).contains(&wait), "a window is ten minutes, not {wait} s");
    ensure!(refused.json["retry_after"] == wait);
    ensure!(refused.header("ratelimit-policy").is_some_and(|policy| policy.contains("q=20;w=600")));
    // Other addresses and other routes are not limited.
    try_sign_in(&visitor, &new_address(), PASSWORD).await?.is(401)?;
    post_session(&visitor, "forgot", &json!({"email": email})).await?.is(202)?;
    Ok(())
}

/// Signs in from an address of another network. Returns the status of the response.
async fn sign_in_from(env: &TestEnv, address: &str, credentials: &Value) -> Result<Value> {
    let event = std::fs::read_to_string(stack::workspace().join("events/session/sign-in.json"))?;
    let mut event: Value = serde_json::from_str(&event)?;
    event["requestContext"]["http"]["sourceIp"] = json!(address);
    event["body"] = json!(credentials.to_string());
    Ok(env.invoke("Session", &event).await?["statusCode"].clone())
}

async fn p11_stranger_does_not_lock_the_owner_out(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let wrong = json!({"email": ada.email, "password": OTHER_PASSWORD});
    // The addresses of one /24 count together.
    let mut refused = false;
    for last in 1..=2 * ADDRESS_RATE + 1 {
        refused |= sign_in_from(env, &format!("203.0.113.{last}"), &wrong).await? == 429;
    }
    ensure!(refused, "the stranger is never refused");
    // From 127.0.0.1.
    try_sign_in(&ada, &ada.email, PASSWORD).await?.is(200).map(drop)
}

async fn p12_address_is_welcomed_once_and_stays_frozen(env: &'static TestEnv) -> Result<()> {
    let email = new_address();
    let tagged = |tag: &str| email.replace('@', &format!("+{tag}@"));
    let first = env.user_at(email.clone()).await?;
    ensure!(first.credits().await? == (40, 0));
    let second = env.user_at(tagged("2")).await?;
    ensure!(second.credits().await? == (0, 0), "another tag is welcomed again");
    ensure!(second.get("/v1/account").await?.is(200)?.json["status"] == "active");

    let staff = env.staff().await?;
    let frozen = json!({"allowed": false, "note": "a stolen card"});
    staff.post(&format!("/v1/staff/accounts/{}/spending", second.account_id), &frozen).await?.is(200)?;
    check_starts_frozen(&env.user_at(tagged("3")).await?).await?;
    for account in [&second, &first] {
        wait_for_erasure(env, &request_erasure(account).await?).await?;
    }
    let again = env.user_at(email.clone()).await?;
    check_starts_frozen(&again).await?;

    let cleared = json!({"allowed": true, "note": "the card was theirs"});
    staff.post(&format!("/v1/staff/accounts/{}/spending", again.account_id), &cleared).await?.is(200)?;
    wait_for_erasure(env, &request_erasure(&again).await?).await?;
    let last = env.user_at(email).await?;
    ensure!(last.credits().await? == (0, 0));
    ensure!(last.get("/v1/account").await?.is(200)?.json["status"] == "active");
    Ok(())
}

/// Checks that an account has no welcome credits and is frozen as an earlier one was.
async fn check_starts_frozen(user: &TestUser) -> Result<()> {
    ensure!(user.credits().await? == (0, 0), "the address is welcomed again");
    let account = user.get("/v1/account").await?.is(200)?.json;
    ensure!(account["status"] == "frozen" && account["frozen_for"][0]["reason"] == "earlier_account", "{account}");
    Ok(())
}

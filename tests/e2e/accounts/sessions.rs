//! Sessions: sign-up, sign-in, sign-out, the cookie, and what responses must not reveal.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use stack::{MAILED_CODE, MAILED_RESET_CODE};

use crate::env::{
    http::{ApiResponse, text},
    sessions::{Session, new_address, post_session, send_tokens, try_sign_in},
    test_env::{PASSWORD, TestEnv, TestUser},
    trial::tests,
};

tests![
    p1_sign_in_needs_a_confirmed_address,
    p27_refresh_token_is_in_a_host_only_cookie,
    refresh_rotates_the_token_and_expires_the_old_one,
    session_survives_a_lost_refresh_response,
    p27_cookie_without_its_csrf_token_is_refused,
    session_cookie_is_not_an_access_token,
    sign_out_ends_only_that_session,
    password_reset_ends_every_session,
    session_responses_do_not_reveal_registered_addresses,
    session_routes_name_each_invalid_field,
    concurrent_first_sign_ins_create_one_account,
    p11_sign_in_attempts_per_address_are_rate_limited,
];

const OTHER_PASSWORD: &str = "Another-staple-8-cell";

/// The longest time until a refresh token that was rotated expires.
const PATIENCE: Duration = Duration::from_secs(60);

const WRONG_CODE: &str = "111111";

/// The number of requests to one route about one address in a minute.
const ADDRESS_RATE_PER_MINUTE: usize = 10;

/// Signs up a new address without confirming it.
async fn unconfirmed(visitor: &TestUser) -> Result<String> {
    let email = new_address();
    post_session(visitor, "sign-up", &json!({"email": email, "password": PASSWORD})).await?.is(202)?;
    Ok(email)
}

/// Signs up and confirms a new address.
async fn confirmed(visitor: &TestUser) -> Result<String> {
    let email = unconfirmed(visitor).await?;
    post_session(visitor, "confirm", &json!({"email": email, "code": MAILED_CODE})).await?.is(204)?;
    Ok(email)
}

async fn p1_sign_in_needs_a_confirmed_address(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    let email = unconfirmed(&visitor).await?;
    let early = try_sign_in(&visitor, &email, PASSWORD).await?.is(401)?;
    ensure!(early.json["type"] == "urn:darkroom:problem:wrong-credentials", "{}", early.json);
    post_session(&visitor, "resend", &json!({"email": email})).await?.is(202)?;
    let wrong = post_session(&visitor, "confirm", &json!({"email": email, "code": WRONG_CODE})).await?.is(400)?;
    ensure!(wrong.fields() == ["code"]);
    try_sign_in(&visitor, &email, PASSWORD).await?.is(401)?;

    let code = json!({"email": email, "code": MAILED_CODE});
    post_session(&visitor, "confirm", &code).await?.is(204)?;
    ensure!(post_session(&visitor, "confirm", &code).await?.is(400)?.fields() == ["code"], "a code is good once");
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

async fn p27_refresh_token_is_in_a_host_only_cookie(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let response = try_sign_in(&visitor, &ada.email, PASSWORD).await?.is(200)?;
    let session = Session::of(&response)?;
    let cookie = response.header("set-cookie").context("no cookie")?;
    let mut attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    attributes.sort_unstable();
    // The `__Host-` prefix forbids a Domain attribute.
    ensure!(attributes == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Strict", "Secure"], "{cookie}");
    ensure!(!session.refresh_token.is_empty());
    let body = String::from_utf8(response.bytes.clone())?;
    ensure!(!body.contains(&session.refresh_token), "scripts can read the refresh token");
    ensure!(response.header("cache-control") == Some("no-store"));
    Ok(())
}

async fn refresh_rotates_the_token_and_expires_the_old_one(env: &'static TestEnv) -> Result<()> {
    let (mut ada, visitor) = (env.user().await?, env.visitor()?);
    let first = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let response = first.refresh(&visitor).await?.is(200)?;
    let second = Session::of(&response)?;
    ensure!(response.json["account_id"] == ada.account_id.as_str());
    ensure!(second.refresh_token != first.refresh_token, "the refresh token was not rotated");
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
    send_tokens(&visitor, "refresh", Some(&second.refresh_token), Some(&first.csrf_token)).await?.is(200)?;
    send_tokens(&visitor, "sign-out", Some(&second.refresh_token), Some(&first.csrf_token)).await?.is(204)?;
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
            let refused = send_tokens(&visitor, route, Some(&session.refresh_token), csrf_token).await?.is(401)?;
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
    let cookie = format!("__Host-refresh={}", session.refresh_token);
    for csrf_token in ["", &session.csrf_token] {
        let request = visitor.request(Method::GET, "/v1/account").header("cookie", &cookie);
        ApiResponse::read(request.header("x-csrf-token", csrf_token).send().await?).await?.is(401)?;
    }
    for token in [session.refresh_token, session.csrf_token] {
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
    let (cookie, csrf) = (Some(&*ended.refresh_token), Some(&*ended.csrf_token));
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
    let reset = |code: &str, password: &str| json!({"email": ada.email, "code": code, "password": password});
    let refused = post_session(&visitor, "reset", &reset(WRONG_CODE, OTHER_PASSWORD)).await?.is(400)?;
    ensure!(refused.fields() == ["code"]);
    let refused = post_session(&visitor, "reset", &reset(MAILED_RESET_CODE, "short")).await?.is(400)?;
    ensure!(refused.fields() == ["password"]);
    Session::open(&visitor, &ada.email, PASSWORD).await?;

    post_session(&visitor, "reset", &reset(MAILED_RESET_CODE, OTHER_PASSWORD)).await?.is(204)?;
    let again = post_session(&visitor, "reset", &reset(MAILED_RESET_CODE, PASSWORD)).await?.is(400)?;
    ensure!(again.fields() == ["code"], "a code is good once");
    for session in sessions {
        session.refresh(&visitor).await?.is(401)?;
    }
    try_sign_in(&visitor, &ada.email, PASSWORD).await?.is(401)?;
    let response = try_sign_in(&visitor, &ada.email, OTHER_PASSWORD).await?.is(200)?;
    ensure!(response.json["account_id"] == ada.account_id.as_str());
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

async fn session_responses_do_not_reveal_registered_addresses(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    let (known, waiting, unregistered) = (confirmed(&visitor).await?, unconfirmed(&visitor).await?, new_address());
    let all: [&str; 3] = [&known, &waiting, &unregistered];
    check_same(&visitor, "sign-in", &all, json!({"password": OTHER_PASSWORD})).await?;
    check_same(&visitor, "sign-in", &[&waiting, &unregistered], json!({"password": PASSWORD})).await?;
    check_same(&visitor, "confirm", &all, json!({"code": WRONG_CODE})).await?;
    check_same(&visitor, "confirm", &[&known, &unregistered], json!({"code": MAILED_CODE})).await?;
    check_same(&visitor, "reset", &all, json!({"code": MAILED_RESET_CODE, "password": OTHER_PASSWORD})).await?;
    check_same(&visitor, "forgot", &all, json!({})).await?;
    check_same(&visitor, "reset", &all, json!({"code": WRONG_CODE, "password": OTHER_PASSWORD})).await?;
    check_same(&visitor, "resend", &all, json!({})).await?;
    for password in [PASSWORD, OTHER_PASSWORD, "short"] {
        let (known, waiting, new) = (&*known, &*waiting, new_address());
        check_same(&visitor, "sign-up", &[known, waiting, &new], json!({"password": password})).await?;
    }
    // A sign-up with a registered address does not change its password.
    try_sign_in(&visitor, &known, PASSWORD).await?.is(200)?;
    try_sign_in(&visitor, &known, OTHER_PASSWORD).await?.is(401)?;
    Ok(())
}

async fn session_routes_name_each_invalid_field(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    let good = json!({"email": new_address(), "password": PASSWORD, "code": MAILED_CODE});
    let check = async |route: &str, field: &str, value: Value| -> Result<()> {
        let needed: &[&str] = match route {
            "sign-up" | "sign-in" => &["email", "password"],
            "confirm" => &["email", "code"],
            "reset" => &["email", "code", "password"],
            _ => &["email"],
        };
        let mut body: Value = needed.iter().map(|name| ((*name).to_owned(), good[*name].clone())).collect();
        body[field] = value;
        let refused = post_session(&visitor, route, &body).await?.is(400)?;
        ensure!(refused.fields() == [field], "{route} {body}: {}", refused.json);
        ensure!(refused.json["errors"][0]["rule"].as_str().is_some_and(|rule| rule.contains("must")), "{body}");
        Ok(())
    };
    for route in ["sign-up", "confirm", "resend", "sign-in", "forgot", "reset"] {
        for email in ["", "ada", "ada@", "ada@example", "a b@example.com", "ada@example.com\n", "<ada@example.com>"] {
            check(route, "email", json!(email)).await?;
        }
    }
    for route in ["sign-up", "reset"] {
        for password in ["", "elevenchars", "with a space in it", "nul\u{0}in-a-password", &"a".repeat(257)] {
            check(route, "password", json!(password)).await?;
        }
    }
    for route in ["confirm", "reset"] {
        for code in ["", "12 34", "12345678901234567"] {
            check(route, "code", json!(code)).await?;
        }
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
        // At most one minute boundary falls into the loop.
        ensure!(passed <= 2 * ADDRESS_RATE_PER_MINUTE, "the rate limit is never applied");
    };
    ensure!(passed >= ADDRESS_RATE_PER_MINUTE, "refused after {passed}");
    ensure!(refused.json["type"] == "urn:darkroom:problem:rate-limited", "{}", refused.json);
    let wait: u64 = refused.header("retry-after").context("no Retry-After")?.parse()?;
    ensure!((1..=60).contains(&wait), "a window is a minute, not {wait} s");
    ensure!(refused.json["retry_after"] == wait);
    ensure!(refused.header("ratelimit-policy").is_some_and(|policy| policy.contains("q=10;w=60")));
    // Other addresses and other routes are not limited.
    try_sign_in(&visitor, &new_address(), PASSWORD).await?.is(401)?;
    post_session(&visitor, "forgot", &json!({"email": email})).await?.is(202)?;
    Ok(())
}

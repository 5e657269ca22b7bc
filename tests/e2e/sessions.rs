//! Sessions: signing up, in and out, what the cookie can do and cannot, and what no answer tells.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use stack::{MAILED_CODE, MAILED_RESET_CODE};

use crate::{
    tests,
    world::{Answer, PASSWORD, Person, TestEnv, text},
};

tests![
    p1_a_session_begins_with_a_confirmed_address,
    p27_the_refresh_token_is_in_a_cookie_for_this_host_alone,
    a_refresh_replaces_the_token_and_soon_spends_the_old_one,
    whoever_misses_the_answer_to_a_refresh_goes_on,
    p27_a_cookie_without_its_csrf_token_does_nothing_and_keeps_the_session,
    a_cookie_is_no_access_token,
    signing_out_ends_that_session_and_no_other,
    a_forgotten_password_is_replaced_and_ends_every_session,
    no_answer_tells_whether_an_address_is_registered,
    each_field_that_breaks_a_rule_is_named,
    many_first_sign_ins_at_once_make_one_account,
    p11_asking_too_often_about_one_address_is_told_when_to_come_back,
];

const OTHER_PASSWORD: &str = "Another-staple-8-cell";
/// How long it may take until a refresh token is spent.
const PATIENCE: Duration = Duration::from_secs(60);
const WRONG_CODE: &str = "111111";
/// Requests to one route about one address in a minute.
const ADDRESS_RATE_PER_MINUTE: usize = 10;

/// What somebody holds who signed in.
pub struct Session {
    access_token: String,
    refresh_token: String,
    csrf_token: String,
}

impl Session {
    fn of(answer: &Answer) -> Result<Self> {
        let mut cookies = answer.headers.get_all("set-cookie").into_iter();
        let cookie = cookies.next().context("no cookie")?.to_str()?;
        ensure!(cookies.next().is_none(), "more than one cookie");
        let token = cookie.split(';').next().and_then(|pair| pair.strip_prefix("__Host-refresh="));
        Ok(Self {
            access_token: text(&answer.json, "access_token")?,
            refresh_token: token.context("another cookie")?.to_owned(),
            csrf_token: text(&answer.json, "csrf_token")?,
        })
    }

    /// Signs in.
    pub async fn open(stranger: &Person, email: &str, password: &str) -> Result<Self> {
        Self::of(&sign_in(stranger, email, password).await?.is(200)?)
    }

    /// Goes on with it.
    pub async fn refresh(&self, stranger: &Person) -> Result<Answer> {
        send(stranger, "refresh", Some(&self.refresh_token), Some(&self.csrf_token)).await
    }
}

async fn ask(stranger: &Person, route: &str, body: &Value) -> Result<Answer> {
    stranger.post(&format!("/v1/session/{route}"), body).await
}

/// Tries to sign in.
pub async fn sign_in(stranger: &Person, email: &str, password: &str) -> Result<Answer> {
    ask(stranger, "sign-in", &json!({"email": email, "password": password})).await
}

/// Asks what needs no body, with these tokens.
async fn send(stranger: &Person, route: &str, refresh_token: Option<&str>, csrf_token: Option<&str>) -> Result<Answer> {
    let mut request = stranger.request(Method::POST, &format!("/v1/session/{route}"));
    if let Some(token) = refresh_token {
        request = request.header("cookie", format!("theme=dark; __Host-refresh={token}"));
    }
    if let Some(token) = csrf_token {
        request = request.header("x-csrf-token", token);
    }
    Answer::read(request.send().await?).await
}

/// An address that nobody has.
pub fn address() -> String {
    format!("{}@example.com", runtime::clock::uuid_at(runtime::clock::now()).simple())
}

/// An address that has signed up, and not confirmed.
async fn unconfirmed(stranger: &Person) -> Result<String> {
    let email = address();
    ask(stranger, "sign-up", &json!({"email": email, "password": PASSWORD})).await?.is(202)?;
    Ok(email)
}

/// An address that can sign in, and never has.
async fn confirmed(stranger: &Person) -> Result<String> {
    let email = unconfirmed(stranger).await?;
    ask(stranger, "confirm", &json!({"email": email, "code": MAILED_CODE})).await?.is(204)?;
    Ok(email)
}

async fn p1_a_session_begins_with_a_confirmed_address(world: &'static TestEnv) -> Result<()> {
    let stranger = world.stranger()?;
    let email = unconfirmed(&stranger).await?;
    let early = sign_in(&stranger, &email, PASSWORD).await?.is(401)?;
    ensure!(early.json["type"] == "urn:darkroom:problem:wrong-credentials", "{}", early.json);
    ask(&stranger, "resend", &json!({"email": email})).await?.is(202)?;
    let wrong = ask(&stranger, "confirm", &json!({"email": email, "code": WRONG_CODE})).await?.is(400)?;
    ensure!(wrong.fields() == ["code"]);
    sign_in(&stranger, &email, PASSWORD).await?.is(401)?;

    let code = json!({"email": email, "code": MAILED_CODE});
    ask(&stranger, "confirm", &code).await?.is(204)?;
    ensure!(ask(&stranger, "confirm", &code).await?.is(400)?.fields() == ["code"], "a code is good once");
    sign_in(&stranger, &email, OTHER_PASSWORD).await?.is(401)?;
    // An address has no cases.
    let answer = sign_in(&stranger, &email.to_uppercase(), PASSWORD).await?.is(200)?;
    ensure!(answer.json["expires_in_s"] == 900, "{}", answer.json);
    let mut ada = world.stranger()?;
    ada.token = Some(Session::of(&answer)?.access_token);
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["email"] == email.as_str() && account["id"] == answer.json["account_id"], "{account}");
    ensure!(account["credits"] == json!({"available": 40, "held": 0}), "{account}");
    Ok(())
}

async fn p27_the_refresh_token_is_in_a_cookie_for_this_host_alone(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let answer = sign_in(&stranger, &ada.email, PASSWORD).await?.is(200)?;
    let session = Session::of(&answer)?;
    let cookie = answer.header("set-cookie").context("no cookie")?;
    let mut attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    attributes.sort_unstable();
    // No Domain: the prefix allows none, and the cookie is the host's own.
    ensure!(attributes == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Strict", "Secure"], "{cookie}");
    ensure!(!session.refresh_token.is_empty());
    let body = String::from_utf8(answer.bytes.clone())?;
    ensure!(!body.contains(&session.refresh_token), "scripts can read the refresh token");
    ensure!(answer.header("cache-control") == Some("no-store"));
    Ok(())
}

async fn a_refresh_replaces_the_token_and_soon_spends_the_old_one(world: &'static TestEnv) -> Result<()> {
    let (mut ada, stranger) = (world.person().await?, world.stranger()?);
    let first = Session::open(&stranger, &ada.email, PASSWORD).await?;
    let answer = first.refresh(&stranger).await?.is(200)?;
    let second = Session::of(&answer)?;
    ensure!(answer.json["account_id"] == ada.account_id.as_str());
    ensure!(second.refresh_token != first.refresh_token, "it is not replaced");
    ada.token = Some(second.access_token.clone());
    ada.get("/v1/account").await?.is(200)?;

    // The user pool tells nobody when the ten seconds are over.
    let begun = Instant::now();
    let spent = loop {
        let again = first.refresh(&stranger).await?;
        if again.status != 200 {
            break again.is(401)?;
        }
        ensure!(begun.elapsed() < PATIENCE, "it is never spent");
        tokio::time::sleep(Duration::from_secs(3)).await;
    };
    ensure!(spent.json["type"] == "urn:darkroom:problem:no-session", "{}", spent.json);
    ensure!(spent.header("set-cookie").is_none(), "the refusal takes away a newer cookie");
    second.refresh(&stranger).await?.is(200)?;
    Ok(())
}

async fn whoever_misses_the_answer_to_a_refresh_goes_on(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let first = Session::open(&stranger, &ada.email, PASSWORD).await?;
    let second = Session::of(&first.refresh(&stranger).await?.is(200)?)?;
    // Neither the cookie nor the answer arrived.
    first.refresh(&stranger).await?.is(200)?;
    // The cookie arrived, and the page was left before it had read the answer.
    send(&stranger, "refresh", Some(&second.refresh_token), Some(&first.csrf_token)).await?.is(200)?;
    send(&stranger, "sign-out", Some(&second.refresh_token), Some(&first.csrf_token)).await?.is(204)?;
    second.refresh(&stranger).await?.is(401)?;
    Ok(())
}

async fn p27_a_cookie_without_its_csrf_token_does_nothing_and_keeps_the_session(world: &'static TestEnv) -> Result<()> {
    let (ada, bob, stranger) = (world.person().await?, world.person().await?, world.stranger()?);
    let session = Session::open(&stranger, &ada.email, PASSWORD).await?;
    let other = Session::open(&stranger, &ada.email, PASSWORD).await?;
    let bobs = Session::open(&stranger, &bob.email, PASSWORD).await?;
    let cut = &session.csrf_token[1..];
    let wrong = [None, Some(""), Some("wrong"), Some(cut), Some(&*other.csrf_token), Some(&*bobs.csrf_token)];
    for route in ["refresh", "sign-out"] {
        for csrf_token in wrong {
            let refused = send(&stranger, route, Some(&session.refresh_token), csrf_token).await?.is(401)?;
            ensure!(refused.json["type"] == "urn:darkroom:problem:no-csrf-token", "{csrf_token:?}: {}", refused.json);
            ensure!(refused.header("set-cookie").is_none());
        }
    }
    for cookie in [None, Some(""), Some("garbage")] {
        send(&stranger, "refresh", cookie, Some(&session.csrf_token)).await?.is(401)?;
    }
    session.refresh(&stranger).await?.is(200)?;
    Ok(())
}

async fn a_cookie_is_no_access_token(world: &'static TestEnv) -> Result<()> {
    let (ada, mut stranger) = (world.person().await?, world.stranger()?);
    let session = Session::open(&stranger, &ada.email, PASSWORD).await?;
    let cookie = format!("__Host-refresh={}", session.refresh_token);
    for csrf_token in ["", &session.csrf_token] {
        let request = stranger.request(Method::GET, "/v1/account").header("cookie", &cookie);
        Answer::read(request.header("x-csrf-token", csrf_token).send().await?).await?.is(401)?;
    }
    for token in [session.refresh_token, session.csrf_token] {
        stranger.token = Some(token);
        stranger.get("/v1/account").await?.is(401)?;
    }
    Ok(())
}

async fn signing_out_ends_that_session_and_no_other(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let ended = Session::open(&stranger, &ada.email, PASSWORD).await?;
    let other = Session::open(&stranger, &ada.email, PASSWORD).await?;
    // A repeat is as good.
    let (cookie, csrf) = (Some(&*ended.refresh_token), Some(&*ended.csrf_token));
    for _ in 0..2 {
        let answer = send(&stranger, "sign-out", cookie, csrf).await?.is(204)?;
        let removal = answer.header("set-cookie").context("the cookie stays")?;
        ensure!(removal.starts_with("__Host-refresh=; ") && removal.ends_with("; Max-Age=0"), "{removal}");
    }
    // Without the cookie it may be another site that asks: the cookie stays.
    let answer = send(&stranger, "sign-out", None, csrf).await?.is(204)?;
    ensure!(answer.header("set-cookie").is_none(), "another site takes the cookie away");
    ended.refresh(&stranger).await?.is(401)?;
    other.refresh(&stranger).await?.is(200)?;
    Ok(())
}

async fn a_forgotten_password_is_replaced_and_ends_every_session(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let sessions =
        [Session::open(&stranger, &ada.email, PASSWORD).await?, Session::open(&stranger, &ada.email, PASSWORD).await?];
    ask(&stranger, "forgot", &json!({"email": ada.email})).await?.is(202)?;
    let reset = |code: &str, password: &str| json!({"email": ada.email, "code": code, "password": password});
    let refused = ask(&stranger, "reset", &reset(WRONG_CODE, OTHER_PASSWORD)).await?.is(400)?;
    ensure!(refused.fields() == ["code"]);
    let refused = ask(&stranger, "reset", &reset(MAILED_RESET_CODE, "short")).await?.is(400)?;
    ensure!(refused.fields() == ["password"]);
    Session::open(&stranger, &ada.email, PASSWORD).await?;

    ask(&stranger, "reset", &reset(MAILED_RESET_CODE, OTHER_PASSWORD)).await?.is(204)?;
    let again = ask(&stranger, "reset", &reset(MAILED_RESET_CODE, PASSWORD)).await?.is(400)?;
    ensure!(again.fields() == ["code"], "a code is good once");
    for session in sessions {
        session.refresh(&stranger).await?.is(401)?;
    }
    sign_in(&stranger, &ada.email, PASSWORD).await?.is(401)?;
    let answer = sign_in(&stranger, &ada.email, OTHER_PASSWORD).await?.is(200)?;
    ensure!(answer.json["account_id"] == ada.account_id.as_str());
    Ok(())
}

/// The answers of a route to what is asked about each address must be one answer, to the last header.
async fn check_same(stranger: &Person, route: &str, addresses: &[&str], rest: Value) -> Result<()> {
    let mut answers = Vec::new();
    for address in addresses {
        let mut body = rest.clone();
        body["email"] = json!(address);
        let mut answer = ask(stranger, route, &body).await?;
        if let Some(problem) = answer.json.as_object_mut() {
            problem.remove("request_id");
        }
        let mut headers: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        headers.sort_unstable();
        answers.push((answer.status, answer.json, headers));
    }
    for answer in &answers {
        ensure!(*answer == answers[0], "{route} tells addresses apart: {answer:?} is not {:?}", answers[0]);
    }
    Ok(())
}

async fn no_answer_tells_whether_an_address_is_registered(world: &'static TestEnv) -> Result<()> {
    let stranger = world.stranger()?;
    let (known, waiting, nobody) = (confirmed(&stranger).await?, unconfirmed(&stranger).await?, address());
    let all: [&str; 3] = [&known, &waiting, &nobody];
    check_same(&stranger, "sign-in", &all, json!({"password": OTHER_PASSWORD})).await?;
    check_same(&stranger, "sign-in", &[&waiting, &nobody], json!({"password": PASSWORD})).await?;
    check_same(&stranger, "confirm", &all, json!({"code": WRONG_CODE})).await?;
    check_same(&stranger, "confirm", &[&known, &nobody], json!({"code": MAILED_CODE})).await?;
    check_same(&stranger, "reset", &all, json!({"code": MAILED_RESET_CODE, "password": OTHER_PASSWORD})).await?;
    check_same(&stranger, "forgot", &all, json!({})).await?;
    check_same(&stranger, "reset", &all, json!({"code": WRONG_CODE, "password": OTHER_PASSWORD})).await?;
    check_same(&stranger, "resend", &all, json!({})).await?;
    for password in [PASSWORD, OTHER_PASSWORD, "short"] {
        let (known, waiting, new) = (&*known, &*waiting, address());
        check_same(&stranger, "sign-up", &[known, waiting, &new], json!({"password": password})).await?;
    }
    // Somebody else's sign-up changed nobody's password.
    sign_in(&stranger, &known, PASSWORD).await?.is(200)?;
    sign_in(&stranger, &known, OTHER_PASSWORD).await?.is(401)?;
    Ok(())
}

async fn each_field_that_breaks_a_rule_is_named(world: &'static TestEnv) -> Result<()> {
    let stranger = world.stranger()?;
    let good = json!({"email": address(), "password": PASSWORD, "code": MAILED_CODE});
    let check = async |route: &str, field: &str, value: Value| -> Result<()> {
        let needed: &[&str] = match route {
            "sign-up" | "sign-in" => &["email", "password"],
            "confirm" => &["email", "code"],
            "reset" => &["email", "code", "password"],
            _ => &["email"],
        };
        let mut body: Value = needed.iter().map(|name| ((*name).to_owned(), good[*name].clone())).collect();
        body[field] = value;
        let refused = ask(&stranger, route, &body).await?.is(400)?;
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

async fn many_first_sign_ins_at_once_make_one_account(world: &'static TestEnv) -> Result<()> {
    let (mut ada, email) = (world.stranger()?, confirmed(&world.stranger()?).await?);
    let answers = join_all((0..8).map(|_| sign_in(&ada, &email, PASSWORD))).await;
    let mut accounts = Vec::new();
    for answer in answers {
        let answer = answer?.is(200)?;
        accounts.push(text(&answer.json, "account_id")?);
        ada.token = Some(Session::of(&answer)?.access_token);
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

async fn p11_asking_too_often_about_one_address_is_told_when_to_come_back(world: &'static TestEnv) -> Result<()> {
    let stranger = world.stranger()?;
    // Nobody has it: whoever is refused learns no more than that.
    let email = address();
    let mut passed = 0;
    let refused = loop {
        // The same address, however it is written.
        let written = if passed % 2 == 0 { email.clone() } else { email.to_uppercase() };
        let answer = sign_in(&stranger, &written, PASSWORD).await?;
        if answer.status == 429 {
            break answer;
        }
        answer.is(401)?;
        passed += 1;
        // A minute may end in between, once.
        ensure!(passed <= 2 * ADDRESS_RATE_PER_MINUTE, "nobody is ever told to slow down");
    };
    ensure!(passed >= ADDRESS_RATE_PER_MINUTE, "refused after {passed}");
    ensure!(refused.json["type"] == "urn:darkroom:problem:rate-limited", "{}", refused.json);
    let wait: u64 = refused.header("retry-after").context("no Retry-After")?.parse()?;
    ensure!((1..=60).contains(&wait), "a window is a minute, not {wait} s");
    ensure!(refused.json["retry_after"] == wait);
    ensure!(refused.header("ratelimit-policy").is_some_and(|policy| policy.contains("q=10;w=60")));
    // Neither other addresses nor other routes wait.
    sign_in(&stranger, &address(), PASSWORD).await?.is(401)?;
    ask(&stranger, "forgot", &json!({"email": email})).await?.is(202)?;
    Ok(())
}

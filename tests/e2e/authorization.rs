//! Who may do what: no route of the template lets anybody in without an access token of this API, unless it is open, and
//! nobody reaches what is somebody else's.
//!
//! The routes come from the template. What they are asked comes from the operations that `shared/api` declares, so a new
//! route cannot be forgotten.

use std::{cell::Cell, collections::HashMap, path::Path};

use anyhow::{Context, Result, anyhow, bail, ensure};
use api::{
    Operation,
    accounts::{email, session},
    generations::submission,
    payments::webhooks,
    privacy::deletion,
    support::tickets,
};
use aws_sdk_cognitoidentityprovider::types::{AuthFlowType, AuthenticationResultType, ExplicitAuthFlowsType};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use reqwest::Method;
use ring::{rand::SystemRandom, signature};
use runtime::clients::Clients;
use serde_json::{Value, json};

use crate::{
    buying::Checkout,
    exports, template, tests,
    world::{Answer, PASSWORD, Person, TestEnv, text},
};

tests![
    no_route_lets_anybody_in_without_an_access_token_of_this_api,
    open_routes_need_no_token_and_mind_no_bad_one,
    p17_what_is_somebody_elses_is_not_there_for_anybody_else,
];

/// Shown to nobody.
const HER_PROMPT: &str = "a secret garden";

/// An item of the table.
pub type Item = HashMap<String, AttributeValue>;

/// Everything that is kept of somebody.
pub async fn kept(person: &Person) -> Result<Vec<Item>> {
    let clients = person.world.clients()?;
    let pages = clients
        .dynamodb()
        .query()
        .table_name(person.world.output("TableName")?)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(format!("ACCOUNT#{}", person.account_id)));
    let mut items: Vec<Item> = Vec::new();
    let mut start = None;
    loop {
        let page = pages.clone().consistent_read(true).set_exclusive_start_key(start).send().await?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            ensure!(!items.is_empty(), "nothing is kept: nothing was looked at");
            return Ok(items);
        }
    }
}

/// The ids of somebody's things.
struct Things {
    picture: String,
    share: String,
    token: String,
    upload: String,
    account: String,
    payment: String,
    export: String,
    ticket: String,
}

impl Things {
    async fn of(person: &Person, prompt: &str) -> Result<Self> {
        let picture = text(&person.finished_picture(prompt).await?, "id")?;
        let share = person.post(&format!("/v1/generations/{picture}/shares"), &json!({"expires_in_s": 3600})).await?;
        let share = share.is(201)?.json;
        let upload = json!({"content_type": "image/png", "bytes": 7, "sha256": "0".repeat(64), "file_name": "secret"});
        let upload = person.post("/v1/uploads", &upload).await?.is(201)?.json;
        let export = exports::ask(person).await?;
        exports::ready(person, &export).await?;
        let ticket = json!({"subject": "A vase", "text": "It is cracked."});
        let ticket = person.post("/v1/support/tickets", &ticket).await?.is(201)?.json;
        Ok(Self {
            picture,
            share: text(&share, "id")?,
            token: text(&share, "token")?,
            upload: text(&upload, "id")?,
            account: person.account_id.clone(),
            payment: Checkout::begin(person, "paypal", "starter").await?.id,
            export,
            ticket: text(&ticket, "id")?,
        })
    }

    fn of_nobody() -> Self {
        let id = || runtime::clock::uuid_at(runtime::clock::now()).to_string();
        let token = "a".repeat(43);
        Self {
            picture: id(),
            share: id(),
            token,
            upload: id(),
            account: id(),
            payment: id(),
            export: id(),
            ticket: id(),
        }
    }
}

/// A request to a route, about somebody's things.
struct Case {
    path: String,
    body: Option<Value>,
    /// What another account gets, or on a public route, what everyone gets.
    status: u16,
    /// Whether the path or the body names a thing of an account, rather than the caller.
    names: bool,
}

/// The statuses that do not follow from the declaration of an operation: see [`case`].
const STATUSES: &[(Operation, u16)] = &[
    // There is no session to refresh.
    (session::REFRESH, 401),
    // A notification is queued before PayPal is asked whether it is genuine.
    (webhooks::PAYPAL, 200),
    (deletion::SHOW_RECEIPT, 404),
    (email::REQUEST_CHANGE, 400),
    (email::CONFIRM_CHANGE, 400),
    // The confirmation is the address of another account, and no deletion was requested.
    (deletion::REQUEST, 400),
    (deletion::SHOW, 404),
    (deletion::CANCEL, 404),
    // The body names a thing of another account.
    (submission::SUBMIT, 400),
    (tickets::OPEN, 400),
];

/// The request to a route. Its body is the example of the operation, and empty on a public route, which must refuse it.
///
/// Another account gets 404 for what the path names, and for everything that is for staff. Otherwise it gets the declared
/// status of a success, or one of [`STATUSES`].
fn case(method: &str, path: &str, things: &Things) -> Result<Case> {
    let operation = api::operations().find(|operation| is(operation, method, path));
    let operation = operation.with_context(|| format!("{method} {path} is not declared in shared/api"))?;
    let Things { picture, share, token, upload, account, payment, export, ticket } = things;
    let unknown = Cell::new(false);
    let path = operation.path_with(|kind| {
        let id = match kind {
            "generation" | "receipt" => picture,
            "share" | "access" | "hold" | "disclosure" => share,
            "token" => token,
            "upload" | "guest" => upload,
            "account" => account,
            "checkout" | "payment" => payment,
            "export" => export,
            "ticket" => ticket,
            _ => {
                unknown.set(true);
                token
            }
        };
        id.clone()
    });
    ensure!(!unknown.get(), "{operation} names a kind of thing that has no case: add it to Things");
    let in_path = !operation.public && !operation.path_parameters().is_empty();
    let in_body = [submission::SUBMIT, tickets::OPEN].iter().any(|other| is(operation, other.method, other.path));
    let body = match operation.body {
        None => None,
        Some(_) if operation.public => Some(json!({})),
        Some(body) => {
            let mut body: Value = serde_json::from_str(body.example)?;
            if is(operation, email::REQUEST_CHANGE.method, email::REQUEST_CHANGE.path) {
                body["email"] = json!("nobody");
            } else if operation.path.starts_with("/v1/generations") && body["model"].is_string() {
                body["input_upload"] = json!(upload);
            } else if in_body {
                body["about"] = json!({"kind": "generation", "id": picture});
            }
            Some(body)
        }
    };
    let exception = STATUSES.iter().find(|(other, _)| is(operation, other.method, other.path));
    let status = match exception {
        Some((_, status)) => *status,
        None if in_path || operation.path.starts_with("/v1/staff/") => 404,
        None if operation.public && body.is_some() => 400,
        None => operation.response.0,
    };
    Ok(Case { path, body, status, names: in_path || in_body })
}

fn is(operation: &Operation, method: &str, path: &str) -> bool {
    operation.method.eq_ignore_ascii_case(method) && operation.path == path
}

/// Every route of the template with its case. A route that is not declared fails.
fn cases(open: bool, things: &Things) -> Result<Vec<(template::Route, Case)>> {
    let routes = template::routes()?.into_iter().filter(|route| route.open == open);
    routes
        .map(|route| {
            let case = case(&route.method, &route.path, things)?;
            Ok((route, case))
        })
        .collect()
}

async fn send(person: &Person, method: &str, case: &Case, authorization: Option<&str>) -> Result<Answer> {
    let mut request = person.request(Method::from_bytes(method.as_bytes())?, &case.path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(body) = &case.body {
        request = request.json(body);
    }
    Answer::read(request.send().await?).await
}

/// Whether the answer is the door's or a function's refusal of the token.
fn is_refusal_of_token(answer: &Answer) -> bool {
    answer.status == 401
        && (answer.json["message"] == "Unauthorized" || answer.json["type"] == "urn:darkroom:problem:unauthorized")
}

async fn no_route_lets_anybody_in_without_an_access_token_of_this_api(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let things = Things::of(&ada, HER_PROMPT).await?;
    let tokens = bad_tokens(&ada).await?;
    let before = kept(&ada).await?;
    for (route, case) in cases(false, &things)? {
        for (name, authorization) in &tokens {
            let answer = send(&stranger, &route.method, &case, authorization.as_deref()).await?;
            ensure!(is_refusal_of_token(&answer), "{} {} with {name}: {}", route.method, route.path, answer.status);
        }
    }
    ensure!(kept(&ada).await? == before, "something of hers was changed");
    Ok(())
}

async fn open_routes_need_no_token_and_mind_no_bad_one(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let things = Things::of(&ada, HER_PROMPT).await?;
    for (route, case) in cases(true, &things)? {
        for authorization in [None, Some("Bearer garbage"), Some("Bearer a.b.c")] {
            let answer = send(&stranger, &route.method, &case, authorization).await?;
            ensure!(!is_refusal_of_token(&answer), "{} {} needs a token", route.method, route.path);
            let body = String::from_utf8_lossy(&answer.bytes).into_owned();
            ensure!(answer.status == case.status, "{} {}: {}: {body}", route.method, route.path, answer.status);
            for secret in [&ada.email, &things.upload, HER_PROMPT] {
                ensure!(!body.contains(secret), "{} {} tells {secret}: {body}", route.method, route.path);
            }
        }
    }
    Ok(())
}

async fn p17_what_is_somebody_elses_is_not_there_for_anybody_else(world: &'static TestEnv) -> Result<()> {
    let (ada, bob, stranger) = (world.person().await?, world.person().await?, world.stranger()?);
    let (hers, nobodys) = (Things::of(&ada, HER_PROMPT).await?, Things::of_nobody());
    let his = Things::of(&bob, "his own").await?;
    let before = kept(&ada).await?;
    let hers_under_his = Things { picture: his.picture.clone(), share: hers.share.clone(), ..Things::of_nobody() };
    let mut named = 0;
    for (route, case_of_hers) in cases(false, &hers)? {
        let (method, path) = (route.method.as_str(), route.path.as_str());
        let answer = send(&bob, method, &case_of_hers, None).await?.is(case_of_hers.status)?;
        let body = String::from_utf8(answer.bytes.clone())?;
        for secret in [&ada.email, &ada.account_id, &hers.picture, &hers.share, &hers.payment, &hers.export, HER_PROMPT]
        {
            ensure!(!body.contains(secret), "{method} {path} tells {secret}: {body}");
        }
        if case_of_hers.names {
            named += 1;
            let case_of_nobodys = case(method, path, &nobodys)?;
            let missing = send(&bob, method, &case_of_nobodys, None).await?;
            ensure!(without_id(&answer) == without_id(&missing), "{method} {path} tells that it is there: {body}");
        }
        if path.contains("{share}") {
            let case_of_both = case(method, path, &hers_under_his)?;
            send(&bob, method, &case_of_both, None).await?.is(404)?;
        }
    }
    ensure!(named > 5, "only {named} routes name a thing: the template was not understood");
    ensure!(kept(&ada).await? == before, "something of hers was changed");
    stranger.get(&format!("/v1/shared/{}", hers.token)).await?.is(200)?;
    let media = ada.get(&format!("/v1/generations/{}", hers.picture)).await?.is(200)?.json;
    ada.fetch(&text(&media["media"][0], "url")?).await?.is(200)?;
    Ok(())
}

fn without_id(answer: &Answer) -> (u16, Value) {
    let mut problem = answer.json.clone();
    if let Some(problem) = problem.as_object_mut() {
        problem.remove("request_id");
    }
    (answer.status.as_u16(), problem)
}

/// What is in the `Authorization` header of those who have no access token of this API.
async fn bad_tokens(ada: &Person) -> Result<Vec<(&'static str, Option<String>)>> {
    let world = ada.world;
    let good = ada.token.as_deref().context("nobody signed in")?;
    let (pool, client) = (world.output("UserPoolId")?, world.output("ClientId")?);
    let clients = world.clients()?;
    let tokens = sign_in(&clients, client, &ada.email).await?;
    let (header, payload, signature) = parts(good)?;
    let now = runtime::clock::now().as_second();

    // What the pool itself signs is good, until its time is over.
    let signed = |exp: i64| like_hers(ada, |claims| claims["exp"] = json!(exp));
    let (living, expired) = (signed(now + 60)?, signed(now - 1)?);
    let stranger = world.stranger()?;
    let account = stranger.request(Method::GET, "/v1/account").bearer_auth(living);
    Answer::read(account.send().await?).await?.is(200).context("the test does not sign as the user pool does")?;

    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let mut other = signature.to_owned();
    other.replace_range(..1, if other.starts_with('A') { "B" } else { "A" });
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    Ok(vec![
        ("nothing", None),
        ("an empty header", Some(String::new())),
        ("a bearer of nothing", Some("Bearer ".to_owned())),
        ("garbage", bearer("garbage")),
        ("garbage of three parts", bearer("a.b.c")),
        ("a password", Some(format!("Basic {}", STANDARD.encode(format!("{}:{PASSWORD}", ada.email))))),
        ("a token without a signature", bearer(&format!("{header}.{payload}."))),
        ("a token that asks for no signature", bearer(&format!("{unsigned}.{payload}."))),
        ("a token with another signature", bearer(&format!("{header}.{payload}.{other}"))),
        ("an expired token", bearer(&expired)),
        ("a token of another user pool", bearer(&of_another_pool(&clients, &ada.email).await?)),
        ("a token of another client", bearer(&of_another_client(&clients, pool, &ada.email).await?)),
        ("an id token", bearer(tokens.id_token().context("no id token")?)),
        ("a refresh token", bearer(tokens.refresh_token().context("no refresh token")?)),
    ])
}

fn parts(token: &str) -> Result<(&str, &str, &str)> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature)) => Ok((header, payload, signature)),
        _ => bail!("not a token"),
    }
}

/// A token like somebody's, with other claims, signed with the private key that the local user pool keeps in a file.
pub fn like_hers(ada: &Person, change: impl FnOnce(&mut Value)) -> Result<String> {
    let (header, payload, _) = parts(ada.token.as_deref().context("nobody signed in")?)?;
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    change(&mut claims);
    let pool = ada.world.output("UserPoolId")?;
    sign(&ada.world.folder.join(format!("services/cognito-pool-keys/{pool}-access.pem")), header, &claims)
}

/// A token signed with the private key in this file.
fn sign(key: &Path, header: &str, claims: &Value) -> Result<String> {
    let pem = std::fs::read_to_string(key).with_context(|| format!("no key at {}", key.display()))?;
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = signature::RsaKeyPair::from_pkcs8(&STANDARD.decode(der)?).map_err(|error| anyhow!("{error}"))?;
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    let signing = key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
    signing.map_err(|error| anyhow!("{error}"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

async fn sign_in(clients: &Clients, client: &str, email: &str) -> Result<AuthenticationResultType> {
    let request = clients.cognito().initiate_auth().client_id(client).auth_flow(AuthFlowType::UserPasswordAuth);
    let answer = request.auth_parameters("USERNAME", email).auth_parameters("PASSWORD", PASSWORD).send().await?;
    answer.authentication_result.context("no tokens")
}

/// The access token of a client that this API is not for.
async fn of_another_client(clients: &Clients, pool: &str, email: &str) -> Result<String> {
    let request = clients.cognito().create_user_pool_client().user_pool_id(pool).client_name("another");
    let made = request.explicit_auth_flows(ExplicitAuthFlowsType::AllowUserPasswordAuth).send().await?;
    let client = made.user_pool_client.and_then(|client| client.client_id).context("no client")?;
    sign_in(clients, &client, email).await?.access_token.context("no access token")
}

/// The access token of the same address and password in another user pool.
async fn of_another_pool(clients: &Clients, email: &str) -> Result<String> {
    let pool = clients.cognito().create_user_pool().pool_name("another").send().await?;
    let pool = pool.user_pool.and_then(|pool| pool.id).context("no user pool")?;
    let user = clients.cognito().admin_create_user().user_pool_id(&pool).username(email);
    user.send().await?;
    let password = clients.cognito().admin_set_user_password().user_pool_id(&pool).username(email);
    password.password(PASSWORD).permanent(true).send().await?;
    of_another_client(clients, &pool, email).await
}

//! Who may do what: no route of the template lets anybody in without an access token of this API, unless it is open, and
//! nobody reaches what is somebody else's.
//!
//! The routes come from the template. Each needs a case here, so a new route cannot be forgotten.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, anyhow, bail, ensure};
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

/// How to ask for a thing on a route.
struct Case {
    path: String,
    body: Option<Value>,
    /// What somebody gets who may not see the thing, or for an open route, what anybody gets.
    status: u16,
    /// Whether the path or the body names a thing, rather than the caller.
    names: bool,
}

/// The case of each route: what it is asked, about these things.
fn case(method: &str, path: &str, things: &Things) -> Option<Case> {
    let Things { picture, share, token, upload, account, payment, export, ticket } = things;
    let generation = |input: &str| json!({"model": "sketch-image", "prompt": "a vase", "input_upload": input});
    let named = |path: String, body: Option<Value>| Some(Case { path, body, status: 404, names: true });
    let own = |status, body| Some(Case { path: path.to_owned(), body, status, names: false });
    match (method, path) {
        // Without a session and without a body there is nothing to do, and that is said by the function, not at the door.
        ("POST", "/v1/session/refresh") => own(401, None),
        ("POST", "/v1/session/sign-out") => own(204, None),
        (
            "POST",
            "/v1/session/sign-up"
            | "/v1/session/confirm"
            | "/v1/session/resend"
            | "/v1/session/sign-in"
            | "/v1/session/forgot"
            | "/v1/session/reset",
        ) => own(400, Some(json!({}))),
        (
            "GET",
            "/v1/models"
            | "/v1/gallery"
            | "/v1/packages"
            | "/v1/openapi.json"
            | "/v1/privacy/inventory"
            | "/v1/privacy/policy",
        ) => own(200, None),
        // A signature lets Stripe in. What says that it is PayPal's is kept until PayPal was asked.
        ("POST", "/v1/webhooks/stripe") => own(400, Some(json!({}))),
        ("POST", "/v1/webhooks/paypal") => own(200, Some(json!({}))),
        // Whoever has the link may look.
        ("GET", "/v1/shared/{token}") => {
            Some(Case { path: format!("/v1/shared/{token}"), body: None, status: 200, names: false })
        }
        (
            "GET",
            "/v1/account"
            | "/v1/account/statement"
            | "/v1/account/activity"
            | "/v1/account/corrections"
            | "/v1/account/access"
            | "/v1/generations"
            | "/v1/checkout"
            | "/v1/support/tickets",
        ) => own(200, None),
        // What it is about must be one's own.
        ("POST", "/v1/support/tickets") => {
            let about = json!({"kind": "generation", "id": picture});
            let body = json!({"subject": "A vase", "text": "It is cracked.", "about": about});
            Some(Case { path: path.to_owned(), body: Some(body), status: 400, names: true })
        }
        ("POST", "/v1/support/tickets/{id}/messages") => {
            named(format!("/v1/support/tickets/{ticket}/messages"), Some(json!({"text": "mine"})))
        }
        // Whoever is not signed in has nothing but what was sent to an address.
        ("POST", "/v1/support/letters" | "/v1/support/letters/confirm") => own(400, Some(json!({}))),
        ("POST", "/v1/staff/letters/{writer}/{letter}/looks") => {
            named(format!("/v1/staff/letters/{upload}/{share}/looks"), Some(json!({"reason": "mine"})))
        }
        ("POST", "/v1/staff/letters/{writer}/{letter}/answer") => {
            named(format!("/v1/staff/letters/{upload}/{share}/answer"), Some(json!({"text": "mine"})))
        }
        ("PATCH", "/v1/account") => own(200, Some(json!({"display_name": "Eve"}))),
        ("POST", "/v1/account/email") => own(400, Some(json!({"email": "nobody"}))),
        ("POST", "/v1/account/email/confirm") => {
            own(400, Some(json!({"present_code": "00000000", "new_code": "00000000"})))
        }
        ("POST", "/v1/uploads") => {
            own(201, Some(json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64)})))
        }
        // It looks at no upload: what it costs does not depend on it.
        ("POST", "/v1/generations/quote") => own(200, Some(generation(upload))),
        ("POST", "/v1/generations") => {
            Some(Case { path: path.to_owned(), body: Some(generation(upload)), status: 400, names: true })
        }
        ("POST", "/v1/generations/{id}/cancel") => named(format!("/v1/generations/{picture}/cancel"), None),
        ("GET" | "DELETE", "/v1/uploads/{id}") => named(format!("/v1/uploads/{upload}"), None),
        ("GET" | "DELETE", "/v1/generations/{id}") => named(format!("/v1/generations/{picture}"), None),
        ("PUT", "/v1/generations/{id}/visibility") => {
            named(format!("/v1/generations/{picture}/visibility"), Some(json!({"visibility": "public"})))
        }
        ("POST", "/v1/generations/{id}/shares") => {
            named(format!("/v1/generations/{picture}/shares"), Some(json!({"expires_in_s": 3600})))
        }
        ("GET", "/v1/generations/{id}/shares") => named(format!("/v1/generations/{picture}/shares"), None),
        ("DELETE", "/v1/generations/{id}/shares/{share}") => {
            named(format!("/v1/generations/{picture}/shares/{share}"), None)
        }
        ("POST", "/v1/checkout") => {
            own(201, Some(json!({"package": "starter", "currency": "EUR", "provider": "stripe"})))
        }
        ("GET", "/v1/checkout/{id}") => named(format!("/v1/checkout/{payment}"), None),
        ("POST", "/v1/checkout/{id}/capture") => named(format!("/v1/checkout/{payment}/capture"), None),
        ("POST", "/v1/privacy/exports") => own(202, None),
        ("GET", "/v1/privacy/exports") => own(200, None),
        ("GET", "/v1/privacy/exports/{id}") => named(format!("/v1/privacy/exports/{export}"), None),
        // Her own address is not what she typed, and nobody has asked for a deletion.
        ("POST", "/v1/privacy/deletion") => own(400, Some(json!({"confirmation": "nobody@example.com"}))),
        ("GET" | "DELETE", "/v1/privacy/deletion") => own(404, None),
        ("GET", "/v1/privacy/receipts/{id}") => {
            Some(Case { path: format!("/v1/privacy/receipts/{picture}"), body: None, status: 404, names: false })
        }
        // For whoever is not of the staff there is no such route.
        ("GET", "/v1/staff/reviews") => own(404, None),
        ("POST", "/v1/staff/accounts/{account}/payments/{payment}/decision") => {
            let path = format!("/v1/staff/accounts/{account}/payments/{payment}/decision");
            named(path, Some(json!({"release": true, "note": "mine"})))
        }
        ("POST", "/v1/staff/accounts/{account}/spending") => {
            named(format!("/v1/staff/accounts/{account}/spending"), Some(json!({"allowed": false, "note": "mine"})))
        }
        ("POST", "/v1/staff/unclaimed/{payment}/refunded") => {
            named(format!("/v1/staff/unclaimed/{payment}/refunded"), None)
        }
        ("GET" | "POST" | "DELETE", path) if path.starts_with("/v1/staff/accounts/{account}/") => {
            let names = ["{access}", "{hold}", "{disclosure}", "{ticket}"];
            let path = names.iter().fold(path.replace("{account}", account), |path, name| path.replace(name, share));
            let path = path.replace("{generation}", picture).replace("{upload}", upload);
            let why = json!({"reference": "T-1", "reason": "curious", "minutes": 5});
            let asked = json!({"reference": "T-1", "reason": "curious", "covers": ["account"]});
            let wanted = json!({"reference": "T-1", "reason": "curious", "kinds": ["account"]});
            let body = match path.rsplit('/').next() {
                Some("accesses") => Some(why),
                Some("holds") if method == "POST" => Some(asked),
                Some("disclosures") => Some(wanted),
                Some("messages") => Some(json!({"text": "mine"})),
                _ => None,
            };
            named(path, body)
        }
        _ => None,
    }
}

/// Every route of the template with its case. A route without one fails.
fn cases(open: bool, things: &Things) -> Result<Vec<(template::Route, Case)>> {
    let routes = template::routes()?.into_iter().filter(|route| route.open == open);
    routes
        .map(|route| {
            let case = case(&route.method, &route.path, things);
            let case = case.with_context(|| format!("{} {} has no case: write one", route.method, route.path))?;
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
            let case_of_nobodys = case(method, path, &nobodys).context("no case")?;
            let missing = send(&bob, method, &case_of_nobodys, None).await?;
            ensure!(without_id(&answer) == without_id(&missing), "{method} {path} tells that it is there: {body}");
        }
        if path.contains("{share}") {
            let case_of_both = case(method, path, &hers_under_his).context("no case")?;
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

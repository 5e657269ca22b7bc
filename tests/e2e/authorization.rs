//! Authorization: every route of the template that is not public refuses requests without an access token of this API,
//! and no account reaches the content of another account.
//!
//! The routes come from the template. What they are asked comes from the operations that `shared/api` declares, so a new
//! route cannot be forgotten.

use std::cell::Cell;

use anyhow::{Context, Result, ensure};
use api::{
    Operation,
    accounts::{email, passkeys, second_factor, session},
    credits::promotions,
    generations::{callbacks, submission},
    payments::webhooks,
    privacy::deletion,
    support::tickets,
};
use aws_sdk_cognitoidentityprovider::types::{AuthFlowType, AuthenticationResultType, ExplicitAuthFlowsType};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use reqwest::Method;
use ring::hmac;
use runtime::clients::Clients;
use serde_json::{Value, json};

use crate::{
    env::{
        checkouts::Checkout,
        exports::{request_export, wait_for_export},
        http::{ApiResponse, text},
        sessions::{token_parts, token_with_claims},
        table::account_items,
        test_env::{PASSWORD, TestEnv, TestUser},
        trial::tests,
    },
    template::{Route, routes},
};

tests![
    protected_routes_refuse_every_bad_access_token,
    public_routes_ignore_missing_and_bad_tokens,
    p17_content_of_an_account_is_not_found_for_other_accounts,
];

/// The prompt that no other account may see.
const SECRET_PROMPT: &str = "a secret garden";

/// Holds the ids of what an account owns.
struct Resources {
    image: String,
    share: String,
    token: String,
    upload: String,
    account: String,
    payment: String,
    export: String,
    ticket: String,
}

impl Resources {
    async fn of(user: &TestUser, prompt: &str) -> Result<Self> {
        let image = text(&user.finished_image(prompt).await?, "id")?;
        let share =
            user.post(&format!("/v1/generations/{image}/outputs/1/shares"), &json!({"expires_in_s": 3600})).await?;
        let share = share.is(201)?.json;
        let upload = json!({"content_type": "image/png", "bytes": 7, "sha256": "0".repeat(64), "file_name": "secret"});
        let upload = user.post("/v1/uploads", &upload).await?.is(201)?.json;
        let export = request_export(user).await?;
        wait_for_export(user, &export).await?;
        let ticket = json!({"subject": "A vase", "text": "It is cracked."});
        let ticket = user.post("/v1/support/tickets", &ticket).await?.is(201)?.json;
        Ok(Self {
            image,
            share: text(&share, "id")?,
            token: text(&share, "token")?,
            upload: text(&upload, "id")?,
            account: user.account_id.clone(),
            payment: Checkout::start(user, "paypal", "starter").await?.id,
            export,
            ticket: text(&ticket, "id")?,
        })
    }

    fn of_nobody() -> Self {
        let id = || runtime::clock::uuid_at(runtime::clock::now()).to_string();
        let token = "a".repeat(43);
        Self { image: id(), share: id(), token, upload: id(), account: id(), payment: id(), export: id(), ticket: id() }
    }
}

/// Holds a request to a route about what an account owns.
struct Case {
    path: String,
    body: Option<Value>,
    /// What another account gets, or on a public route, what everyone gets.
    status: u16,
    /// Whether the path or the body names an id of an account, rather than the caller.
    names: bool,
}

/// The statuses that do not follow from the declaration of an operation: see [`case`].
const STATUSES: &[(Operation, u16)] = &[
    // There is no session to refresh.
    (session::REFRESH, 401),
    // A notification is queued before PayPal is asked whether it is genuine.
    (webhooks::PAYPAL, 200),
    // No worker made the address.
    (callbacks::FAL, 404),
    (callbacks::REPLICATE, 404),
    (deletion::SHOW_RECEIPT, 404),
    (email::REQUEST_CHANGE, 400),
    (email::CONFIRM_CHANGE, 400),
    // It is no setup.
    (second_factor::CONFIRM, 400),
    // It is no passkey.
    (passkeys::CONFIRM, 400),
    // No promotion has the code.
    (promotions::REDEEM, 400),
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
fn case(method: &str, path: &str, things: &Resources) -> Result<Case> {
    let operation = api::operations().find(|operation| is(operation, method, path));
    let operation = operation.with_context(|| format!("{method} {path} is not declared in shared/api"))?;
    let Resources { image, share, token, upload, account, payment, export, ticket } = things;
    let unknown = Cell::new(false);
    let path = operation.path_with(|kind| {
        let id = match kind {
            "generation" | "receipt" => image,
            "share" | "access" | "approval" | "hold" | "disclosure" | "passkey" | "invitation" => share,
            "token" | "job" => token,
            "output" | "number" => return "1".to_owned(),
            "month" => return "2026-11".to_owned(),
            "role" => return "support".to_owned(),
            "upload" | "guest" => upload,
            "account" => account,
            "checkout" | "payment" => payment,
            "export" => export,
            "ticket" | "case" => ticket,
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
                body["about"] = json!({"kind": "generation", "id": image});
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
fn cases(open: bool, things: &Resources) -> Result<Vec<(Route, Case)>> {
    let routes = routes()?.into_iter().filter(|route| route.open == open);
    routes
        .map(|route| {
            let case = case(&route.method, &route.path, things)?;
            Ok((route, case))
        })
        .collect()
}

async fn send(user: &TestUser, method: &str, case: &Case, authorization: Option<&str>) -> Result<ApiResponse> {
    let mut request = user.request(Method::from_bytes(method.as_bytes())?, &case.path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(body) = &case.body {
        request = request.json(body);
    }
    ApiResponse::read(request.send().await?).await
}

/// Returns whether API Gateway or a function refused the token.
fn is_refusal_of_token(response: &ApiResponse) -> bool {
    response.status == 401
        && (response.json["message"] == "Unauthorized" || response.json["type"] == "urn:darkroom:problem:unauthorized")
}

async fn protected_routes_refuse_every_bad_access_token(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let things = Resources::of(&ada, SECRET_PROMPT).await?;
    let tokens = bad_tokens(&ada).await?;
    let before = account_items(&ada).await?;
    for (route, case) in cases(false, &things)? {
        for (name, authorization) in &tokens {
            let response = send(&visitor, &route.method, &case, authorization.as_deref()).await?;
            ensure!(is_refusal_of_token(&response), "{} {} with {name}: {}", route.method, route.path, response.status);
        }
    }
    ensure!(account_items(&ada).await? == before, "the account's data changed");
    Ok(())
}

async fn public_routes_ignore_missing_and_bad_tokens(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let things = Resources::of(&ada, SECRET_PROMPT).await?;
    for (route, case) in cases(true, &things)? {
        for authorization in [None, Some("Bearer garbage"), Some("Bearer a.b.c")] {
            let response = send(&visitor, &route.method, &case, authorization).await?;
            ensure!(!is_refusal_of_token(&response), "{} {} needs a token", route.method, route.path);
            let body = String::from_utf8_lossy(&response.bytes).into_owned();
            ensure!(response.status == case.status, "{} {}: {}: {body}", route.method, route.path, response.status);
            for secret in [&ada.email, &things.upload, SECRET_PROMPT] {
                ensure!(!body.contains(secret), "{} {} reveals {secret}: {body}", route.method, route.path);
            }
        }
    }
    Ok(())
}

async fn p17_content_of_an_account_is_not_found_for_other_accounts(env: &'static TestEnv) -> Result<()> {
    let (ada, bob, visitor) = (env.user().await?, env.user().await?, env.visitor()?);
    let (hers, unknown) = (Resources::of(&ada, SECRET_PROMPT).await?, Resources::of_nobody());
    let his = Resources::of(&bob, "his own").await?;
    let before = account_items(&ada).await?;
    let hers_under_his = Resources { image: his.image.clone(), share: hers.share.clone(), ..Resources::of_nobody() };
    let mut named = 0;
    for (route, case_of_hers) in cases(false, &hers)? {
        let (method, path) = (route.method.as_str(), route.path.as_str());
        let response = send(&bob, method, &case_of_hers, None).await?.is(case_of_hers.status)?;
        let body = String::from_utf8(response.bytes.clone())?;
        for secret in
            [&ada.email, &ada.account_id, &hers.image, &hers.share, &hers.payment, &hers.export, SECRET_PROMPT]
        {
            ensure!(!body.contains(secret), "{method} {path} reveals {secret}: {body}");
        }
        if case_of_hers.names {
            named += 1;
            let case_of_nobodys = case(method, path, &unknown)?;
            let missing = send(&bob, method, &case_of_nobodys, None).await?;
            ensure!(without_id(&response) == without_id(&missing), "{method} {path} reveals that it exists: {body}");
        }
        if path.contains("{share}") {
            let case_of_both = case(method, path, &hers_under_his)?;
            send(&bob, method, &case_of_both, None).await?.is(404)?;
        }
    }
    ensure!(named > 5, "only {named} routes name an id: the template was not understood");
    ensure!(account_items(&ada).await? == before, "the account's data changed");
    visitor.get(&format!("/v1/shared/{}", hers.token)).await?.is(200)?;
    let media = ada.get(&format!("/v1/generations/{}", hers.image)).await?.is(200)?.json;
    ada.fetch(&text(&media["outputs"][0]["file"], "url")?).await?.is(200)?;
    Ok(())
}

fn without_id(response: &ApiResponse) -> (u16, Value) {
    let mut problem = response.json.clone();
    if let Some(problem) = problem.as_object_mut() {
        problem.remove("request_id");
    }
    (response.status.as_u16(), problem)
}

/// Returns values of the `Authorization` header that are not an access token of this API, with their names.
async fn bad_tokens(ada: &TestUser) -> Result<Vec<(&'static str, Option<String>)>> {
    let env = ada.env;
    let good = ada.token.as_deref().context("the user has no token")?;
    let (pool, client) = (env.output("UserPoolId")?, env.output("ClientId")?);
    let clients = env.clients()?;
    let tokens = sign_in(&clients, (pool, client), &ada.email).await?;
    let (header, payload, signature) = token_parts(good)?;
    let now = runtime::clock::now().as_second();

    // A token that the test signs with the pool's key is valid until it expires.
    let signed = |exp: i64| token_with_claims(ada, |claims| claims["exp"] = json!(exp));
    let (valid, expired) = (signed(now + 60)?, signed(now - 1)?);
    let visitor = env.visitor()?;
    let account = visitor.request(Method::GET, "/v1/account").bearer_auth(valid);
    ApiResponse::read(account.send().await?).await?.is(200).context("the test does not sign as the user pool does")?;

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

async fn sign_in(clients: &Clients, (pool, client): (&str, &str), email: &str) -> Result<AuthenticationResultType> {
    let described = clients.cognito().describe_user_pool_client().user_pool_id(pool).client_id(client).send().await?;
    let secret = described.user_pool_client.and_then(|client| client.client_secret);
    let request = clients.cognito().initiate_auth().client_id(client).auth_flow(AuthFlowType::UserPasswordAuth);
    let mut request = request.auth_parameters("USERNAME", email).auth_parameters("PASSWORD", PASSWORD);
    if let Some(secret) = secret {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let hash = STANDARD.encode(hmac::sign(&key, format!("{email}{client}").as_bytes()));
        request = request.auth_parameters("SECRET_HASH", hash);
    }
    request.send().await?.authentication_result.context("no tokens")
}

/// Returns an access token of another client of the same user pool.
async fn of_another_client(clients: &Clients, pool: &str, email: &str) -> Result<String> {
    let request = clients.cognito().create_user_pool_client().user_pool_id(pool).client_name("another");
    let made = request.explicit_auth_flows(ExplicitAuthFlowsType::AllowUserPasswordAuth).send().await?;
    let client = made.user_pool_client.and_then(|client| client.client_id).context("no client")?;
    sign_in(clients, (pool, &client), email).await?.access_token.context("no access token")
}

/// Returns an access token for the same address and password in another user pool.
async fn of_another_pool(clients: &Clients, email: &str) -> Result<String> {
    let pool = clients.cognito().create_user_pool().pool_name("another").send().await?;
    let pool = pool.user_pool.and_then(|pool| pool.id).context("no user pool")?;
    let user = clients.cognito().admin_create_user().user_pool_id(&pool).username(email);
    user.send().await?;
    let password = clients.cognito().admin_set_user_password().user_pool_id(&pool).username(email);
    password.password(PASSWORD).permanent(true).send().await?;
    of_another_client(clients, &pool, email).await
}

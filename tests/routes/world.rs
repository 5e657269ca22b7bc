//! The functions, and a fake AWS with an account.

use std::{collections::BTreeSet, pin::Pin};

use anyhow::{Context, Result, anyhow, bail, ensure};
use domain::{
    AccountId, Credits, LedgerEntryId, accounts::account::Account, catalogue::models::MediaKind,
    generations::generation::Generation,
};
use fake_aws::{
    aws::Aws,
    environment::{TABLE, environment},
    seed,
};
use runtime::{clients::Clients, clock, config::Environment, http::Server};
use serde_json::{Value, json};
use store::{Table, Write};

/// Builds the function of this name.
macro_rules! build {
    ($name:expr, $environment:expr; $($function:literal => $build:path,)*) => {
        match $name {
            $($function => boxed(|| Server::open($environment, $build)).await,)*
            other => bail!("{other} is no HTTP function of these tests: add it to the list"),
        }
    };
}

/// Makes a future on the heap: those of all functions beside each other would fill the stack of a test.
fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(make())
}

async fn server(function: &str, environment: Environment) -> Result<Server> {
    let built = build!(function, environment;
        "account" => account::build,
        "catalogue" => ::catalogue::build,
        "checkout" => checkout::build,
        "gallery" => gallery::build,
        "moderation-cases" => moderation_cases::build,
        "openapi" => openapi::build,
        "paypal-ipn" => paypal_ipn::build,
        "paypal-webhook" => paypal_webhook::build,
        "privacy-delete" => privacy_delete::build,
        "privacy-export" => privacy_export::build,
        "provider-webhook" => provider_webhook::build,
        "report" => report::build,
        "provenance-check" => provenance_check::build,
        "session" => session::build,
        "site" => site::build,
        "staff-access" => staff_access::build,
        "staff-members" => staff_members::build,
        "staff-review" => staff_review::build,
        "stripe-webhook" => stripe_webhook::build,
        "submit" => submit::build,
        "support" => support::build,
        "upload-presign" => upload_presign::build,
        "visibility" => visibility::build,
    );
    built.map_err(|error| anyhow!("{function}: {error}"))
}

/// A fake AWS with an account and an item of every kind that the events name.
pub struct World {
    pub aws: Aws,
    pub table: Table,
    pub account: AccountId,
    pub environment: Environment,
    variables: Vec<(&'static str, String)>,
}

/// A response, with the calls to AWS that it took.
#[derive(Debug)]
pub struct Answer {
    pub status: u64,
    pub headers: Value,
    pub cookies: Value,
    pub body: Value,
    pub calls: Vec<String>,
}

impl World {
    pub async fn new() -> Result<Self> {
        let aws = seed::aws(MediaKind::Image).await?;
        let variables = environment(&aws)?;
        let environment: Environment = variables.clone().into_iter().collect();
        let table = Table::new(
            Clients::new(&environment)?.dynamodb().clone(),
            TABLE.to_owned(),
            environment.integer("INDEX_SHARDS")?,
        );
        Ok(Self { account: aws.account().parse()?, aws, table, environment, variables })
    }

    /// Sets variables of the functions.
    pub fn with_variables<const N: usize>(mut self, variables: [(&'static str, &str); N]) -> Self {
        self.variables.extend(variables.map(|(name, value)| (name, value.to_owned())));
        self.environment = self.variables.clone().into_iter().collect();
        self
    }

    /// Returns the account of the events.
    pub async fn account(&self) -> Result<Account> {
        self.table.account(self.account).await?.context("there is no account")
    }

    /// Returns a generation of the account.
    pub async fn generation(&self, id: &str) -> Result<Generation> {
        self.table.generation(self.account, id.parse()?).await?.context("there is no such generation")
    }

    /// Stores another account, and returns the change that makes it the caller.
    pub async fn stranger(&self) -> Result<Value> {
        let now = clock::now();
        let (id, entry) = (clock::uuid_at(now), LedgerEntryId(clock::uuid_at(now)));
        let (account, _) = Account::open(AccountId(id), "bob@example.com".to_owned(), Credits(100), entry, now);
        self.table.commit(&[Write::Account(&account)]).await?;
        Ok(claims(&json!({"sub": id})))
    }

    /// Stores the account with a change.
    pub async fn with_account(self, change: impl FnOnce(Account) -> Account) -> Result<Self> {
        let account = change(self.account().await?);
        self.table.commit(&[Write::Account(&account)]).await?;
        Ok(self)
    }

    /// Sends an event of `events/`, such as `submit/create`, with changes: objects are merged, a `body` may be JSON, and a
    /// `path` replaces the path.
    pub async fn send(&self, event: &str, changes: Value) -> Result<Answer> {
        let (function, _) = event.split_once('/').context("the name of a function comes first")?;
        let file = stack::workspace().join(format!("events/{event}.json"));
        let signed = fake_aws::current(&std::fs::read(file)?, clock::now())?;
        let mut event: Value = serde_json::from_slice(&signed)?;
        merge(&mut event, changes);
        if let Some(path) = event.as_object_mut().and_then(|event| event.remove("path")) {
            event["requestContext"]["http"]["path"] = path.clone();
            event["rawPath"] = path;
        }
        if event["body"].is_object() {
            event["body"] = event["body"].to_string().into();
        }
        let server = server(function, self.environment.clone()).await?;
        self.aws.take_calls().await;
        let response = serde_json::to_value(server.handle(serde_json::from_value(event)?).await)?;
        let text = response["body"].as_str().unwrap_or_default();
        Ok(Answer {
            status: response["statusCode"].as_u64().context("a response without a status")?,
            headers: response["headers"].clone(),
            cookies: response["cookies"].clone(),
            body: serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            calls: self.aws.take_calls().await,
        })
    }
}

impl Answer {
    /// Checks that it is a success with this status.
    pub fn is(self, status: u64) -> Result<Self> {
        ensure!(self.status == status, "{self:?}");
        Ok(self)
    }

    /// Checks that it is a problem of this type that changed nothing.
    pub fn refused(self, status: u64, problem: &str) -> Result<Self> {
        ensure!(self.status == status, "{self:?}");
        ensure!(self.body["type"] == format!("urn:darkroom:problem:{problem}"), "{self:?}");
        ensure!(!self.calls.iter().any(|call| call == "TransactWriteItems" || call == "PutItem"), "{self:?}");
        Ok(self)
    }

    /// Checks that it is a 400 that names these fields.
    pub fn names(self, fields: &[&str]) -> Result<Self> {
        let answer = self.refused(400, "invalid-request")?;
        let errors = answer.body["errors"].as_array().into_iter().flatten();
        let named: BTreeSet<_> = errors.filter_map(|error| error["field"].as_str()).collect();
        ensure!(named == fields.iter().copied().collect(), "{answer:?}");
        Ok(answer)
    }
}

/// Returns the change that makes the sign-in recent.
pub fn recent() -> Value {
    claims(&json!({"auth_time": clock::now().as_second().to_string()}))
}

/// Returns a change of the claims of the access token.
pub fn claims(claims: &Value) -> Value {
    json!({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}})
}

/// Merges a change into another one: objects are merged, `null` removes, everything else replaces.
pub fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, change) in change {
                if change.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), change);
                }
            }
        }
        (into, change) => *into = change,
    }
}

/// Returns both changes as one.
pub fn and(mut one: Value, other: Value) -> Value {
    merge(&mut one, other);
    one
}

/// Every event of an HTTP function is handed to that function in this process.
#[tokio::test]
async fn every_http_function_responds_in_its_process() -> Result<()> {
    for folder in std::fs::read_dir(stack::workspace().join("events"))? {
        for file in std::fs::read_dir(folder?.path())? {
            let file = file?.path();
            let event: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
            if !event["requestContext"]["http"].is_object() {
                continue;
            }
            let mut parts = file.with_extension("");
            let name = parts.file_name().context("a name")?.to_string_lossy().into_owned();
            parts.pop();
            let function = parts.file_name().context("a folder")?.to_string_lossy().into_owned();
            let answer = World::new().await?.send(&format!("{function}/{name}"), json!({})).await?;
            ensure!(answer.status < 500, "{function}/{name}: {answer:?}");
            ensure!(answer.headers["x-request-id"].is_string(), "{function}/{name}: {answer:?}");
        }
    }
    Ok(())
}

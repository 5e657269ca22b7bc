//! The stack under test, and the users who send requests to it.

use std::{
    collections::BTreeMap,
    num::NonZeroU8,
    path::PathBuf,
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use domain::{
    AccountId, Credits,
    accounts::{account::Account, plan::Plan},
    service_settings::{self, ServiceSettings},
    service_texts,
};
use fake_aws::time_stamps::{Behaviour, Server};
use reqwest::{Method, RequestBuilder};
use runtime::{clients::Clients, config::Environment};
use serde_json::{Value, json};
use stack::{
    Functions, MAILED_CODE, Options, Stack,
    payments::{PaymentKeys, Payments},
};
use store::{Table, Write};

use crate::env::{
    connections::ConnectionMonitor,
    http::{ApiResponse, PATIENCE, http_client, text},
    provider_stub::provider_stub,
    recorder::{Recorder, Recorders},
};

/// The operator, as the label for China names them.
pub const AIGC_PRODUCER: &str = "001191440300TEST";

/// The sender of the service's mail.
const MAIL_FROM: &str = "hello@mail.darkroom.example";
/// How the local AWS records a mail of the user pool with a code.
const PASSWORD_MAIL: &str = "CognitoVerificationMessage";

/// The SES identity of the sender.
pub const MAIL_IDENTITY: &str = "mail.darkroom.example";

/// The requests that the stack accepts in a minute from an account or the narrowest network: more than the tests send.
pub const REQUESTS_PER_MINUTE: u64 = 100_000;

/// The number of shards of the indexes.
const INDEX_SHARDS: NonZeroU8 = NonZeroU8::MIN.saturating_add(2);

/// The password of every user.
pub const PASSWORD: &str = "Correct-horse-7-battery";

/// The stack under test.
pub struct TestEnv {
    pub stack: Mutex<Option<Stack>>,
    /// The base URL of the API.
    pub base_url: String,
    /// The endpoint of the local AWS.
    pub endpoint: String,
    /// The base URL of the fake Stripe and PayPal.
    pub fake_payments: String,
    pub _payments: Payments,
    /// The recorders of all requests to hosts that are not AWS.
    pub recorders: Recorders,
    /// The time-stamping authority.
    pub authority: &'static Server,
    /// The monitor of the functions' connections.
    pub watch: ConnectionMonitor,
    /// The outputs of the template.
    pub outputs: BTreeMap<String, String>,
    /// The folder of the stack's data.
    pub folder: PathBuf,
    /// The file of every AWS call of a function, one line of JSON each.
    pub calls: PathBuf,
    /// The file of the attribute paths of every item and message, one line of JSON each.
    pub shapes: PathBuf,
    pub environment: Environment,
    pub users: Mutex<Vec<KnownAccount>>,
}

/// A user for whom an account was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// The email address.
    pub email: String,
    /// The account id.
    pub account: String,
}

/// Returns the settings of the stack.
pub fn settings() -> ServiceSettings {
    let mut settings = *service_settings::compiled();
    settings.welcome.credits = Credits(40);
    settings.welcome.grants_per_day = 1_000_000;
    settings
}

/// Returns the version of the terms, which no test changes.
pub fn terms_version() -> &'static str {
    &service_texts::compiled().terms.version
}

/// Returns a new address without digits: many in a row may look like the number of a card, which no payment stores.
pub fn new_address() -> String {
    let id = runtime::clock::uuid_at(runtime::clock::now()).simple().to_string();
    let name = id.bytes().map(|digit| char::from(if digit.is_ascii_digit() { digit - b'0' + b'g' } else { digit }));
    format!("{}@example.com", name.collect::<String>())
}

/// Returns whether stacks are kept for the next run, as `cargo xtask test` asks: they start in seconds, because only functions
/// that changed are deployed again.
pub fn is_kept() -> bool {
    std::env::var_os("E2E_KEEP_STACK").is_some()
}

impl TestEnv {
    /// Starts the shared stack of the suite, empty.
    pub fn start() -> Result<&'static Self> {
        Self::with("e2e", 6, BTreeMap::new(), true)
    }

    /// Starts a stack in a folder of this name, with leases of `lease_s` seconds and these variables for every
    /// function, to which AI providers report the end of jobs if it has webhooks.
    pub fn with(
        name: &str,
        lease_s: u32,
        function_environment: BTreeMap<String, String>,
        has_webhooks: bool,
    ) -> Result<&'static Self> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let (calls, shapes) = (folder.with_extension("calls.jsonl"), folder.with_extension("shapes.jsonl"));
        let mut options = Options::new(&folder);
        options.fresh = !is_kept();
        options.saves_regularly = false;
        options.functions = Functions::BuiltByCargo;
        options.function_environment = function_environment;
        options.calls = Some(calls.clone());
        options.shapes = Some(shapes.clone());
        let keys = ["openai", "stability", "replicate", "fal"];
        options.provider_keys = keys.map(|name| (name.to_owned(), format!("key-of-{name}"))).into();
        options.provider_keys.insert("replicate_webhook_secret".to_owned(), fake_aws::reports::replicate_secret());
        let stub = provider_stub()?;
        let endpoints = stub.endpoints();
        let authority = Server::start(Behaviour::Right)?;
        let recorders = Recorders {
            providers: stub.recorder,
            stripe: Recorder::start()?,
            paypal: Recorder::start()?,
            time_stamps: Recorder::start()?,
        };
        recorders.time_stamps.lead_to(authority.address())?;
        let time_stamps = recorders.time_stamps.url();
        let payment_endpoints = recorders.payment_endpoints();
        let (rate, shards) = (REQUESTS_PER_MINUTE.to_string(), INDEX_SHARDS.to_string());
        let (lease, visibility) = (lease_s.to_string(), (lease_s + 1).to_string());
        let parameters = [
            ("ImageConcurrency", "10"),
            ("VideoConcurrency", "5"),
            ("FinishConcurrency", "10"),
            ("VisibilitySeconds", visibility.as_str()),
            ("LeaseSeconds", lease.as_str()),
            ("NotificationRetrySeconds", "2"),
            ("ErasureRetrySeconds", "3"),
            ("ExportLeaseSeconds", "2"),
            ("ExportRetrySeconds", "3"),
            ("Providers", "fal,openai,replicate,stability,sketch"),
            ("ProviderWebhooks", if has_webhooks { "true" } else { "false" }),
            ("ProviderEndpoints", endpoints.as_str()),
            ("PaymentEndpoints", payment_endpoints.as_str()),
            ("SketchMarks", "true"),
            ("AigcProducer", AIGC_PRODUCER),
            ("TimeStampUrl", time_stamps.as_str()),
            ("MailFrom", MAIL_FROM),
            ("MailIdentity", MAIL_IDENTITY),
            ("SignUpDays", "36500"),
            ("SessionRatePerMinute", rate.as_str()),
            ("OpenReadsPerMinute", rate.as_str()),
            ("WritesPerMinute", rate.as_str()),
            ("IndexShards", shards.as_str()),
            ("WebhookRatePerMinute", "100000"),
            ("AccountsPerNetworkPerDay", "100000"),
            ("ReportsPerHour", "100000"),
            ("RequestsPerSecond", "1000"),
            ("RequestBurst", "1000"),
        ];
        options.settings = serde_json::to_value(settings())?;
        options.parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let payments = Payments::start(0, None, PaymentKeys::default(), &[], &mut options)?;
        recorders.stripe.lead_to(payments.base_url())?;
        recorders.paypal.lead_to(payments.base_url())?;
        let stack = Stack::start(&options, &mut PrintedProgress)?;
        payments.deliver_to(&stack);
        stub.report_to(stack.outputs().get("ApiId").context("the template has no output ApiId")?, stack.base_url());
        // Files of an earlier run are cleared only now, as no other run uses this folder.
        for written in [&calls, &shapes] {
            std::fs::write(written, "")?;
        }
        let endpoint = stack.endpoint().to_owned();
        let environment = Environment::from_iter([
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ]);
        let env = Self {
            base_url: stack.base_url().to_owned(),
            fake_payments: payments.base_url().to_owned(),
            _payments: payments,
            recorders,
            authority,
            watch: ConnectionMonitor::start(&endpoint),
            outputs: stack.outputs().clone(),
            endpoint,
            folder,
            calls,
            shapes,
            environment,
            users: Mutex::default(),
            stack: Mutex::new(Some(stack)),
        };
        Ok(Box::leak(Box::new(env)))
    }

    /// Pauses the stack while other stacks are tested.
    pub fn pause(&self) -> Result<()> {
        self.watch.stop();
        self.with_stack(Stack::pause)
    }

    /// Lets the stack go on for its checks.
    pub fn resume(&self) -> Result<()> {
        self.with_stack(Stack::resume)
    }

    fn with_stack(&self, act: impl Fn(&Stack) -> Result<()>) -> Result<()> {
        let stack = self.stack.lock().map_err(|_| anyhow!("a test panicked while it held the stack"))?;
        stack.as_ref().map_or(Ok(()), act)
    }

    /// Stops the stack.
    pub fn stop(&self) -> Result<()> {
        let stack = self.stack.lock().map_err(|_| anyhow!("a test panicked while it held the stack"))?.take();
        stack.map_or(Ok(()), Stack::stop)?;
        if is_kept() {
            return Ok(());
        }
        // Two gigabytes of packages and of what was unpacked. The log stays.
        for data in ["objects", "services", "tmp"] {
            match std::fs::remove_dir_all(self.folder.join(data)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns AWS clients. Connections belong to the runtime of the test that opens them.
    pub fn clients(&self) -> Result<Clients> {
        Ok(Clients::new(&self.environment)?)
    }

    /// Returns the table.
    pub fn table(&self) -> Result<Table> {
        Ok(Table::new(self.clients()?.dynamodb().clone(), self.output("TableName")?.to_owned(), INDEX_SHARDS))
    }

    /// Returns an output of the template.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).with_context(|| format!("the template has no output {name}"))
    }

    /// Creates a user who has signed up, confirmed and signed in.
    pub async fn user(&'static self) -> Result<TestUser> {
        self.user_at(new_address()).await
    }

    /// Creates such a user with this address.
    pub async fn user_at(&'static self, email: String) -> Result<TestUser> {
        let mut user = TestUser { env: self, http: http_client()?, email, token: None, account_id: String::new() };
        user.sign_up().await?;
        user.sign_in().await?;
        let known = KnownAccount { email: user.email.clone(), account: user.account_id.clone() };
        self.users.lock().map_err(|_| anyhow!("a test panicked while it held the list of users"))?.push(known);
        Ok(user)
    }

    /// Creates such a user on the Plus plan, who may use the models of providers that charge for them.
    pub async fn plus_user(&'static self) -> Result<TestUser> {
        let user = self.user().await?;
        let table = self.table()?;
        let account = table.account(user.account()?).await?.context("no account")?;
        let plus = Account { plan: Plan::Plus, version: account.version + 1, ..account };
        table.commit(&[Write::Account(&plus)]).await?;
        Ok(user)
    }

    /// Returns all users for whom an account was created.
    pub fn users(&self) -> Vec<KnownAccount> {
        self.users.lock().map(|users| users.clone()).unwrap_or_default()
    }

    /// Returns a client without an account.
    pub fn visitor(&'static self) -> Result<TestUser> {
        Ok(TestUser { env: self, http: http_client()?, email: String::new(), token: None, account_id: String::new() })
    }

    /// Returns the deployed name of a function by its logical id in the template.
    pub async fn function_name(&self, function: &str) -> Result<String> {
        let listed = self.lambda().list_functions().max_items(50).send().await?;
        let mut names = listed.functions().iter().filter_map(|found| found.function_name());
        let name = names.find(|name| name.split('-').any(|part| part == function));
        Ok(name.with_context(|| format!("no function {function} is deployed"))?.to_owned())
    }

    /// Invokes a function with an event and returns its payload. `function` is its logical id in the template.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let (lambda, name) = (self.lambda(), self.function_name(function).await?);
        let payload = aws_sdk_lambda::primitives::Blob::new(event.to_string());
        let response = lambda.invoke().function_name(name).payload(payload).send().await?;
        let payload = response.payload().map(|blob| blob.as_ref().to_vec()).unwrap_or_default();
        ensure!(response.function_error().is_none(), "{function} failed: {}", String::from_utf8_lossy(&payload));
        Ok(serde_json::from_slice(&payload).unwrap_or(Value::Null))
    }

    /// Sweeps as if it were `now`.
    pub async fn sweep(&self, now: jiff::Timestamp) -> Result<Value> {
        self.invoke("Sweep", &json!({"time": now.to_string()})).await
    }

    /// Returns the texts of the mails that the service sent to an address, the oldest first.
    pub async fn mails(&self, to: &str) -> Result<Vec<String>> {
        self.sent_mails(to, |kind| kind != PASSWORD_MAIL).await?.iter().map(|mail| text(mail, "BodyText")).collect()
    }

    /// Returns subject and text of the mails that the user pool sent to an address, with codes for a password.
    pub async fn password_mails(&self, to: &str) -> Result<Vec<(String, String)>> {
        let mails = self.sent_mails(to, |kind| kind == PASSWORD_MAIL).await?;
        mails.iter().map(|mail| Ok((text(mail, "Subject")?, text(mail, "BodyText")?))).collect()
    }

    /// The user pool sends mails of its own in the same name.
    async fn sent_mails(&self, to: &str, is_meant: impl Fn(&str) -> bool) -> Result<Vec<Value>> {
        let sent = http_client()?.get(format!("{}/_ministack/ses/messages", self.endpoint)).send().await?;
        let sent = ApiResponse::read(sent).await?.is(200)?.json;
        let all = sent["messages"].as_object().into_iter().flat_map(|accounts| accounts.values());
        let all = all.flat_map(|mails| mails.as_array().into_iter().flatten());
        let is_ours = |mail: &&Value| {
            mail["Source"] == MAIL_FROM
                && mail["To"] == json!([to])
                && is_meant(mail["Type"].as_str().unwrap_or_default())
        };
        Ok(all.filter(is_ours).cloned().collect())
    }

    /// Returns a Lambda client.
    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(aws_sdk_lambda::config::BehaviorVersion::latest())
            .region(aws_sdk_lambda::config::Region::new("us-east-1"))
            .credentials_provider(aws_credential_types::Credentials::new("test", "test", None, None, "tests"))
            .endpoint_url(&self.endpoint)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_lambda::Client::from_conf(config)
    }
}

/// A client of the API, with or without an account.
pub struct TestUser {
    /// The stack that the user belongs to.
    pub env: &'static TestEnv,
    pub http: reqwest::Client,
    /// The email address.
    pub email: String,
    /// The access token.
    pub token: Option<String>,
    /// The account id.
    pub account_id: String,
}

impl TestUser {
    /// Signs up and sets the password with the mailed code.
    pub async fn sign_up(&self) -> Result<()> {
        self.post("/v1/session/sign-up", &json!({"email": self.email, "terms": terms_version()})).await?.is(202)?;
        let reset = json!({"email": self.email, "code": MAILED_CODE, "password": PASSWORD});
        self.post("/v1/session/reset", &reset).await?.is(204).map(drop)
    }

    /// Signs in, in place of an earlier session.
    pub async fn sign_in(&mut self) -> Result<()> {
        let credentials = json!({"email": self.email, "password": PASSWORD});
        let session = self.post("/v1/session/sign-in", &credentials).await?.is(200)?.json;
        self.token = Some(text(&session, "access_token")?);
        self.account_id = text(&session, "account_id")?;
        Ok(())
    }

    /// Signs in with a code of the second factor, in place of an earlier session, if the code is accepted.
    pub async fn sign_in_with(&mut self, code: &str) -> Result<ApiResponse> {
        let credentials = json!({"email": self.email, "password": PASSWORD, "code": code});
        let response = self.post("/v1/session/sign-in", &credentials).await?;
        if response.status == 200 {
            self.token = Some(text(&response.json, "access_token")?);
        }
        Ok(response)
    }

    /// Has the files follow the plan, so that the sweep of the minute does not do so between two reads of a test.
    pub async fn settle_plan(&self) -> Result<()> {
        let (table, account) = (self.env.table()?, self.account()?);
        while table.plan_change(account).await?.is_some() {
            self.env.sweep(runtime::clock::now()).await?;
        }
        Ok(())
    }

    /// Returns the typed id of the account.
    pub fn account(&self) -> Result<AccountId> {
        Ok(self.account_id.parse()?)
    }

    /// Builds a request with the user's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.env.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends `GET`.
    pub async fn get(&self, path: &str) -> Result<ApiResponse> {
        ApiResponse::read(self.request(Method::GET, path).send().await?).await
    }

    /// Sends `POST` with JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<ApiResponse> {
        ApiResponse::read(self.request(Method::POST, path).json(body).send().await?).await
    }

    /// Sends `PUT` with JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Result<ApiResponse> {
        ApiResponse::read(self.request(Method::PUT, path).json(body).send().await?).await
    }

    /// Sends `PATCH` with JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<ApiResponse> {
        ApiResponse::read(self.request(Method::PATCH, path).json(body).send().await?).await
    }

    /// Sends `DELETE`.
    pub async fn delete(&self, path: &str) -> Result<ApiResponse> {
        ApiResponse::read(self.request(Method::DELETE, path).send().await?).await
    }

    /// Sends `GET` to an absolute link, without a token.
    pub async fn fetch(&self, url: &str) -> Result<ApiResponse> {
        ApiResponse::read(self.http.get(url).send().await?).await
    }

    /// Submits a generation and returns its id.
    pub async fn submit(&self, body: &Value) -> Result<String> {
        text(&self.post("/v1/generations", body).await?.is(202)?.json, "id")
    }

    /// Submits a small image and returns the id of the generation.
    pub async fn image(&self, prompt: &str) -> Result<String> {
        self.submit(&json!({"model": "sketch-image", "prompt": prompt, "width": 320, "height": 320})).await
    }

    /// Generates a small image and returns the generation.
    pub async fn finished_image(&self, prompt: &str) -> Result<Value> {
        let id = self.image(prompt).await?;
        let generation = self.ended(&id).await?;
        ensure!(generation["status"] == "succeeded", "{generation}");
        Ok(generation)
    }

    /// Waits until a generation has ended, and returns it.
    pub async fn ended(&self, id: &str) -> Result<Value> {
        self.eventually(&format!("/v1/generations/{id}"), |generation| {
            !matches!(generation["status"].as_str(), Some("queued" | "running" | "canceling"))
        })
        .await
    }

    /// Waits until the JSON at this path satisfies a condition, and returns it.
    pub async fn eventually(&self, path: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        let started = Instant::now();
        loop {
            let response = self.get(path).await?.is(200)?.json;
            if is(&response) {
                return Ok(response);
            }
            ensure!(started.elapsed() < PATIENCE, "{path} is still {response}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns the credits available and held.
    pub async fn credits(&self) -> Result<(i64, i64)> {
        let account = self.get("/v1/account").await?.is(200)?.json;
        let credits = |name: &str| account["credits"][name].as_i64().context("the account has no credits");
        Ok((credits("available")?, credits("held")?))
    }
}

/// Prints each step of the start.
pub struct PrintedProgress;

impl stack::Progress for PrintedProgress {
    fn step(&mut self, step: &str) {
        eprintln!("{step} ..");
    }

    fn detail(&mut self, _: &str) {}
}

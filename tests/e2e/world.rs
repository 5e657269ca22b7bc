//! The stack under test, the people in it, and what a test may ask behind their back.

use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::{Failed, Trial};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use runtime::{clients::Clients, config::Environment, http::STAFF};
use serde_json::{Value, json};
use stack::{
    Functions, MAILED_CODE, Options, Stack,
    payments::{PaymentKeys, Payments},
};
use store::Table;

use crate::{
    outbound::{Recorder, Recorders, Watch},
    providers,
};

/// How long anything that the stack does by itself may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Where mail to people comes from.
pub const MAIL_FROM: &str = "hello@mail.darkroom.example";
/// The identity of SES that it belongs to.
pub const MAIL_IDENTITY: &str = "mail.darkroom.example";
/// The password of everybody.
pub const PASSWORD: &str = "Correct-horse-7-battery";

/// The stack under test.
pub struct TestEnv {
    stack: Mutex<Option<Stack>>,
    /// Where the API is.
    pub base_url: String,
    /// Where the AWS services are.
    pub endpoint: String,
    /// The base URL of the fake Stripe and PayPal.
    pub fake_payments: String,
    _payments: Payments,
    /// What stands between the functions and everybody who is not AWS.
    pub recorders: Recorders,
    /// What sees where the functions go.
    pub watch: Watch,
    /// The template's outputs.
    pub outputs: BTreeMap<String, String>,
    /// Where the stack keeps what it holds.
    pub folder: PathBuf,
    /// Every AWS call of a function, a line of JSON each.
    pub calls: PathBuf,
    /// Where what items and messages are made of is written down.
    pub shapes: PathBuf,
    environment: Environment,
    people: Mutex<Vec<Known>>,
}

/// Who had an account once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Their address.
    pub email: String,
    /// Their account.
    pub account: String,
}

/// A test: an async function of the world.
pub type Test = fn(&'static TestEnv) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// Makes trials of async functions, named after them.
#[macro_export]
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        /// The tests of this file.
        pub fn trials(worlds: Option<&'static $crate::world::TestEnvs>) -> Vec<libtest_mimic::Trial> {
            let file = module_path!().rsplit("::").next().unwrap_or_default();
            vec![$($crate::world::trial(
                worlds,
                format!("{file}::{}", stringify!($test)),
                |world| Box::pin($test(world)),
            )),*]
        }
    };
}

/// One trial, on a runtime of its own.
pub fn trial(worlds: Option<&'static TestEnvs>, name: String, test: Test) -> Trial {
    Trial::test(name, move || {
        let loan = worlds.ok_or("there is no stack")?.lease()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(test(loan.world)).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// A stack for each test that runs at a time: the same for all of them, or one for each alone.
pub struct TestEnvs(Mutex<Vec<&'static TestEnv>>);

impl TestEnvs {
    /// One entry for each thread.
    pub fn new(worlds: Vec<&'static TestEnv>) -> &'static Self {
        Box::leak(Box::new(Self(Mutex::new(worlds))))
    }

    fn lease(&'static self) -> Result<Lease> {
        let mut free = self.0.lock().map_err(|_| anyhow!("a test panicked with the list of stacks"))?;
        let world = free.pop().context("there are more threads than stacks")?;
        Ok(Lease { world, from: self })
    }
}

/// A stack as long as a test has it.
struct Lease {
    world: &'static TestEnv,
    from: &'static TestEnvs,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Ok(mut free) = self.from.0.lock() {
            free.push(self.world);
        }
    }
}

impl TestEnv {
    /// Brings the stack of the suite up, with nothing in it.
    pub fn start() -> Result<&'static Self> {
        Self::with("e2e", 6, BTreeMap::new())
    }

    /// Brings a stack of its own up, in a folder of this name, with leases of `lease_s` seconds and these variables for
    /// every function.
    pub fn with(name: &str, lease_s: u32, function_environment: BTreeMap<String, String>) -> Result<&'static Self> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let (calls, shapes) = (folder.with_extension("calls.jsonl"), folder.with_extension("shapes.jsonl"));
        let mut options = Options::new(&folder);
        options.fresh = true;
        options.functions = Functions::BuiltByCargo;
        options.function_environment = function_environment;
        options.calls = Some(calls.clone());
        options.shapes = Some(shapes.clone());
        let keys = ["openai", "stability", "replicate", "fal"];
        options.provider_keys = keys.map(|name| (name.to_owned(), format!("key-of-{name}"))).into();
        let stub = providers::stub()?;
        let endpoints = stub.endpoints();
        let recorders = Recorders { providers: stub.recorder, stripe: Recorder::start()?, paypal: Recorder::start()? };
        let payment_endpoints = recorders.payment_endpoints();
        let (lease, visibility) = (lease_s.to_string(), (lease_s + 1).to_string());
        let parameters = [
            ("WelcomeCredits", "40"),
            ("VisibilitySeconds", visibility.as_str()),
            ("LeaseSeconds", lease.as_str()),
            ("NotificationRetrySeconds", "2"),
            ("ErasureRetrySeconds", "3"),
            ("ExportLeaseSeconds", "2"),
            ("ExportRetrySeconds", "3"),
            ("ProviderEndpoints", endpoints.as_str()),
            ("PaymentEndpoints", payment_endpoints.as_str()),
            ("MailFrom", MAIL_FROM),
            ("MailIdentity", MAIL_IDENTITY),
            ("SessionRatePerMinute", "100000"),
            ("AccountsPerNetworkPerDay", "100000"),
            ("RequestsPerSecond", "1000"),
            ("RequestBurst", "1000"),
        ];
        options.parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let payments = Payments::start(0, None, PaymentKeys::default(), &mut options)?;
        recorders.stripe.lead_to(payments.base_url())?;
        recorders.paypal.lead_to(payments.base_url())?;
        let stack = Stack::start(&options, &mut Steps)?;
        payments.deliver_to(&stack);
        // What an earlier run wrote down goes only now that no other run has this folder.
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
        let world = Self {
            base_url: stack.base_url().to_owned(),
            fake_payments: payments.base_url().to_owned(),
            _payments: payments,
            recorders,
            watch: Watch::start(&endpoint),
            outputs: stack.outputs().clone(),
            endpoint,
            folder,
            calls,
            shapes,
            environment,
            people: Mutex::default(),
            stack: Mutex::new(Some(stack)),
        };
        Ok(Box::leak(Box::new(world)))
    }

    /// Takes the stack down.
    pub fn stop(&self) -> Result<()> {
        let stack = self.stack.lock().map_err(|_| anyhow!("a test panicked with the stack"))?.take();
        stack.map_or(Ok(()), Stack::stop)
    }

    /// Clients for a look behind the API. Connections belong to the runtime of the test that opens them.
    pub fn clients(&self) -> Result<Clients> {
        Ok(Clients::new(&self.environment)?)
    }

    /// The table.
    pub fn table(&self) -> Result<Table> {
        Ok(Table::new(self.clients()?.dynamodb().clone(), self.output("TableName")?.to_owned()))
    }

    /// One of the template's outputs.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).with_context(|| format!("the template has no output {name}"))
    }

    /// Somebody who has signed up, confirmed and signed in.
    pub async fn person(&'static self) -> Result<Person> {
        self.person_at(format!("{}@example.com", runtime::clock::uuid_at(runtime::clock::now()).simple())).await
    }

    /// The same, with this address.
    pub async fn person_at(&'static self, email: String) -> Result<Person> {
        let mut person = Person { world: self, http: client()?, email, token: None, account_id: String::new() };
        let credentials = json!({"email": person.email, "password": PASSWORD});
        person.post("/v1/session/sign-up", &credentials).await?.is(202)?;
        let code = json!({"email": person.email, "code": MAILED_CODE});
        person.post("/v1/session/confirm", &code).await?.is(204)?;
        person.sign_in().await?;
        let known = Known { email: person.email.clone(), account: person.account_id.clone() };
        self.people.lock().map_err(|_| anyhow!("a test panicked with the people"))?.push(known);
        Ok(person)
    }

    /// Everybody who had an account once.
    pub fn people(&self) -> Vec<Known> {
        self.people.lock().map(|people| people.clone()).unwrap_or_default()
    }

    /// Somebody of the staff.
    pub async fn staff(&'static self) -> Result<Person> {
        let mut person = self.person().await?;
        let (pool, clients) = (self.output("UserPoolId")?, self.clients()?);
        let group = clients.cognito().admin_add_user_to_group().user_pool_id(pool).group_name(STAFF);
        group.username(&person.email).send().await?;
        // Groups are in the tokens that are given from now on.
        person.sign_in().await?;
        Ok(person)
    }

    /// Somebody without an account.
    pub fn stranger(&'static self) -> Result<Person> {
        Ok(Person { world: self, http: client()?, email: String::new(), token: None, account_id: String::new() })
    }

    /// The deployed name of a function, by its logical id in the template.
    pub async fn function_name(&self, function: &str) -> Result<String> {
        let listed = self.lambda().list_functions().max_items(50).send().await?;
        let mut names = listed.functions().iter().filter_map(|found| found.function_name());
        let name = names.find(|name| name.split('-').any(|part| part == function));
        Ok(name.with_context(|| format!("there is no function {function}"))?.to_owned())
    }

    /// Invokes a function with an event and answers its payload. `function` is its logical id in the template.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let (lambda, name) = (self.lambda(), self.function_name(function).await?);
        let payload = aws_sdk_lambda::primitives::Blob::new(event.to_string());
        let answer = lambda.invoke().function_name(name).payload(payload).send().await?;
        let payload = answer.payload().map(|blob| blob.as_ref().to_vec()).unwrap_or_default();
        ensure!(answer.function_error().is_none(), "{function} failed: {}", String::from_utf8_lossy(&payload));
        Ok(serde_json::from_slice(&payload).unwrap_or(Value::Null))
    }

    /// Sweeps as if it were `now`.
    pub async fn sweep(&self, now: jiff::Timestamp) -> Result<Value> {
        self.invoke("Sweep", &json!({"time": now.to_string()})).await
    }

    /// The texts of the mails that the service sent to an address, the oldest first.
    pub async fn mails(&self, to: &str) -> Result<Vec<String>> {
        let sent = client()?.get(format!("{}/_ministack/ses/messages", self.endpoint)).send().await?;
        let sent = Answer::read(sent).await?.is(200)?.json;
        let all = sent["messages"].as_object().into_iter().flat_map(|accounts| accounts.values());
        let all = all.flat_map(|mails| mails.as_array().into_iter().flatten());
        // The user pool sends some of its own.
        let ours = all.filter(|mail| mail["To"] == json!([to]) && mail["Source"] == MAIL_FROM);
        ours.map(|mail| text(mail, "BodyText")).collect()
    }

    /// A client of Lambda.
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

/// Somebody who uses the API.
pub struct Person {
    /// Where.
    pub world: &'static TestEnv,
    http: reqwest::Client,
    /// Their address.
    pub email: String,
    /// Their access token.
    pub token: Option<String>,
    /// Their account.
    pub account_id: String,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body, as it came.
    pub bytes: Vec<u8>,
    /// The body, if it is JSON.
    pub json: Value,
}

impl Answer {
    /// Reads a response to its end.
    pub async fn read(response: Response) -> Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Self { status, headers, bytes, json })
    }

    /// This answer, if it has this status.
    pub fn is(self, status: u16) -> Result<Self> {
        ensure!(
            self.status.as_u16() == status,
            "expected {status}, got {}: {}",
            self.status,
            String::from_utf8_lossy(&self.bytes)
        );
        Ok(self)
    }

    /// A header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The names of the fields that a problem names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.json.get("errors").and_then(Value::as_array);
        errors.into_iter().flatten().filter_map(|error| error.get("field")?.as_str()).collect()
    }
}

impl Person {
    /// Opens a session, in place of the one before.
    pub async fn sign_in(&mut self) -> Result<()> {
        let credentials = json!({"email": self.email, "password": PASSWORD});
        let session = self.post("/v1/session/sign-in", &credentials).await?.is(200)?.json;
        self.token = Some(text(&session, "access_token")?);
        self.account_id = text(&session, "account_id")?;
        Ok(())
    }

    /// A request with this person's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.world.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        Answer::read(self.request(Method::GET, path).send().await?).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        Answer::read(self.request(Method::POST, path).json(body).send().await?).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        Answer::read(self.request(Method::PUT, path).json(body).send().await?).await
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        Answer::read(self.request(Method::PATCH, path).json(body).send().await?).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        Answer::read(self.request(Method::DELETE, path).send().await?).await
    }

    /// What a link leads to. Links carry their own permission.
    pub async fn fetch(&self, url: &str) -> Result<Answer> {
        Answer::read(self.http.get(url).send().await?).await
    }

    /// Submits and answers the generation's id.
    pub async fn submit(&self, body: &Value) -> Result<String> {
        text(&self.post("/v1/generations", body).await?.is(202)?.json, "id")
    }

    /// Submits a small picture.
    pub async fn picture(&self, prompt: &str) -> Result<String> {
        self.submit(&json!({"model": "sketch-image", "prompt": prompt, "width": 320, "height": 320})).await
    }

    /// A small picture that is there.
    pub async fn finished_picture(&self, prompt: &str) -> Result<Value> {
        let id = self.picture(prompt).await?;
        let generation = self.ended(&id).await?;
        ensure!(generation["status"] == "succeeded", "{generation}");
        Ok(generation)
    }

    /// Waits until a generation has ended.
    pub async fn ended(&self, id: &str) -> Result<Value> {
        self.eventually(&format!("/v1/generations/{id}"), |generation| {
            !matches!(generation["status"].as_str(), Some("queued" | "running"))
        })
        .await
    }

    /// Waits until what is at this path is as it should be.
    pub async fn eventually(&self, path: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let answer = self.get(path).await?.is(200)?.json;
            if is(&answer) {
                return Ok(answer);
            }
            ensure!(begun.elapsed() < PATIENCE, "{path} is still {answer}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Credits available and held.
    pub async fn credits(&self) -> Result<(i64, i64)> {
        let account = self.get("/v1/account").await?.is(200)?.json;
        let credits = |name: &str| account["credits"][name].as_i64().context("the account has no credits");
        Ok((credits("available")?, credits("held")?))
    }
}

/// A text field.
pub fn text(value: &Value, field: &str) -> Result<String> {
    value[field].as_str().map(str::to_owned).with_context(|| format!("no text {field} in {value}"))
}

fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?)
}

/// Says what takes long.
struct Steps;

impl stack::Progress for Steps {
    fn step(&mut self, step: &str) {
        eprintln!("{step} ..");
    }

    fn detail(&mut self, _: &str) {}
}

//! A client of the public API.

use anyhow::{Context, Result, bail};
use reqwest::{Method, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

/// Says what an operator can do without a model for new accounts.
pub(crate) const NO_MODEL: &str = "a new account can use no image model or no video model before it buys credits: add sketch to \
    Providers, or publish settings with \"all\" as models of new accounts";

/// Calls the API, with an access token once it has signed in.
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Account {
    pub(crate) credits: Balance,
}

#[derive(Deserialize)]
pub(crate) struct Balance {
    pub(crate) available: i64,
}

#[derive(Deserialize)]
struct Models {
    models: Vec<Model>,
}

#[derive(Deserialize)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) kind: String,
    needs_purchase: bool,
}

#[derive(Deserialize)]
pub(crate) struct Generation {
    pub(crate) id: String,
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) outputs: Vec<Output>,
    pub(crate) credits: Cost,
    pub(crate) poll_after_s: Option<u64>,
    pub(crate) failure: Option<Value>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
    Canceled,
}

#[derive(Deserialize)]
pub(crate) struct Output {
    pub(crate) file: Media,
}

#[derive(Deserialize)]
pub(crate) struct Media {
    pub(crate) url: String,
    pub(crate) content_type: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

#[derive(Deserialize)]
pub(crate) struct Cost {
    pub(crate) spent: i64,
}

#[derive(Deserialize)]
struct SignedIn {
    access_token: String,
}

/// Holds the texts of a problem (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<InvalidField>,
}

#[derive(Deserialize)]
struct InvalidField {
    field: String,
    rule: String,
}

impl Problem {
    fn reason(&self) -> String {
        let text = self.detail.as_ref().unwrap_or(&self.title).clone();
        let fields = self.errors.iter().map(|InvalidField { field, rule }| format!("{field} {rule}"));
        [text].into_iter().chain(fields).collect::<Vec<_>>().join("; ")
    }
}

/// Whose service it is.
#[derive(Deserialize)]
struct Service {
    terms_version: String,
}

impl Client {
    pub(crate) fn new(base_url: &str) -> Result<Self> {
        let http = reqwest::Client::builder().build()?;
        Ok(Self { http, base_url: base_url.to_owned(), access_token: None })
    }

    /// Signs up, sets the password with the mailed code and signs in.
    pub(crate) async fn sign_up(&mut self, email: &str, password: &str) -> Result<()> {
        let service: Service = self.read("/v1/service").await?;
        self.post("/v1/session/sign-up", &json!({ "email": email, "terms": service.terms_version })).await?;
        let reset = json!({ "email": email, "code": stack::MAILED_CODE, "password": password });
        self.post("/v1/session/reset", &reset).await?;
        self.sign_in(email, password).await
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Result<()> {
        self.open_session(&json!({ "email": email, "password": password })).await
    }

    /// Signs in with a second factor.
    pub(crate) async fn sign_in_with_code(&mut self, email: &str, password: &str, code: &str) -> Result<()> {
        self.open_session(&json!({ "email": email, "password": password, "code": code })).await
    }

    async fn open_session(&mut self, credentials: &Value) -> Result<()> {
        let response = self.post("/v1/session/sign-in", credentials).await?;
        let signed_in: SignedIn = response.json().await.context("the response to the sign-in has no token")?;
        self.access_token = Some(signed_in.access_token);
        Ok(())
    }

    pub(crate) async fn account(&self) -> Result<Account> {
        self.read("/v1/account").await
    }

    /// Returns the first model of this kind (`image` or `video`) that a new account can use. The catalogue lists real providers
    /// before `sketch`.
    pub(crate) async fn model(&self, kind: &str) -> Result<Option<Model>> {
        let Models { models } = self.read("/v1/models").await?;
        Ok(models.into_iter().find(|model| model.kind == kind && !model.needs_purchase))
    }

    /// Returns a model for images and one for videos that a new account can use, if there are both.
    pub(crate) async fn models(&self) -> Result<Option<[Model; 2]>> {
        let (image, video) = (self.model("image").await?, self.model("video").await?);
        Ok(image.zip(video).map(<[Model; 2]>::from))
    }

    /// Has the account deleted with all that belongs to it.
    pub(crate) async fn delete_account(&self, email: &str) -> Result<()> {
        self.post("/v1/privacy/deletion", &json!({ "confirmation": email })).await?;
        Ok(())
    }

    pub(crate) async fn submit(&self, model: &Model, prompt: &str) -> Result<Generation> {
        let response = self.post("/v1/generations", &json!({ "model": model.id, "prompt": prompt })).await?;
        response.json().await.context("the response to the submit is no generation")
    }

    pub(crate) async fn generation(&self, id: &str) -> Result<Generation> {
        self.read(&format!("/v1/generations/{id}")).await
    }

    /// Downloads a file. Its link carries the permission.
    pub(crate) async fn download(&self, url: &str) -> Result<Vec<u8>> {
        let response = self.http.get(url).send().await?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let response = self.call(Method::GET, path, None).await?;
        response.json().await.with_context(|| format!("the response to GET {path} is not as expected"))
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Response> {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base_url));
        if let Some(token) = &self.access_token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("idempotency-key", idempotency_key()).json(body);
        }
        let response = request.send().await.with_context(|| format!("{method} {path} got no response"))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let reason = response.json::<Problem>().await.map(|problem| problem.reason()).unwrap_or_default();
        bail!("{method} {path} was refused with {status}: {reason}");
    }
}

fn idempotency_key() -> String {
    unique().to_string()
}

/// Returns a unique id.
#[expect(clippy::disallowed_methods, reason = "ids are arguments inside the service; a client creates its own")]
pub(crate) fn unique() -> Uuid {
    Uuid::new_v4()
}

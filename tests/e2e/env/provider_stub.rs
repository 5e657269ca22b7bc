//! A server that plays the AI providers.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Cursor, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Condvar, Mutex, OnceLock},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use fake_aws::reports;
use runtime::clock;
use serde_json::{Value, json};

use crate::env::{
    http::{PATIENCE, text},
    recorder::{Recorder, locked},
};

/// In a prompt: Replicate responds that it is busy.
pub const BUSY: &str = "[busy]";

/// In a prompt: the file is held back until the test releases it.
pub const HELD: &str = "[held]";

/// In a prompt: the job waits in the queue of the provider until it is canceled there, for free.
pub const WAITS: &str = "[waits]";

/// In a prompt: its first job fails.
pub const FAILS: &str = "[fails]";

/// A request as received.
#[derive(Clone, Debug)]
pub struct ProviderRequest {
    /// Method and path.
    pub line: String,
    pub headers: String,
    pub body: String,
    /// The prompt of the job.
    pub prompt: String,
    /// When it was received.
    pub at: Instant,
}

impl ProviderRequest {
    pub fn says(&self, text: &str) -> bool {
        self.line.contains(text) || self.headers.contains(text) || self.body.contains(text)
    }
}

/// What a provider sends to the address of a job when it has ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// The address.
    pub url: String,
    /// The provider's id of the report.
    pub id: String,
    pub body: String,
}

impl Report {
    /// Returns the headers with which the provider signs it now.
    pub fn headers(&self) -> Result<Vec<(&'static str, String)>> {
        let now = clock::now();
        if self.url.contains("/webhooks/replicate/") {
            return Ok(reports::replicate_headers(&self.id, &self.body, now).into());
        }
        Ok(reports::fal_headers(&self.id, &self.body, now)?.into())
    }

    /// Sends it, and leaves the response.
    fn send(&self) -> Result<()> {
        let (host, path) = self.url.trim_start_matches("http://").split_once('/').context("no path")?;
        let headers: String = self.headers()?.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = self.body.len();
        let head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n{headers}\r\n"
        );
        let mut connection = TcpStream::connect(host)?;
        connection.write_all(&[head.as_bytes(), self.body.as_bytes()].concat())?;
        connection.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

/// Plays the AI providers. The index of a job in the list is its id.
pub struct ProviderStub {
    /// The recorder in front of it.
    pub recorder: &'static Recorder,
    pub jobs: Mutex<Vec<String>>,
    pub seen: Mutex<Vec<ProviderRequest>>,
    pub released: (Mutex<Vec<String>>, Condvar),
    pub video: OnceLock<Vec<u8>>,
    /// The files to respond with, by their prompts.
    pub files: Mutex<HashMap<String, Vec<u8>>>,
    /// What becomes of models, by the provider's name of each.
    pub fates: Mutex<HashMap<String, ModelFate>>,
    /// The addresses of stacks, by the ids of their APIs.
    pub stacks: Mutex<HashMap<String, String>>,
    /// The reports of the end of jobs, by their prompts.
    pub reports: Mutex<HashMap<String, Report>>,
}

/// What becomes of a model that a provider is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFate {
    /// The provider does not have it.
    Gone,
    /// The provider will end it.
    Deprecated,
    /// The provider ends it on this day.
    ShutsDown(String),
    /// The provider is down when it is asked about it.
    Down,
}

static STUB: OnceLock<ProviderStub> = OnceLock::new();

/// Returns the server; the first call starts it.
pub fn provider_stub() -> Result<&'static ProviderStub> {
    if let Some(stub) = STUB.get() {
        return Ok(stub);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let recorder = Recorder::start()?;
    recorder.lead_to(&listener.local_addr()?.to_string())?;
    let stub = STUB.get_or_init(|| ProviderStub {
        recorder,
        jobs: Mutex::default(),
        seen: Mutex::default(),
        released: Default::default(),
        video: OnceLock::new(),
        files: Mutex::default(),
        fates: Mutex::default(),
        stacks: Mutex::default(),
        reports: Mutex::default(),
    });
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || stub.respond(connection));
        }
    });
    Ok(stub)
}

impl ProviderStub {
    /// Returns the template parameter with the addresses of the providers.
    pub fn endpoints(&self) -> String {
        let url = self.recorder.url();
        json!({"openai": url, "stability": url, "replicate": url, "fal": url}).to_string()
    }

    pub fn about(&self, prompt: &str) -> Vec<ProviderRequest> {
        locked(&self.seen).iter().filter(|asked| asked.prompt == prompt).cloned().collect()
    }

    pub fn release(&self, prompt: &str) {
        locked(&self.released.0).push(prompt.to_owned());
        self.released.1.notify_all();
    }

    pub fn respond(&self, connection: TcpStream) -> Result<()> {
        let mut reader = BufReader::new(&connection);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
        let (mut headers, mut length) = (String::new(), 0);
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            headers.push_str(&header);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();

        let (method, path) = line.split_once(' ').context("no path")?;
        let prompt = self.prompt(path, &body)?;
        let asked = ProviderRequest { line: line.clone(), headers, body, prompt: prompt.clone(), at: Instant::now() };
        locked(&self.seen).push(asked.clone());
        let (status, media_type, content) = self.play(method, path, &prompt)?;
        let head = format!(
            "HTTP/1.1 {status} Played\r\nconnection: close\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
            content.len()
        );
        (&connection).write_all(&[head.as_bytes(), &content].concat())?;
        if let Some(report) = self.report(&asked, &content)? {
            locked(&self.reports).insert(prompt.clone(), report.clone());
            if !prompt.contains(WAITS) {
                report.send()?;
            }
        }
        Ok(())
    }

    /// Has the end of jobs reported to a stack.
    pub fn report_to(&self, api: &str, base_url: &str) {
        locked(&self.stacks).insert(api.to_owned(), base_url.to_owned());
    }

    /// Returns the report of the end of the last job with this prompt. It was sent, unless the job waits.
    pub fn report_about(&self, prompt: &str) -> Option<Report> {
        locked(&self.reports).get(prompt).cloned()
    }

    /// Returns the report about a job that this request started, if it asks for one.
    fn report(&self, asked: &ProviderRequest, response: &[u8]) -> Result<Option<Report>> {
        let (Ok(request), Ok(job)) =
            (serde_json::from_str::<Value>(&asked.body), serde_json::from_slice::<Value>(response))
        else {
            return Ok(None);
        };
        if let (Some(callback), Some(id)) = (request["webhook"].as_str(), job["id"].as_str()) {
            ensure!(request["webhook_events_filter"] == json!(["completed"]), "other reports are asked for: {request}");
            let body = json!({"id": id, "input": request["input"], "status": "succeeded", "output": [], "error": null});
            return Ok(Some(Report { url: self.url_of(callback)?, id: format!("msg_{id}"), body: body.to_string() }));
        }
        let query = asked.line.split_once('?').map(|(_, query)| form_urlencoded::parse(query.as_bytes()));
        let callback = query.into_iter().flatten().find_map(|(name, value)| (name == "fal_webhook").then_some(value));
        let (Some(callback), Some(id)) = (callback, job["request_id"].as_str()) else { return Ok(None) };
        let body = json!({"request_id": id, "gateway_request_id": id, "status": "OK", "payload": {"images": []}});
        Ok(Some(Report { url: self.url_of(&callback)?, id: id.to_owned(), body: body.to_string() }))
    }

    /// Returns where a stack really is that has this address on AWS.
    fn url_of(&self, callback: &str) -> Result<String> {
        let (api, rest) =
            callback.strip_prefix("https://").and_then(|rest| rest.split_once('.')).context("no https address")?;
        let path = rest.split_once('/').map(|(_, path)| path).context("no path")?;
        let base_url = locked(&self.stacks).get(api).cloned().with_context(|| format!("{callback} is of no stack"))?;
        Ok(format!("{base_url}/{path}"))
    }

    /// Returns the prompt of a request, or of the job in its path.
    pub fn prompt(&self, path: &str, body: &str) -> Result<String> {
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            return text(&body["input"], "prompt").or_else(|_| text(&body, "prompt"));
        }
        if is_about_models(path) || path == FAL_KEYS {
            return Ok(String::new());
        }
        // A form (RFC 7578): the value follows the empty line.
        if let Some((_, part)) = body.split_once("name=\"prompt\"") {
            return Ok(part.trim_start().lines().next().unwrap_or_default().to_owned());
        }
        let job = path.split('/').find_map(|part| part.strip_prefix("job-")).context("no job")?;
        locked(&self.jobs).get(job.parse::<usize>()?).cloned().context("an unknown job")
    }

    pub fn play(&self, method: &str, path: &str, prompt: &str) -> Result<(u16, &'static str, Vec<u8>)> {
        let response = |status: u16, body: Value| Ok((status, "application/json", body.to_string().into_bytes()));
        if let Some(model) = path.strip_prefix(FAL_MODELS) {
            return self.fal_model(model);
        }
        let parts: Vec<_> = path.split('/').skip(1).collect();
        match (method, parts.as_slice()) {
            ("POST", ["v1", "images", _]) => {
                response(200, json!({"data": [{"b64_json": BASE64_STANDARD.encode(sample_image()?)}]}))
            }
            ("GET", [".well-known", "jwks.json"]) => response(200, reports::fal_keys()?),
            ("GET", ["v1", "models"]) => response(200, self.openai_models()),
            ("GET", ["v1", "models", owner, name]) => self.replicate_model(owner, name),
            ("POST", ["v2beta", "stable-image", "generate", _]) => Ok((200, "image/png", self.image(prompt)?)),
            ("POST", ["v1", "predictions", job, "cancel"]) => {
                let status = if prompt.contains(WAITS) { "aborted" } else { "canceled" };
                response(200, json!({"id": job, "status": status}))
            }
            ("GET", ["v1", "predictions", job]) if self.is_failing(job, prompt) => {
                response(200, json!({"id": job, "status": "failed", "error": "out of memory"}))
            }
            ("GET", ["fal-ai", .., job, "status"]) if self.is_failing(job, prompt) => {
                response(200, json!({"status": "COMPLETED"}))
            }
            ("GET", ["fal-ai", .., job]) if self.is_failing(job, prompt) => response(500, json!({"detail": "failed"})),
            ("PUT", ["fal-ai", .., "cancel"]) => response(200, json!({"status": "OK"})),
            ("GET", ["v1", "predictions", job]) if prompt.contains(WAITS) => {
                response(200, json!({"id": job, "status": "starting"}))
            }
            ("GET", [.., "status"]) if prompt.contains(WAITS) => response(200, json!({"status": "IN_QUEUE"})),
            ("POST", ["v1", ..]) if prompt.contains(BUSY) => response(503, json!({"detail": "busy"})),
            ("POST", ["v1", ..]) => response(201, json!({"id": self.begin(prompt), "status": "starting"})),
            ("GET", ["v1", "predictions", job]) => {
                response(200, json!({"id": job, "status": "succeeded", "output": [self.file(job)]}))
            }
            ("POST", ["fal-ai", ..]) => response(200, json!({"request_id": self.begin(prompt)})),
            ("GET", [.., "status"]) => response(200, json!({"status": "COMPLETED"})),
            ("GET", ["fal-ai", .., job]) => response(200, json!({"images": [{"url": self.file(job)}]})),
            ("DELETE", ["v1", "models", "requests", _, "payloads"]) => response(200, json!({"cdn_delete_results": []})),
            ("GET", ["files", _]) => {
                if prompt.contains(HELD) {
                    let until = |released: &mut Vec<String>| !released.iter().any(|gone| gone == prompt);
                    let held = self.released.1.wait_timeout_while(locked(&self.released.0), PATIENCE, until);
                    drop(held);
                }
                let video = || self.video.get().filter(|_| prompt.contains("video")).cloned();
                let file = locked(&self.files).get(prompt).cloned();
                match file.or_else(video) {
                    Some(video) => Ok((200, "video/mp4", video)),
                    None => Ok((200, "image/png", sample_image()?)),
                }
            }
            _ => response(404, json!({"detail": "not found"})),
        }
    }

    /// Responds with this file to a request with this prompt: an image of Stability, or a video of another provider.
    pub fn respond_with(&self, prompt: &str, file: Vec<u8>) {
        locked(&self.files).insert(prompt.to_owned(), file);
    }

    fn image(&self, prompt: &str) -> Result<Vec<u8>> {
        locked(&self.files).get(prompt).cloned().map_or_else(sample_image, Ok)
    }

    fn is_failing(&self, job: &str, prompt: &str) -> bool {
        let first = locked(&self.jobs).iter().position(|other| other == prompt);
        prompt.contains(FAILS) && first.is_some_and(|first| job == format!("job-{first}"))
    }

    /// Has this become of a model of a provider.
    pub fn decide(&self, model: &str, fate: ModelFate) {
        locked(&self.fates).insert(model.to_owned(), fate);
    }

    /// Returns what providers were asked about their models.
    pub fn asked_about_models(&self) -> Vec<String> {
        let lines = locked(&self.seen).iter().map(|asked| asked.line.clone()).collect::<Vec<_>>();
        lines.into_iter().filter(|line| line.strip_prefix("GET ").is_some_and(is_about_models)).collect()
    }

    fn fate(&self, model: &str) -> Option<ModelFate> {
        locked(&self.fates).get(model).cloned()
    }

    /// OpenAI lists the models that it has.
    fn openai_models(&self) -> Value {
        let offers = domain::catalogue::compiled().models.iter().flat_map(|model| &model.offers);
        let models = offers.filter(|offer| offer.provider == "openai").map(|offer| offer.model.as_str());
        let models = models.filter(|model| self.fate(model) != Some(ModelFate::Gone)).map(|id| {
            let day = match self.fate(id) {
                Some(ModelFate::ShutsDown(day)) => Some(day),
                _ => None,
            };
            json!({"id": id, "object": "model", "created": 1_686_935_002, "owned_by": "system", "shutdown_date": day})
        });
        json!({"object": "list", "data": models.collect::<Vec<_>>()})
    }

    fn replicate_model(&self, owner: &str, name: &str) -> Result<(u16, &'static str, Vec<u8>)> {
        let (status, body) = match self.fate(&format!("{owner}/{name}")) {
            Some(ModelFate::Gone) => (404, json!({"detail": "Not found."})),
            Some(ModelFate::Down) => (503, json!({"detail": "busy"})),
            _ => (200, json!({"owner": owner, "name": name, "visibility": "public", "latest_version": {"id": "5c7d"}})),
        };
        Ok((status, "application/json", body.to_string().into_bytes()))
    }

    fn fal_model(&self, model: &str) -> Result<(u16, &'static str, Vec<u8>)> {
        let status = match self.fate(model) {
            Some(ModelFate::Deprecated) => "deprecated",
            _ => "active",
        };
        let found = json!({"endpoint_id": model, "metadata": {"display_name": model, "status": status}});
        let body = json!({"models": [found], "next_cursor": null, "has_more": false});
        Ok((200, "application/json", body.to_string().into_bytes()))
    }

    pub fn begin(&self, prompt: &str) -> String {
        let mut jobs = locked(&self.jobs);
        jobs.push(prompt.to_owned());
        format!("job-{}", jobs.len() - 1)
    }

    pub fn file(&self, job: &str) -> String {
        format!("{}/files/{job}", self.recorder.url())
    }
}

/// The path at which fal is asked about a model, without its name.
const FAL_MODELS: &str = "/v1/models?endpoint_id=";

/// The path of the keys that fal signs with.
const FAL_KEYS: &str = "/.well-known/jwks.json";

/// Says whether a provider is asked about its models at this path, which names no job.
fn is_about_models(path: &str) -> bool {
    path == "/v1/models"
        || path.starts_with(FAL_MODELS)
        || path.strip_prefix("/v1/models/").is_some_and(|model| model.split('/').count() == 2)
}

fn sample_image() -> Result<Vec<u8>> {
    let mut png = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(1024, 1024, image::Rgb([90, 60, 30])).write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}

//! Providers with a key, played by a server of ours: what is asked of them and in which order, what it costs, and what they
//! never learn.

use std::{
    io::{BufRead, BufReader, Cursor, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    erasure,
    outbound::Recorder,
    tests,
    world::{Answer, PATIENCE, Person, TestEnv, text},
};

tests![
    p24_p26_when_a_provider_stays_busy_the_next_one_makes_it_and_it_is_paid_for_once,
    a_picture_that_comes_after_its_end_is_dropped,
    a_film_that_comes_after_its_end_is_dropped,
];

/// In a prompt: replicate has no time for it.
const BUSY: &str = "[busy]";
/// In a prompt: the file is held back until the test lets it go.
const HELD: &str = "[held]";

async fn p24_p26_when_a_provider_stays_busy_the_next_one_makes_it_and_it_is_paid_for_once(
    world: &'static TestEnv,
) -> Result<()> {
    let ada = world.person().await?;
    let prompt = format!("{BUSY} a lighthouse for {}", ada.account_id.split('-').next().unwrap_or_default());
    let request = ada.request(Method::POST, "/v1/generations").header(header::USER_AGENT, "canary-agent/9");
    let request = request.header("x-forwarded-for", "203.0.113.77");
    let body = json!({"model": "flux-schnell", "prompt": prompt, "seed": 7});
    let id = text(&Answer::read(request.json(&body).send().await?).await?.is(202)?.json, "id")?;
    let generation = ada.ended(&id).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    ada.fetch(&text(&generation["media"][0], "url")?).await?.is(200)?;
    ensure!(ada.credits().await? == (38, 0));
    let statement = ada.get("/v1/account/statement").await?.is(200)?.json;
    ensure!(statement["entries"].as_array().is_some_and(|entries| entries.len() == 3), "{statement}");

    let seen = stub()?.about(&prompt);
    let paths: Vec<_> = seen.iter().map(|asked| asked.line.as_str()).collect();
    let (tries, rest) = paths.split_at(3);
    ensure!(
        tries.iter().all(|line| *line == "POST /v1/models/black-forest-labs/flux-schnell/predictions"),
        "{paths:?}"
    );
    ensure!(rest.first() == Some(&"POST /fal-ai/flux/schnell") && rest.len() == 4, "{paths:?}");
    ensure!(seen[0].says("authorization: Bearer key-of-replicate"), "{:?}", seen[0]);
    ensure!(seen[3].says("authorization: Key key-of-fal") && seen[3].says(&prompt), "{:?}", seen[3]);
    ensure!(!seen[6].says("key-of"), "a key was sent to where files are: {:?}", seen[6]);
    for asked in &seen {
        for canary in [ada.account_id.as_str(), &id, &ada.email, "canary-agent", "203.0.113.77", "x-forwarded"] {
            ensure!(!asked.says(canary), "a provider learns {canary}: {asked:?}");
        }
    }

    // Who is erased is erased there too.
    let receipt = erasure::erased(world, &erasure::ask(&ada).await?).await?;
    ensure!(receipt["provider_copies_left"] == 0, "{receipt}");
    let forgotten = stub()?.about(&prompt).pop().context("the provider was not asked")?;
    ensure!(
        forgotten.line.starts_with("DELETE /v1/models/requests/job-") && forgotten.line.ends_with("/payloads"),
        "{forgotten:?}"
    );
    Ok(())
}

async fn a_picture_that_comes_after_its_end_is_dropped(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    comes_late(&ada, &json!({"model": "flux-schnell"})).await
}

async fn a_film_that_comes_after_its_end_is_dropped(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let film = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    let film = bob.ended(&bob.submit(&film).await?).await?;
    let film = bob.fetch(&text(&film["media"][0], "url")?).await?.is(200)?.bytes;
    let _ = stub()?.film.set(film);
    comes_late(&ada, &json!({"model": "wan-video"})).await
}

/// Cancels while the provider sends the file: the credits come back, and the file goes.
async fn comes_late(ada: &Person, body: &Value) -> Result<()> {
    let (world, stub) = (ada.world, stub()?);
    let prompt = format!("{HELD} {}", body["model"]);
    let mut body = body.clone();
    body["prompt"] = prompt.clone().into();
    let before = ada.credits().await?;
    let id = ada.submit(&body).await?;
    let begun = Instant::now();
    let fetched = |stub: &Stub| stub.about(&prompt).iter().any(|asked| asked.line.starts_with("GET /files/"));
    while !fetched(stub) {
        ensure!(begun.elapsed() < PATIENCE, "nobody fetched it: {:?}", stub.about(&prompt));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stored = world.table()?.generation(ada.account_id.parse()?, id.parse()?).await?.context("it is gone")?;
    let job = stored.provider_job.context("the job was not kept before it was waited for")?;
    ensure!(job.provider == "replicate" && job.id.contains("job-"), "{job:?}");
    Answer::read(ada.request(Method::POST, &format!("/v1/generations/{id}/cancel")).send().await?).await?.is(200)?;
    stub.let_go(&prompt);

    // The worker is done with it when its files have come and gone.
    let prefix = format!("accounts/{}/generations/{id}/", ada.account_id);
    let calls = || Ok::<_, anyhow::Error>(std::fs::read_to_string(&world.calls)?);
    let removed = |calls: &str| {
        let mut lines = calls.lines();
        lines.any(|line| line.contains(&prefix) && line.contains("s3:DeleteObject"))
    };
    while !removed(&calls()?) {
        ensure!(begun.elapsed() < PATIENCE, "the files were never removed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let bucket = world.output("BucketName")?;
    let clients = world.clients()?;
    loop {
        let left = clients.s3().list_object_versions().bucket(bucket).prefix(&prefix).send().await?;
        if left.versions().is_empty() && left.delete_markers().is_empty() {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "files are left: {left:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let generation = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    ensure!(generation["status"] == "canceled" && generation["media"] == json!([]), "{generation}");
    ensure!(ada.credits().await? == before, "canceled, and paid for");
    Ok(())
}

/// A request as it came.
#[derive(Clone, Debug)]
struct Asked {
    /// Method and path.
    line: String,
    headers: String,
    body: String,
    /// The prompt that it is about.
    prompt: String,
}

impl Asked {
    fn says(&self, text: &str) -> bool {
        self.line.contains(text) || self.headers.contains(text) || self.body.contains(text)
    }
}

/// The providers, as far as pictures and films need them. A job's place in the list is its id.
pub struct Stub {
    /// Stands in front of it.
    pub recorder: &'static Recorder,
    jobs: Mutex<Vec<String>>,
    seen: Mutex<Vec<Asked>>,
    let_go: (Mutex<Vec<String>>, Condvar),
    film: OnceLock<Vec<u8>>,
}

static STUB: OnceLock<Stub> = OnceLock::new();

/// The server; the first call starts it.
pub fn stub() -> Result<&'static Stub> {
    if let Some(stub) = STUB.get() {
        return Ok(stub);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let recorder = Recorder::start()?;
    recorder.lead_to(&listener.local_addr()?.to_string())?;
    let stub = STUB.get_or_init(|| Stub {
        recorder,
        jobs: Mutex::default(),
        seen: Mutex::default(),
        let_go: Default::default(),
        film: OnceLock::new(),
    });
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || stub.answer(connection));
        }
    });
    Ok(stub)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stub {
    /// The template's parameter with the addresses of the providers.
    pub fn endpoints(&self) -> String {
        let url = self.recorder.url();
        json!({"openai": url, "stability": url, "replicate": url, "fal": url}).to_string()
    }

    fn about(&self, prompt: &str) -> Vec<Asked> {
        locked(&self.seen).iter().filter(|asked| asked.prompt == prompt).cloned().collect()
    }

    fn let_go(&self, prompt: &str) {
        locked(&self.let_go.0).push(prompt.to_owned());
        self.let_go.1.notify_all();
    }

    fn answer(&self, connection: TcpStream) -> Result<()> {
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
        locked(&self.seen).push(Asked { line: line.clone(), headers, body, prompt: prompt.clone() });
        let (status, media_type, content) = self.play(method, path, &prompt)?;
        let head = format!(
            "HTTP/1.1 {status} Played\r\nconnection: close\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
            content.len()
        );
        (&connection).write_all(&[head.as_bytes(), &content].concat())?;
        Ok(())
    }

    /// Of the request itself, or of the job in its path.
    fn prompt(&self, path: &str, body: &str) -> Result<String> {
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            return text(&body["input"], "prompt").or_else(|_| text(&body, "prompt"));
        }
        // A form (RFC 7578): the value is what follows the empty line, up to the end of its own.
        if let Some((_, part)) = body.split_once("name=\"prompt\"") {
            return Ok(part.trim_start().lines().next().unwrap_or_default().to_owned());
        }
        let job = path.split('/').find_map(|part| part.strip_prefix("job-")).context("no job")?;
        locked(&self.jobs).get(job.parse::<usize>()?).cloned().context("an unknown job")
    }

    fn play(&self, method: &str, path: &str, prompt: &str) -> Result<(u16, &'static str, Vec<u8>)> {
        let answer = |status: u16, body: Value| Ok((status, "application/json", body.to_string().into_bytes()));
        let parts: Vec<_> = path.split('/').skip(1).collect();
        match (method, parts.as_slice()) {
            ("POST", ["v1", "images", _]) => {
                answer(200, json!({"data": [{"b64_json": BASE64_STANDARD.encode(picture()?)}]}))
            }
            ("POST", ["v2beta", "stable-image", "generate", _]) => Ok((200, "image/png", picture()?)),
            ("POST", ["v1", ..]) if prompt.contains(BUSY) => answer(503, json!({"detail": "busy"})),
            ("POST", ["v1", ..]) => answer(201, json!({"id": self.begin(prompt), "status": "starting"})),
            ("GET", ["v1", "predictions", job]) => {
                answer(200, json!({"id": job, "status": "succeeded", "output": [self.file(job)]}))
            }
            ("POST", ["fal-ai", ..]) => answer(200, json!({"request_id": self.begin(prompt)})),
            ("GET", [.., "status"]) => answer(200, json!({"status": "COMPLETED"})),
            ("GET", ["fal-ai", .., job]) => answer(200, json!({"images": [{"url": self.file(job)}]})),
            ("DELETE", ["v1", "models", "requests", _, "payloads"]) => answer(200, json!({"cdn_delete_results": []})),
            ("GET", ["files", _]) => {
                if prompt.contains(HELD) {
                    let until = |let_go: &mut Vec<String>| !let_go.iter().any(|gone| gone == prompt);
                    let held = self.let_go.1.wait_timeout_while(locked(&self.let_go.0), PATIENCE, until);
                    drop(held);
                }
                match self.film.get().filter(|_| prompt.contains("video")) {
                    Some(film) => Ok((200, "video/mp4", film.clone())),
                    None => Ok((200, "image/png", picture()?)),
                }
            }
            _ => answer(404, json!({"detail": "not found"})),
        }
    }

    fn begin(&self, prompt: &str) -> String {
        let mut jobs = locked(&self.jobs);
        jobs.push(prompt.to_owned());
        format!("job-{}", jobs.len() - 1)
    }

    fn file(&self, job: &str) -> String {
        format!("{}/files/{job}", self.recorder.url())
    }
}

fn picture() -> Result<Vec<u8>> {
    let mut png = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(1024, 1024, image::Rgb([90, 60, 30])).write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}

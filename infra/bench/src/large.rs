//! A fake AWS with an account of any size: items and files are generated when they are read, and of the archive only the size
//! is kept, unless it is written to a file. So the memory that an export needs can be measured on any machine.

use std::{collections::BTreeMap, fs::File, io::Write as _, path::Path, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::catalogue::models::MediaKind;
use fake_aws::{aws::Aws, seed};
use http::{
    HeaderMap, Method, StatusCode, Uri,
    header::{CONTENT_TYPE, ETAG, RANGE},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::function::Function;

/// Generations on a page of items: about a megabyte.
const ITEMS_A_PAGE: u64 = 600;
/// Files on a page of the list of the bucket.
const FILES_A_PAGE: u64 = 1000;
const NOISE_BYTES: usize = 1 << 20;
/// The time of an invocation that the function reserves for handing over to the next one.
const KEPT_BACK: SignedDuration = SignedDuration::from_secs(45);
/// The time of the first generation, in milliseconds. Each of the others is a second later.
const FIRST_MS: u64 = 1_790_000_000_000;

/// The size of an account.
#[derive(Clone, Copy, Debug)]
pub struct Holdings {
    /// The number of generations, each with one image.
    pub generations: u64,
    /// The size of each image, in bytes.
    pub image_bytes: u64,
}

/// The fake AWS.
pub struct Large {
    /// Its address.
    pub aws: Aws,
    world: Arc<Mutex<World>>,
}

struct World {
    holdings: Holdings,
    account: Value,
    generation: Value,
    export: Value,
    noise: Bytes,
    kept: BTreeMap<String, Bytes>,
    archive: Option<File>,
    parts: u32,
}

impl Large {
    /// Starts it on a free port. Writes the archive to `archive`, if that is given.
    ///
    /// # Errors
    /// No port is free, or the file cannot be written.
    pub async fn start(holdings: Holdings, archive: Option<&Path>) -> Result<Self> {
        let items = seed::aws(MediaKind::Image).await?.items().await;
        let find = |start: &str| {
            let found = items.iter().find(|item| text(item, "/sk/S").is_some_and(|sk| sk.starts_with(start)));
            found.cloned().with_context(|| format!("no {start} in the seed"))
        };
        let world = Arc::new(Mutex::new(World {
            holdings,
            account: find("ACCOUNT")?,
            generation: find("GENERATION#")?,
            export: find("EXPORT#")?,
            noise: noise(),
            kept: BTreeMap::new(),
            archive: archive.map(File::create).transpose()?,
            parts: 0,
        }));
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(world.clone());
        Ok(Self { aws: Aws::serving(router).await?, world })
    }

    /// Invokes the function until the archive is ready. Each invocation has `allowed` more time than the one before; the first
    /// has that and the reserved time. Returns the number of invocations and the size of the archive in bytes.
    ///
    /// # Errors
    /// An invocation fails, or builds no archive.
    pub async fn export(&self, function: &mut Function, allowed: Option<SignedDuration>) -> Result<(i32, u64)> {
        let event = std::fs::read(stack::workspace().join("events/export-archive/asked.json"))?;
        for invocation in 1.. {
            if let Some(allowed) = allowed {
                function.allow(KEPT_BACK + allowed * invocation).await;
            }
            function.invoke(event.clone().into()).await?;
            match self.state().await {
                (status, Some(bytes)) if status == "ready" => return Ok((invocation, bytes.parse()?)),
                (status, _) => ensure!(status == "building", "the archive is {status}"),
            }
        }
        bail!("the archive is never ready")
    }

    /// Returns the status of the export, and the size of its archive once it is ready.
    async fn state(&self) -> (String, Option<String>) {
        let export = &self.world.lock().await.export;
        let bytes = text(export, "/state/M/bytes/N").map(str::to_owned);
        (text(export, "/state/M/status/S").unwrap_or_default().to_owned(), bytes)
    }

    /// Returns the number of uploaded parts, repeats included.
    pub async fn parts(&self) -> u32 {
        self.world.lock().await.parts
    }
}

/// Returns bytes that do not compress, like those of an image.
fn noise() -> Bytes {
    let mut state = 7_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).unwrap_or(0)
    };
    (0..NOISE_BYTES).map(next).collect::<Vec<_>>().into()
}

async fn answer(
    State(world): State<Arc<Mutex<World>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = world.lock().await;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match header("x-amz-target").and_then(|target| target.rsplit_once('.')) {
        Some((_, operation)) => {
            let answer = world.call(operation, &serde_json::from_slice(&body).unwrap_or_default());
            ([(CONTENT_TYPE, "application/x-amz-json-1.0")], answer.to_string()).into_response()
        }
        None => match world.file(&method, &uri, header(RANGE.as_str()), body) {
            Ok(response) => response,
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        },
    }
}

impl World {
    fn call(&mut self, operation: &str, body: &Value) -> Value {
        let partition = body.pointer("/ExpressionAttributeValues/:pk/S").and_then(Value::as_str).unwrap_or_default();
        match operation {
            "GetItem" if body.pointer("/Key/sk") == self.export.get("sk") => json!({ "Item": self.export }),
            "TransactWriteItems" => {
                let put = body.pointer("/TransactItems/0/Put/Item");
                if let Some(item) = put.filter(|item| item.get("sk") == self.export.get("sk")) {
                    self.export = item.clone();
                }
                json!({})
            }
            // No version of a document is published.
            "Query" if partition.starts_with("DOCUMENT#") => json!({ "Count": 0, "Items": [] }),
            "Query" => self.page(body.pointer("/ExclusiveStartKey/sk/S").and_then(Value::as_str)),
            _ => json!({}),
        }
    }

    /// Returns a page of items: the account, then the generations. A sort key ends with the id, which contains the number.
    fn page(&self, after: Option<&str>) -> Value {
        let first = after.and_then(number_of).map_or(0, |last| last + 1);
        let last = self.holdings.generations.min(first + ITEMS_A_PAGE);
        let mut items: Vec<_> = if first == 0 { vec![self.account.clone()] } else { Vec::new() };
        items.extend((first..last).map(|number| self.generation(number)));
        if last == self.holdings.generations {
            return json!({ "Count": items.len(), "Items": items });
        }
        let sk = format!("GENERATION#{}", id(last - 1));
        let next = json!({ "pk": self.account.get("pk"), "sk": { "S": sk } });
        json!({ "Count": items.len(), "Items": items, "LastEvaluatedKey": next })
    }

    fn generation(&self, number: u64) -> Value {
        let (mut item, id) = (self.generation.clone(), id(number));
        for (place, value) in [
            ("/sk/S", format!("GENERATION#{id}")),
            ("/id/S", id),
            ("/media/L/0/M/key/S", self.key(number)),
            ("/media/L/0/M/thumbnail_key/S", self.key(number)),
            ("/media/L/0/M/bytes/N", self.holdings.image_bytes.to_string()),
        ] {
            if let Some(place) = item.pointer_mut(place) {
                *place = value.into();
            }
        }
        item
    }

    fn key(&self, number: u64) -> String {
        format!("{}generations/{}/0.png", self.prefix(), id(number))
    }

    fn prefix(&self) -> String {
        format!("accounts/{}/", text(&self.account, "/id/S").unwrap_or_default())
    }

    fn file(&mut self, method: &Method, uri: &Uri, range: Option<&str>, body: Bytes) -> Result<Response> {
        let query: BTreeMap<_, _> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
        let key = uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, key)| key).to_owned();
        let asks = |name: &str| query.contains_key(name);
        Ok(match method.as_str() {
            "PUT" if asks("uploadId") => {
                self.parts += 1;
                if let Some(archive) = &mut self.archive {
                    archive.write_all(&body)?;
                }
                [(ETAG, "\"0\"")].into_response()
            }
            "PUT" => {
                self.kept.insert(key, body);
                [(ETAG, "\"0\"")].into_response()
            }
            "POST" if asks("uploads") => {
                "<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>"
                    .into_response()
            }
            "POST" if asks("uploadId") => {
                "<CompleteMultipartUploadResult><ETag>0</ETag></CompleteMultipartUploadResult>".into_response()
            }
            "POST" => {
                self.kept.clear();
                "<DeleteResult/>".into_response()
            }
            "GET" if asks("uploads") => "<ListMultipartUploadsResult/>".into_response(),
            "GET" if asks("uploadId") => {
                let part = |number: u32| format!("<Part><PartNumber>{number}</PartNumber><ETag>\"0\"</ETag></Part>");
                let parts: String = (1..=self.parts).map(part).collect();
                format!("<ListPartsResult>{parts}</ListPartsResult>").into_response()
            }
            "GET" if asks("list-type") => self.list(query.get("start-after").map(AsRef::as_ref)).into_response(),
            "GET" if asks("prefix") => {
                let version = |key: &String| format!("<Version><Key>{key}</Key><VersionId>1</VersionId></Version>");
                let versions: String = self.kept.keys().map(version).collect();
                format!("<ListVersionsResult>{versions}</ListVersionsResult>").into_response()
            }
            "GET" => match (self.kept.get(&key), range) {
                (Some(bytes), _) => bytes.clone().into_response(),
                (None, Some(range)) => self.picture(range).context("a range that is not understood")?,
                (None, None) => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
            },
            _ => StatusCode::NOT_IMPLEMENTED.into_response(),
        })
    }

    fn list(&self, after: Option<&str>) -> String {
        let first = after.and_then(|key| number_of(key.split('/').nth(3)?)).map_or(0, |last| last + 1);
        let last = self.holdings.generations.min(first + FILES_A_PAGE);
        let contents = (first..last).map(|number| {
            let (key, size) = (self.key(number), self.holdings.image_bytes);
            format!(
                "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>0</ETag>\
                <LastModified>2026-11-22T23:00:00.000Z</LastModified></Contents>"
            )
        });
        let more = last < self.holdings.generations;
        let contents: String = contents.collect();
        format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>{contents}</ListBucketResult>")
    }

    /// `bytes=0-4194303` of a picture.
    fn picture(&self, range: &str) -> Option<Response> {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        let mut bytes = Vec::with_capacity(last + 1 - first);
        while first + bytes.len() <= last {
            let from = (first + bytes.len()) % NOISE_BYTES;
            let most = (last + 1 - first - bytes.len()).min(NOISE_BYTES - from);
            bytes.extend_from_slice(self.noise.get(from..from + most)?);
        }
        Some((StatusCode::PARTIAL_CONTENT, bytes).into_response())
    }
}

fn text<'a>(item: &'a Value, place: &str) -> Option<&'a str> {
    item.pointer(place)?.as_str()
}

/// The id of a generation: a UUIDv7, so that they sort by number.
fn id(number: u64) -> String {
    let time = FIRST_MS + 1000 * number;
    format!("{:08x}-{:04x}-7000-8000-000000000000", time >> 16, time & 0xffff)
}

fn number_of(text: &str) -> Option<u64> {
    let id = text.rsplit('#').next()?;
    let time = u64::from_str_radix(&format!("{}{}", id.get(..8)?, id.get(9..13)?), 16).ok()?;
    Some(time.checked_sub(FIRST_MS)? / 1000)
}

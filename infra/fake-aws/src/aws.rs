//! A fake AWS, over HTTP and over TLS: the calls of DynamoDB, S3, SQS, Secrets Manager, KMS and Cognito that the functions make.
//! It keeps what is written, and checks no conditions: every write succeeds. After [`Aws::freeze`] writes change nothing, so that
//! every event finds the same state.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::signing::Key;
use crate::tls::Tls;
use crate::{payments, reports};

/// The application key.
pub const APP_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The services that have an address of their own, each with the variable that holds it, and their name in `X-Amz-Target`. S3, and
/// whatever else is called, has the address of all others.
const SERVICES: [(&str, &str); 5] = [
    ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "AWSCognitoIdentityProviderService"),
    ("AWS_ENDPOINT_URL_DYNAMODB", "DynamoDB_20120810"),
    ("AWS_ENDPOINT_URL_KMS", "TrentService"),
    ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "secretsmanager"),
    ("AWS_ENDPOINT_URL_SQS", "AmazonSQS"),
];

const ANY: &str = "any";

const UPLOAD: &str = "<UploadId>upload</UploadId>";

/// The fake AWS. It serves until the runtime ends.
///
/// Each service has an address of its own, as on AWS: a connection to one is of no use for another.
pub struct Aws {
    endpoint: String,
    endpoints: Vec<(&'static str, String)>,
    roots: Option<PathBuf>,
    account: String,
    connections: Arc<AtomicUsize>,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    account: String,
    items: Vec<Value>,
    objects: BTreeMap<String, Bytes>,
    /// What was put, by path with the bucket. It is not there to be read.
    written: BTreeMap<String, Bytes>,
    played: BTreeMap<String, Value>,
    /// The keys of the bucket that answer with a status only.
    failing: BTreeMap<String, StatusCode>,
    frozen: bool,
    calls: Vec<String>,
    messages: Vec<Value>,
    services: Vec<&'static str>,
    busy: Duration,
    held: BTreeMap<String, String>,
}

impl Aws {
    /// Starts it, empty, on free ports. Every sign-in is of `account`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(account: &str) -> Result<Self> {
        let world = Arc::new(Mutex::new(World { account: account.to_owned(), ..World::default() }));
        let connections = Arc::default();
        let (endpoint, endpoints) = serve_all(&world, &connections, None).await?;
        Ok(Self { endpoint, endpoints, roots: None, account: account.to_owned(), connections, world })
    }

    /// Starts a fake AWS with these routes on a free port, which is the address of all services.
    ///
    /// # Errors
    /// No port is free.
    pub async fn serving(router: Router) -> Result<Self> {
        let (connections, world) = (Arc::default(), Arc::default());
        let endpoint = serve(router, &connections, None).await?;
        Ok(Self { endpoint, endpoints: Vec::new(), roots: None, account: String::new(), connections, world })
    }

    /// Returns the items of the table.
    pub async fn items(&self) -> Vec<Value> {
        self.world.lock().await.items.clone()
    }

    /// Serves over TLS from now on.
    ///
    /// # Errors
    /// No port is free.
    pub async fn over_tls(mut self, tls: &Tls) -> Result<Self> {
        (self.endpoint, self.endpoints) = serve_all(&self.world, &self.connections, Some(tls)).await?;
        self.roots = Some(tls.roots().to_owned());
        Ok(self)
    }

    /// Returns the base URL, which answers for every service.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the base URLs of the services that have one of their own, each with the variable that holds it.
    #[must_use]
    pub fn endpoints(&self) -> &[(&'static str, String)] {
        &self.endpoints
    }

    /// Returns the file with the root certificates to trust, if it serves over TLS.
    #[must_use]
    pub fn roots(&self) -> Option<&Path> {
        self.roots.as_deref()
    }

    /// Returns the account that signs in.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Writes an item of the table, in the JSON of DynamoDB.
    pub async fn put_item(&self, item: &Value) {
        self.world.lock().await.keep(item);
    }

    /// Writes a file to the bucket.
    pub async fn put_object(&self, key: String, bytes: Vec<u8>) {
        let mut world = self.world.lock().await;
        world.failing.remove(&key);
        world.objects.insert(key, bytes.into());
    }

    /// Answers calls about this key of the bucket with this status, until a file is put there.
    pub async fn fail_object(&self, key: String, status: StatusCode) {
        self.world.lock().await.failing.insert(key, status);
    }

    /// Returns what was put under a key of the bucket.
    pub async fn written(&self, key: &str) -> Option<Vec<u8>> {
        self.world.lock().await.written.get(&format!("/bucket/{key}")).map(|bytes| bytes.to_vec())
    }

    /// Returns the messages that were sent since the last call of this function, as SQS gets them.
    pub async fn take_messages(&self) -> Vec<Value> {
        std::mem::take(&mut self.world.lock().await.messages)
    }

    /// Answers every further call of an operation with this response, and changes nothing. A response with a `__type` is the
    /// error of that name.
    pub async fn play(&self, operation: &str, response: Value) {
        self.world.lock().await.played.insert(operation.to_owned(), response);
    }

    /// Answers a call of one of these two operations once the other was called too. Functions that call one after the other
    /// wait for ever.
    pub async fn hold_for_each_other(&self, one: &str, other: &str) {
        let held = &mut self.world.lock().await.held;
        held.insert(one.to_owned(), other.to_owned());
        held.insert(other.to_owned(), one.to_owned());
    }

    /// Keeps the state as it is from now on, and forgets the calls until now.
    pub async fn freeze(&self) {
        let mut world = self.world.lock().await;
        world.frozen = true;
        world.calls.clear();
        world.services.clear();
    }

    /// Returns the total time between receiving the end of a request and having its response.
    pub async fn busy(&self) -> Duration {
        self.world.lock().await.busy
    }

    /// Returns the number of connections that were opened so far. Over TLS each is a handshake.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    /// Returns the service whose address was called, for each call since [`Aws::freeze`], in order; `any` for that of all others.
    pub async fn services(&self) -> Vec<&'static str> {
        self.world.lock().await.services.clone()
    }

    /// Returns the operations that were called since the last call of this function.
    pub async fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().await.calls)
    }
}

/// Serves on free ports: returns the base URL for every service, and those of single ones.
async fn serve_all(
    world: &Arc<Mutex<World>>,
    connections: &Arc<AtomicUsize>,
    tls: Option<&Tls>,
) -> Result<(String, Vec<(&'static str, String)>)> {
    let router = |service| {
        Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state((world.clone(), service))
    };
    let mut endpoints = Vec::new();
    for (variable, service) in SERVICES {
        endpoints.push((variable, serve(router(service), connections, tls).await?));
    }
    Ok((serve(router(ANY), connections, tls).await?, endpoints))
}

/// Serves these routes on a free port, and returns its base URL. Adds to the number of connections.
async fn serve(router: Router, connections: &Arc<AtomicUsize>, tls: Option<&Tls>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let connections = Arc::clone(connections);
    let Some(tls) = tls else {
        let listener = listener.tap_io(move |_| {
            connections.fetch_add(1, Relaxed);
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        return Ok(format!("http://{address}"));
    };
    let listener = tls.listen(listener).tap_io(move |_| {
        connections.fetch_add(1, Relaxed);
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("https://{address}"))
}

async fn answer(
    State((state, service)): State<(Arc<Mutex<World>>, &'static str)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let began = Instant::now();
    let mut world = state.lock().await;
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let target = target.and_then(|target| target.rsplit_once('.'));
    if service != ANY && target.is_none_or(|(called, _)| called != service) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    world.services.push(service);
    if let Some((_, operation)) = target {
        world.calls.push(operation.to_owned());
        while world.held.get(operation).is_some_and(|other| !world.calls.contains(other)) {
            drop(world);
            tokio::time::sleep(Duration::from_millis(1)).await;
            world = state.lock().await;
        }
    }
    let response = match target {
        Some((_, operation)) => {
            let body = serde_json::from_slice(&body).unwrap_or_default();
            match world.played.get(operation).cloned().or_else(|| world.call(operation, &body)) {
                Some(error) if error.get("__type").is_some() => {
                    (StatusCode::BAD_REQUEST, error.to_string()).into_response()
                }
                Some(answer) => ([(CONTENT_TYPE, "application/x-amz-json-1.0")], answer.to_string()).into_response(),
                None => (StatusCode::BAD_REQUEST, r#"{"__type":"UnknownOperationException"}"#).into_response(),
            }
        }
        None if uri.path().starts_with("/guardrail/") => {
            world.calls.push("ApplyGuardrail".to_owned());
            world
                .played
                .get("ApplyGuardrail")
                .map_or_else(|| StatusCode::NOT_FOUND.into_response(), |played| played.to_string().into_response())
        }
        None => {
            let key = uri.path().trim_start_matches("/bucket/");
            if let Some(status) = world.failing.get(key) {
                (*status, "<Error><Code>Failed</Code></Error>").into_response()
            } else {
                if method == Method::PUT {
                    world.written.insert(uri.path().to_owned(), body);
                }
                world.file(&method, &uri)
            }
        }
    };
    world.busy += began.elapsed();
    response
}

impl World {
    /// Handles a call of a JSON service. Returns `None` for an unknown operation.
    fn call(&mut self, operation: &str, body: &Value) -> Option<Value> {
        Some(match operation {
            "GetItem" => self.item(&body["Key"]).map_or_else(|| json!({}), |item| json!({ "Item": item })),
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object().into_iter().flatten();
                let found: BTreeMap<_, Vec<_>> = tables
                    .map(|(table, asked)| {
                        let keys = asked["Keys"].as_array().into_iter().flatten();
                        (table, keys.filter_map(|key| self.item(key)).collect())
                    })
                    .collect();
                json!({ "Responses": found, "UnprocessedKeys": {} })
            }
            "Query" => {
                let items = self.query(body);
                json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items })
            }
            "Scan" => {
                let accounts: Vec<_> =
                    self.items.iter().filter(|item| item.pointer("/sk/S").is_some_and(|sk| sk == "ACCOUNT")).collect();
                json!({ "Count": accounts.len(), "ScannedCount": self.items.len(), "Items": accounts })
            }
            "PutItem" => self.keep(&body["Item"]),
            "TransactWriteItems" => {
                for write in body["TransactItems"].as_array().into_iter().flatten() {
                    self.keep(write.pointer("/Put/Item").unwrap_or(&Value::Null));
                    self.remove(write.pointer("/Delete/Key").unwrap_or(&Value::Null));
                    self.add(write.pointer("/Update").unwrap_or(&Value::Null));
                }
                json!({})
            }
            "UpdateItem" => json!({ "Attributes": { "hits": { "N": "1" }, "seen": { "SS": ["one"] } } }),
            "DeleteItem" => {
                self.remove(&body["Key"]);
                json!({})
            }
            "SendMessage" => {
                self.messages.push(body.clone());
                json!({ "MessageId": "7f3c1a52-0b8e-4d6f-9a21-5c4e3d2b1a09", "MD5OfMessageBody": "" })
            }
            "GetQueueAttributes" => json!({ "Attributes": { "ApproximateNumberOfMessages": "0" } }),
            "GetSecretValue" if body["SecretId"] == "payment-keys" => {
                json!({ "Name": "payment-keys", "SecretString": payments::keys().to_string() })
            }
            "GetSecretValue" if body["SecretId"] == "signing-certificate" => {
                json!({ "Name": "signing-certificate", "SecretString": "none" })
            }
            "GetSecretValue" if body["SecretId"] == "provider-keys" => {
                json!({ "Name": "provider-keys", "SecretString": reports::keys().to_string() })
            }
            "GetSecretValue" => json!({ "Name": "app-key", "SecretString": APP_KEY }),
            "InitiateAuth" | "GetTokensFromRefreshToken" => {
                let claims = URL_SAFE_NO_PAD.encode(
                    json!({ "sub": self.account, "token_use": "access", "auth_time": 1_790_000_000 }).to_string(),
                );
                json!({ "AuthenticationResult": {
                    "AccessToken": format!("e30.{claims}.c2lnbmF0dXJl"),
                    "RefreshToken": "a-refresh-token",
                    "ExpiresIn": 900,
                    "TokenType": "Bearer",
                } })
            }
            "AdminListGroupsForUser" => {
                {
                    // The token says which of them a caller has.
                    let group = |name: &str| json!({ "GroupName": name, "UserPoolId": "eu-west-1_EXAMPLE01" });
                    let groups = ["support", "finance", "moderation", "administrator"].map(group);
                    json!({ "Groups": groups })
                }
            }
            "AdminGetUser" => {
                let attribute = json!({ "Name": "sub", "Value": self.account });
                json!({ "Username": self.account, "UserAttributes": [attribute] })
            }
            "ListUsersInGroup" => {
                let attribute = |name: &str, value: &str| json!({ "Name": name, "Value": value });
                let attributes = [attribute("sub", &self.account), attribute("email", "ada@example.com")];
                json!({ "Users": [{ "Username": self.account, "Attributes": attributes }] })
            }
            "AdminAddUserToGroup" | "AdminRemoveUserFromGroup" => json!({}),
            "GetPublicKey" => json!({ "PublicKey": STANDARD.encode(Key::numbered(1)?.public()) }),
            "Sign" => {
                let digest = STANDARD.decode(body["Message"].as_str()?).ok()?;
                json!({ "Signature": STANDARD.encode(Key::numbered(1)?.sign(&digest).ok()?) })
            }
            "SignUp" => json!({ "UserConfirmed": false, "UserSub": self.account }),
            "ForgotPassword" | "ConfirmForgotPassword" | "RevokeToken" | "AdminUserGlobalSignOut" => json!({}),
            _ => return None,
        })
    }

    fn item(&self, key: &Value) -> Option<&Value> {
        self.items.iter().find(|item| item["pk"] == key["pk"] && item["sk"] == key["sk"])
    }

    fn keep(&mut self, item: &Value) -> Value {
        if !self.frozen && item.is_object() {
            self.remove(item);
            self.items.push(item.clone());
        }
        json!({})
    }

    /// Carries out an update such as `ADD #a :a, #b :b SET #c = :c`.
    fn add(&mut self, update: &Value) {
        let Some((adds, sets)) =
            update["UpdateExpression"].as_str().and_then(|text| text.strip_prefix("ADD ")?.split_once(" SET "))
        else {
            return;
        };
        let of = |kind: &str, part: &str| update.get(kind).and_then(|all| all.get(part.trim())).cloned();
        let name = |part: &str| of("ExpressionAttributeNames", part)?.as_str().map(str::to_owned);
        let value = |part: &str| of("ExpressionAttributeValues", part);
        let number = |value: &Value| value.pointer("/N")?.as_str()?.parse::<i64>().ok();
        let before = self.item(&update["Key"]).unwrap_or(&update["Key"]).clone();
        let mut item = before.as_object().cloned().unwrap_or_default();
        for (field, added) in adds.split(',').filter_map(|part| part.trim().split_once(' ')) {
            let Some((name, added)) = name(field).zip(value(added)) else { continue };
            let sum = item.get(&name).and_then(number).unwrap_or(0) + number(&added).unwrap_or(0);
            item.insert(name, json!({ "N": sum.to_string() }));
        }
        let sets = sets.split(',').filter_map(|part| part.split_once('='));
        item.extend(sets.filter_map(|(field, set)| name(field).zip(value(set))));
        self.keep(&Value::Object(item));
    }

    fn remove(&mut self, key: &Value) {
        if !self.frozen {
            self.items.retain(|item| item["pk"] != key["pk"] || item["sk"] != key["sk"]);
        }
    }

    /// Queries without filters. A page ends at the limit, and says nothing of the next.
    fn query(&self, body: &Value) -> Vec<&Value> {
        let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
        let values = &body["ExpressionAttributeValues"];
        let mut found: Vec<&Value> = self.items.iter().filter(|item| holds(condition, item, values)).collect();
        found.sort_by_key(|item| item.pointer("/sk/S").and_then(Value::as_str));
        if body["ScanIndexForward"] == json!(false) {
            found.reverse();
        }
        let start = &body["ExclusiveStartKey"];
        let last = found.iter().position(|item| item["pk"] == start["pk"] && item["sk"] == start["sk"]);
        let limit = body["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        found.into_iter().skip(last.map_or(0, |last| last + 1)).take(limit).collect()
    }

    /// Handles a call of S3, with the bucket in the path.
    fn file(&mut self, method: &Method, uri: &Uri) -> Response {
        let query: BTreeMap<_, _> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
        let key = uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
        let prefix = query.get("prefix");
        let asks = |name: &str| query.contains_key(name);
        let (operation, response) = match method.as_str() {
            "PUT" if asks("uploadId") => ("UploadPart", [(ETAG, "\"0\"")].into_response()),
            "PUT" => ("PutObject", [(ETAG, "\"0\"")].into_response()),
            "POST" if asks("uploads") => (
                "CreateMultipartUpload",
                format!("<InitiateMultipartUploadResult>{UPLOAD}</InitiateMultipartUploadResult>").into_response(),
            ),
            "POST" if asks("uploadId") => (
                "CompleteMultipartUpload",
                "<CompleteMultipartUploadResult><ETag>0</ETag></CompleteMultipartUploadResult>".into_response(),
            ),
            "POST" => ("DeleteObjects", "<DeleteResult/>".into_response()),
            "GET" if asks("uploads") => ("ListMultipartUploads", "<ListMultipartUploadsResult/>".into_response()),
            // No upload has more than one part here.
            "GET" if asks("uploadId") => {
                let part = "<Part><PartNumber>1</PartNumber><ETag>\"0\"</ETag></Part>";
                (
                    "ListParts",
                    format!("<ListPartsResult><IsTruncated>false</IsTruncated>{part}</ListPartsResult>")
                        .into_response(),
                )
            }
            "GET" if asks("list-type") => {
                ("ListObjectsV2", self.listed(prefix.map_or("", |prefix| prefix)).into_response())
            }
            "GET" if asks("prefix") => {
                ("ListObjectVersions", self.versions(prefix.map_or("", |prefix| prefix)).into_response())
            }
            "GET" => (
                "GetObject",
                match self.objects.get(key) {
                    Some(bytes) => bytes.clone().into_response(),
                    None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
                },
            ),
            _ => ("unknown", StatusCode::NOT_IMPLEMENTED.into_response()),
        };
        self.calls.push(operation.to_owned());
        response
    }

    fn listed(&self, prefix: &str) -> String {
        let found = self.objects.iter().filter(|(key, _)| key.starts_with(prefix));
        let contents = found.map(|(key, bytes)| {
            let size = bytes.len();
            format!(
                "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>0</ETag>\
                <LastModified>2026-11-22T23:00:00.000Z</LastModified></Contents>"
            )
        });
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>", contents.collect::<String>())
    }

    fn versions(&self, prefix: &str) -> String {
        let keys = self.objects.keys().filter(|key| key.starts_with(prefix));
        let versions = keys.map(|key| format!("<Version><Key>{key}</Key><VersionId>1</VersionId></Version>"));
        format!(
            "<ListVersionsResult><IsTruncated>false</IsTruncated>{}</ListVersionsResult>",
            versions.collect::<String>()
        )
    }
}

/// Returns whether an item meets a [key condition]. No item meets an unknown one.
///
/// [key condition]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
fn holds(condition: &str, item: &Value, values: &Value) -> bool {
    let mut words = condition.split([' ', '(', ')', ',']).filter(|word| !word.is_empty());
    let value = |word: Option<&str>| word.and_then(|word| values.get(word));
    while let Some(word) = words.next() {
        let met = match word {
            "AND" => true,
            "begins_with" => {
                let (attribute, prefix) = (words.next().and_then(|name| item.get(name)), value(words.next()));
                let text = |value: Option<&Value>| value.and_then(|value| value["S"].as_str().map(str::to_owned));
                text(attribute).zip(text(prefix)).is_some_and(|(text, prefix)| text.starts_with(&prefix))
            }
            attribute => {
                let attribute = item.get(attribute);
                match words.next() {
                    Some("=") => order(attribute, value(words.next())).is_some_and(Ordering::is_eq),
                    Some("<") => order(attribute, value(words.next())).is_some_and(Ordering::is_lt),
                    Some("<=") => order(attribute, value(words.next())).is_some_and(Ordering::is_le),
                    Some("BETWEEN") => {
                        let (first, _, last) = (value(words.next()), words.next(), value(words.next()));
                        order(attribute, first).is_some_and(Ordering::is_ge)
                            && order(attribute, last).is_some_and(Ordering::is_le)
                    }
                    _ => false,
                }
            }
        };
        if !met {
            return false;
        }
    }
    true
}

/// Compares two strings or two numbers.
fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    let (left, right) = (left?, right?);
    match (left["S"].as_str(), right["S"].as_str()) {
        (Some(left), Some(right)) => Some(left.cmp(right)),
        _ => {
            let number = |value: &Value| value["N"].as_str()?.parse::<i64>().ok();
            Some(number(left)?.cmp(&number(right)?))
        }
    }
}

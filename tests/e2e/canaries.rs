//! Canaries: a unique word in every field that a user or a staff member can fill in. Each word is stored only where
//! the registry declares it, is in the export, and after an erasure is in no byte of the table, the bucket, the
//! queues, the logs and the user pool.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result, bail, ensure};
use domain::registry::DATA_KINDS;
use jiff::SignedDuration;
use reqwest::Method;
use runtime::clock;
use serde_json::json;
use store::registry;

use crate::env::{
    archive::ExportArchive,
    checkouts::Checkout,
    erasures::{request_erasure, wait_for_erasure},
    exports::request_export,
    http::{ApiResponse, text},
    logs::log_events,
    passkeys::{Authenticator, register},
    staff_access::approve,
    support::open_guest_ticket,
    table::{Item, records, scan, string, values_of},
    test_env::{KnownAccount, PASSWORD, TestEnv, TestUser},
    trial::{TestEnvs, tests, trial},
    uploads::{hex_sha256, photo, put_file, wait_for_inspection},
};

tests![p1_p2_p3_p4_p8_p30_p32_canaries_are_stored_exported_erased_as_declared,];

/// The fields that a user fills in, beside the email address.
const USER_WORDS: [&str; 14] = [
    "name",
    "passkey",
    "prompt",
    "negative",
    "file",
    "client",
    "stripe-buyer",
    "paypal-buyer",
    "new-email",
    "billing-email",
    "ticket-subject",
    "ticket-text",
    "guest-subject",
    "guest-text",
];

/// The fields that a staff member fills in about an account.
const STAFF_WORDS: [&str; 11] = [
    "note",
    "answer",
    "look-ticket",
    "look-reason",
    "look-statute",
    "hold-ticket",
    "hold-reason",
    "hold-statute",
    "demand-ticket",
    "demand-reason",
    "demand-statute",
];

/// Holds a user and the word in each field.
struct Canaries {
    /// The user who enters the words.
    user: TestUser,
    /// The word in each field.
    words: BTreeMap<&'static str, String>,
}

impl Canaries {
    /// Creates a user and fills in every field with its word.
    async fn plant(env: &'static TestEnv) -> Result<Self> {
        let user = env.user().await?;
        let seed = clock::uuid_at(clock::now()).simple().to_string();
        let word = |what: &str| format!("{what}-{seed}");
        let mut words = BTreeMap::from([("email", user.email.clone())]);
        for what in USER_WORDS.iter().chain(&STAFF_WORDS) {
            words.insert(*what, word(what));
        }
        let canaries = Self { user, words };
        canaries.enter_everything().await?;
        canaries.enter_everything_as_staff(&env.staff().await?, &env.staff().await?).await?;
        Ok(canaries)
    }

    fn word(&self, what: &str) -> Result<&str> {
        self.words.get(what).map(String::as_str).with_context(|| format!("no word for {what}"))
    }

    async fn enter_everything(&self) -> Result<()> {
        let user = &self.user;
        let client = self.word("client")?;
        let credentials = json!({"email": user.email, "password": PASSWORD});
        let request = user.request(Method::POST, "/v1/session/sign-in").header("user-agent", client);
        ApiResponse::read(request.json(&credentials).send().await?).await?.is(200)?;
        let billing = format!("{}@example.com", self.word("billing-email")?);
        let profile = json!({"display_name": self.word("name")?, "billing_email": billing});
        user.patch("/v1/account", &profile).await?.is(200)?;
        register(user, &Authenticator::new()?, self.word("passkey")?).await?.is(200)?;
        let new = json!({"email": format!("{}@example.com", self.word("new-email")?)});
        user.post("/v1/account/email", &new).await?.is(202)?;
        let body = json!({
            "model": "sketch-image", "prompt": self.word("prompt")?, "negative_prompt": self.word("negative")?,
            "width": 320, "height": 320,
        });
        let request = user.request(Method::POST, "/v1/generations").header("idempotency-key", "canary");
        let submitted = ApiResponse::read(request.json(&body).send().await?).await?.is(202)?;
        user.ended(&text(&submitted.json, "id")?).await?;
        let photo = photo("image/jpeg")?;
        let body = json!({
            "content_type": "image/jpeg", "bytes": photo.len(), "sha256": hex_sha256(&photo),
            "file_name": self.word("file")?,
        });
        let declared = user.post("/v1/uploads", &body).await?.is(201)?.json;
        put_file(&declared, &photo, |_, _| {}).await?.is(200)?;
        wait_for_inspection(user, &declared).await?;
        let stripe = Checkout::start(user, "stripe", "starter").await?;
        stripe.act("pay", &[("email", &format!("{}@example.com", self.word("stripe-buyer")?))]).await?;
        stripe.poll().await?;
        let paypal = Checkout::start(user, "paypal", "starter").await?;
        paypal.act("approve", &[("email", &format!("{}@example.com", self.word("paypal-buyer")?))]).await?;
        paypal.capture().await?.is(200)?;
        let ticket = json!({"subject": self.word("guest-subject")?, "text": self.word("guest-text")?});
        open_guest_ticket(user.env, &user.email, &ticket).await
    }

    /// Fills in every field of a staff member about the account.
    async fn enter_everything_as_staff(&self, grace: &TestUser, alan: &TestUser) -> Result<()> {
        let path = format!("/v1/staff/accounts/{}", self.user.account_id);
        for allowed in [false, true] {
            let note = json!({"allowed": allowed, "note": self.word("note")?});
            grace.post(&format!("{path}/spending"), &note).await?.is(200)?;
        }
        let until = clock::now() + SignedDuration::from_hours(1);
        let mut made = Vec::new();
        for (what, kind, more) in [
            ("look", "accesses", json!({"minutes": 5})),
            ("hold", "holds", json!({"covers": ["account"]})),
            ("demand", "disclosures", json!({"kinds": ["account", "generation", "access"]})),
        ] {
            let mut body = json!({
                "reference": self.word(&format!("{what}-ticket"))?, "reason": self.word(&format!("{what}-reason"))?,
                "undisclosed_until": until, "undisclosed_basis": self.word(&format!("{what}-statute"))?,
            });
            if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
                body.extend(more.clone());
            }
            let request = grace.request(Method::POST, &format!("{path}/{kind}")).header("idempotency-key", what);
            let response = ApiResponse::read(request.json(&body).send().await?).await?.is(201)?;
            made.push(format!("{path}/{kind}/{}", text(&response.json, "id")?));
        }
        let [look, hold, demand] = made.as_slice() else { bail!("not three") };
        for request in [look, demand] {
            approve(alan, request).await?.is(204)?;
        }
        grace.get(&format!("{look}/profile")).await?.is(200)?;
        let question = json!({"subject": self.word("ticket-subject")?, "text": self.word("ticket-text")?});
        let asked = self.user.post("/v1/support/tickets", &question).await?.is(201)?.json;
        let messages = format!("{look}/tickets/{}/messages", text(&asked, "id")?);
        grace.post(&messages, &json!({"text": self.word("answer")?})).await?.is(204)?;
        grace.get(demand).await?.is(200)?;
        grace.delete(hold).await?.is(204)?;
        Ok(())
    }

    /// Returns the fields whose word is in this text.
    fn in_text(&self, text: &str) -> Vec<&'static str> {
        let text = text.to_lowercase();
        self.words.iter().filter(|(_, word)| text.contains(&word.to_lowercase())).map(|(what, _)| *what).collect()
    }

    /// Returns the fields whose word is in these bytes.
    fn in_bytes(&self, bytes: &[u8]) -> Vec<&'static str> {
        self.in_text(&String::from_utf8_lossy(bytes))
    }

    /// Returns where each word is stored: the kind and field of an item, or another place.
    async fn found(&self) -> Result<BTreeMap<&'static str, Vec<String>>> {
        let env = self.user.env;
        let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut note = |words: Vec<&'static str>, place: String| {
            for word in words {
                found.entry(word).or_default().push(place.clone());
            }
        };
        for item in scan(env).await? {
            let kind = kind_of(&item);
            for (path, value) in values_of(&item) {
                note(self.in_text(&value), format!("{kind}: {path}"));
            }
        }
        for item in records(env).await? {
            note(self.in_text(&format!("{item:?}")), "a record".to_owned());
        }
        for (key, bytes) in stored_files(env).await? {
            note(self.in_text(&key), format!("the name of a file: {key}"));
            let kind = registry::object_kind(&key).map_or("no kind", |kind| kind.name);
            note(self.in_bytes(&bytes), format!("a file of {kind}"));
        }
        for (queue, body) in queued_messages(env).await? {
            note(self.in_text(&body), format!("a message: {queue}"));
        }
        for line in log_events(env).await? {
            note(self.in_text(&line.to_string()), "a log line".to_owned());
        }
        note(self.in_text(&user_attributes(env).await?), "user: email".to_owned());
        Ok(found)
    }
}

/// Checks that neither the email address nor the account id of any erased account is in any byte that is left, however
/// it was erased and whatever crashed meanwhile.
async fn p32_no_trace_of_any_erased_account_remains(env: &'static TestEnv) -> Result<()> {
    // Other tests create accounts meanwhile.
    let users = env.users();
    let items = scan(env).await?;
    let remaining: BTreeSet<_> = items
        .iter()
        .filter(|item| string(item, "sk") == "ACCOUNT")
        .filter_map(|item| string(item, "pk").strip_prefix("ACCOUNT#"))
        .collect();
    let mut search = Search::of(&users)?;
    for (at, item) in items.iter().chain(&records(env).await?).enumerate() {
        search.read(&format!("item {at}, {:?} {:?}", item.get("pk"), item.get("sk")), format!("{item:?}").as_bytes());
    }
    for (key, bytes) in stored_files(env).await? {
        search.read("the name of a file", key.as_bytes());
        search.read(&key, &bytes);
    }
    search.read("the users", user_attributes(env).await?.as_bytes());
    // Messages and logs may contain ids for as long as they are retained, but no address.
    search.ids = false;
    for line in log_events(env).await? {
        search.read("a log line", line.to_string().as_bytes());
    }
    for (queue, body) in queued_messages(env).await? {
        search.read(&queue, body.as_bytes());
    }
    let (mut addresses, mut erased, mut left) = (0, 0, Vec::new());
    let is_back =
        |email: &str| users.iter().any(|other| other.email == email && remaining.contains(other.account.as_str()));
    for (known, places) in users.iter().zip(&search.found) {
        if remaining.contains(known.account.as_str()) {
            let [account, email] = places;
            ensure!(!account.is_empty(), "{known:?} is not found: the search does not work");
            // Some users changed their address.
            addresses += usize::from(!email.is_empty());
        } else {
            erased += 1;
            let [account, email] = places;
            // A person who signs up again gives the same address again.
            let places = [account].into_iter().chain((!is_back(&known.email)).then_some(email));
            left.extend(places.filter(|place| !place.is_empty()).map(|place| (known, place)));
        }
    }
    ensure!(addresses > 0, "no address is found: the search does not work");
    ensure!(left.is_empty(), "traces of {erased} erased accounts are left: {left:#?}");
    Ok(())
}

/// Searches for the ids and addresses of many accounts at once.
struct Search {
    automaton: AhoCorasick,
    /// Of each account, where its id was found first, and where its address.
    found: Vec<[String; 2]>,
    /// Whether ids are searched for.
    ids: bool,
}

impl Search {
    fn of(users: &[KnownAccount]) -> Result<Self> {
        let words = users.iter().flat_map(|known| [&known.account, &known.email]);
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(words)?;
        Ok(Self { automaton, found: vec![<[String; 2]>::default(); users.len()], ids: true })
    }

    fn read(&mut self, place: &str, bytes: &[u8]) {
        for word in self.automaton.find_overlapping_iter(bytes).map(|found| found.pattern().as_usize()) {
            let found = self.found.get_mut(word / 2).and_then(|found| found.get_mut(word % 2));
            if let Some(found) = found.filter(|found| found.is_empty() && (self.ids || word % 2 == 1)) {
                place.clone_into(found);
            }
        }
    }
}

/// Returns the check of a stack for traces of erased accounts.
pub fn check(envs: Option<&'static TestEnvs>) -> libtest_mimic::Trial {
    let name = "canaries::p32_no_trace_of_any_erased_account_remains".to_owned();
    trial(envs, name, |env| Box::pin(p32_no_trace_of_any_erased_account_remains(env)))
}

fn kind_of(item: &Item) -> &'static str {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
    registry::item_kind(part("pk"), part("sk")).map_or("no kind", |kind| kind.name)
}

/// Returns every version of every file.
async fn stored_files(env: &TestEnv) -> Result<Vec<(String, Vec<u8>)>> {
    let (clients, bucket) = (env.clients()?, env.output("BucketName")?);
    let mut files = Vec::new();
    let mut pages = clients.s3().list_object_versions().bucket(bucket);
    loop {
        let listed = pages.clone().send().await?;
        for version in listed.versions() {
            let key = version.key().context("a file without a name")?;
            let request = clients.s3().get_object().bucket(bucket).key(key);
            // Other tests delete files meanwhile.
            let Ok(file) = request.set_version_id(version.version_id().map(str::to_owned)).send().await else {
                continue;
            };
            files.push((key.to_owned(), file.body.collect().await?.to_vec()));
        }
        if listed.is_truncated() != Some(true) {
            return Ok(files);
        }
        pages = pages.set_key_marker(listed.next_key_marker).set_version_id_marker(listed.next_version_id_marker);
    }
}

/// Returns the messages in all queues, the dead-letter queues included.
async fn queued_messages(env: &TestEnv) -> Result<Vec<(String, String)>> {
    let clients = env.clients()?;
    let mut waiting = Vec::new();
    for (output, url) in env.outputs.iter().filter(|(name, _)| name.ends_with("Url") && *name != "ApiUrl") {
        let request = clients.sqs().receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(0);
        for message in request.send().await?.messages.unwrap_or_default() {
            waiting.push((output.clone(), message.body.unwrap_or_default()));
        }
    }
    Ok(waiting)
}

async fn user_attributes(env: &TestEnv) -> Result<String> {
    let (clients, mut all) = (env.clients()?, String::new());
    let mut next = None;
    loop {
        let request = clients.cognito().list_users().user_pool_id(env.output("UserPoolId")?).limit(60);
        let page = request.set_pagination_token(next).send().await?;
        all += &format!("{:?}", page.users().iter().map(|user| user.attributes()).collect::<Vec<_>>());
        next = page.pagination_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

async fn p1_p2_p3_p4_p8_p30_p32_canaries_are_stored_exported_erased_as_declared(env: &'static TestEnv) -> Result<()> {
    let canaries = Canaries::plant(env).await?;
    let found = canaries.found().await?;
    for what in canaries.words.keys() {
        ensure!(found.contains_key(what), "{what} is not found: the search does not work, or it is not stored");
    }
    let declared: Vec<String> = DATA_KINDS
        .iter()
        .flat_map(|kind| registry::fields(kind.name).into_iter().map(move |field| (kind, field)))
        .filter(|(_, field)| field.personal)
        .map(|(kind, field)| format!("{}: {}", kind.name, field.path))
        // A disclosure contains what a lawful request named.
        .chain(["a file of disclosures".to_owned()])
        .collect();
    for (what, places) in &found {
        let undeclared: Vec<_> = places.iter().filter(|place| !declared.contains(place)).collect();
        ensure!(undeclared.is_empty(), "{what} is stored where no personal data is declared: {undeclared:?}");
    }

    let archive = ExportArchive::download(&canaries.user, &request_export(&canaries.user).await?).await?;
    for (what, word) in &canaries.words {
        // The reasons of the access, the hold and the disclosure are undisclosed for an hour.
        let is_disclosed = !STAFF_WORDS.contains(what) || ["note", "answer"].contains(what);
        ensure!(archive.contains(word)? == is_disclosed, "whether {what} is in the archive should be {is_disclosed}");
    }

    wait_for_erasure(env, &request_erasure(&canaries.user).await?).await?;
    let left = canaries.found().await?;
    ensure!(left.is_empty(), "left after the erasure: {left:?}");
    Ok(())
}

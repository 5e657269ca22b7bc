//! Everything that somebody says about themselves, each with a word of its own, followed through the service: where it is
//! said to lie it lies, its owner takes it out, and after an erasure it is nowhere, in no byte of the table, the bucket,
//! the queues, the logs and the user pool.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result, bail, ensure};
use domain::registry::DATA_KINDS;
use jiff::SignedDuration;
use reqwest::Method;
use runtime::clock;
use serde_json::json;
use store::registry;

use crate::{
    afterwards::{scan, string, values_of},
    authorization::Item,
    buying::Checkout,
    erasure::{ask, erased, records},
    exports,
    observability::logged,
    support, tests,
    unpacked::Unpacked,
    uploads,
    world::{Answer, Known, PASSWORD, Person, TestEnv, TestEnvs, text, trial},
};

tests![p1_p2_p3_p4_p8_p30_p32_each_word_lies_where_it_is_declared_and_in_the_archive_and_after_an_erasure_nowhere];

/// What a person says of themselves, beside their address.
const SAID: [&str; 13] = [
    "name",
    "prompt",
    "negative",
    "file",
    "client",
    "stripe-buyer",
    "paypal-buyer",
    "new-email",
    "billing-email",
    "question-subject",
    "question-text",
    "letter-subject",
    "letter-text",
];
/// What staff say of a person.
const SAID_BY_STAFF: [&str; 11] = [
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

/// What somebody says, by what it is.
struct Canaries {
    /// Whose.
    person: Person,
    /// One for each thing that a person can say or tell by what they do.
    words: BTreeMap<&'static str, String>,
}

impl Canaries {
    /// Somebody who says everything that there is to say.
    async fn plant(world: &'static TestEnv) -> Result<Self> {
        let person = world.person().await?;
        let seed = clock::uuid_at(clock::now()).simple().to_string();
        let word = |what: &str| format!("{what}-{seed}");
        let mut words = BTreeMap::from([("email", person.email.clone())]);
        for what in SAID.iter().chain(&SAID_BY_STAFF) {
            words.insert(*what, word(what));
        }
        let canaries = Self { person, words };
        canaries.say_everything().await?;
        canaries.have_staff_say_everything(&world.staff().await?).await?;
        Ok(canaries)
    }

    fn word(&self, what: &str) -> Result<&str> {
        self.words.get(what).map(String::as_str).with_context(|| format!("there is no word for {what}"))
    }

    async fn say_everything(&self) -> Result<()> {
        let person = &self.person;
        let client = self.word("client")?;
        let credentials = json!({"email": person.email, "password": PASSWORD});
        let request = person.request(Method::POST, "/v1/session/sign-in").header("user-agent", client);
        Answer::read(request.json(&credentials).send().await?).await?.is(200)?;
        let billing = format!("{}@example.com", self.word("billing-email")?);
        let profile = json!({"display_name": self.word("name")?, "billing_email": billing});
        person.patch("/v1/account", &profile).await?.is(200)?;
        let new = json!({"email": format!("{}@example.com", self.word("new-email")?)});
        person.post("/v1/account/email", &new).await?.is(202)?;
        let body = json!({
            "model": "sketch-image", "prompt": self.word("prompt")?, "negative_prompt": self.word("negative")?,
            "width": 320, "height": 320,
        });
        let request = person.request(Method::POST, "/v1/generations").header("idempotency-key", "canary");
        let submitted = Answer::read(request.json(&body).send().await?).await?.is(202)?;
        person.ended(&text(&submitted.json, "id")?).await?;
        let photograph = uploads::photograph("image/jpeg")?;
        let body = json!({
            "content_type": "image/jpeg", "bytes": photograph.len(), "sha256": uploads::hex_sha256(&photograph),
            "file_name": self.word("file")?,
        });
        let declared = person.post("/v1/uploads", &body).await?.is(201)?.json;
        uploads::put(&declared, &photograph, |_, _| {}).await?.is(200)?;
        uploads::inspected(person, &declared).await?;
        let stripe = Checkout::begin(person, "stripe", "starter").await?;
        stripe.act("pay", &[("email", &format!("{}@example.com", self.word("stripe-buyer")?))]).await?;
        stripe.look().await?;
        let paypal = Checkout::begin(person, "paypal", "starter").await?;
        paypal.act("approve", &[("email", &format!("{}@example.com", self.word("paypal-buyer")?))]).await?;
        paypal.capture().await?.is(200)?;
        let letter = json!({"subject": self.word("letter-subject")?, "text": self.word("letter-text")?});
        support::letter(person.world, &person.email, &letter).await
    }

    /// Whatever staff say of somebody they say with reason, and a key for whatever may be repeated.
    async fn have_staff_say_everything(&self, grace: &Person) -> Result<()> {
        let path = format!("/v1/staff/accounts/{}", self.person.account_id);
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
            let answer = Answer::read(request.json(&body).send().await?).await?.is(201)?;
            made.push(format!("{path}/{kind}/{}", text(&answer.json, "id")?));
        }
        let [look, hold, demand] = made.as_slice() else { bail!("not three") };
        grace.get(&format!("{look}/profile")).await?.is(200)?;
        let question = json!({"subject": self.word("question-subject")?, "text": self.word("question-text")?});
        let asked = self.person.post("/v1/support/tickets", &question).await?.is(201)?.json;
        let messages = format!("{look}/tickets/{}/messages", text(&asked, "id")?);
        grace.post(&messages, &json!({"text": self.word("answer")?})).await?.is(204)?;
        grace.get(demand).await?.is(200)?;
        grace.delete(hold).await?.is(204)?;
        Ok(())
    }

    /// Which words are in this text.
    fn in_text(&self, text: &str) -> Vec<&'static str> {
        let text = text.to_lowercase();
        self.words.iter().filter(|(_, word)| text.contains(&word.to_lowercase())).map(|(what, _)| *what).collect()
    }

    /// Which words are in these bytes.
    fn in_bytes(&self, bytes: &[u8]) -> Vec<&'static str> {
        self.in_text(&String::from_utf8_lossy(bytes))
    }

    /// Where each word lies: the kind and the field of the table, or another place.
    async fn found(&self) -> Result<BTreeMap<&'static str, Vec<String>>> {
        let world = self.person.world;
        let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut note = |words: Vec<&'static str>, place: String| {
            for word in words {
                found.entry(word).or_default().push(place.clone());
            }
        };
        for item in scan(world).await? {
            let kind = kind_of(&item);
            for (path, value) in values_of(&item) {
                note(self.in_text(&value), format!("{kind}: {path}"));
            }
        }
        for item in records(world).await? {
            note(self.in_text(&format!("{item:?}")), "a record".to_owned());
        }
        for (key, bytes) in files(world).await? {
            note(self.in_text(&key), format!("the name of a file: {key}"));
            let kind = registry::object_kind(&key).map_or("no kind", |kind| kind.name);
            note(self.in_bytes(&bytes), format!("a file of {kind}"));
        }
        for (queue, body) in messages(world).await? {
            note(self.in_text(&body), format!("a message: {queue}"));
        }
        for line in logged(world).await? {
            note(self.in_text(&line.to_string()), "a log line".to_owned());
        }
        note(self.in_text(&users(world).await?), "user: email".to_owned());
        Ok(found)
    }
}

/// Of everybody whom the suite has erased, alone or many times at once, at rest or in the middle of something, with every
/// death on the way: neither their address nor their account's id is in any byte that is left.
async fn p32_of_whoever_was_erased_nothing_is_left(world: &'static TestEnv) -> Result<()> {
    // Others open accounts meanwhile.
    let people = world.people();
    let items = scan(world).await?;
    let living: BTreeSet<_> = items
        .iter()
        .filter(|item| string(item, "sk") == "ACCOUNT")
        .filter_map(|item| string(item, "pk").strip_prefix("ACCOUNT#"))
        .collect();
    let mut search = Search::of(&people)?;
    for (at, item) in items.iter().chain(&records(world).await?).enumerate() {
        search.read(&format!("item {at}, {:?} {:?}", item.get("pk"), item.get("sk")), format!("{item:?}").as_bytes());
    }
    for (key, bytes) in files(world).await? {
        search.read("the name of a file", key.as_bytes());
        search.read(&key, &bytes);
    }
    search.read("the users", users(world).await?.as_bytes());
    // Messages and logs have ids, for as long as these are kept, and nothing else of anybody.
    search.ids = false;
    for line in logged(world).await? {
        search.read("a log line", line.to_string().as_bytes());
    }
    for (queue, body) in messages(world).await? {
        search.read(&queue, body.as_bytes());
    }
    let (mut addresses, mut erased, mut left) = (0, 0, Vec::new());
    for (known, places) in people.iter().zip(&search.found) {
        if living.contains(known.account.as_str()) {
            let [account, email] = places;
            ensure!(!account.is_empty(), "{known:?} is not found: it is no search");
            // Some have another address by now.
            addresses += usize::from(!email.is_empty());
        } else {
            erased += 1;
            left.extend(places.iter().filter(|place| !place.is_empty()).map(|place| (known, place)));
        }
    }
    ensure!(addresses > 0, "no address is found: it is no search");
    ensure!(left.is_empty(), "of {erased} who were erased something is left: {left:#?}");
    Ok(())
}

/// A search for the ids and the addresses of many at once.
struct Search {
    automaton: AhoCorasick,
    /// Of each one, where the id of the account was found first, and where the address.
    found: Vec<[String; 2]>,
    /// Whether ids are looked for.
    ids: bool,
}

impl Search {
    fn of(people: &[Known]) -> Result<Self> {
        let words = people.iter().flat_map(|known| [&known.account, &known.email]);
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(words)?;
        Ok(Self { automaton, found: vec![<[String; 2]>::default(); people.len()], ids: true })
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

/// The look at what is left of whoever was erased.
pub fn look(worlds: Option<&'static TestEnvs>) -> libtest_mimic::Trial {
    let name = "canaries::p32_of_whoever_was_erased_nothing_is_left".to_owned();
    trial(worlds, name, |world| Box::pin(p32_of_whoever_was_erased_nothing_is_left(world)))
}

fn kind_of(item: &Item) -> &'static str {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
    registry::item_kind(part("pk"), part("sk")).map_or("no kind", |kind| kind.name)
}

/// Every version of every file.
async fn files(world: &TestEnv) -> Result<Vec<(String, Vec<u8>)>> {
    let (clients, bucket) = (world.clients()?, world.output("BucketName")?);
    let mut files = Vec::new();
    let mut pages = clients.s3().list_object_versions().bucket(bucket);
    loop {
        let listed = pages.clone().send().await?;
        for version in listed.versions() {
            let key = version.key().context("a file without a name")?;
            let request = clients.s3().get_object().bucket(bucket).key(key);
            // Others remove theirs meanwhile.
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

/// What waits in any queue now, those of the dead letters included.
async fn messages(world: &TestEnv) -> Result<Vec<(String, String)>> {
    let clients = world.clients()?;
    let mut waiting = Vec::new();
    for (output, url) in world.outputs.iter().filter(|(name, _)| name.ends_with("Url") && *name != "ApiUrl") {
        let request = clients.sqs().receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(0);
        for message in request.send().await?.messages.unwrap_or_default() {
            waiting.push((output.clone(), message.body.unwrap_or_default()));
        }
    }
    Ok(waiting)
}

async fn users(world: &TestEnv) -> Result<String> {
    let (clients, mut all) = (world.clients()?, String::new());
    let mut next = None;
    loop {
        let request = clients.cognito().list_users().user_pool_id(world.output("UserPoolId")?).limit(60);
        let page = request.set_pagination_token(next).send().await?;
        all += &format!("{:?}", page.users().iter().map(|user| user.attributes()).collect::<Vec<_>>());
        next = page.pagination_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

async fn p1_p2_p3_p4_p8_p30_p32_each_word_lies_where_it_is_declared_and_in_the_archive_and_after_an_erasure_nowhere(
    world: &'static TestEnv,
) -> Result<()> {
    let canaries = Canaries::plant(world).await?;
    let found = canaries.found().await?;
    for what in canaries.words.keys() {
        ensure!(found.contains_key(what), "{what} lies nowhere: the search finds nothing, or it is not kept");
    }
    let declared: Vec<String> = DATA_KINDS
        .iter()
        .flat_map(|kind| registry::fields(kind.name).into_iter().map(move |field| (kind, field)))
        .filter(|(_, field)| field.personal)
        .map(|(kind, field)| format!("{}: {}", kind.name, field.path))
        // A document of everything that was demanded.
        .chain(["a file of disclosures".to_owned()])
        .collect();
    for (what, places) in &found {
        let elsewhere: Vec<_> = places.iter().filter(|place| !declared.contains(place)).collect();
        ensure!(elsewhere.is_empty(), "{what} lies where nothing personal is declared: {elsewhere:?}");
    }

    let archive = Unpacked::download(&canaries.person, &exports::ask(&canaries.person).await?).await?;
    for (what, word) in &canaries.words {
        // What staff say why they looked, held and disclosed must not be told for an hour.
        let may_be_told = !SAID_BY_STAFF.contains(what) || ["note", "answer"].contains(what);
        ensure!(archive.tells(word)? == may_be_told, "{what} is in the archive or not, and it should be {may_be_told}");
    }

    erased(world, &ask(&canaries.person).await?).await?;
    let left = canaries.found().await?;
    ensure!(left.is_empty(), "left after the erasure: {left:?}");
    Ok(())
}

//! What leaves the service. Every request to a provider and to a payment service passes a recorder, byte for byte, and
//! every connection of every function is looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::json;

use crate::{
    buying::Checkout,
    tests, uploads,
    world::{Answer, Person, TestEnv, TestEnvs, text, trial},
};

tests![p24_a_provider_learns_what_the_request_needs_and_a_payment_service_who_pays];

/// How often the connections are looked at. Those to AWS and to providers are kept open for longer.
const LOOK: Duration = Duration::from_millis(200);

/// A proxy in front of somebody, which keeps everything that is sent to them.
pub struct Recorder {
    address: SocketAddr,
    upstream: OnceLock<SocketAddr>,
    sent: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
}

impl Recorder {
    /// Listens. What comes before it [leads](Self::lead_to) anywhere is dropped.
    pub fn start() -> Result<&'static Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let recorder: &Self = Box::leak(Box::new(Self { address, upstream: OnceLock::new(), sent: Mutex::default() }));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                thread::spawn(move || recorder.pass_on(&connection));
            }
        });
        Ok(recorder)
    }

    /// Passes everything on to whoever listens at this address.
    pub fn lead_to(&self, url: &str) -> Result<()> {
        let _ = self.upstream.set(url.trim_start_matches("http://").parse()?);
        Ok(())
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether this was sent, in any writing of it.
    fn was_sent(&self, words: &str) -> bool {
        let escaped: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
        let in_json = json!(words).to_string();
        let connections = locked(&self.sent).clone();
        connections.iter().any(|sent| {
            let sent = locked(sent).to_ascii_lowercase();
            let holds = |what: &str| memmem(&sent, what.to_ascii_lowercase().as_bytes());
            holds(words) || holds(&escaped) || holds(in_json.trim_matches('"'))
        })
    }

    fn pass_on(&self, client: &TcpStream) -> io::Result<()> {
        let Some(upstream) = self.upstream.get() else { return Ok(()) };
        let upstream = TcpStream::connect(upstream)?;
        let (back_from, back_to) = (upstream.try_clone()?, client.try_clone()?);
        thread::spawn(move || {
            let (mut from, mut to) = (&back_from, &back_to);
            // Whoever went away gets no answer.
            let _ = io::copy(&mut from, &mut to);
            let _ = back_to.shutdown(Shutdown::Write);
        });
        let sent = Arc::new(Mutex::new(Vec::new()));
        locked(&self.sent).push(Arc::clone(&sent));
        let (mut from, mut to) = (client, &upstream);
        let mut chunk = vec![0; 1 << 16];
        loop {
            let length = from.read(&mut chunk)?;
            if length == 0 {
                return upstream.shutdown(Shutdown::Write);
            }
            locked(&sent).extend_from_slice(&chunk[..length]);
            to.write_all(&chunk[..length])?;
        }
    }
}

fn memmem(bytes: &[u8], what: &[u8]) -> bool {
    !what.is_empty() && bytes.windows(what.len()).any(|window| window == what)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those who stand between the functions and everybody who is not AWS.
pub struct Recorders {
    /// In front of the AI providers, which are played by one server for all worlds.
    pub providers: &'static Recorder,
    /// In front of Stripe.
    pub stripe: &'static Recorder,
    /// In front of PayPal.
    pub paypal: &'static Recorder,
}

impl Recorders {
    /// The addresses of the payment services, as the template's parameter has them.
    pub fn payment_endpoints(&self) -> String {
        let (stripe, paypal) = (self.stripe.url(), self.paypal.url());
        json!({"stripe": stripe, "paypal": paypal, "paypal_ipn": format!("{paypal}/cgi-bin/webscr")}).to_string()
    }

    fn each(&self) -> [(&'static str, &'static Recorder); 3] {
        [("providers", self.providers), ("stripe", self.stripe), ("paypal", self.paypal)]
    }

    /// Whom this was sent to.
    fn told(&self, words: &str) -> Vec<&'static str> {
        self.each().iter().filter(|(_, recorder)| recorder.was_sent(words)).map(|(name, _)| *name).collect()
    }
}

/// Looks at the connections of a world's functions for as long as it lives.
pub struct Watch {
    seen: Arc<Mutex<BTreeMap<SocketAddr, BTreeSet<String>>>>,
    ended: Arc<AtomicBool>,
}

impl Watch {
    /// Begins to look at every process whose environment leads to these AWS services.
    pub fn start(endpoint: &str) -> Self {
        let watch = Self { seen: Arc::default(), ended: Arc::default() };
        let (seen, ended) = (Arc::clone(&watch.seen), Arc::clone(&watch.ended));
        let endpoint = endpoint.to_owned();
        thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                for (function, remote) in connections(&endpoint).unwrap_or_default() {
                    locked(&seen).entry(remote).or_default().insert(function);
                }
                thread::sleep(LOOK);
            }
        });
        watch
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// The connections of the functions now: which function, and to where, but for the one to the runtime that invokes it. By
/// [proc(5)](https://man7.org/linux/man-pages/man5/proc_pid_net.5.html).
fn connections(endpoint: &str) -> io::Result<Vec<(String, SocketAddr)>> {
    let mut owners = BTreeMap::new();
    for process in fs::read_dir("/proc")?.flatten().map(|entry| entry.path()) {
        let Ok(environment) = fs::read(process.join("environ")) else { continue };
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let variable = |name: &str| environment.split('\0').find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let Some(name) = variable("AWS_LAMBDA_FUNCTION_NAME") else { continue };
        if variable("AWS_ENDPOINT_URL") != Some(endpoint) {
            continue;
        }
        let runtime = variable("AWS_LAMBDA_RUNTIME_API").and_then(|address| address.parse::<SocketAddr>().ok());
        for file in fs::read_dir(process.join("fd")).into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(file.path()) else { continue };
            let inode =
                target.to_string_lossy().strip_prefix("socket:[").map(|rest| rest.trim_end_matches(']').to_owned());
            owners.extend(inode.map(|inode| (inode, (name.to_owned(), runtime))));
        }
    }
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let table = fs::read_to_string(Path::new("/proc/net").join(table)).unwrap_or_default();
        for line in table.lines().skip(1) {
            let parts: Vec<_> = line.split_whitespace().collect();
            let (Some(remote), Some(inode)) = (parts.get(2), parts.get(9)) else { continue };
            let (Some(remote), Some((owner, runtime))) = (socket_address(remote), owners.get(*inode)) else { continue };
            if *runtime != Some(remote) {
                found.push((owner.clone(), remote));
            }
        }
    }
    Ok(found)
}

/// An address as the kernel writes it: words in the byte order of the machine, in hexadecimal. Nothing for what only listens.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok().filter(|port| *port != 0)?;
    let words = address.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let bytes = words.collect::<Option<Vec<_>>>()?.concat();
    let address = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(bytes) => IpAddr::V4(Ipv4Addr::from(bytes)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?)).to_canonical(),
    };
    Some(SocketAddr::new(address, port))
}

/// The look at where a world's functions went.
pub fn look(worlds: Option<&'static TestEnvs>) -> Trial {
    let name = "outbound::p25_functions_speak_to_aws_and_to_who_is_configured_and_to_nobody_else".to_owned();
    trial(worlds, name, |world| Box::pin(async { nobody_else(world) }))
        .with_ignored_flag(!Path::new("/proc/net/tcp").exists())
}

fn nobody_else(world: &TestEnv) -> Result<()> {
    let aws: SocketAddr = world.endpoint.trim_start_matches("http://").replace("localhost", "127.0.0.1").parse()?;
    let configured: BTreeMap<_, _> =
        world.recorders.each().iter().map(|(name, recorder)| (recorder.address, *name)).chain([(aws, "AWS")]).collect();
    let seen = locked(&world.watch.seen).clone();
    ensure!(seen.contains_key(&aws), "no function was seen to speak to AWS: nothing was looked at");
    let elsewhere: Vec<_> = seen.iter().filter(|(remote, _)| !configured.contains_key(remote)).collect();
    ensure!(elsewhere.is_empty(), "functions spoke to somebody who is not configured: {elsewhere:?}");
    Ok(())
}

async fn p24_a_provider_learns_what_the_request_needs_and_a_payment_service_who_pays(
    world: &'static TestEnv,
) -> Result<()> {
    let ada = world.person().await?;
    let seed = text(&json!({"id": ada.account_id}), "id")?.replace('-', "");
    let word = |what: &str| format!("{what}-{seed}");
    ada.patch("/v1/account", &json!({"display_name": word("name")})).await?.is(200)?;
    let photograph = uploads::photograph("image/jpeg")?;
    let body = json!({
        "content_type": "image/jpeg", "bytes": photograph.len(), "sha256": uploads::hex_sha256(&photograph),
        "file_name": word("file"),
    });
    let declared = ada.post("/v1/uploads", &body).await?.is(201)?.json;
    uploads::put(&declared, &photograph, |_, _| {}).await?.is(200)?;
    let upload = text(&uploads::inspected(&ada, &declared).await?, "id")?;
    let mut generations = Vec::new();
    for body in [
        json!({"model": "gpt-image", "prompt": word("edited"), "input_upload": upload}),
        json!({"model": "stable-image-core", "prompt": word("painted"), "negative_prompt": word("unwanted")}),
        json!({"model": "flux-schnell", "prompt": word("queued")}),
    ] {
        generations.push(made(&ada, &body, &word("client")).await?);
    }
    let mut payments = Vec::new();
    for provider in ["stripe", "paypal"] {
        let checkout = Checkout::begin(&ada, provider, "starter").await?;
        checkout.pay().await?;
        payments.push(checkout.id);
    }

    let told = |words: &str| world.recorders.told(words);
    for prompt in ["edited", "painted", "unwanted", "queued"] {
        ensure!(told(&word(prompt)) == ["providers"], "the {prompt} prompt went to {:?}", told(&word(prompt)));
    }
    // The page where one pays has the address filled in; PayPal asks for its own.
    ensure!(told(&ada.email) == ["stripe"], "the address went to {:?}", told(&ada.email));
    let [with_stripe, with_paypal] = payments.as_slice() else { anyhow::bail!("not two payments") };
    ensure!(told(with_stripe) == ["stripe"] && told(with_paypal) == ["paypal"], "a payment went elsewhere");
    let mut nobodys = vec![ada.account_id.clone(), upload, "203.0.113.77".to_owned(), "x-forwarded-for".to_owned()];
    nobodys.extend(["name", "file", "client"].map(word));
    nobodys.extend(generations);
    nobodys.extend(ada.token.clone());
    for words in &nobodys {
        ensure!(told(words).is_empty(), "{words} was sent to {:?}", told(words));
    }
    Ok(())
}

/// Makes a picture as a client that tells much about itself, and answers its id.
async fn made(person: &Person, body: &serde_json::Value, client: &str) -> Result<String> {
    let request = person.request(Method::POST, "/v1/generations").json(body);
    let request = request.header("user-agent", client).header("x-forwarded-for", "203.0.113.77");
    let id = text(&Answer::read(request.send().await?).await?.is(202)?.json, "id")?;
    let generation = person.ended(&id).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    generation["media"].as_array().filter(|media| !media.is_empty()).context("nothing was made")?;
    Ok(id)
}

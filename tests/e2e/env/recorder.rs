//! Proxies that record every byte that is sent to a provider or a payment service.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
};

use anyhow::Result;
use serde_json::json;

/// A proxy that records everything that is sent to its upstream.
pub struct Recorder {
    pub address: SocketAddr,
    pub upstream: OnceLock<SocketAddr>,
    pub sent: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
}

impl Recorder {
    /// Starts to listen. Connections before [`lead_to`](Self::lead_to) are dropped.
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

    /// Forwards everything to this address.
    pub fn lead_to(&self, url: &str) -> Result<()> {
        let _ = self.upstream.set(url.trim_start_matches("http://").parse()?);
        Ok(())
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns whether this was sent, plain, form-encoded or in JSON, in any case.
    pub fn was_sent(&self, words: &str) -> bool {
        let escaped: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
        let in_json = json!(words).to_string();
        let connections = locked(&self.sent).clone();
        connections.iter().any(|sent| {
            let sent = locked(sent).to_ascii_lowercase();
            let holds = |what: &str| memmem(&sent, what.to_ascii_lowercase().as_bytes());
            holds(words) || holds(&escaped) || holds(in_json.trim_matches('"'))
        })
    }

    pub fn pass_on(&self, client: &TcpStream) -> io::Result<()> {
        let Some(upstream) = self.upstream.get() else { return Ok(()) };
        let upstream = TcpStream::connect(upstream)?;
        let (back_from, back_to) = (upstream.try_clone()?, client.try_clone()?);
        thread::spawn(move || {
            let (mut from, mut to) = (&back_from, &back_to);
            // A client that closed its connection gets no response.
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

/// Locks a mutex, also after a panic.
pub fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The recorders between the functions and every host that is not AWS.
pub struct Recorders {
    /// In front of the AI providers, which one server plays for all stacks.
    pub providers: &'static Recorder,
    /// In front of Stripe.
    pub stripe: &'static Recorder,
    /// In front of PayPal.
    pub paypal: &'static Recorder,
    /// In front of the time-stamping authority.
    pub time_stamps: &'static Recorder,
}

impl Recorders {
    /// Returns the template parameter with the addresses of the payment services.
    pub fn payment_endpoints(&self) -> String {
        let (stripe, paypal) = (self.stripe.url(), self.paypal.url());
        json!({"stripe": stripe, "paypal": paypal, "paypal_ipn": format!("{paypal}/cgi-bin/webscr")}).to_string()
    }

    pub fn each(&self) -> [(&'static str, &'static Recorder); 4] {
        [
            ("providers", self.providers),
            ("stripe", self.stripe),
            ("paypal", self.paypal),
            ("time stamps", self.time_stamps),
        ]
    }

    /// Returns the names of the recorders that this was sent to.
    pub fn received(&self, words: &str) -> Vec<&'static str> {
        self.each().iter().filter(|(_, recorder)| recorder.was_sent(words)).map(|(name, _)| *name).collect()
    }
}

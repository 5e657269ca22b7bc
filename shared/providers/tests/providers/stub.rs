//! A server that plays a script: it answers each request with the next reply and records the request.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The reply to one request. `{base}` in headers and body stands for the server's own address.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    delivery: Delivery,
}

#[derive(Clone, Copy)]
enum Delivery {
    Whole,
    /// The connection closes in the middle of the body.
    Cut,
    /// The connection stays open after half of the body.
    Stall,
    /// No response is sent.
    Silent,
    /// A body of this many bytes without a declared length.
    Flood(usize),
}

impl Reply {
    pub(crate) fn json(body: &str) -> Self {
        Self::new(200, "application/json", body.as_bytes())
    }

    pub(crate) fn new(status: u16, media: &str, body: &[u8]) -> Self {
        let headers = vec![("content-type", media.to_owned())];
        Self { status, headers, body: body.to_vec(), delivery: Delivery::Whole }
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::new(302, "text/html", b"").header("location", to)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn cut(self) -> Self {
        Self { delivery: Delivery::Cut, ..self }
    }

    pub(crate) fn stall(self) -> Self {
        Self { delivery: Delivery::Stall, ..self }
    }

    pub(crate) fn silent(self) -> Self {
        Self { delivery: Delivery::Silent, ..self }
    }

    pub(crate) fn flood(self, bytes: usize) -> Self {
        Self { delivery: Delivery::Flood(bytes), ..self }
    }
}

/// Records one request.
#[derive(Clone)]
pub(crate) struct Seen {
    /// Method, path, headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap().trim_end_matches(" HTTP/1.1")
    }

    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        self.head.lines().skip(1).filter_map(pair).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers().into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the headers and the content of each part of a form.
    pub(crate) fn parts(&self) -> Vec<(String, String)> {
        let media = self.header("content-type").unwrap();
        let boundary = format!("--{}", media.split_once("boundary=").unwrap().1);
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let part = |part: &str| {
            part.trim_start_matches("\r\n")
                .split_once("\r\n\r\n")
                .map(|(head, content)| (head.to_owned(), content.trim_end_matches("\r\n").to_owned()))
        };
        body.split(&boundary).filter_map(part).collect()
    }
}

/// The running server.
pub(crate) struct Stub {
    pub(crate) base: String,
    /// Whether the script makes the client wait.
    pub(crate) slow: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
    flooded: Arc<Mutex<usize>>,
}

impl Stub {
    pub(crate) async fn play(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let slow = replies.iter().any(|reply| matches!(reply.delivery, Delivery::Stall | Delivery::Silent));
        let stub = Self { base, slow, seen: Arc::default(), flooded: Arc::default() };
        let (base, seen, flooded) = (stub.base.clone(), Arc::clone(&stub.seen), Arc::clone(&stub.flooded));
        tokio::spawn(async move {
            for reply in replies {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = read(&mut connection).await;
                seen.lock().unwrap().push(request);
                tokio::spawn(answer(connection, reply, base.clone(), Arc::clone(&flooded)));
            }
            // The script is over: further connections are refused.
        });
        stub
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the number of bytes of a flood that the client took.
    pub(crate) fn flooded(&self) -> usize {
        *self.flooded.lock().unwrap()
    }
}

async fn read(connection: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        assert_ne!(connection.read_buf(&mut bytes).await.unwrap(), 0, "a request without end");
    };
    let mut seen = Seen { head: String::from_utf8(bytes[..end].to_vec()).unwrap(), body: bytes[end + 4..].to_vec() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    assert_eq!(seen.header("transfer-encoding"), None);
    while seen.body.len() < length {
        assert_ne!(connection.read_buf(&mut seen.body).await.unwrap(), 0, "a body without end");
    }
    seen
}

async fn answer(mut connection: TcpStream, reply: Reply, base: String, flooded: Arc<Mutex<usize>>) {
    if matches!(reply.delivery, Delivery::Silent) {
        let _ = connection.read(&mut [0]).await;
        return;
    }
    let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {}\r\n", value.replace("{base}", &base));
    }
    let body = match String::from_utf8(reply.body) {
        Ok(text) => text.replace("{base}", &base).into_bytes(),
        Err(binary) => binary.into_bytes(),
    };
    if !matches!(reply.delivery, Delivery::Flood(_)) && !reply.headers.iter().any(|(name, _)| *name == "content-length")
    {
        head += &format!("content-length: {}\r\n", body.len());
    }
    head += "\r\n";
    // The client may close the connection at any time; its test checks that.
    let _ = connection.write_all(head.as_bytes()).await;
    match reply.delivery {
        Delivery::Whole | Delivery::Silent => drop(connection.write_all(&body).await),
        Delivery::Cut => drop(connection.write_all(&body[..body.len() / 2]).await),
        Delivery::Stall => {
            let _ = connection.write_all(&body[..body.len() / 2]).await;
            let _ = connection.read(&mut [0]).await;
        }
        Delivery::Flood(bytes) => {
            let chunk = vec![0; 1 << 16];
            for _ in 0..bytes / chunk.len() {
                if connection.write_all(&chunk).await.is_err() {
                    return;
                }
                *flooded.lock().unwrap() += chunk.len();
            }
        }
    }
}

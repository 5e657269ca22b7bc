//! The network connections of the functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::env::recorder::locked;

/// The interval of reading the connections. Those to AWS and to providers stay open for longer.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Records the connections of the functions of a stack until it is dropped.
pub struct ConnectionMonitor {
    pub seen: Arc<Mutex<BTreeMap<SocketAddr, BTreeSet<String>>>>,
    pub ended: Arc<AtomicBool>,
}

impl ConnectionMonitor {
    /// Starts to record the connections of every process whose environment names this AWS endpoint.
    pub fn start(endpoint: &str) -> Self {
        let watch = Self { seen: Arc::default(), ended: Arc::default() };
        let (seen, ended) = (Arc::clone(&watch.seen), Arc::clone(&watch.ended));
        let endpoint = endpoint.to_owned();
        thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                for (function, remote) in connections(&endpoint).unwrap_or_default() {
                    locked(&seen).entry(remote).or_default().insert(function);
                }
                thread::sleep(POLL_INTERVAL);
            }
        });
        watch
    }
}

impl ConnectionMonitor {
    /// Ends the recording.
    pub fn stop(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for ConnectionMonitor {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the current connections of the functions with their remote addresses, except the one to the Lambda runtime
/// ([proc(5)](https://man7.org/linux/man-pages/man5/proc_pid_net.5.html)).
pub fn connections(endpoint: &str) -> io::Result<Vec<(String, SocketAddr)>> {
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

/// Parses an address as the kernel writes it: words in the byte order of the machine, in hexadecimal. Returns `None`
/// for a listening socket.
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

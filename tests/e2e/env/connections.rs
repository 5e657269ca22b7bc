//! The network connections of the functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, Once},
    thread,
    time::Duration,
};

use crate::env::recorder::locked;

/// The interval of reading the connections. Those to AWS and to providers stay open for longer.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The functions that were seen to be connected to each remote address.
type Seen = BTreeMap<SocketAddr, BTreeSet<String>>;

/// The connections of all stacks of this process, by endpoint of AWS. One thread reads them all, as the kernel lists the
/// connections of the whole machine each time.
static WATCHED: Mutex<BTreeMap<String, Arc<Mutex<Seen>>>> = Mutex::new(BTreeMap::new());

/// Records the connections of the functions of a stack until it is dropped.
pub struct ConnectionMonitor {
    endpoint: String,
    pub seen: Arc<Mutex<Seen>>,
}

impl ConnectionMonitor {
    /// Starts to record the connections of every process whose environment names this AWS endpoint.
    pub fn start(endpoint: &str) -> Self {
        static STARTED: Once = Once::new();
        let monitor = Self { endpoint: endpoint.to_owned(), seen: Arc::default() };
        locked(&WATCHED).insert(monitor.endpoint.clone(), Arc::clone(&monitor.seen));
        STARTED.call_once(|| drop(thread::spawn(record)));
        monitor
    }

    /// Ends the recording.
    pub fn stop(&self) {
        locked(&WATCHED).remove(&self.endpoint);
    }
}

impl Drop for ConnectionMonitor {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Records the connections of all watched stacks, again and again.
fn record() {
    loop {
        let watched = locked(&WATCHED).clone();
        for Connection { endpoint, function, remote } in connections(&watched).unwrap_or_default() {
            if let Some(seen) = watched.get(&endpoint) {
                locked(seen).entry(remote).or_default().insert(function);
            }
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// A connection of a function.
#[derive(Clone)]
struct Connection<R = SocketAddr> {
    endpoint: String,
    function: String,
    remote: R,
}

/// Returns the current connections of the functions of these stacks, except those to the Lambda runtime
/// ([proc(5)](https://man7.org/linux/man-pages/man5/proc_pid_net.5.html)).
fn connections(watched: &BTreeMap<String, Arc<Mutex<Seen>>>) -> io::Result<Vec<Connection>> {
    let mut owners = BTreeMap::new();
    for process in fs::read_dir("/proc")?.flatten().map(|entry| entry.path()) {
        let Ok(environment) = fs::read(process.join("environ")) else { continue };
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let variable = |name: &str| environment.split('\0').find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let Some(function) = variable("AWS_LAMBDA_FUNCTION_NAME") else { continue };
        let Some(endpoint) = variable("AWS_ENDPOINT_URL").filter(|endpoint| watched.contains_key(*endpoint)) else {
            continue;
        };
        let runtime = variable("AWS_LAMBDA_RUNTIME_API").and_then(|address| address.parse::<SocketAddr>().ok());
        for file in fs::read_dir(process.join("fd")).into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(file.path()) else { continue };
            let inode =
                target.to_string_lossy().strip_prefix("socket:[").map(|rest| rest.trim_end_matches(']').to_owned());
            let owner = Connection { endpoint: endpoint.to_owned(), function: function.to_owned(), remote: runtime };
            owners.extend(inode.map(|inode| (inode, owner)));
        }
    }
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let table = fs::read_to_string(Path::new("/proc/net").join(table)).unwrap_or_default();
        for line in table.lines().skip(1) {
            let parts: Vec<_> = line.split_whitespace().collect();
            let (Some(remote), Some(inode)) = (parts.get(2), parts.get(9)) else { continue };
            let (Some(remote), Some(owner)) = (socket_address(remote), owners.get(*inode)) else { continue };
            if owner.remote != Some(remote) {
                let Connection { endpoint, function, .. } = owner.clone();
                found.push(Connection { endpoint, function, remote });
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

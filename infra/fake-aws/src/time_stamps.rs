//! A time-stamping authority (RFC 3161) with a key of its own, and a server that plays one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, SigningKey, date_time_ymd,
};
use ring::digest::{SHA256, digest};
use runtime::clock;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
/// The first field of a type that is tagged, explicitly or as a set.
const FIRST: u8 = 0xa0;
const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
const CONTENT_TYPE: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_CERTIFICATE: &[u8] = &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
const SHA_256: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const ECDSA_WITH_SHA_256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
/// A policy for examples.
const POLICY: &[u8] = &[0x06, 0x04, 0x2a, 0x03, 0x04, 0x01];
const NETSCAPE_COMMENT: &[u64] = &[2, 16, 840, 1, 113730, 1, 13];
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
const TIME_STAMPING: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
const CODE_SIGNING: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];
const ROOT: &str = "Root of a time-stamping authority for tests";
const SERIAL: &[u8] = &[0x17];
/// Longer than anybody waits for a time stamp.
const FOREVER: Duration = Duration::from_secs(60);

/// Writes an element.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().position(|byte| *byte != 0).and_then(|at| bytes.get(at..)).unwrap_or_default();
    let mut element = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => element.push(short),
        _ => {
            element.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
            element.extend_from_slice(significant);
        }
    }
    element.extend(content);
    element
}

/// Reads an element with lengths below 128, as those of a request are: the element, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let length = usize::from(*bytes.get(1)?);
    let (element, rest) = bytes.split_at_checked(2 + length)?;
    Some((element, element.get(2..)?, rest))
}

/// A time-stamping authority.
pub struct Authority {
    key: KeyPair,
    /// The certificate of the key.
    certificate: Vec<u8>,
    root: String,
}

impl Authority {
    /// Makes an authority, with a root of its own.
    ///
    /// # Errors
    /// The certificates cannot be made.
    pub fn new() -> Result<Self> {
        Self::for_purpose(TIME_STAMPING, 0)
    }

    /// Makes an authority whose answers are somewhat larger than this, as its certificate is.
    ///
    /// # Errors
    /// The certificates cannot be made.
    pub fn with_answers_of(bytes: usize) -> Result<Self> {
        // An answer has about a thousand bytes, of which half are the certificate.
        Self::for_purpose(TIME_STAMPING, bytes.saturating_sub(1000))
    }

    /// Makes an authority whose certificate is for signatures of programs.
    ///
    /// # Errors
    /// The certificates cannot be made.
    pub fn with_another_purpose() -> Result<Self> {
        Self::for_purpose(CODE_SIGNING, 0)
    }

    fn for_purpose(purpose: &[u8], filling: usize) -> Result<Self> {
        let named = |name: &str| -> Result<CertificateParams> {
            let mut parameters = CertificateParams::new(Vec::new())?;
            parameters.distinguished_name = DistinguishedName::new();
            parameters.distinguished_name.push(DnType::CommonName, name);
            parameters.not_before = date_time_ymd(2026, 1, 1);
            parameters.not_after = date_time_ymd(2046, 1, 1);
            Ok(parameters)
        };
        let mut root = named(ROOT)?;
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_key = KeyPair::generate()?;
        let root_pem = root.self_signed(&root_key)?.pem();
        let mut leaf = named("Time-stamping authority for tests")?;
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.serial_number = Some(SerialNumber::from_slice(SERIAL));
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let mut usage = CustomExtension::from_oid_content(EXTENDED_KEY_USAGE, der(SEQUENCE, &[purpose]));
        usage.set_criticality(true);
        leaf.custom_extensions = vec![usage];
        if filling > 0 {
            let comment = CustomExtension::from_oid_content(NETSCAPE_COMMENT, der(0x16, &[&vec![b'a'; filling]]));
            leaf.custom_extensions.push(comment);
        }
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &Issuer::new(root, root_key))?.der().to_vec();
        Ok(Self { key, certificate, root: root_pem })
    }

    /// Returns the root as PEM.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Answers a request (`TimeStampReq`) with a time stamp (`TimeStampResp`, RFC 3161, 2.4.2; RFC 5652, 5; RFC 5816).
    ///
    /// # Errors
    /// The request is none.
    pub fn answer(&self, request: &[u8], at: Timestamp) -> Result<Vec<u8>> {
        let read = || {
            let (_, request, _) = element(request)?;
            let (_, _, rest) = element(request)?;
            let (imprint, _, rest) = element(rest)?;
            let (nonce, _, _) = element(rest)?;
            Some((imprint, nonce))
        };
        let (imprint, nonce) = read().context("it is no request")?;
        ensure!(nonce.first() == Some(&INTEGER), "it has no nonce");
        let time = der(0x18, &[at.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes()]);
        let one = der(INTEGER, &[&[1]]);
        let content = der(SEQUENCE, &[&one, POLICY, imprint, &one, &time, nonce]);
        let sha_256 = der(SEQUENCE, &[SHA_256]);

        let hash = |bytes: &[u8]| der(OCTETS, &[digest(&SHA256, bytes).as_ref()]);
        let attribute = |name: &[u8], value: &[u8]| der(SEQUENCE, &[name, &der(SET, &[value])]);
        let certificate = der(SEQUENCE, &[&der(SEQUENCE, &[&der(SEQUENCE, &[&hash(&self.certificate)])])]);
        let mut attributes = [
            attribute(CONTENT_TYPE, TST_INFO),
            attribute(MESSAGE_DIGEST, &hash(&content)),
            attribute(SIGNING_CERTIFICATE, &certificate),
        ];
        attributes.sort();
        let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        let signature = self.key.sign(&der(SET, &attributes))?;

        let name = der(SEQUENCE, &[COMMON_NAME, &der(0x0c, &[ROOT.as_bytes()])]);
        let issuer = der(SEQUENCE, &[&der(SEQUENCE, &[&der(SET, &[&name])]), &der(INTEGER, &[SERIAL])]);
        let signer = der(
            SEQUENCE,
            &[
                &one,
                &issuer,
                &sha_256,
                &der(FIRST, &attributes),
                &der(SEQUENCE, &[ECDSA_WITH_SHA_256]),
                &der(OCTETS, &[&signature]),
            ],
        );
        let encapsulated = der(SEQUENCE, &[TST_INFO, &der(FIRST, &[&der(OCTETS, &[&content])])]);
        let signed = der(
            SEQUENCE,
            &[
                &der(INTEGER, &[&[3]]),
                &der(SET, &[&sha_256]),
                &encapsulated,
                &der(FIRST, &[&self.certificate]),
                &der(SET, &[&signer]),
            ],
        );
        let token = der(SEQUENCE, &[SIGNED_DATA, &der(FIRST, &[&signed])]);
        Ok(der(SEQUENCE, &[&der(SEQUENCE, &[&der(INTEGER, &[&[0]])]), &token]))
    }

    /// Returns a response without a time stamp: the request is refused.
    #[must_use]
    pub fn refusal() -> Vec<u8> {
        der(SEQUENCE, &[&der(SEQUENCE, &[&der(INTEGER, &[&[2]])])])
    }
}

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should.
    Right,
    /// Not within a minute.
    Slow,
    /// With the beginning of an answer, and no more of it.
    Stalls,
    /// With something else.
    Garbage,
    /// That it refuses.
    Refuses,
    /// With the status 500.
    Fails,
    /// That it is at another address, which is its own.
    Moves,
    /// With a time stamp of something else.
    OtherImprint,
    /// With a time stamp for another request about the same.
    OtherNonce,
    /// With more than anybody reads.
    Endless,
}

impl Behaviour {
    /// Lists all in which there is no time stamp.
    pub const WRONG: [Self; 9] = [
        Self::Slow,
        Self::Stalls,
        Self::Garbage,
        Self::Refuses,
        Self::Fails,
        Self::Moves,
        Self::OtherImprint,
        Self::OtherNonce,
        Self::Endless,
    ];
}

/// A server of an authority.
pub struct Server {
    authority: Authority,
    address: String,
    behaviour: Behaviour,
    /// How the next request is answered, if not as usual.
    next: Mutex<Option<Behaviour>>,
    requests: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Server {
    /// Starts a server, which runs as long as the process.
    ///
    /// # Errors
    /// There is no port, or no authority.
    pub fn start(behaviour: Behaviour) -> Result<&'static Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = format!("http://{}", listener.local_addr()?);
        let authority = Authority::new()?;
        let server: &Self = Box::leak(Box::new(Self {
            authority,
            address,
            behaviour,
            next: Mutex::default(),
            requests: Mutex::default(),
        }));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                thread::spawn(move || server.respond(&connection));
            }
        });
        Ok(server)
    }

    /// Returns its address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the authority.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Answers the next request in another way.
    pub fn once(&self, behaviour: Behaviour) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(behaviour);
    }

    /// Returns the requests so far: their heads and their bodies.
    #[must_use]
    pub fn requests(&self) -> Vec<(String, Vec<u8>)> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn respond(&self, mut connection: &TcpStream) -> Result<()> {
        let mut reader = BufReader::new(connection);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push((head.clone(), body.clone()));

        let changed = |at: usize| {
            let mut changed = body.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1;
            }
            changed
        };
        let behaviour = self.next.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(self.behaviour);
        let stamped = |request: &[u8]| self.authority.answer(request, clock::now());
        let answer = match behaviour {
            Behaviour::Garbage => b"<html>a page</html>".to_vec(),
            Behaviour::Refuses => Authority::refusal(),
            // The last bytes of the hash and of the nonce.
            Behaviour::OtherImprint => stamped(&changed(body.len().saturating_sub(14)))?,
            Behaviour::OtherNonce => stamped(&changed(body.len().saturating_sub(4)))?,
            Behaviour::Endless => vec![0x30; 1 << 20],
            _ => stamped(&body)?,
        };
        let is_moved = behaviour == Behaviour::Moves && !head.contains("/moved");
        let status = match behaviour {
            Behaviour::Fails => "500 Failed".to_owned(),
            _ if is_moved => format!("307 Moved\r\nlocation: {}/moved", self.address),
            _ => "200 OK".to_owned(),
        };
        if behaviour == Behaviour::Slow {
            thread::sleep(FOREVER);
        }
        write!(
            connection,
            "HTTP/1.1 {status}\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        )?;
        let (first, rest) = answer.split_at(answer.len().min(10));
        connection.write_all(first)?;
        if behaviour == Behaviour::Stalls {
            thread::sleep(FOREVER);
        }
        Ok(connection.write_all(rest)?)
    }
}

//! A hub on this machine: the routes that `panelscope` asks, on one port, and a "CDN" on another.
#![allow(dead_code, reason = "every test uses a part")]

pub mod program;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sha1::Sha1;
use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub cdn: bool,
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    pub if_range: Option<String>,
    pub authorization: Option<String>,
}

/// How the servers misbehave.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// Cut the connection once, after so many bytes of a file on the CDN.
    pub cut_once: Option<usize>,
    /// Ignore `Range`.
    pub no_range: bool,
    /// Turn a byte of every file on the CDN.
    pub corrupt: bool,
    /// Answer the list with this status and `X-Error-Code`.
    pub refuse: Option<(u16, &'static str)>,
    /// Wait so long between pieces of 64 KiB on the CDN.
    pub slow: Option<Duration>,
    /// Bytes of a file on the CDN after which nothing comes any more.
    pub stall: Option<usize>,
    /// More names in the list.
    pub also: Vec<&'static str>,
    /// Only the owner of this token is let in.
    pub token: Option<&'static str>,
    /// The commit `main` stands for by now; nothing of it can be had.
    pub moved: Option<&'static str>,
    /// The CDN answers this status.
    pub cdn_refuses: Option<u16>,
    /// After its first piece, a file of more than 1 MiB on the CDN waits until this is true.
    pub held: Option<Arc<AtomicBool>>,
    /// A mirror without checksums: it sends files itself, all with this entity tag.
    pub mirror: Option<&'static str>,
}

struct State {
    files: HashMap<String, Vec<u8>>,
    manners: Mutex<Manners>,
    seen: Mutex<Vec<Seen>>,
    cdn: u16,
}

/// Both servers; they end with the process.
pub struct Hub {
    state: Arc<State>,
    pub port: u16,
}

impl Hub {
    /// A repository `tiny/model` with these files, `main` at [`COMMIT`].
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>, manners: Manners) -> Self {
        let (hub, cdn) = (listener(), listener());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            files: files.into_iter().collect(),
            manners: Mutex::new(manners),
            seen: Mutex::default(),
            cdn: port(&cdn),
        });
        let at = port(&hub);
        serve(hub, false, &state);
        serve(cdn, true, &state);
        Self { state, port: at }
    }

    /// What has been asked since the last time.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.seen.lock().unwrap())
    }

    pub fn behave(&self, manners: Manners) {
        *self.state.manners.lock().unwrap() = manners;
    }
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn serve(listener: TcpListener, cdn: bool, state: &Arc<State>) {
    let state = Arc::clone(state);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = Arc::clone(&state);
            // A client that goes away in the middle is part of the tests.
            std::thread::spawn(move || {
                let _ = answer(&stream, cdn, &state);
            });
        }
    });
}

fn answer(stream: &TcpStream, cdn: bool, state: &State) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let sent = |name: &str| headers.get(name).cloned();
    let (range, if_range, authorization) = (sent("range"), sent("if-range"), sent("authorization"));
    let allowed = authorization.clone();
    let seen = Seen {
        cdn,
        method: method.clone(),
        path: path.clone(),
        range: range.clone(),
        if_range: if_range.clone(),
        authorization,
    };
    state.seen.lock().unwrap().push(seen);
    let manners = state.manners.lock().unwrap().clone();
    if cdn {
        return body(stream, path.trim_start_matches("/blob/"), range.as_deref(), &manners, state);
    }
    if let Some((status, code)) = manners.refuse {
        return head(stream, status, &[("X-Error-Code", code.to_owned())], b"");
    }
    if manners.token.is_some_and(|token| allowed.as_deref() != Some(&format!("Bearer {token}"))) {
        return head(stream, 401, &[("X-Error-Code", "GatedRepo".to_owned())], b"");
    }
    match path.strip_prefix("/api/models/tiny/model/revision/") {
        Some("main") => return list(stream, manners.moved.unwrap_or(COMMIT), &manners, state),
        Some("v1" | COMMIT) => return list(stream, COMMIT, &manners, state),
        Some(_) => return head(stream, 404, &[("X-Error-Code", "RevisionNotFound".to_owned())], b""),
        None => {}
    }
    match path
        .strip_prefix(&format!("/tiny/model/resolve/{COMMIT}/"))
        .and_then(|name| Some((name, state.files.get(name)?)))
    {
        Some((name, bytes)) => match manners.mirror {
            Some(tag) if method == "HEAD" => {
                let mut stream = stream;
                let length = bytes.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: {tag}\r\nConnection: close\r\n\r\n"
                )
            }
            Some(tag) => {
                let range = range.filter(|_| if_range.is_none_or(|wanted| wanted == tag));
                body(stream, name, range.as_deref(), &manners, state)
            }
            None => pointer(stream, name, bytes, state),
        },
        None if path.starts_with("/tiny/model") => {
            head(stream, 404, &[("X-Error-Code", "EntryNotFound".to_owned())], b"")
        }
        None => head(stream, 401, &[("X-Error-Code", "RepoNotFound".to_owned())], b""),
    }
}

fn list(stream: &TcpStream, commit: &str, manners: &Manners, state: &State) -> std::io::Result<()> {
    let names = state.files.keys().map(String::as_str).chain(manners.also.iter().copied());
    let files: Vec<_> = names.map(|name| serde_json::json!({ "rfilename": name })).collect();
    let text = serde_json::json!({ "id": "tiny/model", "sha": commit, "siblings": files }).to_string();
    head(stream, 200, &[], text.as_bytes())
}

/// Every file lies on the CDN: small ones with git's checksum, large ones with sha256.
fn pointer(stream: &TcpStream, name: &str, bytes: &[u8], state: &State) -> std::io::Result<()> {
    let location = format!("http://127.0.0.1:{}/blob/{name}?signature=abc", state.cdn);
    let tag = tag(bytes);
    head(
        stream,
        302,
        &[
            ("Location", location),
            ("X-Repo-Commit", COMMIT.to_owned()),
            ("ETag", "\"of-the-redirect\"".to_owned()),
            ("X-Linked-ETag", format!("\"{tag}\"")),
            ("X-Linked-Size", bytes.len().to_string()),
        ],
        b"",
    )
}

/// The name of a file's blob.
pub fn tag(bytes: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    if bytes.len() > 100_000 {
        return hex(&Sha256::digest(bytes));
    }
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", bytes.len()));
    hash.update(bytes);
    hex(&hash.finalize())
}

fn body(stream: &TcpStream, name: &str, range: Option<&str>, manners: &Manners, state: &State) -> std::io::Result<()> {
    let name = name.split('?').next().unwrap();
    let Some(bytes) = state.files.get(name) else { return head(stream, 404, &[], b"") };
    if let Some(status) = manners.cdn_refuses {
        return head(stream, status, &[], b"");
    }
    let mut bytes = bytes.clone();
    if manners.corrupt {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    }
    let from = range.and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let from = from.filter(|_| !manners.no_range);
    let rest = &bytes[from.unwrap_or(0)..];
    let mut stream = stream;
    let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", rest.len())?;
    if let Some(from) = from {
        write!(stream, "Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len())?;
    }
    write!(stream, "\r\n")?;
    let cut = manners.cut_once.filter(|cut| *cut < rest.len());
    if let Some(cut) = cut {
        state.manners.lock().unwrap().cut_once = None;
        stream.write_all(&rest[..cut])?;
        return stream.flush();
    }
    for (number, piece) in rest.chunks(64 << 10).enumerate() {
        if let Some(pause) = manners.slow {
            std::thread::sleep(pause);
        }
        if let Some(free) = manners.held.as_ref().filter(|_| number > 0 && bytes.len() > 1 << 20) {
            stream.flush()?;
            let begun = Instant::now();
            while !free.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(25) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if manners.stall.is_some_and(|stall| number * (64 << 10) >= stall) {
            stream.flush()?;
            std::thread::sleep(Duration::from_secs(60));
        }
        stream.write_all(piece)?;
    }
    stream.flush()
}

fn head(mut stream: &TcpStream, status: u16, headers: &[(&str, String)], body: &[u8]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} Word\r\nContent-Length: {}\r\nConnection: close\r\n", body.len())?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}

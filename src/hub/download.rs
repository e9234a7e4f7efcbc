//! One file: fetched beside its place, gone on with where it was cut off, compared, and only then given its name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use ureq::Body;
use ureq::http::Response;

use super::cache::{Repo, make_parent};
use super::checksum::Checksum;
use super::client::{Bond, Client, Meta, Rest, header, plain};
use super::error::HubError;
use super::progress::{Progress, Step};
use super::reference::Reference;
use super::waiting::{Arriving, pause};

/// Bytes read at a time.
const BUFFER: usize = 256 << 10;
/// Times in a row that nothing may arrive.
const TRIES: u32 = 5;
/// How often a lock that another process holds is tried.
const POLL: Duration = Duration::from_millis(100);

/// What is to be fetched from where.
pub(super) struct Wanted<'a> {
    pub(super) reference: &'a Reference,
    pub(super) commit: &'a str,
    pub(super) file: &'a str,
    pub(super) meta: &'a Meta,
}

/// Fetches a file into the cache, unless its blob is there, and gives it its name.
pub(super) fn download(
    client: &Client<'_>,
    repo: &Repo,
    wanted: &Wanted<'_>,
    progress: &mut dyn Progress,
) -> Result<(), HubError> {
    let Meta { tag, size, .. } = wanted.meta;
    // Held until the file has its name, so that nobody mends what another is about to name.
    let lock = lock(&repo.lock(tag), wanted.file, progress)?;
    // Whoever held the lock may have fetched it.
    if !repo.holds(tag, *size) {
        fetch(client, repo, wanted, progress)?;
    }
    if lock.alone {
        repo.sweep(wanted.commit, wanted.file);
    }
    repo.link(wanted.commit, wanted.file, tag)?;
    progress.tell(Step::Done(wanted.file));
    Ok(())
}

/// The right to fetch a file; it ends with this.
struct Lock {
    _file: File,
    /// Nobody else has it.
    alone: bool,
}

/// Waits until this process alone may fetch. Where a file system has no locks, nobody waits.
fn lock(path: &Path, file: &str, progress: &mut dyn Progress) -> Result<Lock, HubError> {
    make_parent(path)?;
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let lock = open.map_err(HubError::io("open", path))?;
    let mut told = false;
    loop {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            tried => return Ok(Lock { _file: lock, alone: tried.is_ok() }),
        }
        if !told {
            progress.tell(Step::Waiting(file));
            told = true;
        }
        if progress.stopped() {
            return Err(HubError::Stopped);
        }
        std::thread::sleep(POLL);
    }
}

/// A file that grows, with the checksum of what is there.
struct Growing {
    file: File,
    have: u64,
    checksum: Checksum,
}

impl Growing {
    /// Opens what an earlier time has left.
    fn open(path: &Path, meta: &Meta) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        if file.metadata()?.len() > meta.size {
            file.set_len(0)?;
        }
        let mut checksum = Checksum::for_tag(&meta.tag, meta.size);
        let mut buffer = vec![0; BUFFER];
        let mut have = 0;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => {
                    checksum.update(buffer.get(..n).unwrap_or_default());
                    have += n as u64;
                }
            }
        }
        Ok(Self { file, have, checksum })
    }

    /// Forgets everything, and tells.
    fn restart(&mut self, meta: &Meta, progress: &mut dyn Progress) -> std::io::Result<()> {
        progress.tell(Step::Anew { lost: self.have });
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.have = 0;
        self.checksum = Checksum::for_tag(&meta.tag, meta.size);
        Ok(())
    }

    /// Why what is here is not the file; it is asked once, when all is here.
    fn fault(&mut self, meta: &Meta) -> Option<String> {
        let fits = std::mem::replace(&mut self.checksum, Checksum::None).fits(&meta.tag);
        match (self.have == meta.size, fits) {
            (true, true) => None,
            (false, true) => Some(format!("{} bytes instead of {}", self.have, meta.size)),
            (_, false) => Some("wrong checksum".to_owned()),
        }
    }

    fn add(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all(bytes)?;
        self.checksum.update(bytes);
        self.have += bytes.len() as u64;
        Ok(())
    }
}

fn fetch(client: &Client<'_>, repo: &Repo, wanted: &Wanted<'_>, progress: &mut dyn Progress) -> Result<(), HubError> {
    let (meta, path) = (wanted.meta, repo.incomplete(&wanted.meta.tag));
    make_parent(&path)?;
    let mut growing = Growing::open(&path, meta).map_err(HubError::io("open", &path))?;
    progress.tell(Step::File { name: wanted.file, size: meta.size, have: growing.have });
    if meta.bond != Bond::Checksum {
        progress.tell(Step::Unproven(wanted.file));
    }
    // Bytes of an earlier time may have been spoilt since; then the file deserves to be fetched from its beginning.
    let mut inherited = growing.have > 0;
    loop {
        gather(client, wanted, &mut growing, &path, progress)?;
        let Some(why) = growing.fault(meta) else { break };
        if !inherited {
            std::fs::remove_file(&path).map_err(HubError::io("remove", &path))?;
            return Err(HubError::Checksum { file: wanted.file.to_owned(), why });
        }
        inherited = false;
        growing.restart(meta, progress).map_err(HubError::io("write", &path))?;
    }
    growing.file.sync_all().map_err(HubError::io("write", &path))?;
    let blob = repo.blob(&meta.tag);
    std::fs::rename(&path, &blob).map_err(HubError::io("write", &blob))
}

/// Fetches until all bytes are here, or nothing comes any more.
fn gather(
    client: &Client<'_>,
    wanted: &Wanted<'_>,
    growing: &mut Growing,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<(), HubError> {
    let mut failures = 0;
    while growing.have < wanted.meta.size {
        let before = growing.have;
        match piece(client, wanted, growing, path, progress)? {
            Piece::Whole => break,
            Piece::Cut(_) if growing.have > before => failures = 0,
            Piece::Cut(why) if failures + 1 == TRIES => return Err(why.into_error(client, wanted)),
            Piece::Cut(_) => failures += 1,
        }
        progress.tell(Step::Again(wanted.file));
        pause(progress, Duration::from_millis(100 << failures.min(6)));
    }
    Ok(())
}

/// How far one answer went.
enum Piece {
    Whole,
    Cut(Why),
}

/// Why an answer ended early.
enum Why {
    Slow,
    Broken(String),
}

impl Why {
    fn into_error(self, client: &Client<'_>, wanted: &Wanted<'_>) -> HubError {
        let (host, file) = (client.host(), wanted.file.to_owned());
        match self {
            Self::Slow => HubError::Slow { host, file, seconds: client.patience().as_secs() },
            Self::Broken(why) => HubError::Broken { host, file, why },
        }
    }
}

/// Asks for the rest and takes what comes.
fn piece(
    client: &Client<'_>,
    wanted: &Wanted<'_>,
    growing: &mut Growing,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<Piece, HubError> {
    let address = client.address(wanted.reference, wanted.commit, wanted.file);
    let tag = match &wanted.meta.bond {
        Bond::Tag(tag) => Some(tag.as_str()),
        Bond::Checksum => None,
        Bond::Nothing => {
            if growing.have > 0 {
                growing.restart(wanted.meta, progress).map_err(HubError::io("write", path))?;
            }
            None
        }
    };
    let response = match client.open(&address, &Rest { byte: growing.have, tag }, progress) {
        _ if progress.stopped() => return Err(HubError::Stopped),
        Ok(response) => response,
        Err(ureq::Error::Timeout(_)) => return Ok(Piece::Cut(Why::Slow)),
        Err(error) => return Ok(Piece::Cut(Why::Broken(plain(&error)))),
    };
    match response.status().as_u16() {
        206 if starts_at(&response, growing.have) => {}
        // The server does not go on where it is asked to.
        200 | 206 | 416 if growing.have > 0 => {
            growing.restart(wanted.meta, progress).map_err(HubError::io("write", path))?;
            if response.status() != 200 {
                return Ok(Piece::Cut(Why::Broken("it does not resume".to_owned())));
            }
        }
        200 => {}
        status @ (408 | 429 | 500..=599) => return Ok(Piece::Cut(Why::Broken(format!("it answers {status}")))),
        _ => return Err(client.refused(wanted.reference, wanted.file, &response)),
    }
    take(response, wanted.meta.size, growing, path, progress)
}

fn take(
    response: Response<Body>,
    size: u64,
    growing: &mut Growing,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<Piece, HubError> {
    // One byte more than expected is enough to know.
    let body = response.into_body().into_reader().take((size - growing.have).saturating_add(1));
    let body = match Arriving::begin(body, BUFFER) {
        Ok(body) => body,
        Err(error) => return Ok(Piece::Cut(Why::Broken(error.to_string()))),
    };
    loop {
        match body.next(progress) {
            _ if progress.stopped() => return Err(HubError::Stopped),
            Ok(bytes) if bytes.is_empty() && growing.have >= size => return Ok(Piece::Whole),
            Ok(bytes) if bytes.is_empty() => return Ok(Piece::Cut(Why::Broken("the connection ended".to_owned()))),
            Ok(bytes) => {
                growing.add(&bytes).map_err(HubError::io("write", path))?;
                progress.tell(Step::Bytes(bytes.len() as u64));
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => return Ok(Piece::Cut(Why::Slow)),
            Err(error) => return Ok(Piece::Cut(Why::Broken(error.to_string()))),
        }
    }
}

/// Whether a partial answer begins at that byte.
fn starts_at(response: &Response<Body>, byte: u64) -> bool {
    let range = header(response.headers(), "content-range").and_then(|range| range.strip_prefix("bytes "));
    range.and_then(|range| range.split('-').next()?.trim().parse().ok()) == Some(byte)
}

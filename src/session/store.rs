//! The sessions folder: where it is, what lies in it, and what may be written there.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use etcetera::AppStrategy;

use super::error::{Doing, SessionError};
use super::verify::is_hash;

/// Longest name of a session or a run.
const MAX_NAME: usize = 100;

/// A sessions folder. Nothing is created before something is written.
#[derive(Clone, Debug)]
pub struct SessionStore {
    dir: PathBuf,
}

/// One log in a sessions folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Session id: the file's name without its endings.
    pub id: String,
    /// Run or day; empty for a log that lies in the sessions folder itself.
    pub sub: String,
    /// The log, compressed or not.
    pub path: PathBuf,
    /// Whether it is still in its live form.
    pub live: bool,
}

impl SessionStore {
    /// A store in a folder that may not exist yet.
    ///
    /// # Errors
    /// [`SessionError::NotAFolder`] when something else is there.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, SessionError> {
        let dir = dir.into();
        if dir.exists() && !dir.is_dir() {
            return Err(SessionError::NotAFolder { path: dir });
        }
        Ok(Self { dir })
    }

    /// The sessions folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where blobs lie.
    pub fn blobs(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    /// The path of a blob.
    ///
    /// # Errors
    /// [`SessionError::BadName`] when the hash does not have the form of one.
    pub fn blob(&self, hash: &str) -> Result<PathBuf, SessionError> {
        if is_hash(hash) { Ok(self.blobs().join(hash)) } else { Err(bad_name("a blob", hash)) }
    }

    /// Every log, by folder and id. Where a live and a compressed log of one session are there (the program was killed between
    /// the two), the compressed one counts. Unreadable folders count as empty.
    pub fn logs(&self) -> Vec<LogFile> {
        let mut logs = BTreeMap::new();
        collect(&self.dir, "", &mut logs);
        for (name, path) in entries(&self.dir) {
            // Names that begin with a dot are no run's: the trash, and what is being unpacked.
            if name != "blobs" && !name.starts_with('.') && path.is_dir() {
                collect(&path, &name, &mut logs);
            }
        }
        logs.into_values().collect()
    }

    /// The log of a session: a path as it is, or else an id.
    ///
    /// # Errors
    /// [`SessionError::NotFound`].
    pub fn resolve(&self, wanted: &str) -> Result<PathBuf, SessionError> {
        let path = Path::new(wanted);
        if path.is_file() {
            return Ok(path.to_owned());
        }
        let found = self.logs().into_iter().find(|log| log.id == wanted);
        let not_found = || SessionError::NotFound { wanted: wanted.to_owned(), dir: self.dir.clone() };
        found.map(|log| log.path).ok_or_else(not_found)
    }

    /// Makes a folder for logs and proves that it lies inside the sessions folder; an empty name is that folder itself.
    ///
    /// # Errors
    /// [`SessionError::BadName`], [`SessionError::Outside`], or [`SessionError::Io`] where it cannot be made.
    pub fn make_sub(&self, sub: &str) -> Result<PathBuf, SessionError> {
        self.make_inside(self.sub_path(sub)?)
    }

    /// The folder of a run or day, which must be there and lie inside the sessions folder; an empty name is that folder itself.
    pub(super) fn sub(&self, sub: &str) -> Result<PathBuf, SessionError> {
        self.inside(self.sub_path(sub)?)
    }

    fn sub_path(&self, sub: &str) -> Result<PathBuf, SessionError> {
        match sub {
            "" => Ok(self.dir.clone()),
            _ if sub == "blobs" || !is_name(sub, true) => Err(bad_name("a run", sub)),
            _ => Ok(self.dir.join(sub)),
        }
    }

    /// Makes a hidden folder for the program's own ends, such as the trash, and proves that it lies inside.
    pub(super) fn make_hidden(&self, parts: &[&str]) -> Result<PathBuf, SessionError> {
        self.make_inside(parts.iter().fold(self.dir.clone(), |path, part| path.join(part)))
    }

    /// Makes the blobs folder and proves that it lies inside the sessions folder.
    pub(super) fn make_blobs(&self) -> Result<PathBuf, SessionError> {
        self.make_inside(self.blobs())
    }

    fn make_inside(&self, path: PathBuf) -> Result<PathBuf, SessionError> {
        fs::create_dir_all(&path).doing("create the folder", &path)?;
        self.inside(path)
    }

    fn inside(&self, path: PathBuf) -> Result<PathBuf, SessionError> {
        let root = self.dir.canonicalize().doing("read", &self.dir)?;
        let real = path.canonicalize().doing("read", &path)?;
        // A link in a folder that someone sent may point anywhere.
        if real.starts_with(&root) { Ok(path) } else { Err(SessionError::Outside { path }) }
    }
}

/// Where sessions are: the flag, else `./sessions` if it exists, else the user's data folder.
///
/// # Errors
/// [`SessionError::NoPlace`] when no home folder is known.
pub fn locate_dir(flag: Option<PathBuf>) -> Result<PathBuf, SessionError> {
    if let Some(dir) = flag {
        return Ok(dir);
    }
    let here = PathBuf::from("sessions");
    if here.is_dir() {
        return Ok(here);
    }
    let app = etcetera::AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "panelscope".to_owned(),
    };
    let strategy = etcetera::choose_app_strategy(app).map_err(|_| SessionError::NoPlace)?;
    Ok(strategy.data_dir().join("sessions"))
}

/// A new session id, `YYYYMMDD-HHMMSS-xxxxxx`: UTC and six hexadecimal digits that differ between processes and calls.
pub fn new_id() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let now = jiff::Timestamp::now();
    // RandomState takes its keys from the operating system once a thread; the counter makes each call another one.
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one((std::process::id(), call, now.as_nanosecond()));
    format!("{}-{:06x}", now.strftime("%Y%m%d-%H%M%S"), random & 0xff_ffff)
}

/// Today in UTC as `YYYY-MM-DD`: the folder of sessions that belong to no run.
pub fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// Checks a session id.
///
/// # Errors
/// [`SessionError::BadName`].
pub fn check_id(id: &str) -> Result<(), SessionError> {
    if id != "summary" && is_name(id, false) { Ok(()) } else { Err(bad_name("a session id", id)) }
}

fn is_name(name: &str, dots: bool) -> bool {
    let mut bytes = name.bytes();
    let rest = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || (dots && b == b'.');
    name.len() <= MAX_NAME && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric()) && bytes.all(rest)
}

fn bad_name(what: &'static str, name: &str) -> SessionError {
    SessionError::BadName { what, name: name.chars().take(MAX_NAME).collect() }
}

fn entries(dir: &Path) -> impl Iterator<Item = (String, PathBuf)> + use<> {
    let found = fs::read_dir(dir).into_iter().flatten().flatten();
    found.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
}

fn collect(dir: &Path, sub: &str, logs: &mut BTreeMap<(String, String), LogFile>) {
    for (name, path) in entries(dir) {
        let live = name.strip_suffix(".jsonl");
        let Some(id) = live.or_else(|| name.strip_suffix(".jsonl.zst")) else { continue };
        if check_id(id).is_err() || !path.is_file() {
            continue;
        }
        let log = LogFile { id: id.to_owned(), sub: sub.to_owned(), path, live: live.is_some() };
        let key = (sub.to_owned(), id.to_owned());
        if !(log.live && logs.contains_key(&key)) {
            logs.insert(key, log);
        }
    }
}

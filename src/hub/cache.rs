//! The cache on disk, as Hugging Face's tools lay it out.
//!
//! `models--OWNER--NAME/refs/REVISION` holds a commit, `snapshots/COMMIT/FILE` links to `blobs/TAG`, where `TAG` is the
//! file's entity tag. A blob has its name only when it is whole; until then it is `TAG.incomplete`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::HubError;
use super::reference::{Reference, is_commit, is_relative};
use super::wanted::{self, Kind};

/// A commit's file is short; this is another.
const MOST_REF: u64 = 200;
/// An index of shards is at most this long (the loader's own limit).
const MOST_INDEX: u64 = 256 << 20;

/// One repository's part of the cache.
#[derive(Clone, Debug)]
pub(super) struct Repo {
    root: PathBuf,
    locks: PathBuf,
}

impl Repo {
    pub(super) fn new(cache: &Path, reference: &Reference) -> Self {
        let folder = reference.folder();
        Self { root: cache.join(&folder), locks: cache.join(".locks").join(&folder) }
    }

    /// The commit a revision stood for when it was fetched.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let text = crate::config::read_bounded(&self.reference(revision), MOST_REF).ok().flatten()?;
        Some(text.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// Remembers what a revision stands for.
    pub(super) fn remember(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if is_commit(revision) {
            return Ok(());
        }
        let path = self.reference(revision);
        make_parent(&path)?;
        // Written beside and moved, so that a reader never sees half a commit.
        let beside = path.with_file_name(format!(".{}.{}", std::process::id(), commit));
        fs::write(&beside, commit).map_err(HubError::io("write", &beside))?;
        fs::rename(&beside, &path).map_err(HubError::io("write", &path))
    }

    fn reference(&self, revision: &str) -> PathBuf {
        self.root.join("refs").join(revision)
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    pub(super) fn blob(&self, tag: &str) -> PathBuf {
        self.root.join("blobs").join(tag)
    }

    /// Where a file grows.
    pub(super) fn incomplete(&self, tag: &str) -> PathBuf {
        self.root.join("blobs").join(format!("{tag}.incomplete"))
    }

    /// The file whose lock says who is fetching.
    pub(super) fn lock(&self, tag: &str) -> PathBuf {
        self.locks.join(format!("{tag}.lock"))
    }

    /// Makes the snapshot's name for a blob that is whole.
    pub(super) fn link(&self, commit: &str, file: &str, tag: &str) -> Result<(), HubError> {
        let place = self.snapshot(commit).join(file);
        if place.is_file() {
            return Ok(());
        }
        make_parent(&place)?;
        // What is there and is no file is a link to a blob that was deleted.
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(HubError::io("replace", &place)(error));
            }
            _ => {}
        }
        let up = "../".repeat(2 + file.matches('/').count());
        let linked = symlink(&format!("{up}blobs/{tag}"), &place);
        let blob = self.blob(tag);
        match linked.or_else(|_| fs::hard_link(&blob, &place)).or_else(|_| fs::copy(&blob, &place).map(|_| ())) {
            // Another process was faster.
            Err(_) if place.is_file() => Ok(()),
            other => other.map_err(HubError::io("make", &place)),
        }
    }

    /// What a snapshot is read as, and which of its files are missing.
    pub(super) fn state(&self, commit: &str, asked: Option<&str>) -> (Option<Kind>, Vec<String>) {
        let folder = self.snapshot(commit);
        let listed = files_of(&folder);
        let there = |name: &str| listed.iter().any(|file| file == name);
        let kind = wanted::kind("", &listed, asked).ok();
        let missing = match &kind {
            Some(Kind::Folder { sharded }) => {
                let mut needed = vec![wanted::TOKENIZER.to_owned()];
                if *sharded {
                    needed.extend(shards_of(&folder));
                }
                needed.into_iter().filter(|name| !there(name)).collect()
            }
            Some(Kind::Gguf { .. }) => Vec::new(),
            None => match asked {
                Some(file) => vec![file.to_owned()],
                None => {
                    let needed = [wanted::CONFIG, wanted::TOKENIZER, wanted::SINGLE];
                    needed.into_iter().filter(|name| !there(name)).map(str::to_owned).collect()
                }
            },
        };
        (kind, missing)
    }

    /// Whether a snapshot also has what a repository need not have, but nearly always has.
    pub(super) fn is_rich(&self, commit: &str, kind: &Kind) -> bool {
        let folder = self.snapshot(commit);
        match kind {
            Kind::Folder { .. } => wanted::PROCESSORS.iter().any(|name| folder.join(name).is_file()),
            Kind::Gguf { tower, .. } => tower.is_some(),
        }
    }
}

/// The shards that a snapshot's index names; a damaged index is the loader's to complain about.
fn shards_of(folder: &Path) -> Vec<String> {
    let index = crate::config::read_bounded(&folder.join(wanted::INDEX), MOST_INDEX).ok().flatten().unwrap_or_default();
    wanted::shards(index.as_bytes()).unwrap_or_default()
}

/// Names of the files of a folder and of its folders. Links whose blob is gone are left out.
fn files_of(folder: &Path) -> Vec<String> {
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_relative(name)).collect()
    };
    let mut files = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_file() {
            files.push(name);
        } else if path.is_dir() {
            let inner = names(&path).into_iter().filter(|inner| path.join(inner).is_file());
            files.extend(inner.map(|inner| format!("{name}/{inner}")));
        }
    }
    files.sort();
    files
}

pub(super) fn make_parent(path: &Path) -> Result<(), HubError> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(HubError::io("make", parent)),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn symlink(target: &str, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn repo(dir: &Path) -> Repo {
        Repo::new(dir, &Reference::parse("a/b").unwrap())
    }

    #[test]
    fn links_lead_to_blobs_and_are_mended() {
        let dir = tempfile::tempdir().unwrap();
        let repo = repo(dir.path());
        let commit = "0123456789012345678901234567890123456789";
        make_parent(&repo.blob("t")).unwrap();
        fs::write(repo.blob("t"), b"x").unwrap();
        for file in ["config.json", "sub/m.gguf"] {
            repo.link(commit, file, "t").unwrap();
            repo.link(commit, file, "t").unwrap();
            assert_eq!(fs::read(repo.snapshot(commit).join(file)).unwrap(), b"x");
        }
        fs::rename(repo.blob("t"), repo.blob("u")).unwrap();
        assert!(!repo.snapshot(commit).join("config.json").is_file(), "a link, not a copy");
        repo.link(commit, "config.json", "u").unwrap();
        assert_eq!(files_of(&repo.snapshot(commit)), ["config.json"]);
    }

    #[test]
    fn revisions_are_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let repo = repo(dir.path());
        let commit = "0123456789012345678901234567890123456789";
        assert_eq!((repo.commit("main"), repo.commit(commit).as_deref()), (None, Some(commit)));
        repo.remember("refs/pr/1", commit).unwrap();
        assert_eq!(repo.commit("refs/pr/1").as_deref(), Some(commit));
        fs::write(dir.path().join("models--a--b/refs/bad"), "../../etc").unwrap();
        assert_eq!(repo.commit("bad"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let repo = repo(dir.path());
        let commit = "0123456789012345678901234567890123456789";
        let folder = repo.snapshot(commit);
        assert_eq!(repo.state(commit, None).1, ["config.json", "tokenizer.json", "model.safetensors"]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.json"), "{}").unwrap();
        let index = r#"{"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}}"#;
        fs::write(folder.join(wanted::INDEX), index).unwrap();
        fs::write(folder.join("m-2.safetensors"), "").unwrap();
        assert_eq!(repo.state(commit, None).1, ["tokenizer.json", "m-1.safetensors"]);
        assert_eq!(repo.state(commit, Some("x.gguf")).1, ["x.gguf"]);
    }
}

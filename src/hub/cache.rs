//! The cache on disk, as Hugging Face's tools lay it out.
//!
//! `models--OWNER--NAME/refs/REVISION` holds a commit, `snapshots/COMMIT/FILE` links to `blobs/TAG`, where `TAG` is the
//! file's entity tag. A blob has its name only when it is whole; until then it is `TAG.incomplete`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::beside::{beside, remove, sweep};
use super::error::HubError;
use super::reference::{Reference, is_commit, is_relative};
use super::wanted::{self, Kind};
use super::whole::{Cut, is_whole, length};

/// A commit's file is short; this is another.
const MOST_REF: u64 = 200;
/// An index of shards is at most this long (the loader's own limit).
const MOST_INDEX: u64 = 256 << 20;
/// Folders within folders that are looked into.
const DEEPEST: usize = 16;
/// Under this name it is remembered that a repository has no vision tower.
const TOWER: &str = "mmproj.gguf";

/// One repository's part of the cache.
#[derive(Clone, Debug)]
pub(super) struct Repo {
    root: PathBuf,
    locks: PathBuf,
    is_cut: Cut,
}

impl Repo {
    pub(super) fn new(cache: &Path, reference: &Reference, is_cut: Cut) -> Self {
        let folder = reference.folder();
        Self { root: cache.join(&folder), locks: cache.join(".locks").join(&folder), is_cut }
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
        // What is known is not written again: a cache that is only to be read from must do.
        if self.commit(revision).as_deref() == Some(commit) {
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

    /// Whether a blob is there and as long as it should be.
    pub(super) fn holds(&self, tag: &str, size: u64) -> bool {
        length(&self.blob(tag)) == Some(size)
    }

    /// Makes the snapshot's name for a blob that is whole; of one that leads elsewhere, or to half a file, too.
    ///
    /// The name is made beside its place and moved there: nothing is ever written through a name that another process has
    /// made meanwhile, and a copy that was not finished has no name.
    pub(super) fn link(&self, commit: &str, file: &str, tag: &str) -> Result<(), HubError> {
        let (place, blob) = (self.snapshot(commit).join(file), self.blob(tag));
        let is_made = || length(&place).is_some_and(|bytes| length(&blob) == Some(bytes));
        if is_made() {
            return Ok(());
        }
        make_parent(&place)?;
        let beside = beside(&place);
        // A leftover of a killed process that had our number.
        remove(&beside)?;
        let up = "../".repeat(2 + file.matches('/').count());
        let made = symlink(&format!("{up}blobs/{tag}"), &beside)
            .or_else(|_| fs::hard_link(&blob, &beside))
            .or_else(|_| fs::copy(&blob, &beside).map(|_| ()));
        let moved = made.and_then(|()| fs::rename(&beside, &place));
        // Of two names of one file, moving the one to the other leaves both.
        remove(&beside)?;
        match moved {
            Err(_) if is_made() => Ok(()),
            moved => moved.map_err(HubError::io("make", &place)),
        }
    }

    /// Takes away what killed processes have left beside the place of a snapshot's file; only for whoever holds its lock.
    pub(super) fn sweep(&self, commit: &str, file: &str) {
        sweep(&self.snapshot(commit).join(file));
    }

    /// Whether a file is there and not cut short.
    pub(super) fn is_whole(&self, path: &Path) -> bool {
        is_whole(path, self.is_cut)
    }

    /// What a snapshot is read as, and which of its files are missing or cut short.
    pub(super) fn state(&self, commit: &str, reference: &Reference) -> State {
        let (folder, asked) = (self.snapshot(commit), reference.file());
        let listed = files_of(&folder, self.is_cut);
        let there = |name: &str| listed.iter().any(|file| file == name);
        let kind = wanted::kind(&reference.repository(), &listed, asked);
        let missing = match (&kind, asked) {
            (Ok(Kind::Folder { sharded }), _) => {
                let mut needed = vec![wanted::TOKENIZER.to_owned()];
                if *sharded {
                    needed.extend(shards_of(&folder));
                }
                needed.into_iter().filter(|name| !there(name)).collect()
            }
            (Ok(Kind::Gguf { .. }), _) => Vec::new(),
            (Err(_), Some(file)) => vec![file.to_owned()],
            (Err(_), None) => {
                let needed = [wanted::CONFIG, wanted::TOKENIZER, wanted::SINGLE];
                needed.into_iter().filter(|name| !there(name)).map(str::to_owned).collect()
            }
        };
        State { kind, missing }
    }

    /// Whether a snapshot also has what a repository need not have, but nearly always has; or is known to have none.
    pub(super) fn is_rich(&self, commit: &str, kind: &Kind) -> bool {
        let folder = self.snapshot(commit);
        match kind {
            Kind::Folder { .. } => {
                wanted::PROCESSORS.iter().any(|name| self.is_whole(&folder.join(name)))
                    || wanted::PROCESSORS.iter().all(|name| self.lacking(commit, name).exists())
            }
            Kind::Gguf { tower, .. } => tower.is_some() || self.lacking(commit, TOWER).exists(),
        }
    }

    /// Remembers which of these a repository has not, so that the network need not be asked again; where that cannot be
    /// written, it will be.
    pub(super) fn remember_lack(&self, commit: &str, kind: &Kind, listed: &[String]) {
        let lacking: &[&str] = match kind {
            Kind::Folder { .. } => &wanted::PROCESSORS,
            Kind::Gguf { tower: None, .. } => &[TOWER],
            Kind::Gguf { .. } => &[],
        };
        for name in lacking.iter().filter(|name| !listed.iter().any(|file| file == *name)) {
            let path = self.lacking(commit, name);
            if make_parent(&path).is_ok() {
                let _ = fs::write(&path, b"");
            }
        }
    }

    /// Where Hugging Face's tools remember that a repository has no such file.
    fn lacking(&self, commit: &str, file: &str) -> PathBuf {
        self.root.join(".no_exist").join(commit).join(file)
    }
}

/// What a snapshot holds.
#[derive(Debug)]
pub(super) struct State {
    /// What it is read as, or why that cannot be said.
    pub(super) kind: Result<Kind, HubError>,
    /// Files that are needed and are not whole.
    pub(super) missing: Vec<String>,
}

/// The shards that a snapshot's index names; a damaged index is the loader's to complain about.
fn shards_of(folder: &Path) -> Vec<String> {
    let index = crate::config::read_bounded(&folder.join(wanted::INDEX), MOST_INDEX).ok().flatten().unwrap_or_default();
    wanted::shards(index.as_bytes()).unwrap_or_default()
}

/// Names of the files of a folder and of the folders in it. Links whose blob is gone are left out, and what is cut short.
fn files_of(folder: &Path, is_cut: Cut) -> Vec<String> {
    let (mut files, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inside)).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = if inside.is_empty() { name } else { format!("{inside}/{name}") };
            // A link to a folder is not followed: it may lead in a circle.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match (is_relative(&name), is_folder) {
                (true, true) if name.matches('/').count() < DEEPEST => folders.push(name),
                (true, false) if is_whole(&folder.join(&name), is_cut) => files.push(name),
                _ => {}
            }
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
    use super::super::whole::tests::never;
    use super::*;

    fn repo(dir: &Path) -> Repo {
        Repo::new(dir, &Reference::parse("a/b").unwrap(), never)
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
        assert_eq!(files_of(&repo.snapshot(commit), never), ["config.json"]);
        assert_eq!(fs::read_dir(repo.snapshot(commit)).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn many_may_link_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let repo = repo(dir.path());
        make_parent(&repo.blob("t")).unwrap();
        fs::write(repo.blob("t"), b"weights").unwrap();
        for round in 0..200 {
            let commit = format!("{round:040}");
            let (start, repo) = (std::sync::Barrier::new(4), &repo);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        repo.link(&commit, "m.safetensors", "t").unwrap();
                    });
                }
            });
            assert_eq!(fs::read(repo.blob("t")).unwrap(), b"weights", "round {round}: the blob is as it was");
            assert_eq!(fs::read(repo.snapshot(&commit).join("m.safetensors")).unwrap(), b"weights");
        }
    }

    #[test]
    fn half_a_copy_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let repo = repo(dir.path());
        make_parent(&repo.blob("t")).unwrap();
        fs::write(repo.blob("t"), b"weights").unwrap();
        assert!(repo.holds("t", 7) && !repo.holds("t", 8) && !repo.holds("u", 7));
        let place = repo.snapshot("c").join("m.gguf");
        make_parent(&place).unwrap();
        fs::write(&place, b"wei").unwrap();
        repo.link("c", "m.gguf", "t").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"weights");
    }

    #[test]
    fn what_lies_deep_is_found_and_what_is_not_there_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let repo = repo(dir.path());
        make_parent(&repo.blob("t")).unwrap();
        fs::write(repo.blob("t"), b"x").unwrap();
        repo.link("c", "a/b/m.gguf", "t").unwrap();
        let state = repo.state("c", &Reference::parse("a/b:a/b/m.gguf").unwrap());
        let kind = state.kind.unwrap();
        assert_eq!(kind, Kind::Gguf { file: "a/b/m.gguf".into(), tower: None });
        assert!(state.missing.is_empty() && !repo.is_rich("c", &kind));
        repo.remember_lack("c", &kind, &["a/b/m.gguf".to_owned()]);
        assert!(repo.is_rich("c", &kind) && !repo.is_rich("d", &kind));
        let folder = Kind::Folder { sharded: false };
        repo.remember_lack("c", &folder, &["processor_config.json".to_owned()]);
        assert!(!repo.is_rich("c", &folder), "it has one of the two");
        repo.remember_lack("c", &folder, &[]);
        assert!(repo.is_rich("c", &folder));
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
        let (any, gguf) = (Reference::parse("a/b").unwrap(), Reference::parse("a/b:x.gguf").unwrap());
        let missing = |reference: &Reference| repo.state(commit, reference).missing;
        assert_eq!(missing(&any), ["config.json", "tokenizer.json", "model.safetensors"]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.json"), "{}").unwrap();
        let index = r#"{"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}}"#;
        fs::write(folder.join(wanted::INDEX), index).unwrap();
        let whole = crate::hub::whole::tests::weights(9);
        fs::write(folder.join("m-2.safetensors"), &whole).unwrap();
        assert_eq!(missing(&any), ["tokenizer.json", "m-1.safetensors"]);
        fs::write(folder.join("m-2.safetensors"), &whole[..whole.len() - 1]).unwrap();
        assert_eq!(missing(&any), ["tokenizer.json", "m-1.safetensors", "m-2.safetensors"], "cut short");
        assert_eq!(missing(&gguf), ["x.gguf"]);
        fs::write(folder.join("x.gguf"), "").unwrap();
        assert_eq!(missing(&gguf), ["x.gguf"], "empty");
    }
}

//! A whole model: what is in the cache, and what has to be fetched.

use std::path::{Path, PathBuf};

use super::cache::Repo;
use super::client::{Client, Listing, Meta};
use super::download::{Wanted, download};
use super::error::HubError;
use super::progress::{Progress, Step};
use super::reference::Reference;
use super::settings::Settings;
use super::wanted::{self, Kind};

/// Kept free on the disk beyond what is fetched.
const SPARE: u64 = 64 << 20;

/// A model's files on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// What was asked for.
    pub reference: Reference,
    /// The commit it stands for.
    pub commit: String,
    /// The folder with its files.
    pub folder: PathBuf,
    /// The GGUF file, where it is one and no folder of safetensors files.
    pub gguf: Option<PathBuf>,
    /// The GGUF file of its vision tower.
    pub tower: Option<PathBuf>,
}

/// Models by name.
#[derive(Clone, Debug)]
pub struct Hub {
    settings: Settings,
}

impl Hub {
    /// A hub as the environment says.
    ///
    /// # Errors
    /// As [`Settings::from_env`].
    pub fn from_env(offline: bool) -> Result<Self, HubError> {
        Settings::from_env(offline).map(Self::new)
    }

    /// A hub with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// What is in the cache and whole; nothing is asked of the network.
    pub fn cached(&self, reference: &Reference) -> Option<Local> {
        let repo = Repo::new(&self.settings.cache, reference);
        let commit = repo.commit(reference.revision())?;
        let (kind, missing) = repo.state(&commit, reference.file());
        kind.filter(|_| missing.is_empty()).map(|kind| self.local(&repo, reference, commit, &kind))
    }

    /// A model: from the cache where it is whole there, else from the network. With `update`, the network is asked
    /// whether the revision stands for another commit by now.
    ///
    /// # Errors
    /// [`HubError`]; what has been fetched until then stays for another time.
    pub fn get(&self, reference: &Reference, update: bool, progress: &mut dyn Progress) -> Result<Local, HubError> {
        let repo = Repo::new(&self.settings.cache, reference);
        let known = repo.commit(reference.revision());
        let state = known.as_deref().map(|commit| repo.state(commit, reference.file()));
        if let (Some(commit), Some((Some(kind), missing))) = (&known, &state) {
            let whole = missing.is_empty();
            if whole && !update && (self.settings.offline || repo.is_rich(commit, kind)) {
                return Ok(self.local(&repo, reference, commit.clone(), kind));
            }
        }
        if self.settings.offline {
            let missing = state.map(|(_, missing)| missing).filter(|missing| !missing.is_empty());
            let missing = missing.unwrap_or_else(|| vec!["everything".to_owned()]);
            let (model, cache) = (reference.to_string(), self.settings.cache.clone());
            return Err(HubError::Offline { model, cache, missing });
        }
        self.fetch(&repo, reference, progress)
    }

    fn fetch(&self, repo: &Repo, reference: &Reference, progress: &mut dyn Progress) -> Result<Local, HubError> {
        let client = Client::new(&self.settings);
        progress.tell(Step::Asking(reference.revision()));
        let Listing { commit, files } = client.list(reference)?;
        let kind = wanted::kind(&reference.repository(), &files, reference.file())?;
        let work = Work { client: &client, repo, reference, commit: &commit, cache: &self.settings.cache };
        match &kind {
            Kind::Folder { sharded } => {
                work.all(&wanted::small(&files), progress)?;
                let weights = if *sharded { work.shards(&files, progress)? } else { vec![wanted::SINGLE.to_owned()] };
                work.all(&weights, progress)?;
            }
            Kind::Gguf { file, tower } => {
                let files: Vec<String> = std::iter::once(file).chain(tower).cloned().collect();
                work.all(&files, progress)?;
            }
        }
        // Only now: a name that stood for an older, whole model must not stand for half of a newer one.
        repo.remember(reference.revision(), &commit)?;
        Ok(self.local(repo, reference, commit, &kind))
    }

    fn local(&self, repo: &Repo, reference: &Reference, commit: String, kind: &Kind) -> Local {
        let folder = repo.snapshot(&commit);
        let (gguf, tower) = match kind {
            Kind::Folder { .. } => (None, None),
            Kind::Gguf { file, tower } => (Some(folder.join(file)), tower.as_ref().map(|file| folder.join(file))),
        };
        let reference = match kind {
            Kind::Gguf { file, .. } => reference.with_file(file),
            Kind::Folder { .. } => reference.clone(),
        };
        Local { reference, commit, folder, gguf, tower }
    }
}

/// One commit being fetched.
struct Work<'a> {
    client: &'a Client<'a>,
    repo: &'a Repo,
    reference: &'a Reference,
    commit: &'a str,
    cache: &'a Path,
}

impl Work<'_> {
    /// Fetches files that are not in the snapshot: first all their sizes, so that a full disk is told at once.
    fn all(&self, files: &[String], progress: &mut dyn Progress) -> Result<(), HubError> {
        let snapshot = self.repo.snapshot(self.commit);
        let mut metas: Vec<(&String, Meta)> = Vec::new();
        for file in files.iter().filter(|file| !snapshot.join(file).is_file()) {
            if progress.stopped() {
                return Err(HubError::Stopped);
            }
            metas.push((file, self.client.meta(self.reference, self.commit, file)?));
        }
        let (mut bytes, mut have) = (0_u64, 0_u64);
        for (_, meta) in &metas {
            bytes = bytes.saturating_add(meta.size);
            have = have.saturating_add(self.here(meta));
        }
        if metas.is_empty() {
            return Ok(());
        }
        self.room_for(bytes.saturating_sub(have))?;
        progress.tell(Step::Plan { files: metas.len(), bytes, have });
        for (file, meta) in &metas {
            let wanted = Wanted { reference: self.reference, commit: self.commit, file, meta };
            download(self.client, self.repo, &wanted, progress)?;
        }
        Ok(())
    }

    /// Bytes of a file that are here already.
    fn here(&self, meta: &Meta) -> u64 {
        let length = |path: PathBuf| std::fs::metadata(path).map(|data| data.len()).ok();
        let grown = || length(self.repo.incomplete(&meta.tag)).filter(|length| *length <= meta.size);
        length(self.repo.blob(&meta.tag)).or_else(grown).unwrap_or(0)
    }

    /// Whether the disk has room.
    fn room_for(&self, needed: u64) -> Result<(), HubError> {
        std::fs::create_dir_all(self.cache).map_err(HubError::io("make", self.cache))?;
        // A file system that does not say how much is free is taken at its word.
        let Ok(free) = fs4::available_space(self.cache) else { return Ok(()) };
        if needed.saturating_add(SPARE) > free {
            return Err(HubError::Disk { folder: self.cache.to_owned(), needed, free });
        }
        Ok(())
    }

    /// The shards that the index names, which has been fetched first.
    fn shards(&self, listed: &[String], progress: &mut dyn Progress) -> Result<Vec<String>, HubError> {
        self.all(&[wanted::INDEX.to_owned()], progress)?;
        let path = self.repo.snapshot(self.commit).join(wanted::INDEX);
        let text = std::fs::read(&path).map_err(HubError::io("read", &path))?;
        let odd = |why| HubError::Answer { host: self.client.host(), why: format!("{}: {why}", wanted::INDEX) };
        let shards = wanted::shards(&text).map_err(odd)?;
        match shards.iter().find(|shard| !listed.contains(shard)) {
            Some(file) => Err(HubError::NoFile { repository: self.reference.repository(), file: file.clone() }),
            None => Ok(shards),
        }
    }
}

//! A whole model: what is in the cache, and what has to be fetched.

use std::path::{Path, PathBuf};

use super::cache::{Repo, State};
use super::client::{Client, Listing, Meta};
use super::download::{Wanted, download};
use super::error::HubError;
use super::progress::{Progress, Step};
use super::reference::Reference;
use super::settings::Settings;
use super::wanted::{self, Kind};
use super::whole::{Cut, length};

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
    is_cut: Cut,
}

impl Hub {
    /// A hub as the environment says; `is_cut` says of GGUF files whether they are cut short.
    ///
    /// # Errors
    /// As [`Settings::from_env`].
    pub fn from_env(offline: bool, is_cut: Cut) -> Result<Self, HubError> {
        Settings::from_env(offline).map(|settings| Self::new(settings, is_cut))
    }

    /// A hub with these settings.
    pub fn new(settings: Settings, is_cut: Cut) -> Self {
        Self { settings, is_cut }
    }

    /// What is in the cache and whole; nothing is asked of the network.
    pub fn cached(&self, reference: &Reference) -> Option<Local> {
        let repo = Repo::new(&self.settings.cache, reference, self.is_cut);
        let commit = repo.commit(reference.revision())?;
        let State { kind, missing } = repo.state(&commit, reference);
        kind.ok().filter(|_| missing.is_empty()).map(|kind| self.local(&repo, reference, commit, &kind))
    }

    /// A model: from the cache where it is whole there, else from the network. With `update`, the network is asked
    /// whether the revision stands for another commit by now, and whether each file is as long as it should be. Without,
    /// of a model that is whole in the cache at most what nearly every model has besides is asked for, at the commit that
    /// is there; where that is not to be had, for whatever reason, it is taken without.
    ///
    /// # Errors
    /// [`HubError`]; what has been fetched until then stays for another time.
    pub fn get(&self, reference: &Reference, update: bool, progress: &mut dyn Progress) -> Result<Local, HubError> {
        let repo = Repo::new(&self.settings.cache, reference, self.is_cut);
        let known = repo.commit(reference.revision());
        let state = known.as_deref().map(|commit| repo.state(commit, reference));
        let whole = match (known, &state) {
            (Some(commit), Some(State { kind: Ok(kind), missing })) if missing.is_empty() => Some((commit, kind)),
            _ => None,
        };
        if let Some((commit, kind)) = whole.as_ref().filter(|_| !update) {
            if !self.settings.offline && !repo.is_rich(commit, kind) {
                match self.fetch(&repo, reference, Some((commit.as_str(), *kind)), false, progress) {
                    Err(HubError::Stopped) => return Err(HubError::Stopped),
                    Err(error) => progress.tell(Step::Away(&error.reason())),
                    Ok(local) => {
                        tell_taken(reference, kind, progress);
                        return Ok(local);
                    }
                }
            }
            tell_taken(reference, kind, progress);
            return Ok(self.local(&repo, reference, commit.clone(), kind));
        }
        if self.settings.offline {
            return Err(self.offline(reference, state));
        }
        self.fetch(&repo, reference, None, update, progress).map_err(|error| match error {
            HubError::Unreachable { host, why, model, .. } => {
                HubError::Unreachable { host, why, model, whole: whole.is_some() }
            }
            other => other,
        })
    }

    /// Why nothing can be had without the network.
    fn offline(&self, reference: &Reference, state: Option<State>) -> HubError {
        let missing = match state {
            Some(State { kind: Err(several @ HubError::Several { .. }), .. }) => return several,
            Some(State { missing, .. }) if !missing.is_empty() => missing,
            _ => vec!["everything".to_owned()],
        };
        HubError::Offline { model: reference.to_string(), cache: self.settings.cache.clone(), missing }
    }

    /// Fetches a revision; of a model whose commit and kind are known what it lacks.
    fn fetch(
        &self,
        repo: &Repo,
        reference: &Reference,
        known: Option<(&str, &Kind)>,
        update: bool,
        progress: &mut dyn Progress,
    ) -> Result<Local, HubError> {
        let client = Client::new(&self.settings);
        let revision = known.map_or(reference.revision(), |(commit, _)| commit);
        progress.tell(Step::Asking(revision));
        let Listing { commit, files } = client.list(reference, revision, progress)?;
        let kind = match known {
            Some((_, kind @ Kind::Folder { .. })) => kind.clone(),
            Some((_, Kind::Gguf { file, .. })) => wanted::kind(&reference.repository(), &files, Some(file))?,
            None => wanted::kind(&reference.repository(), &files, reference.file())?,
        };
        let work = Work { client: &client, repo, reference, commit: &commit, cache: &self.settings.cache, update };
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
        repo.remember_lack(&commit, &kind, &files);
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

/// Says which of several files was taken, where nobody named one.
fn tell_taken(reference: &Reference, kind: &Kind, progress: &mut dyn Progress) {
    if let (None, Kind::Gguf { file, .. }) = (reference.file(), kind) {
        progress.tell(Step::Taken(file));
    }
}

/// One commit being fetched.
struct Work<'a> {
    client: &'a Client<'a>,
    repo: &'a Repo,
    reference: &'a Reference,
    commit: &'a str,
    cache: &'a Path,
    /// Whether files that seem to be whole are held against what the server says of them.
    update: bool,
}

impl Work<'_> {
    /// Fetches files that are not whole in the snapshot: first all their sizes, so that a full disk is told at once.
    fn all(&self, files: &[String], progress: &mut dyn Progress) -> Result<(), HubError> {
        let snapshot = self.repo.snapshot(self.commit);
        let mut metas: Vec<(&String, Meta)> = Vec::new();
        for file in files.iter().filter(|file| self.update || !self.repo.is_whole(&snapshot.join(file))) {
            if progress.stopped() {
                return Err(HubError::Stopped);
            }
            let meta = self.client.meta(self.reference, self.commit, file, progress)?;
            if length(&snapshot.join(file)) != Some(meta.size) {
                metas.push((file, meta));
            }
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
        let fitting = |path: PathBuf, fits: &dyn Fn(&u64) -> bool| length(&path).filter(fits);
        let grown = || fitting(self.repo.incomplete(&meta.tag), &|length| *length <= meta.size);
        fitting(self.repo.blob(&meta.tag), &|length| *length == meta.size).or_else(grown).unwrap_or(0)
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

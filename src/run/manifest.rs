//! What a run is, on disk: written once before its first session, compared when it is gone on with.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::questions::{Questions, questions_hash, session_id};
use super::settings::RunSettings;
use crate::protocol::Profile;
use crate::session::{SessionError, check_id, write_atomic};
use crate::trace::ModelInfo;

/// The manifest's name in a run's folder.
pub const MANIFEST: &str = "manifest.json";
/// The version written in `v`.
const VERSION: u32 = 1;
/// Most bytes of a manifest that are read: two hundred thousand question ids take some sixteen million.
const MAX_BYTES: u64 = 256 << 20;

/// What a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1.
    pub v: u32,
    /// The run's id; session ids begin with it.
    pub run: String,
    /// Program and version.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub started: String,
    /// What it is made with.
    pub settings: RunSettings,
    /// What is asked.
    pub benchmark: BenchmarkInfo,
    /// Who is asked.
    pub model: ModelInfo,
    /// How it is talked to.
    pub profile: ProfileInfo,
    /// Where it began.
    pub machine: Machine,
    /// How many sequences are stepped together.
    pub batch: BatchInfo,
    /// Whose blobs the pages go to.
    pub blobs: BlobsPlace,
    /// Sessions in all.
    pub items: usize,
    /// Seeds of the sampler, in the order each question is asked with them.
    pub seeds: Vec<u64>,
    /// Question ids in order. Session `i` asks question `i / seeds` with seed `i % seeds`.
    pub questions: Vec<String>,
}

/// A benchmark, as far as a run depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchmarkInfo {
    /// Its name.
    pub name: String,
    /// blake3 (hex) over the questions asked.
    pub hash: String,
    /// How many questions.
    pub questions: usize,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileInfo {
    /// Its name.
    pub name: String,
    /// blake3 (hex) of its canonical TOML.
    pub hash: String,
}

/// A machine, without its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system.
    pub os: String,
    /// Instruction set.
    pub arch: String,
    /// Cores this program may use.
    pub cores: usize,
}

/// How questions are put side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchInfo {
    /// Sequences in all.
    pub concurrency: usize,
    /// Threads that share them.
    pub threads: usize,
    /// Sequences of one thread, stepped together: the batch size the logs state.
    pub size: usize,
}

impl BatchInfo {
    /// How `concurrency` sequences are spread over `cores`.
    pub fn of(concurrency: usize, cores: usize) -> Self {
        let concurrency = concurrency.max(1);
        let threads = cores.clamp(1, concurrency);
        Self { concurrency, threads, size: concurrency.div_ceil(threads) }
    }
}

/// Whose blobs folder the pages lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlobsPlace {
    /// The run's folder is a sessions folder of its own.
    Own,
    /// The run's folder lies in a sessions folder.
    Shared,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// There is none.
    #[error("{} is not the folder of a run: it has no {MANIFEST}", dir.display())]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not a manifest.
    #[error("{} is not the manifest of a run: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The run was begun with something else.
    #[error("{} holds another run:{}", dir.display(), list(differences))]
    Differs {
        /// The folder.
        dir: PathBuf,
        /// What differs: name, in the manifest, asked for.
        differences: Vec<(String, String, String)>,
    },
}

fn list(differences: &[(String, String, String)]) -> String {
    let line =
        |(name, here, there): &(String, String, String)| format!("\n  {name}: it has {here}, asked for is {there}");
    differences.iter().map(line).collect()
}

/// Cores this program may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl Manifest {
    /// The manifest of a run that begins now.
    pub fn new(
        run: String,
        settings: &RunSettings,
        benchmark: &dyn Questions,
        model: ModelInfo,
        profile: &Profile,
        blobs: BlobsPlace,
    ) -> Self {
        let questions = benchmark.questions();
        Self {
            v: VERSION,
            run,
            program: concat!("panelscope ", env!("CARGO_PKG_VERSION")).to_owned(),
            started: jiff::Timestamp::now().to_string(),
            settings: settings.clone(),
            benchmark: BenchmarkInfo {
                name: benchmark.name().to_owned(),
                hash: questions_hash(questions),
                questions: questions.len(),
            },
            model,
            profile: ProfileInfo { name: profile.name.clone(), hash: profile.hash() },
            machine: Machine {
                os: std::env::consts::OS.to_owned(),
                arch: std::env::consts::ARCH.to_owned(),
                cores: cores(),
            },
            batch: BatchInfo::of(settings.concurrency, cores()),
            blobs,
            items: questions.len().saturating_mul(settings.seeds as usize),
            seeds: (0..u64::from(settings.seeds)).map(|s| settings.seed.wrapping_add(s)).collect(),
            questions: questions.iter().map(|q| q.id.clone()).collect(),
        }
    }

    /// The place of a session in the run's plan; `None` for an id that is not one of it.
    pub fn index_of(&self, id: &str) -> Option<usize> {
        let number = id.strip_prefix(&self.run)?.strip_prefix('-')?.parse().ok()?;
        let all = self.questions.len().saturating_mul(self.seeds.len());
        (number < all && session_id(&self.run, number) == id).then_some(number)
    }

    /// Reads the manifest of a run's folder.
    ///
    /// # Errors
    /// [`ManifestError::Missing`], [`ManifestError::Read`], [`ManifestError::Broken`].
    pub fn read(dir: &Path) -> Result<Self, ManifestError> {
        let path = dir.join(MANIFEST);
        let broken = |why: String| ManifestError::Broken { path: path.clone(), why };
        let file = match File::open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(ManifestError::Missing { dir: dir.to_owned() });
            }
            other => other.map_err(|source| ManifestError::Read { path: path.clone(), source })?,
        };
        let mut text = String::new();
        let read = file.take(MAX_BYTES).read_to_string(&mut text);
        read.map_err(|source| ManifestError::Read { path: path.clone(), source })?;
        let manifest: Self = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
        if manifest.v != VERSION {
            return Err(broken(format!("it is of version {}, this program knows {VERSION}", manifest.v)));
        }
        check_id(&manifest.run).map_err(|e| broken(e.to_string()))?;
        Ok(manifest)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// [`SessionError::Io`].
    pub fn write(&self, dir: &Path) -> Result<(), SessionError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        write_atomic(&dir.join(MANIFEST), text.as_bytes())
    }

    /// Checks that going on as `asked` goes on with this run: the same settings, questions, model, profile and program.
    ///
    /// # Errors
    /// [`ManifestError::Differs`] names everything that is not.
    pub fn check(&self, dir: &Path, asked: &Self) -> Result<(), ManifestError> {
        let mut differences = self.settings.differences(&asked.settings);
        let (model, other) = (&self.model, &asked.model);
        let texts = [
            ("benchmark", &self.benchmark.name, &asked.benchmark.name),
            ("questions (hash)", &self.benchmark.hash, &asked.benchmark.hash),
            ("model", &model.name, &other.name),
            ("model weights (hash)", &model.weights, &other.weights),
            ("model dtype", &model.dtype, &other.dtype),
            ("model device", &model.device, &other.device),
            ("profile", &self.profile.name, &asked.profile.name),
            ("profile (hash)", &self.profile.hash, &asked.profile.hash),
            ("program", &self.program, &asked.program),
        ];
        let resampler = ("model resampler", &model.resampler().to_owned(), &other.resampler().to_owned());
        let texts = texts.into_iter().chain([resampler]).filter(|(_, here, there)| here != there);
        differences.extend(texts.map(|(name, here, there)| (name.to_owned(), here.clone(), there.clone())));
        if differences.is_empty() { Ok(()) } else { Err(ManifestError::Differs { dir: dir.to_owned(), differences }) }
    }
}

//! Weight files: opened, indexed and compared with the configuration before a single number is read.

mod account;
mod entry;
mod gguf;
mod header;
mod matrix;
mod piece;
mod random;
mod view;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use super::arithmetic::LoadOptions;
use super::config::Config;
use super::error::{ModelError, TensorProblem};
use super::keep::Keep;
use super::kernels::{Format, Team, Wide};
use super::names::{self, Expected};
use super::source::{FileBytes, FileSource};
pub(crate) use entry::Stored;
use entry::{Entry, Part};
pub(crate) use header::header;
pub(crate) use piece::Piece;

/// Bytes that are hashed at a time.
const HASHED: usize = 8 << 20;
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// More shards than any checkpoint has.
const MAX_SHARDS: usize = 4096;

/// All weight files of a model and where each tensor lies in them.
pub(crate) struct Weights {
    files: Vec<WeightFile>,
    tensors: BTreeMap<String, Entry>,
    problems: Vec<TensorProblem>,
    wide: Option<Wide>,
    team: Option<Arc<Team>>,
    keep: Keep,
    /// The type of everything that is not kept in a format of its own.
    arithmetic: DType,
    /// What a GGUF file says its mixture of formats is called.
    mixture: Option<String>,
    /// There are no files: numbers are made.
    made: bool,
}

struct WeightFile {
    name: String,
    bytes: FileBytes,
}

/// Where the output head's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// The embedding table serves as the head.
    Tied,
    /// A tensor of its own.
    Separate,
}

impl Weights {
    /// From now on layers are made for the kernels, if there is a proof that they can run: for those of small models, or
    /// for a team.
    pub(crate) fn pack_for(&mut self, wide: Option<Wide>, team: Option<Arc<Team>>) {
        self.wide = wide;
        self.team = team;
    }

    /// From now on tensors are made in this type.
    pub(crate) fn compute_in(&mut self, arithmetic: DType) {
        self.arithmetic = arithmetic;
    }

    /// The type tensors are made in.
    pub(crate) fn computes_in(&self) -> DType {
        self.arithmetic
    }

    /// How a tensor lies in its file.
    pub(crate) fn stored(&self, name: &str) -> Option<Stored> {
        self.tensors.get(name).map(|entry| entry.stored)
    }

    /// The format a tensor is kept in.
    pub(crate) fn kept_in(&self, name: &str) -> Option<Format> {
        self.tensors.get(name).map(|entry| self.keep.format(name, entry.stored, &entry.shape))
    }

    /// Names of all tensors and how many numbers each has.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.tensors.iter().map(|(name, entry)| (name.as_str(), entry.count() as u64))
    }

    /// Whether layers are to be made for the kernels.
    pub(crate) fn wide(&self) -> Option<Wide> {
        self.wide
    }

    fn empty(keep: Keep) -> Self {
        Self {
            files: Vec::new(),
            tensors: BTreeMap::new(),
            problems: Vec::new(),
            wide: None,
            team: None,
            keep,
            arithmetic: DType::F32,
            mixture: None,
            made: false,
        }
    }

    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    pub(crate) fn open(source: &FileSource, options: &LoadOptions) -> Result<Self, ModelError> {
        let mut weights = Self::empty(Keep::new(options));
        if let FileSource::Gguf(files) = source {
            let opened = files.open()?;
            (weights.tensors, weights.problems) = gguf::entries(&opened);
            weights.mixture = gguf::mixture(&opened);
            for (image, part) in [(false, &opened.text), (true, &opened.vision)] {
                let bytes = FileBytes::Gguf(Arc::clone(&opened), image);
                weights.files.push(WeightFile { name: part.name.clone(), bytes });
            }
            return Ok(weights);
        }
        for name in file_names(source)? {
            let bytes = source.map(&name)?;
            weights.index(&source.place(), &name, &bytes)?;
            weights.files.push(WeightFile { name, bytes });
        }
        Ok(weights)
    }

    /// Reads the header of one file. Offsets are within the file afterwards.
    fn index(&mut self, place: &str, name: &str, bytes: &FileBytes) -> Result<(), ModelError> {
        let bytes = bytes.as_slice();
        let damaged = |reason: String| ModelError::WeightFile { file: name.to_owned(), reason };
        let (base, metadata) = header(place, name, bytes)?;
        for (written, info) in metadata.tensors() {
            if names::ignorable(&written) {
                continue;
            }
            let (start, end) = (base.saturating_add(info.data_offsets.0), base.saturating_add(info.data_offsets.1));
            if bytes.get(start..end).is_none() {
                return Err(damaged(format!("{written} lies beyond the end")));
            }
            // No numbers, and then sizes of any size: no tensor of a model is like that.
            if info.shape.contains(&0) {
                return Err(damaged(format!("{written} of shape {:?} is empty", info.shape)));
            }
            let parts = vec![Part { file: self.files.len(), bytes: start..end }];
            let stored = Stored::of_safetensors(info.dtype);
            self.insert(Entry { written, stored, shape: info.shape.clone(), parts, run: 0 });
        }
        Ok(())
    }

    fn insert(&mut self, entry: Entry) {
        match self.tensors.entry(names::canonical(&entry.written)) {
            btree_map::Entry::Occupied(_) => {
                self.problems.push(TensorProblem::Twice { name: entry.written, shape: entry.shape });
            }
            btree_map::Entry::Vacant(place) => {
                place.insert(entry);
            }
        }
    }

    /// Compares the files with the configuration: every missing, unknown, misshaped or unreadable tensor at once.
    /// Gives the head's place.
    ///
    /// # Errors
    /// [`ModelError::Tensors`] with all differences.
    pub(crate) fn check(&mut self, config: &Config) -> Result<Head, ModelError> {
        let mut problems = std::mem::take(&mut self.problems);
        let (head, table) = self.embeddings(config);
        let mut known = BTreeSet::new();
        for expected in names::expected(config).into_iter().chain(table) {
            self.compare(&expected, &mut problems);
            known.insert(expected.name);
        }
        for (name, entry) in &self.tensors {
            if !known.contains(name) {
                problems.push(TensorProblem::Extra { name: entry.written.clone(), shape: entry.shape.clone() });
            }
        }
        if !problems.is_empty() {
            return Err(ModelError::Tensors(problems));
        }
        self.keep = Keep { layers: config.text.layers, tied: head == Head::Tied, ..self.keep };
        self.refuse_twice()?;
        Ok(head)
    }

    fn compare(&self, expected: &Expected, problems: &mut Vec<TensorProblem>) {
        let Some(entry) = self.tensors.get(&expected.name) else {
            let name = if self.older_names() { names::older(&expected.name) } else { expected.name.clone() };
            problems.push(TensorProblem::Missing { name, shape: expected.shape.clone() });
            return;
        };
        if entry.shape != expected.shape {
            problems.push(TensorProblem::Shape {
                name: entry.written.clone(),
                expected: expected.shape.clone(),
                found: entry.shape.clone(),
            });
        }
        if !entry.stored.is_readable() {
            problems.push(TensorProblem::DType {
                name: entry.written.clone(),
                shape: entry.shape.clone(),
                dtype: entry.stored.name().to_owned(),
            });
        }
    }

    /// Whether the files use the older names; missing tensors are then called by theirs.
    fn older_names(&self) -> bool {
        self.tensors.iter().any(|(name, entry)| *name != entry.written)
    }

    /// Decides the tie as `transformers` does: a configuration that ties shares the one table there is; where both
    /// tables are there and differ, both are used.
    fn embeddings(&mut self, config: &Config) -> (Head, Vec<Expected>) {
        let shape = vec![config.text.vocabulary, config.text.hidden];
        let expect = |name: &str| Expected { name: name.to_owned(), shape: shape.clone() };
        let both = vec![expect(names::EMBED), expect(names::HEAD)];
        let (has_table, has_head) = (self.tensors.contains_key(names::EMBED), self.tensors.contains_key(names::HEAD));
        // A file that does not say: tied if there is nothing else to use.
        let tied = config.tied.unwrap_or(has_table && !has_head);
        match (tied, has_table, has_head) {
            (false, _, _) => (Head::Separate, both),
            (true, true, true) => (if self.same_table() { Head::Tied } else { Head::Separate }, both),
            (true, false, true) => {
                if let Some(entry) = self.tensors.remove(names::HEAD) {
                    self.tensors.insert(names::EMBED.to_owned(), entry);
                }
                (Head::Tied, vec![expect(names::EMBED)])
            }
            (true, _, false) => (Head::Tied, vec![expect(names::EMBED)]),
        }
    }

    fn same_table(&self) -> bool {
        match (self.tensors.get(names::EMBED), self.tensors.get(names::HEAD)) {
            (Some(a), Some(b)) => a.stored == b.stored && a.shape == b.shape && self.raw(a) == self.raw(b),
            _ => false,
        }
    }

    fn raw(&self, entry: &Entry) -> Cow<'_, [u8]> {
        entry.gather(|part| {
            let file = self.files.get(part.file);
            file.and_then(|file| file.bytes.as_slice().get(part.bytes.clone())).unwrap_or(&[])
        })
    }

    /// The bytes of a tensor will not be read again: pages of the file need not stay in memory.
    pub(crate) fn done_with(&self, name: &str) {
        let parts = self.tensors.get(name).map_or(&[][..], |entry| entry.parts.as_slice());
        for part in parts {
            if let Some(file) = self.files.get(part.file) {
                file.bytes.forget(part.bytes.clone());
            }
        }
    }

    /// blake3 (hex) over the weight files' bytes, in the order of their names.
    pub(crate) fn hash(&self) -> String {
        let mut files: Vec<&WeightFile> = self.files.iter().collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut hasher = blake3::Hasher::new();
        for file in files {
            for (number, chunk) in file.bytes.as_slice().chunks(HASHED).enumerate() {
                hasher.update(chunk);
                let start = number * HASHED;
                file.bytes.forget(start..start + chunk.len());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// What `work` gives, and the hash, which another thread finds at the same time.
    pub(crate) fn hashed_beside<T>(&self, work: impl FnOnce() -> T) -> (T, String) {
        std::thread::scope(|scope| {
            let hashing = std::thread::Builder::new().name("hash".to_owned()).spawn_scoped(scope, || self.hash());
            let done = work();
            let hash = hashing.ok().and_then(|thread| thread.join().ok());
            // Without a thread it is found now.
            (done, hash.unwrap_or_else(|| self.hash()))
        })
    }

    /// One tensor as f32 with the given shape (a reshape of its own).
    pub(crate) fn tensor(&self, name: &str, shape: &[usize], device: &Device) -> Result<Tensor, ModelError> {
        if self.is_moved(device) {
            return Ok(self.uploaded(&[name.to_owned()], device)?.reshape(shape)?);
        }
        let mut numbers = Vec::new();
        self.piece(name)?.append(&mut numbers);
        Ok(Tensor::from_vec(numbers, shape, device)?)
    }

    /// Several tensors below each other: rows add up, columns are shared. With `columns` 0, vectors end to end.
    pub(crate) fn stacked(&self, parts: &[String], columns: usize, device: &Device) -> Result<Tensor, ModelError> {
        if self.is_moved(device) {
            let tensor = self.uploaded(parts, device)?;
            return Ok(if columns == 0 { tensor } else { tensor.reshape(((), columns))? });
        }
        let mut numbers = Vec::new();
        for name in parts {
            self.piece(name)?.append(&mut numbers);
        }
        let count = numbers.len();
        let tensor = match columns {
            0 => Tensor::from_vec(numbers, count, device)?,
            _ => Tensor::from_vec(numbers, (count / columns, columns), device)?,
        };
        Ok(tensor)
    }

    /// The rows of a tensor in the format it is kept in: the file's own bytes where that is how they lie there.
    pub(crate) fn piece(&self, name: &str) -> Result<Piece<'_>, ModelError> {
        let Some(entry) = self.tensors.get(name) else {
            let problem = TensorProblem::Missing { name: name.to_owned(), shape: Vec::new() };
            return Err(ModelError::Tensors(vec![problem]));
        };
        self.entry_as(name, entry, self.keep.format(name, entry.stored, &entry.shape))
    }

    /// The rows of a tensor in a format.
    pub(crate) fn piece_as(&self, name: &str, format: Format) -> Result<Piece<'_>, ModelError> {
        match self.tensors.get(name) {
            Some(entry) => self.entry_as(name, entry, format),
            None => self.piece(name),
        }
    }

    fn entry_as(&self, name: &str, entry: &Entry, format: Format) -> Result<Piece<'_>, ModelError> {
        if self.made {
            return Ok(random::piece(name, entry, format));
        }
        let (columns, raw) = (entry.columns(), self.raw(entry));
        let bytes = match entry.stored {
            Stored::Kept(stored) if stored == format => raw,
            stored => Cow::Owned(piece::converted(stored, &raw, columns, format)?),
        };
        Ok(Piece { format, rows: entry.count() / columns.max(1), columns, bytes })
    }
}

/// The weight files of a model, sorted by name.
fn file_names(source: &FileSource) -> Result<Vec<String>, ModelError> {
    if source.has(SINGLE) || !source.has(INDEX) {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let bytes = source.read(INDEX)?;
    let damaged = |reason: String| ModelError::WeightFile { file: INDEX.to_owned(), reason };
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|source| ModelError::Json { file: INDEX.to_owned(), source })?;
    let map = value.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| damaged("no weight_map".to_owned()))?;
    let mut names = BTreeSet::new();
    for (tensor, file) in map {
        let file = file.as_str().ok_or_else(|| damaged(format!("{tensor}: not a file name")))?;
        if file.contains(['/', '\\']) || !file.ends_with(".safetensors") {
            return Err(damaged(format!("{tensor}: {file:?} is not a safetensors file of this folder")));
        }
        names.insert(file.to_owned());
    }
    if names.is_empty() || names.len() > MAX_SHARDS {
        return Err(damaged(format!("names {} files", names.len())));
    }
    Ok(names.into_iter().collect())
}

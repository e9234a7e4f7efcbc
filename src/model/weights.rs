//! Weight files: opened, indexed and compared with the configuration before a single number is read.

mod view;

use std::collections::{BTreeMap, BTreeSet, btree_map};

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::arithmetic::LoadOptions;
use super::config::Config;
use super::error::{ModelError, TensorProblem};
use super::keep::Keep;
use super::kernels::Wide;
use super::memory;
use super::names::{self, Expected};
use super::source::{FileBytes, FileSource};

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
    keep: Keep,
}

struct WeightFile {
    name: String,
    bytes: FileBytes,
}

/// One tensor of a file, its name as written there.
struct Entry {
    file: usize,
    written: String,
    dtype: Dtype,
    shape: Vec<usize>,
    start: usize,
    end: usize,
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
    /// From now on layers are made for the kernels of small models, if there is a proof that they can run.
    pub(crate) fn pack_for(&mut self, wide: Option<Wide>) {
        self.wide = wide;
    }

    /// Whether layers are to be made for the kernels of small models.
    pub(crate) fn wide(&self) -> Option<Wide> {
        self.wide
    }

    /// From now on numbers are kept as asked.
    pub(crate) fn keep_as(&mut self, options: &LoadOptions) {
        self.keep = Keep::new(options);
    }

    /// How a log calls the format the weights are kept in.
    pub(crate) fn kept(&self) -> &'static str {
        self.keep.name()
    }

    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    pub(crate) fn open(source: &FileSource) -> Result<Self, ModelError> {
        let mut weights = Self {
            files: Vec::new(),
            tensors: BTreeMap::new(),
            problems: Vec::new(),
            wide: None,
            keep: Keep::default(),
        };
        for name in file_names(source)? {
            let bytes = source.map(&name)?;
            weights.index(&name, &bytes)?;
            weights.files.push(WeightFile { name, bytes });
        }
        Ok(weights)
    }

    /// Reads the header of one file. Offsets are within the file afterwards.
    fn index(&mut self, name: &str, bytes: &FileBytes) -> Result<(), ModelError> {
        let bytes = bytes.as_slice();
        let damaged = |reason: String| ModelError::WeightFile { file: name.to_owned(), reason };
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
        let base = header.saturating_add(8);
        for (written, info) in metadata.tensors() {
            if names::ignorable(&written) {
                continue;
            }
            let (start, end) = (base.saturating_add(info.data_offsets.0), base.saturating_add(info.data_offsets.1));
            if bytes.get(start..end).is_none() {
                return Err(damaged(format!("{written} lies beyond the end")));
            }
            let entry =
                Entry { file: self.files.len(), written, dtype: info.dtype, shape: info.shape.clone(), start, end };
            self.insert(entry);
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
        if problems.is_empty() { Ok(head) } else { Err(ModelError::Tensors(problems)) }
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
        if !matches!(entry.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64) {
            problems.push(TensorProblem::DType {
                name: entry.written.clone(),
                shape: entry.shape.clone(),
                dtype: format!("{:?}", entry.dtype),
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
            (Some(a), Some(b)) => a.dtype == b.dtype && a.shape == b.shape && self.raw(a) == self.raw(b),
            _ => false,
        }
    }

    fn raw(&self, entry: &Entry) -> &[u8] {
        self.files.get(entry.file).and_then(|file| file.bytes.as_slice().get(entry.start..entry.end)).unwrap_or(&[])
    }

    /// Bytes the weights will take as f32, the largest stacked read counted twice for the moment it is moved.
    pub(crate) fn f32_bytes(&self, head: Head) -> u64 {
        let counts = self.tensors.iter().filter(|(name, _)| head == Head::Separate || name.as_str() != names::HEAD);
        let (mut sum, mut largest) = (0_u64, 0_u64);
        for (_, entry) in counts {
            let count = memory::product(&entry.shape);
            sum = sum.saturating_add(count);
            largest = largest.max(count);
        }
        memory::f32_bytes(sum.saturating_add(largest))
    }

    /// blake3 (hex) over the weight files' bytes, in the order of their names.
    pub(crate) fn hash(&self) -> String {
        let mut files: Vec<&WeightFile> = self.files.iter().collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut hasher = blake3::Hasher::new();
        for file in files {
            hasher.update(file.bytes.as_slice());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// One tensor as f32 with the given shape (a reshape of its own).
    pub(crate) fn tensor(&self, name: &str, shape: &[usize], device: &Device) -> Result<Tensor, ModelError> {
        let mut numbers = Vec::with_capacity(self.count(name));
        self.append(name, &mut numbers)?;
        Ok(Tensor::from_vec(numbers, shape, device)?)
    }

    /// Several tensors below each other: rows add up, columns are shared. With `columns` 0, vectors end to end.
    pub(crate) fn stacked(&self, parts: &[String], columns: usize, device: &Device) -> Result<Tensor, ModelError> {
        let mut numbers = Vec::with_capacity(parts.iter().map(|name| self.count(name)).sum());
        for name in parts {
            self.append(name, &mut numbers)?;
        }
        let count = numbers.len();
        let tensor = match columns {
            0 => Tensor::from_vec(numbers, count, device)?,
            _ => Tensor::from_vec(numbers, (count / columns, columns), device)?,
        };
        Ok(tensor)
    }

    /// Numbers of a tensor; its bytes were found in the file, so this is no fantasy.
    fn count(&self, name: &str) -> usize {
        self.tensors.get(name).map_or(0, |entry| entry.shape.iter().product())
    }

    fn append(&self, name: &str, numbers: &mut Vec<f32>) -> Result<(), ModelError> {
        let Some(entry) = self.tensors.get(name) else {
            let problem = TensorProblem::Missing { name: name.to_owned(), shape: Vec::new() };
            return Err(ModelError::Tensors(vec![problem]));
        };
        let bytes = self.raw(entry);
        let start = numbers.len();
        match entry.dtype {
            Dtype::F32 => numbers.extend(words(bytes).map(f32::from_le_bytes)),
            Dtype::F64 => numbers.extend(words(bytes).map(|word| f64::from_le_bytes(word) as f32)),
            Dtype::F16 => numbers.extend(words(bytes).map(|word| half::f16::from_le_bytes(word).to_f32())),
            Dtype::BF16 => numbers.extend(words(bytes).map(|word| half::bf16::from_le_bytes(word).to_f32())),
            other => {
                let (name, shape) = (entry.written.clone(), entry.shape.clone());
                let problem = TensorProblem::DType { name, shape, dtype: format!("{other:?}") };
                return Err(ModelError::Tensors(vec![problem]));
            }
        }
        let columns = entry.shape.get(1..).map_or(1, |sides| sides.iter().product());
        self.keep.round(name, columns, numbers.get_mut(start..).unwrap_or_default())
    }
}

/// The bytes as little words of `N` bytes; an incomplete last one (impossible after the header check) is dropped.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
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

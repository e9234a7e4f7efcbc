//! A model written as GGUF: the language model's file and the image part's, for this program and for llama.cpp.
//!
//! Tensors go one by one from the source into the file, so that memory holds the largest only. A file appears whole under
//! its name or not at all, and none is written over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::error::GgufError;
use super::mixture::{self, Mixture};
use super::same::Comparing;
use super::value::Value;
use super::write::{self, Planned};
use super::{describe, names};
use crate::model::arithmetic::LoadOptions;
use crate::model::config::Config;
use crate::model::error::ModelError;
use crate::model::generation::Generation;
use crate::model::kernels::Format;
use crate::model::names as canonical;
use crate::model::source::FileSource;
use crate::model::weights::{Head, Piece, Weights};
use crate::model::{read_generation, read_processor};

/// Bytes written and bytes to write; `false` stops.
pub type Progress<'a> = dyn FnMut(u64, u64) -> bool + 'a;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Bytes of the language model's file.
    pub text_bytes: u64,
    /// Bytes of the image part's file.
    pub image_bytes: u64,
    /// The image part's file was there already, byte by byte, and was left as it is.
    pub image_was_there: bool,
    /// What the format is called, such as `q4_k_m`.
    pub format: String,
    /// Tensors whose rows do not divide into the format's blocks, and the format they got instead.
    pub instead: Vec<(String, Format)>,
    /// Whether other programs cut texts as this model's tokenizer does.
    pub usual_tokenizer: bool,
}

/// Why a model could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The source cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// What the model is cannot be said in the format.
    #[error("cannot be written as GGUF: {0}")]
    Gguf(#[from] GgufError),
    /// A file of that name is there; of the image part, with other bytes.
    #[error("{} is there already; nothing was written", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was stopped; nothing is left of it.
    #[error("stopped; nothing was written")]
    Stopped,
}

/// One tensor of a file: what it is called and of which part of which canonical tensor it is made.
struct Item {
    planned: Planned,
    canonical: String,
    part: usize,
    parts: usize,
    /// Bytes that belong to the parts in turn; 0 where they follow each other.
    run: usize,
}

/// Writes a model into two files. The image part's may be there, if it is the same: another format of the language model
/// has the same image part.
///
/// # Errors
/// [`ExportError`]; then neither file is there, unless the second could not get its name.
pub fn export(
    source: &FileSource,
    options: &LoadOptions,
    name: &str,
    text: &Path,
    image: &Path,
    progress: &mut Progress<'_>,
) -> Result<Exported, ExportError> {
    if is_taken(text) {
        return Err(ExportError::Exists(text.to_owned()));
    }
    let config = Config::from_json(&source.read("config.json")?)?;
    let (processor, generation) = (read_processor(source, &config)?, read_generation(source, &config)?);
    let tokenizer = source.read("tokenizer.json")?;
    let mut weights = Weights::open(source, options)?;
    let head = weights.check(&config)?;
    let Mixture { name: format, number } = mixture::text(source, &weights)?;
    let (vocabulary, usual_tokenizer) = describe::vocabulary(&tokenizer, &config, &generation.eos)?;
    let mut text_values = described(&config, &generation, name, number);
    text_values.extend(vocabulary);
    let (text_items, image_items) = items(&weights, &config, head)?;
    // By what it holds itself: formats of the language model share it.
    let image_values = describe::image(&config, &processor, name, mixture::number_of(most(&image_items)))?;
    let instead = fallen_back(options, &weights, &text_items);
    let total = text_items.iter().chain(&image_items).map(|item| item.planned.bytes as u64).sum();
    let mut done = 0;
    let mut tell = |bytes: u64| {
        done += bytes;
        progress(done, total)
    };
    let image_was_there = is_taken(image);
    if image_was_there && !is_there(image, (&image_values, &image_items), &weights, &mut tell)? {
        return Err(ExportError::Exists(image.to_owned()));
    }
    let text_file = Part::write(text, &text_values, &text_items, &weights, &mut tell)?;
    let text_bytes = text_file.bytes;
    let image_bytes = if image_was_there {
        text_file.keep()?;
        fs::metadata(image).map_err(|source| ExportError::Io { path: image.to_owned(), source })?.len()
    } else {
        let image_file = Part::write(image, &image_values, &image_items, &weights, &mut tell)?;
        let bytes = image_file.bytes;
        text_file.keep()?;
        image_file.keep()?;
        bytes
    };
    Ok(Exported { text_bytes, image_bytes, image_was_there, format, instead, usual_tokenizer })
}

fn described(config: &Config, generation: &Generation, name: &str, number: u32) -> Vec<(String, Value)> {
    describe::text(config, generation, name, number)
}

/// What the matrices would be called in such a file (`q4_k_m`); a name for it can be made of that.
///
/// # Errors
/// As [`export`], before anything is written.
pub fn format_of(source: &FileSource, options: &LoadOptions) -> Result<String, ExportError> {
    let config = Config::from_json(&source.read("config.json")?)?;
    let mut weights = Weights::open(source, options)?;
    weights.check(&config)?;
    Ok(mixture::text(source, &weights)?.name)
}

/// Whether a name leads to anything, be it to nowhere.
fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The format most numbers of the matrices have. The patch embedding has one of its own.
fn most(items: &[Item]) -> Format {
    let mut counts: BTreeMap<Format, usize> = BTreeMap::new();
    for item in items.iter().filter(|item| item.planned.shape.len() > 1 && item.canonical != canonical::PATCH_EMBED) {
        *counts.entry(item.planned.format).or_default() += item.planned.shape.iter().product::<usize>();
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(Format::F32, |(format, _)| format)
}

/// Every tensor of both files.
fn items(weights: &Weights, config: &Config, head: Head) -> Result<(Vec<Item>, Vec<Item>), ExportError> {
    let tables = [Some(canonical::EMBED), (head == Head::Separate).then_some(canonical::HEAD)];
    let all = canonical::expected(config).into_iter().map(|expected| expected.name);
    let (mut text, mut image) = (Vec::new(), Vec::new());
    for name in tables.into_iter().flatten().map(str::to_owned).chain(all) {
        let Some((shape, format)) = weights.kept_shape(&name) else { continue };
        let is_patch = name == canonical::PATCH_EMBED;
        if is_patch && shape.get(2) != Some(&2) {
            return Err(GgufError::Other("the patch embedding is not of two frames".to_owned()).into());
        }
        let parts = if is_patch {
            2
        } else if name.contains(".attn.qkv.") {
            3
        } else {
            1
        };
        // As the converter does: the patch embedding is a convolution, which llama.cpp computes in these only.
        let format = if is_patch && format != Format::F16 { Format::F32 } else { format };
        for part in 0..parts {
            let (written, is_image) = names::written(&name, part)
                .ok_or_else(|| GgufError::Other(format!("{name} has no name in the format")))?;
            let (shape, run) = part_of(&shape, parts, is_patch);
            let side: usize = shape.get(2..).map_or(0, |sides| sides.iter().product());
            let numbers: usize = shape.iter().product();
            let bytes = format.bytes(numbers).ok_or_else(|| GgufError::Other(format!("{name}: too large")))?;
            let run = if run { format.bytes(side).unwrap_or(0) } else { 0 };
            let planned = Planned { name: written, shape, format, bytes };
            let item = Item { planned, canonical: name.clone(), part, parts, run };
            if is_image { image.push(item) } else { text.push(item) }
        }
    }
    Ok((text, image))
}

/// The shape of one part of a tensor, and whether parts lie in turns.
fn part_of(shape: &[usize], parts: usize, is_patch: bool) -> (Vec<usize>, bool) {
    let mut shape = shape.to_vec();
    if is_patch {
        shape.remove(2);
    } else if let Some(rows) = shape.first_mut() {
        *rows /= parts;
    }
    (shape, is_patch)
}

/// Matrices that got another format than asked for.
fn fallen_back(options: &LoadOptions, weights: &Weights, items: &[Item]) -> Vec<(String, Format)> {
    let wanted =
        |item: &&Item| options.quant.is_some() && item.planned.shape.len() > 1 && weights.fell_back(&item.canonical);
    items.iter().filter(wanted).map(|item| (item.planned.name.clone(), item.planned.format)).collect()
}

impl Item {
    /// Its bytes, of those of the canonical tensor.
    fn bytes<'a>(&self, whole: &'a [u8]) -> Cow<'a, [u8]> {
        if self.parts == 1 {
            return Cow::Borrowed(whole);
        }
        if self.run == 0 {
            let share = whole.len() / self.parts;
            return Cow::Borrowed(whole.get(self.part * share..(self.part + 1) * share).unwrap_or_default());
        }
        Cow::Owned(whole.chunks(self.run).skip(self.part).step_by(self.parts).flatten().copied().collect())
    }
}

/// Gives a whole file to what writes it, or compares it.
fn put(
    out: &mut impl Write,
    path: &Path,
    (values, items): (&[(String, Value)], &[Item]),
    weights: &Weights,
    tell: &mut dyn FnMut(u64) -> bool,
) -> Result<(), ExportError> {
    let io = |source| ExportError::Io { path: path.to_owned(), source };
    let planned: Vec<Planned> = items.iter().map(|item| item.planned.clone()).collect();
    out.write_all(&write::beginning(values, &planned)).map_err(io)?;
    let mut piece: Option<(String, Piece<'_>)> = None;
    for item in items {
        if piece.as_ref().is_none_or(|(name, _)| *name != item.canonical) {
            piece = Some((item.canonical.clone(), weights.piece_as(&item.canonical, item.planned.format)?));
        }
        let Some((_, whole)) = &piece else { continue };
        write::data(out, &item.bytes(&whole.bytes)).map_err(io)?;
        weights.done_with(&item.canonical);
        if !tell(item.planned.bytes as u64) {
            return Err(ExportError::Stopped);
        }
    }
    Ok(())
}

/// Whether a file is there already, byte by byte. What is no file is not opened: of a pipe nothing may ever come.
fn is_there(
    path: &Path,
    contents: (&[(String, Value)], &[Item]),
    weights: &Weights,
    tell: &mut dyn FnMut(u64) -> bool,
) -> Result<bool, ExportError> {
    let io = |source| ExportError::Io { path: path.to_owned(), source };
    if !fs::metadata(path).is_ok_and(|data| data.is_file()) {
        return Ok(false);
    }
    let mut comparing = Comparing::open(path).map_err(io)?;
    match put(&mut comparing, path, contents, weights, tell) {
        Err(_) if comparing.differs() => Ok(false),
        Err(error) => Err(error),
        Ok(()) => comparing.ends_here().map_err(io),
    }
}

/// A file that has not got its name yet.
struct Part {
    path: PathBuf,
    temporary: PathBuf,
    bytes: u64,
    kept: bool,
}

impl Part {
    fn write(
        path: &Path,
        values: &[(String, Value)],
        items: &[Item],
        weights: &Weights,
        tell: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Self, ExportError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.part", std::process::id()));
        let temporary = PathBuf::from(temporary);
        let io = |source| ExportError::Io { path: temporary.clone(), source };
        let file = File::create_new(&temporary).map_err(io)?;
        let mut part = Self { path: path.to_owned(), temporary: temporary.clone(), bytes: 0, kept: false };
        let mut out = BufWriter::with_capacity(1 << 20, file);
        put(&mut out, &temporary, (values, items), weights, tell)?;
        let file = out.into_inner().map_err(|error| io(error.into_error()))?;
        file.sync_all().map_err(io)?;
        part.bytes = file.metadata().map_err(io)?.len();
        Ok(part)
    }

    fn keep(mut self) -> Result<(), ExportError> {
        if is_taken(&self.path) {
            return Err(ExportError::Exists(self.path.clone()));
        }
        fs::rename(&self.temporary, &self.path)
            .map_err(|source| ExportError::Io { path: self.path.clone(), source })?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is told by its name.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

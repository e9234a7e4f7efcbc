//! Where questions and their pages come from: drawn, a folder, an archive, images.

mod drawn;
mod error;
mod kept;
mod pages;
mod select;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::folder::{FolderPages, MANIFEST, Manifest, QUESTIONS, Split, read_manifest, read_questions};
use super::region::{Region, RegionKind};
use super::synthetic::Style;
use super::{Question, Task};
use crate::geometry::{PageBox, Size, intersection};
use crate::page::{Archive, Page, images_in};

pub use drawn::DEMO_QUESTIONS;
pub(super) use drawn::{TRIED_PAGES, drawn_name, first_page};
pub use error::BenchmarkError;
use kept::Kept;
use pages::Pages;
pub use select::Selection;

/// An open benchmark. Questions are in memory; pages are drawn, unpacked or decoded when asked for.
pub struct Benchmark {
    name: String,
    manifest: Option<Manifest>,
    questions: Vec<Question>,
    splits: Vec<Split>,
    by_id: HashMap<String, usize>,
    pages: Pages,
    names: OnceLock<Vec<String>>,
    kept: Kept,
}

/// Opens a benchmark by name with its usual number of questions.
///
/// # Errors
/// Those of [`open_with`].
pub fn open(name: &str) -> Result<Benchmark, BenchmarkError> {
    open_with(name, &Selection::default())
}

/// Opens a benchmark restricted to some tasks and to a number of questions, spread evenly over the tasks.
///
/// A name is `demo`, `synth:SEED` (`synth:SEED@medium`, `synth:SEED@hard`), a folder with a `benchmark.json`, a folder of
/// images, a `.cbz` archive or an image; the last three have pages and no questions.
///
/// # Errors
/// [`BenchmarkError::Unknown`]; [`BenchmarkError::NoSuchTask`] where a task was named of which there is nothing; those of
/// reading files.
pub fn open_with(name: &str, selection: &Selection) -> Result<Benchmark, BenchmarkError> {
    if let Some(drawn) = drawn::open(name, selection) {
        let (questions, pages) = drawn?;
        let splits = vec![Split::HeldOut; questions.len()];
        return Ok(Benchmark::new(name, None, (questions, splits), Pages::Drawn(pages)));
    }
    let path = Path::new(name);
    let kind = std::fs::metadata(path).map_err(|_| BenchmarkError::Unknown(name.to_owned()))?;
    let opened = if kind.is_dir() { open_folder(name, path, selection)? } else { open_file(name, path)? };
    let found = |task: &&Task| opened.questions.iter().any(|q| q.task == Some(**task));
    match selection.tasks.iter().find(|task| !found(task)) {
        Some(task) if selection.limit.is_none_or(|n| n >= selection.tasks.len()) => {
            Err(BenchmarkError::NoSuchTask { benchmark: name.to_owned(), task: *task })
        }
        _ => Ok(opened),
    }
}

fn open_folder(name: &str, path: &Path, selection: &Selection) -> Result<Benchmark, BenchmarkError> {
    let nothing = |why: &str| BenchmarkError::NoPages { path: path.to_owned(), why: why.to_owned() };
    if path.join(MANIFEST).exists() {
        let manifest = read_manifest(path)?;
        let questions = read_questions(path, selection)?;
        return Ok(Benchmark::new(name, Some(manifest), questions, Pages::Folder(FolderPages::new(path))));
    }
    if path.join(QUESTIONS).exists() {
        return Err(nothing(
            "it has questions.jsonl but no benchmark.json; docs/BENCHMARK-FORMAT.md says what to write",
        ));
    }
    let names = images_in(path)?;
    if names.is_empty() {
        return Err(nothing("neither a benchmark.json nor an image (PNG, JPEG, WebP, GIF, BMP) is in this folder"));
    }
    Ok(Benchmark::new(name, None, Default::default(), Pages::images(path, names)))
}

fn open_file(name: &str, path: &Path) -> Result<Benchmark, BenchmarkError> {
    let nothing = |why: &str| BenchmarkError::NoPages { path: path.to_owned(), why: why.to_owned() };
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "cbz" | "zip" => {
            let archive = Archive::open(path)?;
            if archive.names().next().is_none() {
                return Err(nothing("there is no image in this archive"));
            }
            Ok(Benchmark::new(name, None, Default::default(), Pages::archive(archive)))
        }
        "cbr" | "rar" | "cb7" | "7z" | "cbt" | "tar" | "pdf" | "epub" => {
            Err(nothing("archives of this kind are not read; pack the images as .cbz (ZIP)"))
        }
        "json" | "jsonl" => Err(nothing("a benchmark is opened by its folder")),
        _ => {
            Page::measure(path)?;
            let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let dir = path.parent().unwrap_or(Path::new(""));
            Ok(Benchmark::new(name, None, Default::default(), Pages::images(dir, vec![file])))
        }
    }
}

/// At most `limit` of the questions, spread evenly over their tasks, in their order.
pub(super) fn spread_questions(read: Vec<(Question, Split)>, limit: Option<usize>) -> Vec<(Question, Split)> {
    let Some(limit) = limit else { return read };
    let mut have = vec![0; Task::ALL.len() + 1];
    for (question, _) in &read {
        if let Some(n) = have.get_mut(select::group(question)) {
            *n += 1;
        }
    }
    let mut take = select::spread(&have, limit);
    let mut wanted = |question: &Question| match take.get_mut(select::group(question)) {
        Some(n) if *n > 0 => {
            *n -= 1;
            true
        }
        _ => false,
    };
    read.into_iter().filter(|(question, _)| wanted(question)).collect()
}

impl Benchmark {
    fn new(
        name: &str,
        manifest: Option<Manifest>,
        (questions, splits): (Vec<Question>, Vec<Split>),
        pages: Pages,
    ) -> Self {
        let by_id = questions.iter().enumerate().map(|(at, q)| (q.id.clone(), at)).collect();
        let (names, kept) = (OnceLock::new(), Kept::default());
        Self { name: name.to_owned(), manifest, questions, splits, by_id, pages, names, kept }
    }

    /// The name it was opened by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What `benchmark.json` says, where there is one.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// All questions.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The question with this id, at once however many there are.
    ///
    /// # Errors
    /// [`BenchmarkError::NoSuchQuestion`].
    pub fn find(&self, id: &str) -> Result<&Question, BenchmarkError> {
        let missing = || BenchmarkError::NoSuchQuestion { benchmark: self.name.clone(), id: id.to_owned() };
        self.by_id.get(id).and_then(|at| self.questions.get(*at)).ok_or_else(missing)
    }

    /// What a question may be used for.
    pub fn split(&self, question: &Question) -> Split {
        self.by_id.get(&question.id).and_then(|at| self.splits.get(*at)).copied().unwrap_or_default()
    }

    /// Names of the pages in their order: of drawn pages those that questions are about, of others all.
    ///
    /// # Errors
    /// Where the folder of pages cannot be read.
    pub fn pages(&self) -> Result<&[String], BenchmarkError> {
        if let Some(names) = self.names.get() {
            return Ok(names);
        }
        let names = self.pages.names()?;
        Ok(self.names.get_or_init(|| names))
    }

    /// The page a question is about.
    ///
    /// Pages asked for lately are kept; threads that ask for different pages do not wait for each other.
    ///
    /// # Errors
    /// [`BenchmarkError::NoSuchPage`] for a question of another benchmark; what is wrong with the page's file.
    pub fn page(&self, question: &Question) -> Result<Arc<Page>, BenchmarkError> {
        self.page_named(question.page.as_deref().unwrap_or_default())
    }

    /// The page of this name.
    ///
    /// # Errors
    /// [`BenchmarkError::NoSuchPage`]; what is wrong with the page's file.
    pub fn page_named(&self, name: &str) -> Result<Arc<Page>, BenchmarkError> {
        self.kept.get(name, || self.pages.load(name)?.ok_or_else(|| self.no_page(name)))
    }

    /// Width and height of a page in pixels; a file's header says it, the page is not decoded.
    ///
    /// # Errors
    /// Those of [`Self::page_named`].
    pub fn page_size(&self, name: &str) -> Result<Size, BenchmarkError> {
        match self.pages.size(name)? {
            Some(size) => Ok(size),
            None => self.page_named(name).map(|page| page.size()),
        }
    }

    /// What is known to be where on a page; nothing where the benchmark does not say.
    ///
    /// # Errors
    /// Where `annotations.json` is broken.
    pub fn regions(&self, page: &str) -> Result<Vec<Region>, BenchmarkError> {
        self.pages.regions(page)
    }

    /// How a page is drawn, where the benchmark says so.
    ///
    /// # Errors
    /// Where `annotations.json` is broken.
    pub fn style(&self, page: &str) -> Result<Option<Style>, BenchmarkError> {
        self.pages.style(page)
    }

    /// The first page of a style, whether questions are about it or not; none where there is none, or where styles are
    /// not known.
    ///
    /// # Errors
    /// Where `annotations.json` is broken.
    pub fn first_of_style(&self, style: Style) -> Result<Option<String>, BenchmarkError> {
        self.pages.first_of_style(style)
    }

    /// Another panel of the same page, for interventions that show the wrong place: the next in reading order that holds
    /// nothing of the targets. None where panels are not known.
    pub fn other_region(&self, question: &Question) -> Option<PageBox> {
        let target = question.targets.first()?;
        let regions = self.regions(question.page.as_deref()?).ok()?;
        let panels: Vec<PageBox> =
            regions.into_iter().filter(|r| r.kind == RegionKind::Panel).map(|r| r.bounds).collect();
        let shared = |p: &PageBox| intersection(p, target);
        let here = (0..panels.len()).max_by(|a, b| {
            let [a, b] = [a, b].map(|i| panels.get(*i).map_or(0.0, shared));
            a.total_cmp(&b)
        })?;
        let free = |p: &&PageBox| question.targets.iter().all(|t| intersection(t, p) <= 0.0);
        panels.iter().cycle().skip(here + 1).take(panels.len()).find(free).copied()
    }

    fn no_page(&self, name: &str) -> BenchmarkError {
        BenchmarkError::NoSuchPage { benchmark: self.name.clone(), page: name.to_owned() }
    }
}

#[cfg(test)]
mod tests;

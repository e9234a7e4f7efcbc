//! A benchmark as a folder: `benchmark.json`, `questions.jsonl`, `pages/`, `annotations.json`.
//!
//! `format` says what the files hold (`docs/BENCHMARK-FORMAT.md` says it to people, `docs/schema/` to programs), `read`
//! opens them, [`synth`] writes one from drawn pages, [`check`] reports everything that is wrong with one.
//!
//! Every file is hostile: lines, counts and files are bounded before they are kept, names of pages are names and never
//! paths, and links that lead out of the folder are not followed.

mod annotations;
pub mod check;
pub mod format;
mod lines;
mod pages;
mod read;
mod synth;
mod write;

pub use annotations::{AnnotatedPage, Annotations};
pub use format::{Manifest, QuestionLine, Split, World, schemas};
pub(super) use pages::FolderPages;
pub(super) use read::{read_manifest, read_questions};
pub use synth::{Amount, SynthError, SynthPlan, Synthesised, ZOOM_BUDGET, synth};

/// The manifest.
pub const MANIFEST: &str = "benchmark.json";
/// The questions, one a line.
pub const QUESTIONS: &str = "questions.jsonl";
/// The folder of pages.
pub const PAGES: &str = "pages";
/// The annotations.
pub const ANNOTATIONS: &str = "annotations.json";

/// Longest name of a page in bytes.
const MAX_PAGE_NAME: usize = 200;

/// Whether a page can have this name: a file's name without its ending, in one folder on any system.
pub fn is_page_name(name: &str) -> bool {
    let fits = |c: char| !c.is_control() && !['/', '\\', ':', '*', '?', '"', '<', '>', '|'].contains(&c);
    !name.is_empty() && name.len() <= MAX_PAGE_NAME && !name.starts_with('.') && name.chars().all(fits)
}

#[cfg(test)]
mod tests;

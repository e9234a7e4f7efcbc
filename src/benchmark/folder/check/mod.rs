//! Everything that is wrong with a benchmark's folder, at once, with file and line.
//!
//! What a reader would refuse is an error here; so is what it would take and measure wrongly (a truth that no answer can
//! equal, a target beside the page). Warnings are for what may be meant, notes for what is only worth knowing.

mod annotations;
mod bias;
mod manifest;
mod pages;
mod question;
mod questions;
mod report;

use std::path::Path;

pub use report::{MOST_PROBLEMS, Problem, Report, Severity};

use super::pages::leads_out;
use super::{ANNOTATIONS, MANIFEST, PAGES, QUESTIONS};
use report::Findings;

/// How thoroughly a folder is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thoroughness {
    /// Decode pages to their last pixel instead of reading their headers.
    pub decode: bool,
}

/// Checks a folder. `progress` is told how many of how many pages have been looked at, from several threads.
pub fn check(root: &Path, how: Thoroughness, progress: &(dyn Fn(usize, usize) + Sync)) -> Report {
    let mut findings = Findings::default();
    for name in [MANIFEST, QUESTIONS, PAGES, ANNOTATIONS] {
        if leads_out(root, &root.join(name)) {
            findings.error(name, None, "link", "a link that leads out of the folder".to_owned());
        }
    }
    let manifest = manifest::check(root, &mut findings);
    let mut pages = pages::check(root, how, progress, &mut findings);
    let counts = questions::check(root, &mut pages, &mut findings);
    pages.tell_unused(&mut findings);
    annotations::check(root, &pages, &mut findings);
    if let Some(manifest) = manifest {
        manifest::compare(&manifest, &counts, pages.len(), &mut findings);
    }
    findings.report(counts.questions, pages.len() as u64)
}

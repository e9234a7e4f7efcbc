//! The pages of a benchmark's folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::annotations::{AnnotatedPage, Annotations};
use super::{ANNOTATIONS, PAGES};
use crate::benchmark::source::BenchmarkError;
use crate::geometry::Size;
use crate::page::{Page, PageError, images_in};

/// The files in `pages/`, and what `annotations.json` says about them; both are looked at when first asked for.
#[derive(Debug)]
pub struct FolderPages {
    root: PathBuf,
    files: OnceLock<Result<Files, String>>,
    annotations: OnceLock<Result<Annotations, (Option<u64>, String)>>,
}

/// Names of pages in natural order, and the file of each.
#[derive(Debug, Default)]
struct Files {
    names: Vec<String>,
    by_name: HashMap<String, String>,
}

impl FolderPages {
    /// The pages of a folder.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), files: OnceLock::new(), annotations: OnceLock::new() }
    }

    fn files(&self) -> Result<&Files, BenchmarkError> {
        let dir = self.root.join(PAGES);
        let files = self.files.get_or_init(|| list(&dir).map_err(|e| e.to_string()));
        files.as_ref().map_err(|why| BenchmarkError::NoPages { path: dir, why: why.clone() })
    }

    /// Names of all pages, in natural order.
    pub fn names(&self) -> Result<&[String], BenchmarkError> {
        Ok(&self.files()?.names)
    }

    /// The file of a page; none where there is no such page.
    fn path(&self, name: &str) -> Result<Option<PathBuf>, BenchmarkError> {
        let Some(file) = self.files()?.by_name.get(name) else { return Ok(None) };
        let path = self.root.join(PAGES).join(file);
        if leads_out(&self.root, &path) { Err(BenchmarkError::Outside { path }) } else { Ok(Some(path)) }
    }

    /// Decodes a page; none where there is no such page.
    pub fn load(&self, name: &str) -> Result<Option<Page>, BenchmarkError> {
        self.path(name)?.map(|path| Page::open(&path)).transpose().map_err(BenchmarkError::from)
    }

    /// Width and height of a page from its header; none where there is no such page.
    pub fn size(&self, name: &str) -> Result<Option<Size>, BenchmarkError> {
        self.path(name)?.map(|path| Page::measure(&path)).transpose().map_err(BenchmarkError::from)
    }

    /// What the annotations say about all pages; none where there are no annotations.
    pub fn annotations(&self) -> Result<Option<&Annotations>, BenchmarkError> {
        let path = self.root.join(ANNOTATIONS);
        if self.annotations.get().is_none() && !path.exists() {
            return Ok(None);
        }
        match self.annotations.get_or_init(|| Annotations::read(&path)) {
            Ok(annotations) => Ok(Some(annotations)),
            Err((line, why)) => Err(BenchmarkError::Broken { path, line: *line, why: why.clone() }),
        }
    }

    /// What the annotations say about a page.
    pub fn annotated(&self, name: &str) -> Result<Option<&AnnotatedPage>, BenchmarkError> {
        Ok(self.annotations()?.and_then(|all| all.pages.get(name)))
    }
}

/// Whether a path that exists is, links followed, not in the folder.
pub(super) fn leads_out(root: &Path, path: &Path) -> bool {
    match (root.canonicalize(), path.canonicalize()) {
        (Ok(root), Ok(path)) => !path.starts_with(root),
        // What does not exist leads nowhere; opening it says so.
        _ => false,
    }
}

fn list(dir: &Path) -> Result<Files, PageError> {
    let mut files = Files::default();
    for file in images_in(dir)? {
        let Some((name, _)) = file.rsplit_once('.') else { continue };
        if !files.by_name.contains_key(name) {
            files.names.push(name.to_owned());
            files.by_name.insert(name.to_owned(), file);
        }
    }
    Ok(files)
}

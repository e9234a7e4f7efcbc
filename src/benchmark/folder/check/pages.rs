//! The files in `pages/`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Thoroughness;
use super::report::Findings;
use crate::benchmark::folder::pages::leads_out;
use crate::benchmark::folder::{PAGES, is_page_name};
use crate::geometry::Size;
use crate::page::{Page, is_image_name, natural_order};

/// What is known of the pages.
#[derive(Debug, Default)]
pub struct Pages {
    /// By name.
    by_name: HashMap<String, PageFile>,
    order: Vec<String>,
    /// Whether there is a folder of pages at all.
    pub present: bool,
}

#[derive(Debug)]
struct PageFile {
    file: String,
    /// None where the file is no image.
    size: Option<Size>,
    used: bool,
}

/// What a question's page turned out to be.
pub enum Found {
    /// No such page.
    Missing,
    /// There is a file, which is reported elsewhere.
    Broken,
    /// A page of this size.
    Sized(Size),
}

impl Pages {
    /// How many pages there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// A page that a question is about.
    pub fn used(&mut self, name: &str) -> Found {
        match self.by_name.get_mut(name) {
            None => Found::Missing,
            Some(page) => {
                page.used = true;
                page.size.map_or(Found::Broken, Found::Sized)
            }
        }
    }

    /// A page by name, and its size where it has one.
    pub fn size(&self, name: &str) -> Option<Option<Size>> {
        self.by_name.get(name).map(|page| page.size)
    }

    /// Tells which pages no question is about.
    pub fn tell_unused(&self, findings: &mut Findings) {
        for page in self.order.iter().filter_map(|name| self.by_name.get(name)).filter(|p| !p.used) {
            findings.warning(&place(&page.file), None, "unused page", "no question is about this page".to_owned());
        }
    }
}

fn place(file: &str) -> String {
    format!("{PAGES}/{file}")
}

/// Lists the files and looks into each.
pub fn check(
    root: &Path,
    how: Thoroughness,
    progress: &(dyn Fn(usize, usize) + Sync),
    findings: &mut Findings,
) -> Pages {
    let dir = root.join(PAGES);
    let Some(files) = list(&dir, findings) else { return Pages::default() };
    let mut pages = Pages { present: true, ..Pages::default() };
    let mut readable = Vec::new();
    for file in files {
        let name = file.rsplit_once('.').map_or(file.as_str(), |(name, _)| name).to_owned();
        if let Some(other) = pages.by_name.get(&name) {
            let what = format!("a page of the same name as {}", place(&other.file));
            findings.error(&place(&file), None, "duplicate page", what);
            continue;
        }
        if leads_out(root, &dir.join(&file)) {
            findings.error(&place(&file), None, "link", "a link that leads out of the folder".to_owned());
        } else if !is_page_name(&name) {
            findings.error(&place(&file), None, "page name", "a page cannot have this name".to_owned());
        } else {
            readable.push(name.clone());
        }
        pages.order.push(name.clone());
        pages.by_name.insert(name, PageFile { file, size: None, used: false });
    }
    let paths: Vec<_> = readable.iter().filter_map(|n| Some(dir.join(&pages.by_name.get(n)?.file))).collect();
    for (name, looked) in readable.iter().zip(look(&paths, how, progress)) {
        let Some(page) = pages.by_name.get_mut(name) else { continue };
        match looked {
            Ok(size) => page.size = Some(size),
            Err(why) => findings.error(&place(&page.file), None, "broken page", why),
        }
    }
    pages
}

/// Names of files in natural order; none where there is no folder.
fn list(dir: &Path, findings: &mut Findings) -> Option<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) => {
            findings.error(PAGES, None, "pages", format!("cannot be read: {e}"));
            return None;
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                findings.error(PAGES, None, "pages", format!("cannot be read: {e}"));
                break;
            }
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        let folder = entry.file_type().is_ok_and(|t| t.is_dir());
        if entry.file_name().to_str().is_some() && is_image_name(&name) && !folder {
            files.push(name);
        } else if !name.starts_with('.') {
            let what =
                if folder { "a folder in the folder of pages" } else { "not a page: PNG, JPEG, WebP, GIF or BMP" };
            findings.warning(&place(&name), None, "other file", what.to_owned());
        }
    }
    natural_order(&mut files);
    Some(files)
}

/// Size of every file, or what is wrong with it, in order.
fn look(
    paths: &[std::path::PathBuf],
    how: Thoroughness,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Vec<Result<Size, String>> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut mine = Vec::new();
        while let Some((at, path)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            paths.get(at).map(|path| (at, path))
        } {
            let size = if how.decode { Page::open(path).map(|p| p.size()) } else { Page::measure(path) };
            mine.push((at, size.map_err(|e| e.to_string())));
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, paths.len());
        }
        mine
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all: Vec<(usize, Result<Size, String>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        all.extend(others.into_iter().flat_map(|other| other.join().unwrap_or_default()));
        all
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, size)| size).collect()
}

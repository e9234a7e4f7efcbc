//! The pages of a benchmark, wherever they are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::BenchmarkError;
use super::drawn::DrawnPages;
use crate::benchmark::folder::FolderPages;
use crate::benchmark::region::{Region, drawn_regions};
use crate::benchmark::synthetic::{PAGE_SIZE, Style, draw_page};
use crate::geometry::Size;
use crate::page::{Archive, Page};

/// Where pages come from.
pub enum Pages {
    /// Drawn when asked for.
    Drawn(DrawnPages),
    /// Files of a benchmark's folder.
    Folder(FolderPages),
    /// Entries of an archive.
    Archive {
        /// The archive.
        archive: Archive,
        /// Its pages by name.
        by_name: HashMap<String, usize>,
    },
    /// Images of one folder.
    Images {
        /// The folder.
        dir: PathBuf,
        /// Their names in order.
        names: Vec<String>,
    },
}

impl Pages {
    /// The pages of an archive.
    pub fn archive(archive: Archive) -> Self {
        let by_name = archive.names().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
        Self::Archive { archive, by_name }
    }

    /// Images of one folder.
    pub fn images(dir: &Path, names: Vec<String>) -> Self {
        Self::Images { dir: dir.to_owned(), names }
    }

    /// Names of the pages in their order.
    pub fn names(&self) -> Result<Vec<String>, BenchmarkError> {
        Ok(match self {
            Self::Drawn(drawn) => drawn.names().to_vec(),
            Self::Folder(folder) => folder.names()?.to_vec(),
            Self::Archive { archive, .. } => archive.names().map(str::to_owned).collect(),
            Self::Images { names, .. } => names.clone(),
        })
    }

    /// Draws, unpacks or decodes a page; none where there is no such page.
    pub fn load(&self, name: &str) -> Result<Option<Page>, BenchmarkError> {
        match self {
            Self::Drawn(drawn) => {
                let truth = drawn.truth(name);
                Ok(truth.map(|t| Page::from_pixels(draw_page(t.seed, t.difficulty).pixels)))
            }
            Self::Folder(folder) => folder.load(name),
            Self::Archive { archive, by_name } => {
                let page = by_name.get(name).and_then(|at| archive.page(*at));
                page.transpose().map_err(BenchmarkError::from)
            }
            Self::Images { .. } => {
                self.image(name).map(|path| Page::open(&path)).transpose().map_err(BenchmarkError::from)
            }
        }
    }

    /// A page's size where it can be told without decoding the page.
    pub fn size(&self, name: &str) -> Result<Option<Size>, BenchmarkError> {
        match self {
            Self::Drawn(drawn) => Ok(drawn.truth(name).map(|_| PAGE_SIZE)),
            Self::Folder(folder) => folder.size(name),
            Self::Archive { .. } => Ok(None),
            Self::Images { .. } => {
                self.image(name).map(|path| Page::measure(&path)).transpose().map_err(BenchmarkError::from)
            }
        }
    }

    fn image(&self, name: &str) -> Option<PathBuf> {
        let Self::Images { dir, names } = self else { return None };
        names.iter().find(|n| *n == name).map(|n| dir.join(n))
    }

    /// What is known to be where on a page.
    pub fn regions(&self, name: &str) -> Result<Vec<Region>, BenchmarkError> {
        Ok(match self {
            Self::Drawn(drawn) => drawn.truth(name).map(|t| drawn_regions(&t)).unwrap_or_default(),
            Self::Folder(folder) => folder.annotated(name)?.map(|p| p.regions.clone()).unwrap_or_default(),
            Self::Archive { .. } | Self::Images { .. } => Vec::new(),
        })
    }

    /// How a page is drawn.
    pub fn style(&self, name: &str) -> Result<Option<Style>, BenchmarkError> {
        Ok(match self {
            Self::Drawn(drawn) => drawn.truth(name).map(|t| t.style),
            Self::Folder(folder) => folder.annotated(name)?.and_then(|p| style_named(p.style.as_deref()?)),
            Self::Archive { .. } | Self::Images { .. } => None,
        })
    }

    /// The first page of a style.
    pub fn first_of_style(&self, style: Style) -> Result<Option<String>, BenchmarkError> {
        Ok(match self {
            Self::Drawn(drawn) => drawn.first_pages().find(|t| t.style == style).map(|t| t.name()),
            Self::Folder(folder) => folder.annotations()?.and_then(|all| {
                let of_style =
                    |name: &&String| all.pages.get(*name).is_some_and(|p| p.style.as_deref() == Some(style.word()));
                all.order.iter().find(of_style).cloned()
            }),
            Self::Archive { .. } | Self::Images { .. } => None,
        })
    }
}

fn style_named(word: &str) -> Option<Style> {
    Style::ALL.into_iter().find(|style| style.word() == word)
}

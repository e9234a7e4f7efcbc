//! `annotations.json`: COCO, with what else is known under `attributes`.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::read::open_file;
use crate::benchmark::region::{Facts, Region, RegionKind};
use crate::geometry::{PageBox, Size};

/// Most bytes of `annotations.json`.
pub const MAX_ANNOTATIONS: u64 = 1 << 30;

/// The parts of the file that are read.
#[derive(Debug, Default, Deserialize)]
pub struct Coco {
    /// The pages.
    #[serde(default)]
    pub images: Vec<Image>,
    /// What annotations can show.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// What is where.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Number that annotations name it by.
    pub id: u64,
    /// Its file in `pages/`.
    pub file_name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What else is known.
    #[serde(default, skip_serializing_if = "ImageFacts::is_empty")]
    pub attributes: ImageFacts,
}

/// What else is known about a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImageFacts {
    /// How it is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// How hard it is to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<String>,
}

impl ImageFacts {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl<'de> Deserialize<'de> for ImageFacts {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(d)?;
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        Ok(Self { style: text("style"), difficulty: text("difficulty") })
    }
}

/// What annotations can show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Number that annotations name it by.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// One box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Its number.
    pub id: u64,
    /// The page's number.
    pub image_id: u64,
    /// The category's number.
    pub category_id: u64,
    /// Left, top, width, height in page pixels.
    pub bbox: [f64; 4],
    /// What else is known.
    #[serde(default)]
    pub attributes: Facts,
}

/// What is known about one page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnotatedPage {
    /// Its size as the file says.
    pub size: Option<Size>,
    /// How it is drawn.
    pub style: Option<String>,
    /// What is where, in the file's order.
    pub regions: Vec<Region>,
}

/// What is known about every page, by its name.
#[derive(Debug, Default)]
pub struct Annotations {
    /// Pages by name.
    pub pages: HashMap<String, AnnotatedPage>,
    /// Names in the file's order.
    pub order: Vec<String>,
}

impl Coco {
    /// Reads the file.
    ///
    /// # Errors
    /// The line, where one is meant, and what is wrong.
    pub fn read(path: &Path) -> Result<Self, (Option<u64>, String)> {
        let file = open_file(path).map_err(|e| (None, e.to_string()))?;
        let length = file.metadata().map_or(0, |m| m.len());
        if length > MAX_ANNOTATIONS {
            return Err((None, format!("longer than {} MiB", MAX_ANNOTATIONS >> 20)));
        }
        let reader = BufReader::with_capacity(1 << 18, file.take(MAX_ANNOTATIONS));
        serde_json::from_reader(reader).map_err(|e| (u64::try_from(e.line()).ok(), e.to_string()))
    }
}

impl Annotations {
    /// Reads the file; annotations of categories and images it does not name are passed over.
    ///
    /// # Errors
    /// The line, where one is meant, and what is wrong.
    pub fn read(path: &Path) -> Result<Self, (Option<u64>, String)> {
        Coco::read(path).map(Self::from)
    }
}

/// A page's name from its file's.
pub fn page_of(file_name: &str) -> &str {
    let base = file_name.rsplit('/').next().unwrap_or(file_name);
    base.rsplit_once('.').map_or(base, |(name, _)| name)
}

impl From<Coco> for Annotations {
    fn from(coco: Coco) -> Self {
        let kinds: HashMap<u64, RegionKind> =
            coco.categories.iter().filter_map(|c| Some((c.id, RegionKind::named(&c.name)?))).collect();
        let mut names = HashMap::new();
        let mut all = Self::default();
        for image in coco.images {
            let name = page_of(&image.file_name).to_owned();
            let size = Some(Size::new(image.width, image.height));
            names.insert(image.id, name.clone());
            all.order.push(name.clone());
            all.pages.insert(name, AnnotatedPage { size, style: image.attributes.style, regions: Vec::new() });
        }
        for annotation in coco.annotations {
            let (Some(kind), Some(name)) = (kinds.get(&annotation.category_id), names.get(&annotation.image_id)) else {
                continue;
            };
            if let Some(page) = all.pages.get_mut(name) {
                let [x, y, w, h] = annotation.bbox;
                let bounds = PageBox::new(x, y, x + w, y + h);
                page.regions.push(Region { kind: *kind, bounds, facts: annotation.attributes });
            }
        }
        all
    }
}

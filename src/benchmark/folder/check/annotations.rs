//! `annotations.json`.

use std::collections::{HashMap, HashSet};
use std::io::BufReader;
use std::path::Path;

use super::pages::Pages;
use super::question::wrong_box;
use super::report::Findings;
use crate::benchmark::folder::ANNOTATIONS;
use crate::benchmark::folder::annotations::{Annotation, Coco, Image, page_of};
use crate::benchmark::folder::lines::{Line, Lines};
use crate::benchmark::folder::read::open_file;
use crate::benchmark::region::RegionKind;
use crate::geometry::Size;

/// A problem of an image or an annotation, named by its number.
type Found = (Entry, &'static str, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Entry {
    Image(u64),
    Annotation(u64),
}

/// Checks the annotations, where there are any.
pub fn check(root: &Path, pages: &Pages, findings: &mut Findings) {
    let path = root.join(ANNOTATIONS);
    if path.symlink_metadata().is_err() {
        return;
    }
    let coco = match Coco::read(&path) {
        Ok(coco) => coco,
        Err((line, why)) => return findings.error(ANNOTATIONS, line.filter(|n| *n > 0), "json", why),
    };
    let mut found = Vec::new();
    let sizes = images(&coco.images, pages, &mut found);
    categories(&coco, findings);
    boxes(&coco, &sizes, &mut found);
    if found.is_empty() {
        return;
    }
    // Only now: where nothing is wrong nobody asks for lines.
    let lines = locate(&path);
    for (entry, kind, what) in found {
        let name = match entry {
            Entry::Image(id) => format!("image {id}"),
            Entry::Annotation(id) => format!("annotation {id}"),
        };
        findings.error(ANNOTATIONS, lines.get(&entry).copied(), kind, format!("{name}: {what}"));
    }
}

/// Checks the images and gives the sizes of their pages by number.
fn images(images: &[Image], pages: &Pages, found: &mut Vec<Found>) -> HashMap<u64, Option<Size>> {
    let (mut sizes, mut names) = (HashMap::new(), HashSet::new());
    for image in images {
        let mut tell = |kind, what| found.push((Entry::Image(image.id), kind, what));
        let said = Size::new(image.width, image.height);
        let name = page_of(&image.file_name);
        let size = match pages.size(name) {
            Some(size) => size,
            None => {
                if pages.present {
                    tell("missing page", format!("there is no page \"{name}\" in pages/"));
                }
                Some(said)
            }
        };
        if let Some(size) = size.filter(|size| *size != said) {
            tell("size", format!("it is said to be {said}; the page is {size}"));
        }
        if !names.insert(name) {
            tell("duplicate image", format!("the page \"{name}\" is named by an image before"));
        }
        if sizes.insert(image.id, size).is_some() {
            tell("duplicate image", "an image before has the same id".to_owned());
        }
    }
    sizes
}

fn categories(coco: &Coco, findings: &mut Findings) {
    let mut ids = HashSet::new();
    for category in &coco.categories {
        if !ids.insert(category.id) {
            let what = format!("the id {} is that of two categories", category.id);
            findings.error(ANNOTATIONS, None, "category", what);
        }
        if RegionKind::named(&category.name).is_none() {
            let known = RegionKind::ALL.map(RegionKind::name).join(", ");
            let what = format!("boxes of the category \"{}\" are passed over; {known} are read", category.name);
            findings.note(ANNOTATIONS, None, "category", what);
        }
    }
}

fn boxes(coco: &Coco, sizes: &HashMap<u64, Option<Size>>, found: &mut Vec<Found>) {
    let categories: HashSet<u64> = coco.categories.iter().map(|c| c.id).collect();
    let mut ids = HashSet::new();
    for annotation in &coco.annotations {
        let mut tell = |kind, what| found.push((Entry::Annotation(annotation.id), kind, what));
        if !ids.insert(annotation.id) {
            tell("duplicate annotation", "an annotation before has the same id".to_owned());
        }
        if !categories.contains(&annotation.category_id) {
            tell("category", format!("there is no category {}", annotation.category_id));
        }
        let size = sizes.get(&annotation.image_id);
        if size.is_none() {
            tell("image", format!("there is no image {}", annotation.image_id));
        }
        let [x, y, w, h] = annotation.bbox;
        if let Some(what) = wrong_box([x, y, x + w, y + h], size.copied().flatten()) {
            tell("box", what);
        }
    }
}

/// The lines of images and annotations that have a line of their own.
fn locate(path: &Path) -> HashMap<Entry, u64> {
    let mut found = HashMap::new();
    let Ok(file) = open_file(path) else { return found };
    let mut lines = Lines::new(BufReader::new(file));
    while let Ok(Some((number, line))) = lines.next_line() {
        let Line::Text(bytes) = line else { continue };
        let bytes = bytes.trim_ascii();
        let bytes = bytes.strip_suffix(b",").unwrap_or(bytes);
        if let Ok(annotation) = serde_json::from_slice::<Annotation>(bytes) {
            found.entry(Entry::Annotation(annotation.id)).or_insert(number);
        } else if let Ok(image) = serde_json::from_slice::<Image>(bytes) {
            found.entry(Entry::Image(image.id)).or_insert(number);
        }
    }
    found
}

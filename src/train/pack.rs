//! From pages to flat rows: no padding anywhere, every image and every token once.
//!
//! Text rows are all prefixes, then all segments. A span says which rows attend to which: a segment sees its page's
//! prefix and, causally, itself. Pure host code; [`super::graph`] runs it.
#![allow(clippy::indexing_slicing, reason = "indices are computed from checked shapes")]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::{CellLabels, HeadSpec, TrainPage, label_columns};
use super::error::{Result, TrainError};
use super::shape::{ModelShape, PATCH_VALUES};
use super::windows::WindowOrder;
use crate::model::{ImageEmbedding, Patches};

/// Rows that attend together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// First row.
    pub start: usize,
    /// Number of rows.
    pub len: usize,
    /// Rows before them that all of them see: first and count.
    pub prefix: (usize, usize),
    /// Whether a row sees only itself and those before it (and the prefix).
    pub causal: bool,
}

/// All images of one grid.
#[derive(Clone, Debug)]
pub struct ImageGroup {
    /// Merged cells: rows, columns.
    pub cells: [usize; 2],
    /// Number of images.
    pub images: usize,
    /// Patch rows in window order, image after image.
    pub data: Vec<f32>,
    /// The order they are in.
    pub order: WindowOrder,
}

/// A token to predict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Text row that predicts it.
    pub row: u32,
    /// What it should say.
    pub id: u32,
    /// Weight in the loss.
    pub weight: f32,
}

/// A vision token with a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// Vision row.
    pub row: u32,
    /// Class.
    pub class: u32,
    /// Weight in the loss.
    pub weight: f32,
}

/// One batch as flat rows.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    /// Images by grid; vision rows follow this order.
    pub groups: Vec<ImageGroup>,
    /// Images seen before, whose rows follow those of the groups.
    pub given: Vec<Arc<ImageEmbedding>>,
    /// Per text row: a token id, or `vocab +` a vision row.
    pub inputs: Vec<u32>,
    /// M-RoPE positions: time, row, column of each text row.
    pub positions: [Vec<u32>; 3],
    /// Who attends to whom.
    pub spans: Vec<Span>,
    /// What is predicted.
    pub targets: Vec<Target>,
    /// Classes for each auxiliary head.
    pub labels: Vec<Vec<Label>>,
    /// Number of segments.
    pub segments: usize,
}

/// Sums that turn weighted sums into means; taken over the whole step, not over one part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Sum of target weights.
    pub targets: f64,
    /// Sum of label weights for each head.
    pub labels: Vec<f64>,
}

impl Packed {
    /// Weight sums of this part.
    pub fn totals(&self) -> Totals {
        Totals {
            targets: self.targets.iter().map(|t| f64::from(t.weight)).sum(),
            labels: self.labels.iter().map(|head| head.iter().map(|l| f64::from(l.weight)).sum()).collect(),
        }
    }
}

impl Totals {
    /// Adds another part's sums.
    pub fn add(&mut self, other: &Self) {
        self.targets += other.targets;
        self.labels.resize(self.labels.len().max(other.labels.len()), 0.0);
        for (sum, more) in self.labels.iter_mut().zip(&other.labels) {
            *sum += more;
        }
    }
}

/// Lays out pages as flat rows.
///
/// # Errors
/// A page whose ids, images, weights or labels contradict each other.
pub fn pack(pages: &[TrainPage], shape: &ModelShape, heads: &[HeadSpec]) -> Result<Packed> {
    let mut packer = Packer { shape, heads, out: Packed::default(), page: 0 };
    packer.out.labels = vec![Vec::new(); heads.len()];
    let places = packer.images(pages)?;
    let mut ends = Vec::with_capacity(pages.len());
    for (index, (page, place)) in pages.iter().zip(&places).enumerate() {
        packer.page = index;
        ends.push(packer.prefix(page, place)?);
    }
    for (index, (page, place)) in pages.iter().zip(&places).enumerate() {
        packer.page = index;
        for segment in 0..page.segments.len() {
            packer.segment(page, segment, place, ends[index])?;
        }
    }
    Ok(packer.out)
}

/// First vision row and grid of each image of a page: the page itself, then its crops.
struct Places {
    page: Option<Place>,
    crops: Vec<Place>,
}

/// An image in the flat vision rows.
#[derive(Clone, Copy)]
struct Place {
    rows: Rows,
    cells: [usize; 2],
}

/// Where an image's rows are.
#[derive(Clone, Copy)]
enum Rows {
    /// Nowhere: it is not shown, only its pads are there.
    Absent,
    /// In a group, from this row on, in the group's order.
    Computed { group: usize, first: usize },
    /// Seen before: from this row on, in raster order.
    Given { first: usize },
}

/// Where a page's prefix lies and what position follows it.
#[derive(Clone, Copy)]
struct PrefixEnd {
    start: usize,
    len: usize,
    position: u32,
}

struct Packer<'a> {
    shape: &'a ModelShape,
    heads: &'a [HeadSpec],
    out: Packed,
    page: usize,
}

impl Packer<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(TrainError::Batch { page: self.page, message: message.into() })
    }

    /// Groups images by grid, in the order of first appearance by size.
    fn images(&mut self, pages: &[TrainPage]) -> Result<Vec<Places>> {
        let mut grids: BTreeMap<[usize; 2], usize> = BTreeMap::new();
        for (index, page) in pages.iter().enumerate() {
            self.page = index;
            for (picture, patches) in Self::pictures(page).enumerate() {
                let cells = self.cells(patches)?;
                if !patches.data.is_empty() && Self::given(page, picture).is_none() {
                    *grids.entry(cells).or_default() += 1;
                }
            }
        }
        let mut firsts = BTreeMap::new();
        let mut first = 0;
        for (group, (&cells, &images)) in grids.iter().enumerate() {
            firsts.insert(cells, (group, first));
            first += cells[0] * cells[1] * images;
            let data = Vec::with_capacity(cells[0] * cells[1] * images * 4 * PATCH_VALUES);
            self.out.groups.push(ImageGroup { cells, images: 0, data, order: WindowOrder::new(cells[0], cells[1]) });
        }
        let mut places = Vec::with_capacity(pages.len());
        for (index, page) in pages.iter().enumerate() {
            self.page = index;
            let mut list = Vec::with_capacity(page.crops.len() + 1);
            for (picture, patches) in Self::pictures(page).enumerate() {
                let cells = self.cells(patches)?;
                if let Some(embedding) = Self::given(page, picture) {
                    list.push(Place { rows: self.take_given(embedding, cells, &mut first)?, cells });
                    continue;
                }
                if patches.data.is_empty() {
                    list.push(Place { rows: Rows::Absent, cells });
                    continue;
                }
                let (group, from) = firsts[&cells];
                let slot = &mut self.out.groups[group];
                list.push(Place {
                    rows: Rows::Computed { group, first: from + slot.images * cells[0] * cells[1] },
                    cells,
                });
                slot.order.gather(&patches.data, PATCH_VALUES, &mut slot.data);
                slot.images += 1;
            }
            let page_place = if Self::has_page(page) { Some(list.remove(0)) } else { None };
            places.push(Places { page: page_place, crops: list });
            self.labels(page, &places[index])?;
        }
        Ok(places)
    }

    fn has_page(page: &TrainPage) -> bool {
        page.page.grid != [0, 0, 0]
    }

    fn pictures(page: &TrainPage) -> impl Iterator<Item = &Patches> {
        Self::has_page(page).then_some(&page.page).into_iter().chain(&page.crops)
    }

    /// The rows of picture `picture` (as [`Packer::pictures`] counts), where they are known already.
    fn given(page: &TrainPage, picture: usize) -> Option<&Arc<ImageEmbedding>> {
        let shift = usize::from(!Self::has_page(page));
        page.embedded.get(picture + shift).and_then(Option::as_ref)
    }

    /// Puts an image seen before behind all rows so far; `next` is the first free row.
    fn take_given(&mut self, embedding: &Arc<ImageEmbedding>, cells: [usize; 2], next: &mut usize) -> Result<Rows> {
        if embedding.grid() != [1, cells[0], cells[1]] {
            return self.fail(format!("an image of {cells:?} cells was seen as {:?}", embedding.grid()));
        }
        let first = *next;
        *next += cells[0] * cells[1];
        self.out.given.push(Arc::clone(embedding));
        Ok(Rows::Given { first })
    }

    fn cells(&self, patches: &Patches) -> Result<[usize; 2]> {
        let [t, h, w] = patches.grid;
        if t != 1 || h == 0 || w == 0 || h % 2 != 0 || w % 2 != 0 || h > 4096 || w > 4096 {
            return self.fail(format!("an image has the grid {:?}; expected [1, even, even]", patches.grid));
        }
        if !patches.data.is_empty() && patches.data.len() != h * w * PATCH_VALUES {
            let (found, need) = (patches.data.len(), h * w * PATCH_VALUES);
            return self.fail(format!("an image of grid {:?} has {found} values instead of {need}", patches.grid));
        }
        Ok([h / 2, w / 2])
    }

    fn labels(&mut self, page: &TrainPage, places: &Places) -> Result<()> {
        if let Some(place) = places.page {
            self.label_cells(&page.page_cells, place)?;
        } else if !page.page_cells.is_empty() {
            return self.fail("page_cells without a page image");
        }
        if page.crop_cells.len() > page.crops.len() {
            return self.fail(format!("{} lists of crop_cells for {} crops", page.crop_cells.len(), page.crops.len()));
        }
        for (cells, &place) in page.crop_cells.iter().zip(&places.crops) {
            self.label_cells(cells, place)?;
        }
        Ok(())
    }

    fn label_cells(&mut self, cells: &[CellLabels], place: Place) -> Result<()> {
        let count = place.cells[0] * place.cells[1];
        let Rows::Computed { group, first } = place.rows else { return Ok(()) };
        if cells.is_empty() || self.heads.is_empty() {
            return Ok(());
        }
        if cells.len() != count {
            return self.fail(format!("{} labelled cells for an image of {count}", cells.len()));
        }
        let (of, columns) = label_columns(self.heads);
        for (cell, labels) in cells.iter().enumerate() {
            if labels.heads.len() != columns {
                return self.fail(format!("{} labels a cell where the heads read {columns}", labels.heads.len()));
            }
            let row = (first + self.out.groups[group].order.place[cell]) as u32;
            for (index, (&column, head)) in of.iter().zip(self.heads).enumerate() {
                let Some(Ok(class)) = labels.heads.get(column).map(|&class| u32::try_from(class)) else { continue };
                if head.labels.is_some() && class as usize >= head.classes() {
                    continue;
                }
                if class as usize >= head.classes() {
                    return self.fail(format!("class {class} for head {} of {}", head.name, head.classes()));
                }
                let weight = head.class_weight(class as usize);
                self.out.labels[index].push(Label { row, class, weight });
            }
        }
        Ok(())
    }

    fn prefix(&mut self, page: &TrainPage, places: &Places) -> Result<PrefixEnd> {
        let start = self.out.inputs.len();
        let images: Vec<Place> = places.page.into_iter().collect();
        let position = self.rows(&page.prefix, &images, 0)?;
        let len = page.prefix.len();
        if len > 0 {
            self.out.spans.push(Span { start, len, prefix: (start, 0), causal: true });
        }
        Ok(PrefixEnd { start, len, position })
    }

    fn segment(&mut self, page: &TrainPage, index: usize, places: &Places, end: PrefixEnd) -> Result<()> {
        let segment = &page.segments[index];
        if segment.weights.len() != segment.ids.len() {
            let (weights, ids) = (segment.weights.len(), segment.ids.len());
            return self.fail(format!("segment {index} has {weights} weights for {ids} ids"));
        }
        let mut images = Vec::with_capacity(segment.crops.len());
        for &crop in &segment.crops {
            match places.crops.get(crop) {
                Some(&place) => images.push(place),
                None => return self.fail(format!("segment {index} names crop {crop} of {}", places.crops.len())),
            }
        }
        let start = self.out.inputs.len();
        self.rows(&segment.ids, &images, end.position)?;
        for (at, (&id, &weight)) in segment.ids.iter().zip(&segment.weights).enumerate() {
            if weight == 0.0 {
                continue;
            }
            if !weight.is_finite() || weight < 0.0 {
                return self.fail(format!("segment {index} has the weight {weight}"));
            }
            let row = match (at, end.len) {
                (0, 0) => return self.fail(format!("segment {index}: nothing precedes its first token")),
                (0, _) => end.start + end.len - 1,
                _ => start + at - 1,
            };
            self.out.targets.push(Target { row: row as u32, id, weight });
        }
        if !segment.ids.is_empty() {
            self.out.segments += 1;
            let prefix = (end.start, end.len);
            self.out.spans.push(Span { start, len: segment.ids.len(), prefix, causal: true });
        }
        Ok(())
    }

    /// Appends rows for ids and images; gives the position after them.
    fn rows(&mut self, ids: &[u32], images: &[Place], mut position: u32) -> Result<u32> {
        let (pad, vocab) = (self.shape.tokens.image_pad, self.shape.text.vocab as u32);
        let mut images = images.iter();
        let mut at = 0;
        while at < ids.len() {
            let id = ids[at];
            if id >= vocab {
                return self.fail(format!("token {id} in a vocabulary of {vocab}"));
            }
            if id != pad {
                self.out.inputs.push(id);
                self.out.positions.iter_mut().for_each(|axis| axis.push(position));
                position += 1;
                at += 1;
                continue;
            }
            let Some(place) = images.next() else { return self.fail("more runs of image pads than images") };
            let count = place.cells[0] * place.cells[1];
            if ids[at..].iter().take_while(|&&id| id == pad).count() != count {
                return self.fail(format!("an image of {count} tokens has another number of pads"));
            }
            self.image(*place, position);
            position += place.cells[0].max(place.cells[1]) as u32;
            at += count;
        }
        if images.next().is_some() {
            return self.fail("more images than runs of image pads");
        }
        Ok(position)
    }

    fn image(&mut self, place: Place, position: u32) {
        let [rows, cols] = place.cells;
        let vocab = self.shape.text.vocab as u32;
        for cell in 0..rows * cols {
            self.out.inputs.push(match place.rows {
                Rows::Computed { group, first } => vocab + (first + self.out.groups[group].order.place[cell]) as u32,
                Rows::Given { first } => vocab + (first + cell) as u32,
                Rows::Absent => self.shape.tokens.image_pad,
            });
            self.out.positions[0].push(position);
            self.out.positions[1].push(position + (cell / cols) as u32);
            self.out.positions[2].push(position + (cell % cols) as u32);
        }
    }
}

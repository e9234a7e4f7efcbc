//! What the data side hands to the trainer: pages, their crops, and the token segments that talk about them.

use std::sync::Arc;

use crate::model::{ImageEmbedding, Patches};

/// One page, encoded once and shared by all its segments.
#[derive(Clone, Debug)]
pub struct TrainPage {
    /// The page; a grid of zeros means that the prefix has no image. A grid without `data` is an image that is not
    /// shown: its pads keep their positions and their own embedding (for learning from text first).
    pub page: Patches,
    /// Crops that segments refer to; without `data` likewise.
    pub crops: Vec<Patches>,
    /// Token ids every segment begins with, image pads included.
    pub prefix: Vec<u32>,
    /// Independent continuations of the prefix.
    pub segments: Vec<Segment>,
    /// Labels of the page's merged cells in raster order; empty for none.
    pub page_cells: Vec<CellLabels>,
    /// The same for each crop; empty for none.
    pub crop_cells: Vec<Vec<CellLabels>>,
    /// Images that the vision tower has seen already: the page, then each crop, or nothing at all. One that is here is not
    /// computed again and its tower learns nothing from it; its pixels may be left out.
    pub embedded: Vec<Option<Arc<ImageEmbedding>>>,
}

/// One continuation: question, thoughts, tool call, crop, answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Token ids after the prefix, image pads included.
    pub ids: Vec<u32>,
    /// Weight of predicting `ids[i]` from what precedes it; 0 leaves it out.
    pub weights: Vec<f32>,
    /// Which crop fills the i-th image of this segment.
    pub crops: Vec<usize>,
}

/// Classes of one 28-pixel cell, one for each auxiliary head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellLabels {
    /// Class per head; −1 where the head has nothing to learn here.
    pub heads: Vec<i32>,
}

/// One auxiliary head: a classifier on vision tokens that is trained along and not shipped.
///
/// Either linear with weights of its own (`classes`), or tied to the embeddings of `words`: the token is normalised and
/// compared with them, which teaches images and text the same directions.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSpec {
    /// Name in metrics and state files.
    pub name: String,
    /// Number of classes; of a tied head it is the number of words.
    #[serde(default)]
    pub classes: usize,
    /// Words of a tied head, one a class; written with a blank before them.
    #[serde(default)]
    pub words: Vec<String>,
    /// Takes its labels from another head's column (classes without a word are left out); none has a column of its own.
    #[serde(default)]
    pub labels: Option<String>,
    /// First tokens of the words; the trainer fills them in.
    #[serde(skip_deserializing, default)]
    pub tokens: Vec<u32>,
    /// Weight of this head in the auxiliary loss.
    #[serde(default = "one")]
    pub weight: f32,
    /// The class that says "nothing here", if there is one.
    #[serde(default)]
    pub background: Option<usize>,
    /// Weight of a background cell relative to the others.
    #[serde(default = "one")]
    pub background_weight: f32,
}

fn one() -> f32 {
    1.0
}

/// The column of [`CellLabels::heads`] each head reads, and how many columns there are. A head that names no other, or
/// one that does not exist, has the next column of its own.
pub fn label_columns(heads: &[HeadSpec]) -> (Vec<usize>, usize) {
    let own: Vec<&HeadSpec> = heads.iter().filter(|head| head.labels.is_none()).collect();
    let column = |head: &HeadSpec| {
        let name = head.labels.as_ref().unwrap_or(&head.name);
        own.iter().position(|other| other.name == *name).unwrap_or(own.len())
    };
    (heads.iter().map(column).collect(), own.len())
}

impl HeadSpec {
    /// Number of classes.
    pub fn classes(&self) -> usize {
        if self.words.is_empty() { self.classes } else { self.words.len() }
    }

    /// Weight of a cell of this class.
    pub fn class_weight(&self, class: usize) -> f32 {
        if self.background == Some(class) { self.background_weight } else { 1.0 }
    }
}

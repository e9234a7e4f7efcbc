//! What a run is made with.

use serde::Serialize;

use crate::benchmark::{Benchmark, Question, Task};
use crate::engine::{CropMode, PageMode};
use crate::model::sampler::Sampling;

/// Which crop the tool returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CropChoice {
    /// The one asked for.
    #[default]
    Normal,
    /// A grey area of the same size.
    Greyed,
    /// Another panel of the same page.
    Swapped,
    /// The true region.
    True,
}

/// The settings of a run, as its manifest states them.
#[derive(Clone, Debug, Serialize)]
pub struct RunSettings {
    /// Benchmark name.
    pub benchmark: String,
    /// Tasks asked; empty for all.
    pub tasks: Vec<Task>,
    /// Questions asked, over all tasks.
    pub limit: usize,
    /// Whether the zoom tool is offered.
    pub tool: bool,
    /// Whether the page is replaced by a blank one.
    pub blank_page: bool,
    /// Which crop the tool returns.
    pub crop: CropChoice,
    /// Profile name.
    pub profile: String,
    /// Seed of the sampler.
    pub seed: u64,
    /// Temperature; 0 is greedy.
    pub temperature: f64,
    /// Most tokens a session may write; none is the profile's limit.
    pub max_tokens: Option<u32>,
}

impl RunSettings {
    /// How crops are returned for one question.
    pub fn crop_mode(&self, benchmark: &Benchmark, question: &Question) -> CropMode {
        match self.crop {
            CropChoice::Normal => CropMode::Normal,
            CropChoice::Greyed => CropMode::Greyed,
            CropChoice::True => CropMode::True,
            CropChoice::Swapped => benchmark.other_region(question).map_or(CropMode::Greyed, CropMode::Swapped),
        }
    }

    /// How the page is shown.
    pub fn page_mode(&self) -> PageMode {
        if self.blank_page { PageMode::Blank } else { PageMode::Normal }
    }

    /// How tokens are drawn.
    pub fn sampling(&self) -> Sampling {
        Sampling { temperature: self.temperature, ..Sampling::default() }
    }
}

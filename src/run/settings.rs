//! What a run is made with.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::questions::Questions;
use crate::benchmark::{Family, Question, Selection, Task};
use crate::config::Record;
use crate::engine::{CropMode, PageMode};
use crate::model::sampler::Sampling;
use crate::model::{DtypeChoice, PixelLimits, Quant, ResamplerChoice};

/// Which crop the tool returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// What the model sees as page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageChoice {
    /// The page.
    #[default]
    Normal,
    /// A grey one of its size.
    Blank,
}

/// The settings of a run, as its manifest states them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// The benchmark as it was named.
    pub benchmark: String,
    /// The model as it was named.
    pub model: String,
    /// Type the weights are kept in, as it was named.
    #[serde(default, skip_serializing_if = "is_auto")]
    pub dtype: DtypeChoice,
    /// What the model is quantised to while it is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quant: Option<Quant>,
    /// Whose resampling images are prepared with, as it was named.
    #[serde(default, skip_serializing_if = "is_own")]
    pub resampler: ResamplerChoice,
    /// How large images are seen, where not as the model's files say.
    #[serde(flatten)]
    pub pixels: PixelLimits,
    /// The profile as it was named.
    pub profile: String,
    /// Tasks asked; empty for all.
    pub tasks: Vec<Task>,
    /// Families asked; empty for all.
    pub families: Vec<Family>,
    /// Most questions asked, over all tasks.
    pub limit: Option<usize>,
    /// How often each question is asked, each time with the sampler's next seed.
    pub seeds: u32,
    /// First seed of the sampler.
    pub seed: u64,
    /// Temperature; 0 is greedy.
    pub temperature: f64,
    /// Most tokens a session may write; none is the profile's limit.
    pub max_tokens: Option<u32>,
    /// Whether the zoom tool is offered.
    pub tool: bool,
    /// What the model sees as page.
    pub page: PageChoice,
    /// Which crop the tool returns.
    pub crop: CropChoice,
    /// Sequences stepped together; 1 is the reproducible case.
    pub concurrency: usize,
    /// What logs say of every token besides the token.
    #[serde(default, skip_serializing_if = "Record::is_off")]
    pub record: Record,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_auto(dtype: &DtypeChoice) -> bool {
    *dtype == DtypeChoice::Auto
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_own(resampler: &ResamplerChoice) -> bool {
    *resampler == ResamplerChoice::Auto
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            benchmark: "demo".to_owned(),
            model: "demo".to_owned(),
            dtype: DtypeChoice::Auto,
            quant: None,
            resampler: ResamplerChoice::Auto,
            pixels: PixelLimits::default(),
            profile: "rarl".to_owned(),
            tasks: Vec::new(),
            families: Vec::new(),
            limit: None,
            seeds: 1,
            seed: 0,
            temperature: 0.0,
            max_tokens: None,
            tool: true,
            page: PageChoice::Normal,
            crop: CropChoice::Normal,
            concurrency: 1,
            record: Record::default(),
        }
    }
}

impl RunSettings {
    /// Which questions of the benchmark are asked.
    pub fn selection(&self) -> Selection {
        Selection { tasks: self.tasks.clone(), families: self.families.clone(), limit: self.limit }
    }

    /// How crops are returned for one question.
    pub fn crop_mode(&self, benchmark: &dyn Questions, question: &Question) -> CropMode {
        match self.crop {
            CropChoice::Normal => CropMode::Normal,
            CropChoice::Greyed => CropMode::Greyed,
            CropChoice::True => CropMode::True,
            CropChoice::Swapped => benchmark.other_region(question).map_or(CropMode::Greyed, CropMode::Swapped),
        }
    }

    /// How the page is shown.
    pub fn page_mode(&self) -> PageMode {
        match self.page {
            PageChoice::Normal => PageMode::Normal,
            PageChoice::Blank => PageMode::Blank,
        }
    }

    /// How tokens are drawn.
    pub fn sampling(&self) -> Sampling {
        Sampling { temperature: self.temperature, ..Sampling::default() }
    }

    /// What differs from other settings: name, value here, value there. How benchmark, model and profile were named does
    /// not count: a manifest knows what they are.
    pub(super) fn differences(&self, other: &Self) -> Vec<(String, String, String)> {
        let fields = |settings: &Self| match serde_json::to_value(settings) {
            Ok(Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (here, there) = (fields(self), fields(other));
        let named = ["benchmark", "model", "profile", "dtype", "quant"];
        // What is as usual may not be written at all.
        let only_there = there.keys().filter(|name| !here.contains_key(name.as_str()));
        let counted = here.keys().chain(only_there).filter(|name| !named.contains(&name.as_str()));
        let word = |value: Option<&Value>| value.unwrap_or(&Value::Null).to_string();
        counted
            .map(|name| (name, here.get(name), there.get(name)))
            .filter(|(_, here, there)| here != there)
            .map(|(name, here, there)| (name.clone(), word(here), word(there)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named() {
        let here = RunSettings::default();
        assert_eq!(here.differences(&RunSettings { model: "other".into(), ..here.clone() }), []);
        let other = RunSettings { tool: false, limit: Some(3), ..here.clone() };
        let words = |s: [&str; 3]| (s[0].to_owned(), s[1].to_owned(), s[2].to_owned());
        let small = RunSettings { pixels: PixelLimits { min: None, max: Some(9) }, ..here.clone() };
        assert_eq!(small.differences(&here), [words(["max_pixels", "9", "null"])]);
        assert_eq!(here.differences(&small), [words(["max_pixels", "null", "9"])]);
        assert_eq!(here.differences(&other), [words(["limit", "null", "3"]), words(["tool", "true", "false"])]);
    }
}

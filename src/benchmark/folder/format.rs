//! What the files of a benchmark's folder hold.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::benchmark::synthetic::Difficulty;
use crate::benchmark::{Question, Task};

/// Version of the format.
pub const FORMAT: u32 = 1;

/// `benchmark.json`. Unknown fields are ignored by readers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "panelscope benchmark.json")]
pub struct Manifest {
    /// Version of the format.
    #[schemars(range(min = 1, max = 1))]
    pub v: u32,
    /// The benchmark's name.
    pub name: String,
    /// Version of its data.
    #[serde(default)]
    pub version: String,
    /// Licence of pages and questions, as an SPDX expression where there is one.
    #[serde(default)]
    pub licence: String,
    /// How many questions each task has.
    #[serde(default)]
    pub tasks: BTreeMap<Task, u64>,
    /// How many pages there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// What the pages were drawn from, where they were drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<World>,
    /// Pixels a page is scaled down to where it is said whether a question needs a zoom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoom_budget: Option<u64>,
}

/// Where drawn pages come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct World {
    /// The benchmark's seed.
    pub seed: u64,
    /// Version of the drawn world.
    pub version: u32,
    /// How hard pages are to read: `easy`, `medium` or `hard`.
    #[schemars(with = "String", regex(pattern = "^(easy|medium|hard)$"))]
    pub difficulty: Difficulty,
}

/// What a question may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// To train on.
    Train,
    /// To choose between models.
    Validation,
    /// To measure with.
    #[default]
    Test,
    /// To measure with; drawn from seeds that no training draws from.
    HeldOut,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 4] = [Self::Train, Self::Validation, Self::Test, Self::HeldOut];

    /// The name used in files and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::HeldOut => "held-out",
        }
    }
}

/// A line of `questions.jsonl`. Unknown fields are ignored by readers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "panelscope question, a line of questions.jsonl", extend("required" = ["id", "text", "page"]))]
pub struct QuestionLine {
    /// The question; `page` is a page's name, the name of its file in `pages/` without the ending.
    #[serde(flatten)]
    pub question: Question,
    /// What it may be used for; `test` where it is not said.
    #[serde(default)]
    pub split: Split,
}

/// The checked-in schemas: file name and content.
pub fn schemas() -> [(&'static str, Value); 2] {
    [
        ("benchmark-v1.schema.json", schemars::schema_for!(Manifest).to_value()),
        ("question-v1.schema.json", schemars::schema_for!(QuestionLine).to_value()),
    ]
}

//! A question and the task it belongs to.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::geometry::PageBox;

/// The seven task kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// What a panel shows.
    PanelUnderstanding,
    /// Who or what is nearer.
    DepthComparison,
    /// What a figure is doing.
    ActionRecognition,
    /// How many figures there are.
    CharacterCounting,
    /// In which order balloons are spoken.
    DialogReordering,
    /// Who a figure is, and where it appears.
    CharacterIdentification,
    /// In which order panels tell the story.
    PanelReordering,
}

impl Task {
    /// Every task, in the order tables list them.
    pub const ALL: [Self; 7] = [
        Self::PanelUnderstanding,
        Self::DepthComparison,
        Self::ActionRecognition,
        Self::CharacterCounting,
        Self::DialogReordering,
        Self::CharacterIdentification,
        Self::PanelReordering,
    ];

    /// The name used in files, flags and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PanelUnderstanding => "panel-understanding",
            Self::DepthComparison => "depth-comparison",
            Self::ActionRecognition => "action-recognition",
            Self::CharacterCounting => "character-counting",
            Self::DialogReordering => "dialog-reordering",
            Self::CharacterIdentification => "character-identification",
            Self::PanelReordering => "panel-reordering",
        }
    }

    /// The family a person filters by.
    pub const fn family(self) -> Family {
        match self {
            Self::DepthComparison => Family::Depth,
            Self::CharacterCounting | Self::CharacterIdentification => Family::Tracking,
            Self::DialogReordering | Self::PanelReordering => Family::Reordering,
            Self::PanelUnderstanding | Self::ActionRecognition => Family::Recognition,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|t| t.name() == s).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|t| t.name()).collect();
            format!("unknown task \"{s}\"; the tasks are {}", names.join(", "))
        })
    }
}

/// Groups of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Depth comparison.
    Depth,
    /// Identification and counting.
    Tracking,
    /// Dialog and panel reordering.
    Reordering,
    /// Panel understanding and action recognition.
    Recognition,
}

impl Family {
    /// Every family, in the order tables list them.
    pub const ALL: [Self; 4] = [Self::Depth, Self::Tracking, Self::Reordering, Self::Recognition];

    /// The name used in files, flags and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Tracking => "tracking",
            Self::Reordering => "reordering",
            Self::Recognition => "recognition",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|f| f.name() == s).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|f| f.name()).collect();
            format!("unknown family \"{s}\"; the families are {}", names.join(", "))
        })
    }
}

/// What an answer looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerForm {
    /// One of the choices, or one word where none are listed.
    #[default]
    Choice,
    /// A whole number.
    Count,
    /// Every label once, in an order.
    Order,
    /// Some of the labels, in any order; perhaps none.
    Set,
    /// A sentence, which only a judge can score.
    Free,
}

/// One question about one page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Unique in its benchmark.
    pub id: String,
    /// The task kind; null for a question a person typed.
    pub task: Option<Task>,
    /// The task's family; null for a question a person typed.
    pub family: Option<Family>,
    /// The question as asked, without its choices.
    pub text: String,
    /// Choices as listed; empty for an open question.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What an answer looks like.
    #[serde(default)]
    pub form: AnswerForm,
    /// What answers are made of where that is not the choices: the labels to be ordered, the panels a set is taken from,
    /// every number a count can be, every word an open question can have as its answer. Empty where it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The right answer's content: a choice or word, a number, or labels divided by `, ` (an order in that order, a set in
    /// the order of `labels`); null where unknown.
    pub truth: Option<String>,
    /// True regions the question is about, in page pixels.
    #[serde(default)]
    pub targets: Vec<PageBox>,
    /// The page's name in its benchmark: questions with one name are about one page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Size in page pixels of the smallest thing one has to make out: the height of a figure or of a letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<f64>,
    /// What a shortcut around looking would answer: of a depth question who stands lowest on the page ("nearest") or
    /// highest ("farthest").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<String>,
}

/// What one has to make out is legible from this size on, in pixels of the image the model sees: one merged cell of
/// Qwen2.5-VL's image processor.
pub const LEGIBLE: f64 = 28.0;

impl Question {
    /// Whether the page is shown too small to answer without a zoom; `scale` is processed pixels a page pixel.
    pub fn zoom_needed(&self, scale: f64) -> Option<bool> {
        self.detail.map(|detail| detail * scale < LEGIBLE)
    }
}

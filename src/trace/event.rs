//! Event types as they stand in a log (format version 1).
//!
//! A [`Record`] is one line: `{"v":1,"seq":17,"t":2.341,"type":"zoom","data":{…},"crc":"9ab31f02"}`. The checksum is
//! the session room's business; everything else is here. Readers ignore unknown fields and keep unknown types as
//! [`Body::Other`]; changes are additive or raise [`FORMAT_VERSION`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::look::{AttentionEvent, LensEvent};
use crate::benchmark::Question;
use crate::geometry::{FrameKind, PageBox, Size};

/// The version written in `v`.
pub const FORMAT_VERSION: u32 = 1;

/// One line of a log without its checksum.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Position in the log, from 0 without gaps.
    pub seq: u64,
    /// Seconds since the session's start on a monotonic clock.
    pub t: f64,
    /// What happened.
    pub body: Body,
}

/// What happened: `type` and `data` of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Body {
    /// The first line: who asks whom what.
    SessionStart(Box<SessionStart>),
    /// An image entered the context.
    Image(ImageEvent),
    /// A batch of tokens entered the context.
    Tokens(Tokens),
    /// A segment closed.
    Segment(SegmentEvent),
    /// A tool call was read.
    Zoom(ZoomEvent),
    /// An answer was read.
    Answer(Answer),
    /// The answer was scored.
    Score(ScoreEvent),
    /// A breakpoint fired.
    Break(BreakEvent),
    /// A fork stands where its parent stood.
    Fork(ForkEvent),
    /// A person did something.
    Control(Control),
    /// What a token's row attended to.
    Attention(Box<AttentionEvent>),
    /// What the layers would have said in a token's place.
    Lens(Box<LensEvent>),
    /// Something went wrong.
    Error(ErrorEvent),
    /// The last line.
    SessionEnd(SessionEnd),
    /// A type this version does not know; kept so that nothing is lost.
    #[serde(skip)]
    #[schemars(skip)]
    Other {
        /// The `type` field.
        kind: String,
        /// The `data` field.
        data: serde_json::Value,
    },
}

/// Who asks whom what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStart {
    /// Session id, also the log's file name.
    pub id: String,
    /// Program and version that wrote the log.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub started: String,
    /// The model asked.
    pub model: ModelInfo,
    /// Fewest pixels of a processed image.
    pub min_pixels: u64,
    /// Most pixels of a processed image.
    pub max_pixels: u64,
    /// Profile name.
    pub profile: String,
    /// blake3 (hex) of the profile's canonical TOML.
    pub profile_hash: String,
    /// How tokens are drawn.
    pub sampling: SamplingInfo,
    /// Seed of the sampler.
    pub seed: u64,
    /// Sequences stepped together; 1 is the reproducible case.
    pub batch_size: u32,
    /// Benchmark name, when the question comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// The run this session belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Whether the zoom tool was offered.
    #[serde(default = "yes")]
    pub tool: bool,
    /// Interventions in force, such as `crop=greyed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<String>,
    /// The question.
    pub question: Question,
    /// For a fork: where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

fn yes() -> bool {
    true
}

/// The model of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInfo {
    /// Folder or catalogue name, such as `demo-rarl`.
    pub name: String,
    /// blake3 (hex) of the weight files.
    pub weights: String,
    /// Arithmetic type, such as `f32`.
    pub dtype: String,
    /// Device, such as `cpu`.
    pub device: String,
    /// Whose resampling and rounding its images have, `pillow` or `torchvision`; older logs do not say: Pillow's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resampler: Option<String>,
}

impl ModelInfo {
    /// Whose resampling its images have.
    pub fn resampler(&self) -> &str {
        self.resampler.as_deref().unwrap_or("pillow")
    }
}

/// Sampling settings as used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SamplingInfo {
    /// 0 is greedy.
    pub temperature: f64,
    /// Keep the k likeliest; 0 keeps all.
    pub top_k: u32,
    /// Keep the smallest set with this mass; 1 keeps all.
    pub top_p: f64,
    /// 1 is none.
    pub repetition_penalty: f64,
}

/// Where a fork comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Parent {
    /// Parent session id.
    pub session: String,
    /// Token position of the edit.
    pub position: u64,
    /// The edit in words, such as `token 212: " left" → " right"`.
    pub edit: String,
    /// The same for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// The one thing that a fork has otherwise than its parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Nothing: the model goes on from there once more.
    Nothing,
    /// Another token.
    Token {
        /// Its id.
        id: u32,
    },
    /// A typed text, as tokens.
    Text {
        /// The text.
        text: String,
    },
    /// The call names another box.
    Box {
        /// Number of the tool call.
        zoom: u32,
        /// The box, in page pixels.
        page_box: PageBox,
    },
    /// The call is as it was and returns something else.
    Crop {
        /// Number of the tool call.
        zoom: u32,
        /// What it returns: `blank`, `region` (see `page_box`) or `file`.
        what: String,
        /// The region of the page, in page pixels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page_box: Option<PageBox>,
    },
    /// Other settings from there on.
    Settings {
        /// Names of those that differ, such as `temperature`, `question`, `tool`.
        names: Vec<String>,
    },
}

/// A fork has its parent's context up to its place; what follows is its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForkEvent {
    /// Position of its first own token.
    pub position: u64,
    /// Tokens whose keys and values were still in the parent's cache.
    pub kept: u64,
    /// Whether everything was, so that going on gives the parent's own bits; else it was recomputed.
    pub exact: bool,
    /// Largest difference in log-probability, over the alternatives both know, between the parent's distribution at
    /// `position` and this one's (nats); null where the context already differs or none was logged.
    pub moved: Option<f32>,
}

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageRole {
    /// The comic page.
    Page,
    /// What a zoom returned.
    Crop,
}

/// An image entered the context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageEvent {
    /// blake3 (hex) of width, height (both u32 little-endian) and RGB bytes.
    pub hash: String,
    /// Page or crop.
    pub role: ImageRole,
    /// Size before processing.
    pub original: Size,
    /// Size after processing.
    pub processed: Size,
    /// Tokens it became.
    pub tokens: u32,
}

/// A token's text, or its bytes where they are not UTF-8 on their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Piece {
    /// UTF-8 text.
    Text(String),
    /// Lower-case hexadecimal bytes.
    Hex {
        /// The bytes.
        hex: String,
    },
}

impl Piece {
    /// A piece from the token's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex { hex: bytes.iter().map(|b| format!("{b:02x}")).collect() },
        }
    }

    /// The bytes of the piece; empty where the hexadecimal is broken.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Hex { hex } => hex
                .as_bytes()
                .chunks(2)
                .map_while(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()))
                .collect(),
        }
    }
}

/// Who put tokens into the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// The model.
    Sampled,
    /// A person or a fork's edit.
    Forced,
    /// The conversation's template, the question, the tool.
    Prompt,
}

/// One alternative: `[id, piece, logprob]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TopEntry(pub u32, pub Piece, pub f32);

/// A batch of tokens, in columns of equal length. Alternatives are sorted by falling logprob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Position of the first token in the context; an image counts as many positions as it has tokens.
    pub start: u64,
    /// Token ids.
    pub ids: Vec<u32>,
    /// Token texts.
    pub pieces: Vec<Piece>,
    /// Natural log-probability under the raw logits; null for a prompt.
    pub logprob: Option<Vec<f32>>,
    /// Entropy in nats of the raw distribution; null for a prompt.
    pub entropy: Option<Vec<f32>>,
    /// Per token the likeliest alternatives under the raw logits; null for a prompt.
    pub top: Option<Vec<Vec<TopEntry>>>,
    /// Log-probability after penalties, temperature and truncation, where it differs from `logprob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_logprob: Option<Vec<f32>>,
    /// Arrival, seconds since the session's start.
    pub at: Vec<f64>,
    /// Who put them there.
    pub by: TokenSource,
}

/// The kinds of segment a turn is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// Between think tags.
    Think,
    /// Between tool-call tags.
    ToolCall,
    /// What the tool said.
    ToolResponse,
    /// Between answer tags.
    Answer,
    /// Anything else.
    Text,
}

/// A segment closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentEvent {
    /// Its kind.
    pub kind: SegmentKind,
    /// Position of its first token.
    pub first: u64,
    /// Position of its last token.
    pub last: u64,
}

/// Why a tool call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The call is not JSON.
    BrokenJson,
    /// Not an object with the expected fields.
    WrongShape,
    /// Another tool's name.
    UnknownTool,
    /// Not four numbers.
    WrongArity,
    /// NaN, infinite, or too large to be a coordinate.
    NotFinite,
    /// x1 ≥ x2 or y1 ≥ y2.
    Inverted,
    /// Nothing of the box lies on the page.
    OffPage,
    /// A side is below the profile's minimum.
    TooSmall,
    /// One side is too many times the other.
    TooThin,
    /// A tag inside another.
    NestedTag,
    /// The tag was never closed.
    Unclosed,
    /// Longer than a call may be.
    TooLong,
    /// The session has no tool.
    ToolOff,
    /// More zooms than the profile allows.
    TooManyZooms,
}

impl Refusal {
    /// Its name in words, such as `too small`.
    pub fn words(self) -> String {
        let name = serde_json::to_value(self).ok().and_then(|value| value.as_str().map(|name| name.replace('_', " ")));
        name.unwrap_or_default()
    }
}

/// What became of a tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ZoomOutcome {
    /// A crop was returned.
    Cropped {
        /// The place on the page that was cut.
        page_box: PageBox,
        /// The crop's image hash.
        crop: String,
    },
    /// The call was refused.
    Refused {
        /// Why.
        refused: Refusal,
        /// The same in words.
        #[serde(default)]
        detail: String,
    },
}

/// A tool call was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoomEvent {
    /// 1 for the session's first tool call.
    pub number: u32,
    /// Token position where the call closed.
    pub position: u64,
    /// The numbers as written; null where none could be read.
    pub raw: Option<[f64; 4]>,
    /// How they were read.
    pub frame: FrameKind,
    /// The model's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Crop or refusal.
    #[serde(flatten)]
    pub outcome: ZoomOutcome,
    /// A warning, such as that the box would hit the target only if read in another frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// An answer was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Between the tags, as written.
    pub raw: String,
    /// The content it stands for (a choice's text), null where it fits none.
    pub content: Option<String>,
    /// Token position of its last token.
    pub position: u64,
}

/// The answer was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreEvent {
    /// Scorer name.
    pub scorer: String,
    /// Scorer version.
    pub version: u32,
    /// 1 fully right, 0 wrong, between for partial credit.
    pub value: f64,
    /// Why.
    pub explanation: String,
    /// Measures of this kind of answer by name (`exact`, `tau_b`, `f1`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, f64>,
}

/// A breakpoint fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakEvent {
    /// The breakpoint as written.
    pub breakpoint: String,
    /// What it fired on.
    pub on: String,
    /// Token position.
    pub position: u64,
}

/// A person did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// `run`, `pause`, `step_token`, `step_segment`, `step_turn`, `stop`, `rewind`.
    pub action: String,
    /// Token position at that moment.
    pub position: u64,
}

/// Something went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorEvent {
    /// A stable word, such as `page`, `model`, `memory`, `internal`.
    pub kind: String,
    /// One sentence for a person.
    pub message: String,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnd {
    /// `answered`, `no_answer`, `max_tokens`, `max_turns`, `stopped`, `break`, `error`.
    pub reason: String,
    /// Tokens the model wrote.
    pub generated: u64,
    /// Tokens of the context.
    pub context: u64,
    /// Model turns.
    pub turns: u32,
    /// Crops returned.
    pub zooms: u32,
    /// Tool calls refused.
    pub refused: u32,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Seconds the model computed.
    pub compute_seconds: f64,
}

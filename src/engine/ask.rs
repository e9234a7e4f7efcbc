//! What a session is about.

use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;

use super::{Fork, Looking};
use crate::benchmark::Question;
use crate::geometry::PageBox;
use crate::model::sampler::Sampling;
use crate::page::{Page, PageError};
use crate::protocol::Profile;
use crate::trace::breakpoint::Breakpoint;
use crate::trace::{Record, SessionStart};

/// Where the page comes from.
#[derive(Clone, Debug)]
pub enum PageSource {
    /// A file, read when the session begins.
    File(PathBuf),
    /// A page already read.
    Page(Arc<Page>),
}

/// What the model gets when it zooms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum CropMode {
    /// What it asked for.
    #[default]
    Normal,
    /// A grey image (128) of the size it asked for.
    Greyed,
    /// Another region of the page.
    Swapped(PageBox),
    /// The target region with the largest IoU to what it asked for.
    True,
    /// Nothing: the tool's reply says that the crop is withheld.
    Withheld,
}

/// What the model gets as the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageMode {
    /// The page.
    #[default]
    Normal,
    /// A grey image (128) of the page's size; crops are still cut from the page.
    Blank,
}

/// One question to ask of one model once.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Session id.
    pub id: String,
    /// The page.
    pub page: PageSource,
    /// The question, with truth and targets where they are known.
    pub question: Question,
    /// The benchmark it comes from.
    pub benchmark: Option<String>,
    /// The run it belongs to.
    pub run: Option<String>,
    /// How the model is talked to.
    pub profile: Arc<Profile>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Seed of the sampler.
    pub seed: u64,
    /// Most tokens the model may write; the profile's limit also holds.
    pub max_tokens: Option<u32>,
    /// Whether the zoom tool is offered.
    pub tool: bool,
    /// Intervention on the page.
    pub page_mode: PageMode,
    /// Intervention on crops.
    pub crop_mode: CropMode,
    /// What a person looking closely has asked for.
    pub debug: Debugging,
}

/// Where to stop, where to begin, and how sharply to look.
#[derive(Clone, Debug, Default)]
pub struct Debugging {
    /// A session on a thread of its own pauses where one of these fires; one run to its end ends there.
    pub breakpoints: Vec<Breakpoint>,
    /// The session continues another.
    pub fork: Option<Arc<Fork>>,
    /// Fewest and most pixels of a processed image; none are the model's own.
    pub pixels: Option<(u64, u64)>,
    /// What the log says of every token the model writes.
    pub looking: Looking,
}

impl Ask {
    /// A question asked as it is: greedy, with the tool, nothing intervened in, nothing looked at closely.
    pub fn new(id: impl Into<String>, page: PageSource, question: Question, profile: Arc<Profile>) -> Self {
        Self {
            id: id.into(),
            page,
            question,
            benchmark: None,
            run: None,
            profile,
            sampling: Sampling::default(),
            seed: 0,
            max_tokens: None,
            tool: true,
            page_mode: PageMode::Normal,
            crop_mode: CropMode::Normal,
            debug: Debugging::default(),
        }
    }

    /// Tokens the model may write over all turns: the smaller of the profile's and the caller's limit.
    pub fn token_limit(&self) -> u64 {
        let own = self.profile.limits.max_tokens;
        u64::from(self.max_tokens.map_or(own, |asked| asked.min(own)))
    }

    /// The same question put to the same kind of model again, as a log has it; `page` and `profile` are found by the
    /// caller. Sampling, seed, tool, pixel limits and interventions are those of the log.
    pub fn of_log(start: &SessionStart, id: String, page: PageSource, profile: Arc<Profile>) -> Self {
        let sampling = &start.sampling;
        let crop_mode = start.interventions.iter().find_map(|text| CropMode::read(text)).unwrap_or_default();
        let blank = start.interventions.iter().any(|text| text == "page=blank");
        Self {
            id,
            page,
            question: start.question.clone(),
            benchmark: start.benchmark.clone(),
            run: None,
            profile,
            sampling: Sampling {
                temperature: sampling.temperature,
                top_k: sampling.top_k,
                top_p: sampling.top_p,
                repetition_penalty: sampling.repetition_penalty,
            },
            seed: start.seed,
            max_tokens: None,
            tool: start.tool,
            page_mode: if blank { PageMode::Blank } else { PageMode::Normal },
            crop_mode,
            debug: Debugging {
                pixels: (start.max_pixels > 0).then_some((start.min_pixels, start.max_pixels)),
                ..Debugging::default()
            },
        }
    }

    /// The interventions in force, as `session_start` lists them.
    pub fn interventions(&self) -> Vec<String> {
        let page = (self.page_mode == PageMode::Blank).then(|| "page=blank".to_owned());
        let crop = match self.crop_mode {
            CropMode::Normal => None,
            CropMode::Greyed => Some("crop=greyed".to_owned()),
            CropMode::Swapped(b) => Some(format!("crop=swapped [{},{},{},{}]", b.x1, b.y1, b.x2, b.y2)),
            CropMode::True => Some("crop=true".to_owned()),
            CropMode::Withheld => Some("crop=withheld".to_owned()),
        };
        page.into_iter().chain(crop).collect()
    }
}

impl CropMode {
    /// The intervention that [`Ask::interventions`] wrote.
    fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("crop=")? {
            "greyed" => Some(Self::Greyed),
            "true" => Some(Self::True),
            "withheld" => Some(Self::Withheld),
            other => {
                let corners = serde_json::from_str(other.strip_prefix("swapped ")?).ok()?;
                Some(Self::Swapped(corners))
            }
        }
    }
}

impl PageSource {
    /// The page, read now if it is a file.
    ///
    /// # Errors
    /// As [`Page::open`].
    pub fn load(&self) -> Result<Arc<Page>, PageError> {
        match self {
            Self::File(path) => Page::open(path).map(Arc::new),
            Self::Page(page) => Ok(Arc::clone(page)),
        }
    }
}

/// One record, with the pixels it speaks of: every `image` record carries them.
#[derive(Clone, Debug)]
pub struct Emission {
    /// The record.
    pub record: Record,
    /// What the model was given (after interventions).
    pub pixels: Option<Arc<RgbImage>>,
    /// An answer to whoever asked for a look: no part of the log, its `seq` is the next record's.
    pub aside: bool,
}

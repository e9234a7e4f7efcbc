//! Drawn pages as training data: trajectories about a page, their crops a little off the mark, labels of cells.

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::batch::{CellLabels, Segment, TrainPage};
use super::cells::{CROP_HEADS, PAGE_HEADS, crop_labels, panel_labels};
use super::error::{Result, TrainError};
use super::mix::{Mix, questions_of};
use super::schedule::Stage;
use super::source::PageSource;
use super::trajectory::{Part, Role, direct, panels_of, zooming};
use crate::benchmark::synthetic::{Dice, Difficulty, DrawnPage, PAGE_SIZE, PanelTruth, dice, draw_page};
use crate::benchmark::{Question, Task};
use crate::geometry::{PageBox, Size};
use crate::model::{ImageProcessor, Patches, Tokenizer};
use crate::protocol::{Profile, PromptPart};

/// Page seeds of trainings begin here and stay below `4e9`; benchmarks draw theirs above (`benchmark/source.rs`).
pub const FIRST_SEED: u64 = 1_000_000_000;

/// What a stage draws (`[stages.data]` in a training's settings).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Questions about a page.
    pub segments: usize,
    /// Share of pages that are asked without the tool.
    pub direct: f32,
    /// Crops are cut off the mark by up to this share of the box's side.
    pub jitter: f32,
    /// Boxes are those of a teacher that points roughly.
    pub teacher: Teacher,
    /// Every task is asked as often; otherwise what is hard to learn comes more often.
    pub even: bool,
    /// Images are not shown; only what follows from text is learnt.
    pub text_only: bool,
    /// Pages that are drawn over and over; 0 draws new ones at every step.
    pub pool: u64,
    /// Added to every page seed, so that stages and trainings see different pages.
    pub seed_offset: u64,
    /// Weight of text that is the same in every trajectory.
    pub plain_weight: f32,
    /// Weight of words that must be seen in an image.
    pub seen_weight: f32,
    /// Weight of words that follow from words before them.
    pub copied_weight: f32,
    /// Weight of coordinates.
    pub coordinate_weight: f32,
}

/// How roughly the teacher of a trajectory points: the box is grown, then moved, by chance, and clamped to the page. Zero
/// points exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Teacher {
    /// Each side is lengthened by up to this share of it.
    pub grow: f32,
    /// The box is moved along each axis by up to this share of its side, either way.
    pub shift: f32,
}

impl Teacher {
    /// Where it points for a region of the page.
    fn points(&self, b: &PageBox, dice: &mut Dice) -> PageBox {
        if *self == Self::default() {
            return *b;
        }
        let (w, h) = (b.width(), b.height());
        let mut chance = |from: f32, to: f32| f64::from(dice.between(from, to));
        let (wide, high) = (0.5 * w * chance(0.0, self.grow), 0.5 * h * chance(0.0, self.grow));
        let (right, down) = (w * chance(-self.shift, self.shift), h * chance(-self.shift, self.shift));
        let grown = PageBox::new(b.x1 - wide + right, b.y1 - high + down, b.x2 + wide + right, b.y2 + high + down);
        grown.clamped(PAGE_SIZE)
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            segments: 8,
            direct: 0.12,
            jitter: 0.06,
            teacher: Teacher::default(),
            even: false,
            text_only: false,
            pool: 0,
            seed_offset: 0,
            plain_weight: 1.0,
            seen_weight: 6.0,
            copied_weight: 4.0,
            coordinate_weight: 3.0,
        }
    }
}

impl Plan {
    fn weight(&self, role: Role) -> f32 {
        match role {
            Role::Prompt => 0.0,
            Role::Seen | Role::Coordinate if self.text_only => 0.0,
            Role::Plain => self.plain_weight,
            Role::Seen => self.seen_weight,
            Role::Copied => self.copied_weight,
            Role::Coordinate => self.coordinate_weight,
        }
    }
}

/// A crop as the model sees it, and its cells.
pub struct SketchCrop {
    /// The panel it shows.
    pub panel: u32,
    /// Where the teacher points for it.
    pub pointed: PageBox,
    /// Processed pixels.
    pub pixels: RgbImage,
    /// Per merged cell the classes of [`crop_labels`].
    pub cells: Vec<[i32; CROP_HEADS]>,
}

/// One question with its answer as parts.
pub struct SketchSegment {
    /// The question.
    pub question: Question,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// Which crop stands for each [`Part::Crop`].
    pub crops: Vec<usize>,
}

/// Everything learnt from one page, before tokens.
pub struct Sketch {
    /// Page seed.
    pub seed: u64,
    /// Asked without the tool.
    pub direct: bool,
    /// Processed pixels of the page.
    pub page: RgbImage,
    /// Crops that segments refer to.
    pub crops: Vec<SketchCrop>,
    /// Questions.
    pub segments: Vec<SketchSegment>,
    /// Per merged cell of the page the classes of [`panel_labels`].
    pub page_cells: Vec<[i32; PAGE_HEADS]>,
}

/// Draws the page of a seed and asks about it: a pure function of its arguments.
///
/// # Errors
/// When an image cannot be processed.
pub fn sketch(seed: u64, plan: &Plan, processor: &ImageProcessor) -> Result<Sketch> {
    let drawn = draw_page(seed, Difficulty::Easy);
    let mut dice = dice(seed, "training");
    let is_direct = dice.chance(plan.direct);
    let page = processor.resize(&drawn.pixels).map_err(data_error)?;
    let whole = PageBox::new(0.0, 0.0, PAGE_SIZE.w.into(), PAGE_SIZE.h.into());
    let (rows, columns) = grid(&page, processor);
    let page_cells = panel_labels(&drawn.truth, &whole, rows, columns);
    let mut sketch = Sketch { seed, direct: is_direct, page, crops: Vec::new(), segments: Vec::new(), page_cells };
    let mix = if plan.even { Mix::Even(&Task::ALL) } else { Mix::Hard };
    for question in questions_of(&drawn.truth, plan.segments, mix) {
        add_segment(&mut sketch, &drawn, question, plan, processor, &mut dice)?;
    }
    Ok(sketch)
}

fn add_segment(
    sketch: &mut Sketch,
    drawn: &DrawnPage,
    question: Question,
    plan: &Plan,
    processor: &ImageProcessor,
    dice: &mut Dice,
) -> Result<()> {
    let panels = panels_of(&drawn.truth, &question);
    let (parts, crops) = if sketch.direct {
        (direct(&question), Vec::new())
    } else {
        let mut crops = Vec::with_capacity(panels.len());
        for panel in &panels {
            let known = sketch.crops.iter().position(|c| c.panel == panel.number);
            if known.is_none() {
                sketch.crops.push(cut(drawn, panel, plan, processor, dice)?);
            }
            crops.push(known.unwrap_or(sketch.crops.len() - 1));
        }
        let processed = Size::new(sketch.page.width(), sketch.page.height());
        let pointed =
            crops.iter().filter_map(|&crop| sketch.crops.get(crop)).map(|crop| crop.pointed).collect::<Vec<_>>();
        (zooming(&question, &panels, &pointed, PAGE_SIZE, processed), crops)
    };
    if let Some(parts) = parts {
        sketch.segments.push(SketchSegment { question, parts, crops });
    }
    Ok(())
}

/// What the teacher points at, cut a little off the mark, as the tool would return it.
fn cut(
    drawn: &DrawnPage,
    panel: &PanelTruth,
    plan: &Plan,
    processor: &ImageProcessor,
    dice: &mut Dice,
) -> Result<SketchCrop> {
    let (b, jitter) = (plan.teacher.points(&panel.bounds, dice), plan.jitter);
    let mut off = |side: f64| f64::from(dice.between(-jitter, jitter)) * side;
    let (w, h) = (b.width(), b.height());
    let cut = PageBox::new(b.x1 + off(w), b.y1 + off(h), b.x2 + off(w), b.y2 + off(h)).clamped(PAGE_SIZE);
    let (x, y) = (cut.x1.floor() as u32, cut.y1.floor() as u32);
    let (w, h) = (cut.x2.ceil() as u32 - x, cut.y2.ceil() as u32 - y);
    let pixels = image::imageops::crop_imm(&drawn.pixels, x, y, w, h).to_image();
    let pixels = processor.resize(&pixels).map_err(data_error)?;
    let (rows, columns) = grid(&pixels, processor);
    let cells = crop_labels(&drawn.truth, &cut, rows, columns);
    Ok(SketchCrop { panel: panel.number, pointed: b, pixels, cells })
}

/// Rows and columns of merged cells.
fn grid(image: &RgbImage, processor: &ImageProcessor) -> (usize, usize) {
    let cell = processor.factor().max(1);
    ((image.height() / cell) as usize, (image.width() / cell) as usize)
}

fn data_error(error: impl std::fmt::Display) -> TrainError {
    TrainError::Data(error.to_string())
}

/// Pages for the trainer, from seeds.
pub struct DrawnSource {
    tokenizer: Tokenizer,
    processor: ImageProcessor,
    profile: Profile,
    image: [u32; 3],
}

impl DrawnSource {
    /// A source that speaks with this tokenizer and sees with this processor.
    ///
    /// # Errors
    /// When the vocabulary lacks the image tokens.
    pub fn new(tokenizer: Tokenizer, processor: ImageProcessor, profile: Profile) -> Result<Self> {
        let id = |token: &str| tokenizer.id(token).ok_or_else(|| data_error(format!("the vocabulary has no {token}")));
        let image = [id("<|vision_start|>")?, id("<|image_pad|>")?, id("<|vision_end|>")?];
        Ok(Self { tokenizer, processor, profile, image })
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.tokenizer.encode(text).map_err(data_error)
    }

    fn image_ids(&self, patches: &Patches) -> Vec<u32> {
        let [start, pad, end] = self.image;
        let pads = std::iter::repeat_n(pad, patches.tokens());
        std::iter::once(start).chain(pads).chain([end]).collect()
    }

    /// Tokens of a sketch.
    ///
    /// # Errors
    /// When an image or a text cannot be encoded.
    pub fn train_page(&self, sketch: &Sketch, plan: &Plan) -> Result<TrainPage> {
        let seen = |image: &RgbImage| self.processor.process(image).map_err(data_error);
        let mut page = seen(&sketch.page)?;
        let mut crops: Vec<Patches> = sketch.crops.iter().map(|c| seen(&c.pixels)).collect::<Result<_>>()?;
        if plan.text_only {
            // Images keep their places, so that text learns the positions it will have.
            std::iter::once(&mut page).chain(&mut crops).for_each(|image| image.data = Vec::new());
        }
        let some_question = Question::default();
        let opening = self.profile.opening(&some_question, !sketch.direct);
        let mut prefix = match opening.first() {
            Some(PromptPart::Text(system)) => self.encode(system)?,
            _ => Vec::new(),
        };
        prefix.extend(self.image_ids(&page));
        let segments = sketch.segments.iter().map(|s| self.segment(s, &crops, plan)).collect::<Result<_>>()?;
        // The page's heads come first; a label of -1 is none.
        let of_page = |classes: &[i32; PAGE_HEADS]| CellLabels { heads: [&classes[..], &[-1; CROP_HEADS]].concat() };
        let of_crop = |classes: &[i32; CROP_HEADS]| CellLabels { heads: [&[-1; PAGE_HEADS][..], classes].concat() };
        let (page_cells, crop_cells) = match plan.text_only {
            true => (Vec::new(), Vec::new()),
            false => (
                sketch.page_cells.iter().map(of_page).collect(),
                sketch.crops.iter().map(|c| c.cells.iter().map(of_crop).collect()).collect(),
            ),
        };
        Ok(TrainPage { page, crops, prefix, segments, page_cells, crop_cells, embedded: Vec::new() })
    }

    fn segment(&self, segment: &SketchSegment, crops: &[Patches], plan: &Plan) -> Result<Segment> {
        let (mut ids, mut weights) = (Vec::new(), Vec::new());
        let mut used = segment.crops.iter();
        for part in &segment.parts {
            match part {
                Part::Text(text, role) => {
                    ids.extend(self.encode(text)?);
                    weights.resize(ids.len(), plan.weight(*role));
                }
                Part::Crop => {
                    if let Some(crop) = used.next().and_then(|&i| crops.get(i)) {
                        ids.extend(self.image_ids(crop));
                        weights.resize(ids.len(), 0.0);
                    }
                }
            }
        }
        Ok(Segment { ids, weights, crops: segment.crops.clone() })
    }
}

/// Page seeds of a step: one after the other, from the first again when the pool is through.
pub fn seeds(stage: &Stage, step: u64, pool: u64, offset: u64) -> impl Iterator<Item = u64> {
    let first = step * stage.pages as u64;
    let within = move |at: u64| if pool == 0 { at } else { at % pool };
    (first..first + stage.pages as u64).map(move |at| FIRST_SEED + offset + within(at))
}

impl PageSource for DrawnSource {
    fn pages(&self, stage: &Stage, step: u64) -> Result<Vec<TrainPage>> {
        let plan: Plan = stage.data.clone().try_into().map_err(data_error)?;
        seeds(stage, step, plan.pool, plan.seed_offset)
            .map(|seed| self.train_page(&sketch(seed, &plan, &self.processor)?, &plan))
            .collect()
    }
}

//! Where does it matter: the crop forced to every region of a grid, the answer opened after it, and the teacher-forced
//! probability of each whole answer.

mod candidates;
mod colour;
pub(crate) mod grid;
mod score;
mod thought;

use std::sync::Arc;

use serde::Serialize;

use self::candidates::{Candidates, candidates};
pub use self::colour::{brief, heat_colour};
pub use self::grid::{Cell, Grid};
use self::grid::{ON_TARGET, best_coverage, is_off};
use self::score::{Tokenised, millionths, normalised, of_candidates, tokenised};
use self::thought::{Before, thought};
use super::error::{ProbeError, unfit};
use super::folder::Said;
use super::kind::ProbeKind;
use super::lab::Lab;
use super::report::{Report, Verdict, answer_of};
use super::{Sources, Subject};
use crate::analysis::mean;
use crate::engine::{Ask, At, Edit, Fork, OtherCrop, Recorded};
use crate::geometry::{PageBox, coverage, tightness};
use crate::model::sampler::Sampling;
use crate::text::one_line;
use crate::trace::{TokenSource, ZoomEvent, ZoomOutcome};

/// A difference in probability that counts as one.
const CLEAR: f64 = 0.1;

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepFigures {
    /// The regions.
    pub cells: Vec<CellFigures>,
    /// Mean probability of the right answer over the cells.
    pub mean: f64,
    /// The same over cells that show at least half of a target; null without one.
    pub on_target: Option<Share>,
    /// The same over cells that show nothing of the targets.
    pub off_target: Option<Share>,
    /// With the crop that the session had; null where it had none.
    pub own: Option<CellFigures>,
    /// With no crop at all.
    pub none: CellFigures,
    /// Edges between the columns of the grid's blocks, in page pixels.
    pub xs: Vec<f64>,
    /// Edges between their rows.
    pub ys: Vec<f64>,
    /// Size of the page in pixels.
    pub page: (u32, u32),
    /// The true regions on the page.
    pub targets: Vec<PageBox>,
    /// The tool call whose crop is forced.
    pub zoom: u32,
    /// What stands between crop and answer: `think`, or what was asked for.
    pub before: String,
    /// What is put into the model's mouth to open the answer.
    pub forced: String,
    /// The answers that are compared, as the cells' `p` have them.
    pub candidates: Vec<String>,
    /// Where they come from; null where they are the question's choices.
    pub made: Option<String>,
    /// Passes of the model for the answers of one cell.
    pub passes: usize,
}

/// Some cells together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub cells: usize,
    /// Their mean probability of the right answer.
    pub mean: f64,
}

/// One region and what the model would say, had it looked there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellFigures {
    /// Where, in page pixels.
    #[serde(rename = "box")]
    pub page_box: PageBox,
    /// Share of the best covered target inside; null where no target is known.
    pub coverage: Option<f64>,
    /// Probability of the right answer among all that are compared.
    pub p_right: f64,
    /// Probability of each of them.
    pub p: Vec<f64>,
    /// What they have together of the whole probability.
    pub mass: f64,
    /// What it says when it goes on from there.
    pub answer: Option<String>,
    /// The fork.
    pub session: String,
    /// Columns and rows of blocks it spans; 0, 0 for a region that is not of the grid.
    pub span: (u32, u32),
}

impl SweepFigures {
    /// Columns and rows of the grid's blocks.
    pub fn blocks(&self) -> (usize, usize) {
        (self.xs.len().saturating_sub(1), self.ys.len().saturating_sub(1))
    }

    /// The place of a block.
    pub fn block(&self, column: usize, row: usize) -> Option<PageBox> {
        let side = |edges: &[f64], at: usize| edges.get(at).copied().zip(edges.get(at + 1).copied());
        let ((x1, x2), (y1, y2)) = (side(&self.xs, column)?, side(&self.ys, row)?);
        Some(PageBox::new(x1, y1, x2, y2))
    }

    /// The mean probability of the right answer over the cells that show a block of the grid.
    pub fn p_of(&self, column: usize, row: usize) -> Option<f64> {
        let block = self.block(column, row)?;
        let (x, y) = (f64::midpoint(block.x1, block.x2), f64::midpoint(block.y1, block.y2));
        let shows = |cell: &&CellFigures| {
            let b = cell.page_box;
            b.x1 <= x && x < b.x2 && b.y1 <= y && y < b.y2
        };
        mean(self.cells.iter().filter(shows).map(|cell| cell.p_right))
    }

    /// Whether at least half of a block is target, or half of a target lies in it.
    pub fn is_target(&self, column: usize, row: usize) -> bool {
        let Some(block) = self.block(column, row) else { return false };
        self.targets.iter().any(|t| tightness(t, &block) >= 0.5 || coverage(t, &block) >= 0.5)
    }
}

/// A cell before it is run.
struct Wanted {
    name: String,
    page_box: PageBox,
    crop: OtherCrop,
    span: (u32, u32),
}

pub(super) fn probe(subject: &Subject, lab: &mut Lab<'_>) -> Result<Report, ProbeError> {
    subject.untouched(true)?;
    let candidates = match candidates(&subject.start.question, &subject.profile) {
        Ok(found) => found,
        Err(why) => return unfit(format!("no probability of a right answer for {}: {why}", subject.id())),
    };
    let (base, zoom) = with_zoom(subject, lab)?;
    let base = base.as_ref().unwrap_or(subject);
    let settings = lab.settings();
    let before = Before::read(&settings.before, &subject.past.trace);
    let text = if let Before::Text(text) = &before { text.as_str() } else { "" };
    let tokenised = tokenised(lab.engine, &candidates, &base.profile, text)?;
    let targets = subject.targets();
    let grid = Grid::new(subject.size(), settings.columns, &targets);
    let wanted = wanted(&zoom, base, &grid);
    let mut primed = false;
    let of = wanted.len();
    for (done, cell) in wanted.iter().enumerate() {
        lab.tell(done, of, &cell.name)?;
        let id = lab.id(subject, &cell.name);
        if lab.folder.cell(&id).is_none() {
            if !primed {
                prime(base, &zoom, lab)?;
                primed = true;
            }
            let ask = ask(base, &zoom, cell, id, (&before, &tokenised))?;
            let sequences: Vec<&[u32]> = tokenised.rest.iter().map(|(_, ids)| ids.as_slice()).collect();
            let count = candidates.list.len();
            let mut opened = false;
            lab.folder.run_cell(lab.engine, ask, lab.cancel, &mut |engine| {
                if !opened {
                    opened = true;
                    let mut ids = if before == Before::Thought { thought(engine, &base.profile)? } else { Vec::new() };
                    ids.extend(&tokenised.forced);
                    if !ids.is_empty() {
                        return Ok(Said::Next(ids));
                    }
                }
                let written = score::logprobs(engine, &sequences)?;
                let found = of_candidates(&tokenised, &written, count);
                Ok(Said::Found(found.into_iter().map(millionths).collect()))
            })?;
        }
    }
    lab.tell(of, of, "")?;
    let figures = figures(subject, lab, &zoom, (&candidates, &tokenised), &wanted, &grid)?;
    let (verdict, sentence) = conclude(&figures, subject);
    Ok(Report { sweep: Some(figures), verdict, sentence, ..Report::of(ProbeKind::Sweep, subject) })
}

/// The session, or, where it made no call, a fork of it that made one; and the call whose crop is forced.
fn with_zoom(subject: &Subject, lab: &mut Lab<'_>) -> Result<(Option<Subject>, ZoomEvent), ProbeError> {
    let last = subject.past.trace.zooms.last().map(|zoom| zoom.number);
    if let Some(zoom) = subject.zoom(lab.settings().zoom.or(last))? {
        return Ok((None, zoom.clone()));
    }
    let size = subject.size();
    let page = PageBox::new(0.0, 0.0, f64::from(size.w), f64::from(size.h));
    let ask = lab.fork(subject, "call", subject.first_place()?, Edit::Call(page), |_| ())?;
    let id = ask.id.clone();
    lab.tell(0, 1, "call")?;
    lab.run(ask)?;
    let missing = || ProbeError::Failed { session: id.clone(), why: "it cannot be read again".to_owned() };
    let log = lab.folder.log(&id).ok_or_else(missing)?;
    let sources = Sources { bench: None, profile: Some(&subject.profile) };
    let base = Subject::open(&log, sources)?;
    match base.past.trace.zooms.first().cloned() {
        Some(zoom) => Ok((Some(base), zoom)),
        None => unfit(format!("{} made no call, and one put into its mouth is not read as one", subject.id())),
    }
}

/// What is looked at: what the session had, nothing, and every region.
fn wanted(zoom: &ZoomEvent, base: &Subject, grid: &Grid) -> Vec<Wanted> {
    let own = match &zoom.outcome {
        ZoomOutcome::Cropped { page_box, .. } => Some(*page_box),
        ZoomOutcome::Refused { .. } => None,
    };
    let size = base.size();
    let page = PageBox::new(0.0, 0.0, f64::from(size.w), f64::from(size.h));
    let own =
        own.map(|page_box| Wanted { name: "own".into(), page_box, crop: OtherCrop::Region(page_box), span: (0, 0) });
    let none = Wanted { name: "none".into(), page_box: page, crop: OtherCrop::Withheld, span: (0, 0) };
    let cells = grid.cells.iter().enumerate().map(|(i, cell)| Wanted {
        name: format!("cell-{:03}", i + 1),
        page_box: cell.page_box,
        crop: OtherCrop::Region(cell.page_box),
        span: cell.span,
    });
    own.into_iter().chain([none]).chain(cells).collect()
}

/// One cell as a fork.
fn ask(
    base: &Subject,
    zoom: &ZoomEvent,
    cell: &Wanted,
    id: String,
    (before, tokens): (&Before, &Tokenised),
) -> Result<Ask, ProbeError> {
    let mut ask = base.ask(id);
    ask.sampling = Sampling::default();
    let past = Arc::clone(&base.past);
    let fork = Fork::plan(past, At::Zoom(zoom.number), Edit::Crop(cell.crop.clone()), &ask.profile)?;
    let thought = if *before == Before::Thought { "its thought and " } else { "" };
    let fork = fork.then(&format!("{thought}{:?}", one_line(&tokens.told))).lean();
    ask.debug.fork = Some(Arc::new(fork));
    Ok(ask)
}

/// Computes what all cells begin with, in one piece: then a cell costs its crop and its answers, and its figures do not depend
/// on which cells ran before it.
fn prime(base: &Subject, zoom: &ZoomEvent, lab: &mut Lab<'_>) -> Result<(), ProbeError> {
    let plan =
        Fork::plan(Arc::clone(&base.past), At::Zoom(zoom.number), Edit::Crop(OtherCrop::Withheld), &base.profile)?;
    let trace = &base.past.trace;
    let count = trace.tokens.partition_point(|token| token.position < plan.position());
    let ids: Vec<u32> = trace.tokens.iter().take(count).map(|token| token.id).collect();
    let Some(last) = ids.last().copied() else { return unfit("its log has no tokens") };
    let placed = trace.images.iter().filter(|image| image.position < plan.position());
    let images: Option<Vec<_>> = placed.map(|image| base.past.pixels.get(&image.event.hash).cloned()).collect();
    let Some(images) = images else { return Err(ProbeError::NoPage { session: base.id() }) };
    let ask = base.ask(lab.id(base, "prime"));
    lab.engine.limit_pixels(ask.debug.pixels)?;
    lab.engine.begin(ask.sampling, ask.seed)?;
    let written = trace.tokens.iter().take(count).filter(|token| token.by != TokenSource::Prompt).count() as u64;
    lab.engine.resume(&Recorded {
        session: &ask.id,
        parent: &base.start.id,
        sampling: ask.sampling,
        seed: ask.seed,
        drawn: 0,
        written,
        ids: &ids,
        images: &images,
        lean: false,
    })?;
    // Any token will do: it is computed after what it follows, and taken back with the first cell.
    lab.engine.force(last)?;
    Ok(())
}

fn figures(
    subject: &Subject,
    lab: &Lab<'_>,
    zoom: &ZoomEvent,
    (candidates, tokenised): (&Candidates, &Tokenised),
    wanted: &[Wanted],
    grid: &Grid,
) -> Result<SweepFigures, ProbeError> {
    let targets = subject.targets();
    let mut found = Vec::new();
    for cell in wanted {
        let id = lab.id(subject, &cell.name);
        let missing = || ProbeError::Failed { session: id.clone(), why: "its figures are gone".to_owned() };
        let (summary, measured) = lab.folder.cell(&id).ok_or_else(missing)?;
        let (p, mass) = normalised(&measured.logprobs);
        let right = candidates.list.iter().zip(&p).filter(|(candidate, _)| candidate.right).map(|(_, p)| *p);
        let p_right = millionths(right.sum());
        let none = cell.crop == OtherCrop::Withheld;
        let coverage = best_coverage(&targets, &cell.page_box).filter(|_| !none).map(millionths);
        let answer = answer_of(summary);
        let (page_box, span) = (cell.page_box, cell.span);
        found.push(CellFigures { page_box, coverage, p_right, p, mass, answer, session: id, span });
    }
    let cells = found.split_off(wanted.iter().take_while(|cell| cell.span == (0, 0)).count());
    let gone = || ProbeError::Failed { session: subject.id(), why: "nothing was measured without a crop".to_owned() };
    let none = found.pop().ok_or_else(gone)?;
    let share = |which: &dyn Fn(&CellFigures) -> bool| {
        let chosen: Vec<f64> = cells.iter().filter(|cell| which(cell)).map(|cell| cell.p_right).collect();
        let n = chosen.len();
        mean(chosen).map(|mean| Share { cells: n, mean: millionths(mean) })
    };
    let known = !targets.is_empty();
    let size = subject.size();
    let passes = passes(&tokenised.rest);
    Ok(SweepFigures {
        mean: millionths(mean(cells.iter().map(|cell| cell.p_right)).unwrap_or(0.0)),
        on_target: share(&|cell| cell.coverage.is_some_and(|c| c >= ON_TARGET)),
        off_target: share(&|cell| known && is_off(&targets, &cell.page_box)),
        own: found.pop(),
        none,
        cells,
        xs: grid.xs.clone(),
        ys: grid.ys.clone(),
        page: (size.w, size.h),
        targets,
        zoom: zoom.number,
        before: one_line(&lab.settings().before).into_owned(),
        forced: one_line(&tokenised.told).into_owned(),
        candidates: candidates.list.iter().map(|candidate| one_line(&candidate.content).into_owned()).collect(),
        made: candidates.made.clone(),
        passes,
    })
}

/// Tokens that are computed for the answers: those that several begin with once.
fn passes(rest: &[(usize, Vec<u32>)]) -> usize {
    let mut starts = std::collections::HashSet::new();
    for (_, ids) in rest {
        for end in 1..=ids.len() {
            starts.insert(ids.get(..end).unwrap_or_default());
        }
    }
    starts.len()
}

fn conclude(figures: &SweepFigures, subject: &Subject) -> (Verdict, String) {
    let (page, none) = (figures.mean, figures.none.p_right);
    let best = figures.cells.iter().max_by(|a, b| a.p_right.total_cmp(&b.p_right));
    let (verdict, mut sentence) = match (figures.on_target, figures.off_target) {
        (Some(on), off) => {
            let rest = off.map_or(page, |off| off.mean);
            let gain = on.mean - rest;
            let regions = if on.cells == 1 {
                "one region that shows".to_owned()
            } else {
                format!("{} regions that show", on.cells)
            };
            let figures = format!(
                "P(right) is {:.2} over the {regions} its target, {rest:.2} over those that show nothing of it, {page:.2} over the \
                 page, {none:.2} without a crop",
                on.mean
            );
            match gain {
                g if g >= CLEAR => (Verdict::NeedsTarget, format!("Looking at its target matters: {figures}.")),
                g if g <= -CLEAR => (Verdict::TargetMisleads, format!("Looking at its target misleads it: {figures}.")),
                _ => (Verdict::Anywhere, format!("Where it looks changes little: {figures}.")),
            }
        }
        _ => {
            let most = best.map_or(String::new(), |cell| {
                let [x1, y1, x2, y2] = cell.page_box.corners().map(f64::round);
                format!("; most, {:.2}, at [{x1}, {y1}, {x2}, {y2}]", cell.p_right)
            });
            let text = format!(
                "Where its target lies is not known: P(right) is {page:.2} over the page, {none:.2} without a crop{most}."
            );
            (Verdict::NoTarget, text)
        }
    };
    if let Some(made) = &figures.made {
        sentence.push_str(&format!(" The answers compared are {made}."));
    }
    if figures.targets.len() > 1 {
        let (n, zoom) = (figures.targets.len(), figures.zoom);
        sentence.push_str(&format!(" Its question has {n} targets, and only the crop of zoom {zoom} is forced."));
    }
    if subject.past.trace.zooms.is_empty() {
        sentence.push_str(" The session had no zoom, so a call was put before all else.");
    }
    (verdict, sentence)
}

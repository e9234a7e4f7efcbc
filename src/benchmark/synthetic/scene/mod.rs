//! The scenes of panels: one file a kind.

mod beat;
mod crowd;
mod depth;
mod lone;
mod talk;

pub use beat::letter_height;

use super::balloon;
use super::canvas::{Area, Canvas};
use super::cast::Cast;
use super::plan::Cue;
use super::rng::{Dice, dice};
use super::world::{BalloonTruth, BeatTruth, Difficulty, FigureTruth, Place, Scene, Sound};
use crate::geometry::PageBox;

/// A panel to be drawn.
pub struct Stage<'a> {
    /// The panel's own board.
    pub canvas: &'a mut Canvas,
    /// The panel's own dice.
    pub dice: Dice,
    /// The panel.
    pub panel: Area,
    /// The page's seed.
    pub seed: u64,
    /// The page's difficulty.
    pub difficulty: Difficulty,
    /// The page's cast.
    pub cast: &'a Cast,
}

/// What a scene turned out to be.
pub struct Played {
    /// Where it takes place.
    pub place: Place,
    /// Figures from left to right.
    pub figures: Vec<FigureTruth>,
    /// Balloons in reading order.
    pub balloons: Vec<BalloonTruth>,
    /// What is heard.
    pub sound: Option<(Sound, PageBox, f32)>,
    /// Its place in a story.
    pub beat: Option<BeatTruth>,
}

impl Played {
    fn silent(place: Place, figures: Vec<FigureTruth>) -> Self {
        Self { place, figures, balloons: Vec::new(), sound: None, beat: None }
    }
}

/// Draws what the cue asks for.
pub fn play(stage: &mut Stage<'_>, cue: &Cue) -> Played {
    match cue {
        Cue::Plain(Scene::Depth) => depth::play(stage),
        Cue::Plain(Scene::Crowd) => crowd::play(stage),
        Cue::Plain(Scene::Talk) => talk::play(stage),
        Cue::Plain(Scene::Lone | Scene::Beat) => lone::play(stage),
        Cue::Beat { truth, steps, room } => beat::play(stage, truth, *steps, *room),
    }
}

impl Stage<'_> {
    /// A place for this panel.
    fn place(&mut self) -> Place {
        self.dice.pick(Place::ALL)
    }

    /// Height of a figure that is neither near nor far where panels are not all of one size.
    fn figure_height(&mut self) -> f32 {
        let (w, h) = (self.panel.w(), self.panel.h());
        match self.difficulty {
            Difficulty::Easy => super::cast::FIGURE_HEIGHT,
            Difficulty::Medium => (h * 0.36).min(w * 0.46).clamp(58.0, 100.0),
            Difficulty::Hard => (h * 0.33).min(w * 0.40).clamp(48.0, 84.0),
        }
    }

    /// Perhaps a small balloon above one of the figures, where there is room.
    fn small_balloon(&mut self, figures: &[FigureTruth]) -> Vec<BalloonTruth> {
        let wanted = self.dice.chance(0.4);
        let word = balloon::WORDS.get(self.dice.below(balloon::SMALL_WORDS)).copied().unwrap_or("HELLO!");
        let Some(speaker) = figures.get(self.dice.below(figures.len())) else { return Vec::new() };
        let letter = balloon::small_letter(self.difficulty);
        let top = f64::from(self.panel.y1 + 2.0 * balloon::small_half_height(letter) + 28.0);
        if !wanted || !figures.iter().all(|f| f.bounds.y1 > top) {
            return Vec::new();
        }
        let above = Area::of(&speaker.bounds);
        let bounds = balloon::draw_small(self.canvas, &mut self.dice, &self.panel, &above, (word, letter)).page_box();
        vec![BalloonTruth { text: word.to_owned(), bounds, speaker: speaker.figure, letter }]
    }

    /// Dice that all panels of a story share.
    fn story_dice(&self) -> Dice {
        dice(self.seed, &format!("story {}", self.difficulty.word()))
    }
}

/// The boxes of figures, for what must not cover them.
fn boxes(figures: &[FigureTruth]) -> Vec<Area> {
    figures.iter().map(|f| Area::of(&f.bounds)).collect()
}

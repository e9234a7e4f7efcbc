//! Drawn comic pages whose truth is known, and the questions about them.
//!
//! Takes: a seed and a [`Difficulty`]. Gives: a [`DrawnPage`] (pixels and [`PageTruth`]) and
//! [`Question`](crate::benchmark::Question)s. A page is a pure function of (seed, [`WORLD_VERSION`], difficulty): the same
//! seed gives the same bytes, and [`page_truth`] gives the same truth without drawing.
//!
//! From the outside in: `page` (all of it), `layout` (grids), `plan` (which scene in which panel), `scene/` (what happens),
//! `arcs/` (things that change), `cast` and `figure` (who), `balloon` and `sound` (what is said and heard), `background`,
//! `backdrop` and `places` (where), `canvas` and `tone` (how it is inked).
//!
//! The world is made so that a small model has to zoom: the page is 840×1176, a model that is given at most 31,360 pixels
//! sees it at a sixth of its size, where a figure is one merged cell of 28 pixels; cut out, a panel is shown at about half
//! of its size and the same figure is plain.

mod arcs;
mod area;
mod backdrop;
mod background;
mod balloon;
mod canvas;
mod cast;
mod figure;
mod layout;
mod lettering;
mod page;
mod places;
mod plan;
mod questions;
mod rng;
mod scene;
mod sound;
mod title;
mod tone;
mod words;
mod world;

/// Everything a balloon may say.
pub fn balloon_words() -> impl Iterator<Item = &'static str> {
    balloon::WORDS.into_iter()
}

pub use page::{DrawnPage, draw_page, page_truth};
pub use questions::{page_questions, question_for};
pub use rng::{Dice, dice};
pub use world::{
    Action, Arc, BalloonTruth, BeatTruth, Difficulty, Figure, FigureTruth, PAGE_SIZE, PageTruth, PanelTruth, Place,
    Scene, Sound, Style, WORLD_VERSION,
};

#[cfg(test)]
mod tests;

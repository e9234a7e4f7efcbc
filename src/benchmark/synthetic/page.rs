//! A whole page: grid, scenes, frames, and the truth about them.

use image::RgbImage;

use super::canvas::{Area, Canvas, DARK, Ink, PAPER};
use super::cast::Cast;
use super::layout::draw_layout;
use super::plan::{Cue, draw_plan};
use super::rng::{Dice, dice};
use super::scene::{Stage, play};
use super::title::draw_title;
use super::world::{Difficulty, PAGE_SIZE, PageTruth, PanelTruth, Scene, Style};

/// A page and what is true of it.
pub struct DrawnPage {
    /// The page at its full size, [`PAGE_SIZE`].
    pub pixels: RgbImage,
    /// What is true of it.
    pub truth: PageTruth,
}

/// Draws the page of a seed: a pure function of (seed, `WORLD_VERSION`, difficulty).
pub fn draw_page(seed: u64, difficulty: Difficulty) -> DrawnPage {
    let (truth, canvas) = compose(seed, difficulty, true);
    DrawnPage { pixels: canvas.into_image(PAGE_SIZE), truth }
}

/// What is true of the page of a seed: the same code without a pixel.
pub fn page_truth(seed: u64, difficulty: Difficulty) -> PageTruth {
    compose(seed, difficulty, false).0
}

fn compose(seed: u64, difficulty: Difficulty, inked: bool) -> (PageTruth, Canvas) {
    let mut dice = dice(seed, &format!("page {}", difficulty.word()));
    let layout = draw_layout(&mut dice, difficulty);
    let look = draw_look(&mut dice, difficulty);
    let cast = Cast::draw(&mut dice);
    let plan = draw_plan(&mut dice, difficulty, &layout);
    let mut canvas = match inked {
        true => Canvas::page(PAGE_SIZE, look.gutter, look.style),
        false => Canvas::measuring(),
    };
    if let Some(strip) = layout.title {
        draw_title(&mut canvas, &mut dice, &strip);
    }
    let mut panels = Vec::with_capacity(plan.len());
    for (number, (panel, cue)) in (1..).zip(layout.panels.iter().zip(&plan)) {
        panels.push(draw_panel(&mut canvas, seed, difficulty, &cast, number, panel, cue));
        let Area { x1, y1, x2, y2 } = *panel;
        canvas.line(&[(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)], DARK, look.frame);
    }
    (PageTruth { seed, difficulty, style: look.style, panels }, canvas)
}

/// What all panels of a page share.
struct Look {
    style: Style,
    gutter: Ink,
    frame: f32,
}

fn draw_look(dice: &mut Dice, difficulty: Difficulty) -> Look {
    if difficulty == Difficulty::Easy {
        return Look { style: Style::ClearLine, gutter: PAPER, frame: 4.0 };
    }
    let style = dice.pick(Style::ALL);
    let gutter = if dice.chance(0.1) { DARK } else { PAPER };
    Look { style, gutter, frame: dice.between(2.6, 4.4) }
}

fn draw_panel(
    canvas: &mut Canvas,
    seed: u64,
    difficulty: Difficulty,
    cast: &Cast,
    number: u32,
    panel: &Area,
    cue: &Cue,
) -> PanelTruth {
    let mut window = canvas.window(panel);
    let dice = dice(seed, &format!("panel {} {number}", difficulty.word()));
    let mut stage = Stage { canvas: &mut window, dice, panel: *panel, seed, difficulty, cast };
    let played = play(&mut stage, cue);
    canvas.place(&window);
    let scene = match cue {
        Cue::Plain(scene) => *scene,
        Cue::Beat { .. } => Scene::Beat,
    };
    PanelTruth {
        number,
        bounds: panel.page_box(),
        scene,
        place: played.place,
        figures: played.figures,
        balloons: played.balloons,
        sound: played.sound,
        beat: played.beat,
    }
}

//! A whole page: grid, scenes, figures, balloons, and the truth about them.

use image::RgbImage;

use super::canvas::{Canvas, DARK, Ink, PAPER};
use super::figure::{self, Sketch};
use super::layout::draw_layout;
use super::rng::{Dice, dice};
use super::scene;
use super::world::{
    Action, BalloonTruth, Difficulty, Figure, FigureTruth, PAGE_SIZE, PageTruth, PanelTruth, Place, Scene, Style,
};
use crate::geometry::PageBox;

/// A page and what is true of it.
pub struct DrawnPage {
    /// The page at its full size, [`PAGE_SIZE`].
    pub pixels: RgbImage,
    /// What is true of it.
    pub truth: PageTruth,
}

/// Height of a figure that is neither near nor far, with its hat, in page pixels: a sixth of it is less than one merged
/// cell of the page the model sees.
const FIGURE_HEIGHT: f32 = 112.0;
const SHIRTS: [Ink; 6] = [
    Ink(206, 92, 84),
    Ink(92, 132, 186),
    Ink(122, 160, 104),
    Ink(214, 176, 96),
    Ink(150, 118, 160),
    Ink(232, 226, 214),
];
const TROUSERS: [Ink; 4] = [Ink(72, 84, 116), Ink(110, 92, 80), Ink(84, 108, 92), Ink(122, 122, 130)];
const TITLES: [&str; 8] = [
    "THE LOST HAT",
    "A QUIET DAY",
    "OVER THE HILL",
    "TOO MANY FISH",
    "MOON SOUP",
    "THE BIG RACE",
    "NO BISCUITS",
    "WINDY TOWN",
];

/// Draws the page of a seed: a pure function of (seed, `WORLD_VERSION`).
pub fn draw_page(seed: u64, difficulty: Difficulty) -> DrawnPage {
    let mut dice = dice(seed, "page");
    let layout = draw_layout(&mut dice);
    let Some(mut canvas) = Canvas::new(PAGE_SIZE.w, PAGE_SIZE.h, PAPER) else {
        return DrawnPage {
            pixels: RgbImage::new(PAGE_SIZE.w, PAGE_SIZE.h),
            truth: PageTruth { seed, difficulty, style: Style::ClearLine, panels: Vec::new() },
        };
    };
    if let Some(strip) = layout.title {
        scene::draw_title(&mut canvas, &mut dice, &strip, dice_title(seed));
    }
    let panels =
        (1..).zip(&layout.panels).map(|(number, bounds)| draw_panel(&mut canvas, &mut dice, number, bounds)).collect();
    DrawnPage { pixels: canvas.into_image(), truth: PageTruth { seed, difficulty, style: Style::ClearLine, panels } }
}

/// What is true of the page of a seed, without its pixels.
pub fn page_truth(seed: u64, difficulty: Difficulty) -> PageTruth {
    draw_page(seed, difficulty).truth
}

fn dice_title(seed: u64) -> &'static str {
    dice(seed, "title").pick(TITLES)
}

fn draw_panel(canvas: &mut Canvas, dice: &mut Dice, number: u32, bounds: &PageBox) -> PanelTruth {
    let truth = PanelTruth {
        number,
        bounds: *bounds,
        scene: Scene::Lone,
        place: Place::Village,
        figures: Vec::new(),
        balloons: Vec::new(),
        sound: None,
        beat: None,
    };
    let Some(mut window) = Canvas::window(bounds) else { return truth };
    let horizon = scene::draw_background(&mut window, dice, bounds);
    let plans = plan_figures(dice, bounds, horizon);
    let mut figures: Vec<FigureTruth> = plans.iter().map(|plan| draw_figure(&mut window, plan, bounds)).collect();
    let balloon = draw_balloon(&mut window, dice, bounds, &figures);
    canvas.place(&window);
    let [x1, y1, x2, y2] = bounds.corners().map(|v| v as f32);
    canvas.line(&[(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)], DARK, 4.0);
    figures.sort_by(|a, b| (a.bounds.x1 + a.bounds.x2).total_cmp(&(b.bounds.x1 + b.bounds.x2)));
    let scene = if figures.len() == 1 { Scene::Lone } else { Scene::Depth };
    PanelTruth { scene, figures, balloons: balloon.into_iter().collect(), ..truth }
}

/// A figure to be drawn, far ones first.
struct Plan {
    sketch: Sketch,
    depth: u32,
    crate_height: f32,
}

fn plan_figures(dice: &mut Dice, bounds: &PageBox, horizon: f32) -> Vec<Plan> {
    let [x1, _, x2, y2] = bounds.corners().map(|v| v as f32);
    let (w, ground) = (x2 - x1, y2 - horizon);
    let first = dice.pick(Figure::ALL);
    let second = first.twin();
    if dice.chance(0.5) {
        let feet = (x1 + w * dice.between(0.34, 0.66), horizon + ground * dice.between(0.5, 0.85));
        return vec![Plan { sketch: sketch(dice, first, Action::ALL, feet, 1.0), depth: 1, crate_height: 0.0 }];
    }
    // Twins side by side, told apart by the shape of the hat alone; the nearer one is larger and drawn over the other. It stands lower in half of the
    // panels and higher, on a crate, in the other half, so that height on the page says nothing about depth.
    let near_left = dice.chance(0.5);
    let near_higher = dice.chance(0.5);
    let (left, right) = (x1 + w * dice.between(0.26, 0.31), x1 + w * dice.between(0.69, 0.74));
    let (near_x, far_x) = if near_left { (left, right) } else { (right, left) };
    let near_floor = horizon + ground * dice.between(0.86, 0.93);
    let far_floor = horizon + ground * dice.between(0.5, 0.62);
    let crate_height = if near_higher { near_floor - far_floor + dice.between(8.0, 16.0) } else { 0.0 };
    let calm = [Action::Sitting, Action::Cheering, Action::Reading, Action::Running];
    let far = sketch(dice, first, calm, (far_x, far_floor), 0.72);
    let near = sketch(dice, second, calm, (near_x, near_floor - crate_height), 1.12);
    vec![Plan { sketch: far, depth: 0, crate_height: 0.0 }, Plan { sketch: near, depth: 1, crate_height }]
}

fn sketch<const N: usize>(
    dice: &mut Dice,
    figure: Figure,
    actions: [Action; N],
    feet: (f32, f32),
    scale: f32,
) -> Sketch {
    let height = FIGURE_HEIGHT * scale * dice.between(0.96, 1.04);
    Sketch {
        figure,
        action: dice.pick(actions),
        feet,
        height,
        flip: dice.chance(0.5),
        shirt: dice.pick(SHIRTS),
        trousers: dice.pick(TROUSERS),
    }
}

fn draw_figure(canvas: &mut Canvas, plan: &Plan, panel: &PageBox) -> FigureTruth {
    if plan.crate_height > 0.0 {
        figure::draw_crate(canvas, plan.sketch.feet, plan.sketch.height * 0.55, plan.crate_height);
    }
    canvas.start_bounds();
    figure::draw(canvas, &plan.sketch);
    let drawn = canvas.take_bounds();
    let bounds =
        PageBox::new(drawn.x1.max(panel.x1), drawn.y1.max(panel.y1), drawn.x2.min(panel.x2), drawn.y2.min(panel.y2));
    FigureTruth {
        figure: plan.sketch.figure,
        action: plan.sketch.action,
        depth: plan.depth,
        bounds,
        height: plan.sketch.height,
    }
}

fn draw_balloon(
    canvas: &mut Canvas,
    dice: &mut Dice,
    panel: &PageBox,
    figures: &[FigureTruth],
) -> Option<BalloonTruth> {
    let wanted = dice.chance(0.4);
    let word = dice.pick(scene::WORDS);
    let speaker = figures.get(dice.below(figures.len()))?;
    let room = figures.iter().all(|f| f.bounds.y1 > panel.y1 + 62.0);
    (wanted && room).then(|| BalloonTruth {
        text: word.to_owned(),
        bounds: scene::draw_balloon(canvas, dice, panel, &speaker.bounds, word),
        speaker: speaker.figure,
        letter: 13.0,
    })
}

//! Rich backgrounds: a time of day, weather, and a place that can be told at a glance.

use super::canvas::{Area, Canvas, DARK, Ink, PAPER};
use super::places;
use super::rng::Dice;
use super::world::Place;

/// When it is, which decides the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hour {
    /// Blue sky.
    Day,
    /// Warm sky.
    Evening,
    /// Violet sky with a moon; light enough for dark lines to be seen.
    Night,
}

/// Heights on the page, in pixels.
pub struct Ground {
    /// Where sky ends.
    pub horizon: f32,
    /// Below this one can stand: the horizon, or the shore.
    pub firm: f32,
}

/// Draws a background whose horizon is between these shares of the height.
pub fn draw_backdrop(canvas: &mut Canvas, dice: &mut Dice, panel: &Area, place: Place, shares: (f32, f32)) -> Ground {
    canvas.set_far(true);
    let hour = dice.pick([Hour::Day, Hour::Day, Hour::Day, Hour::Evening, Hour::Night]);
    let horizon = panel.y(dice.between(shares.0, shares.1)).round();
    let sky = match hour {
        Hour::Day => dice.pick([Ink(184, 220, 244), Ink(206, 232, 250), Ink(214, 238, 238)]),
        Hour::Evening => dice.pick([Ink(252, 220, 184), Ink(250, 206, 190), Ink(252, 228, 168)]),
        Hour::Night => dice.pick([Ink(142, 150, 194), Ink(150, 142, 186)]),
    };
    canvas.rect(panel.x1, panel.y1, panel.x2, horizon + 1.0, sky, 0.0);
    draw_sky(canvas, dice, panel, horizon, hour);
    let spot = places::Spot { panel: *panel, horizon, hour, size: panel.h().min(panel.w() * 1.2) };
    let firm = places::draw_place(canvas, dice, &spot, place);
    if hour != Hour::Night && dice.chance(0.16) {
        rain_or_snow(canvas, dice, panel);
    }
    canvas.set_far(false);
    Ground { horizon, firm }
}

fn draw_sky(canvas: &mut Canvas, dice: &mut Dice, panel: &Area, horizon: f32, hour: Hour) {
    let size = panel.h().min(panel.w());
    let x = panel.x(if dice.chance(0.5) { dice.between(0.06, 0.3) } else { dice.between(0.7, 0.94) });
    let y = panel.y1 + size * dice.between(0.1, 0.17);
    match hour {
        Hour::Day if dice.chance(0.45) => canvas.ellipse((x, y), size * 0.055, size * 0.055, Ink(252, 214, 92), 1.8),
        Hour::Day => {}
        Hour::Evening => {
            let r = size * 0.09;
            canvas.ellipse((x, horizon - r * 0.4), r, r, Ink(244, 140, 92), 1.8);
        }
        Hour::Night => night(canvas, dice, panel, horizon, (x, y, size * 0.06)),
    }
    for _ in 0..dice.below(3) {
        let at = (panel.x(dice.between(0.05, 0.95)), panel.y1 + (horizon - panel.y1) * dice.between(0.12, 0.6));
        let r = size * dice.between(0.035, 0.06);
        cloud(canvas, dice, at, r);
    }
    if hour == Hour::Day && dice.chance(0.35) {
        birds(canvas, dice, panel, horizon);
    }
}

fn night(canvas: &mut Canvas, dice: &mut Dice, panel: &Area, horizon: f32, (x, y, r): (f32, f32, f32)) {
    let pale = Ink(252, 244, 200);
    let mut stars = Vec::new();
    for _ in 0..9 {
        let at = (panel.x(dice.between(0.03, 0.97)), panel.y1 + (horizon - panel.y1) * dice.between(0.04, 0.75));
        let arm = dice.between(1.6, 2.8);
        stars.push([(at.0 - arm, at.1), (at.0 + arm, at.1)]);
        stars.push([(at.0, at.1 - arm), (at.0, at.1 + arm)]);
    }
    canvas.lines(&stars, PAPER, 1.3);
    let crescent = [
        (x, y - r),
        (x + r * 0.75, y - r * 0.7),
        (x + r, y),
        (x + r * 0.75, y + r * 0.7),
        (x, y + r),
        (x - r * 0.2, y + r * 0.92),
        (x + r * 0.42, y + r * 0.4),
        (x + r * 0.48, y),
        (x + r * 0.42, y - r * 0.4),
        (x - r * 0.2, y - r * 0.92),
    ];
    canvas.blob(&crescent, pale, 1.6);
}

/// A flat-bottomed cloud with bumps.
fn cloud(canvas: &mut Canvas, dice: &mut Dice, (x, y): (f32, f32), r: f32) {
    let lift = dice.between(0.85, 1.15);
    let outline = [
        (x - 2.2 * r, y + 0.5 * r),
        (x - 2.4 * r, y - 0.1 * r),
        (x - 1.5 * r, y - 0.5 * r),
        (x - 1.0 * r, y - 1.1 * r * lift),
        (x - 0.1 * r, y - 0.9 * r),
        (x + 0.6 * r, y - 1.2 * r * lift),
        (x + 1.4 * r, y - 0.5 * r),
        (x + 2.3 * r, y - 0.2 * r),
        (x + 2.2 * r, y + 0.5 * r),
    ];
    canvas.blob(&outline, Ink(252, 252, 252), 1.2);
}

fn birds(canvas: &mut Canvas, dice: &mut Dice, panel: &Area, horizon: f32) {
    let (x, y) = (panel.x(dice.between(0.15, 0.8)), panel.y1 + (horizon - panel.y1) * dice.between(0.2, 0.5));
    let mut wings = Vec::new();
    for i in 0..2 + dice.below(2) {
        let (bx, by) = (x + i as f32 * 15.0, y + dice.between(-7.0, 7.0));
        for side in [-1.0, 1.0] {
            wings.push([
                (bx, by),
                (bx + side * 2.0, by - 4.0),
                (bx + side * 5.0, by - 4.5),
                (bx + side * 7.0, by - 1.0),
            ]);
        }
    }
    canvas.curves(&wings, DARK, 1.4);
}

fn rain_or_snow(canvas: &mut Canvas, dice: &mut Dice, panel: &Area) {
    // A snowflake is a line as short as its pen is wide.
    let (fall, ink, pen) = match dice.chance(0.5) {
        true => ((0.1, 0.0), PAPER, 4.2),
        false => ((-3.5, 11.0), Ink(236, 244, 250), 1.3),
    };
    let drops = [(); 26].map(|()| {
        let (x, y) = (panel.x(dice.unit()), panel.y(dice.between(0.02, 0.94)));
        [(x, y), (x + fall.0, y + fall.1)]
    });
    canvas.lines(&drops, ink, pen);
}

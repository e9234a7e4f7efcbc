//! The plain background of easy panels: sky, ground, and one thing that says where it is. Small models learnt on it, so it
//! stays as it is; richer ones are in `backdrop`.

use super::canvas::{Area, Canvas, DARK, Ink};
use super::rng::Dice;
use super::world::Place;

const SKIES: [Ink; 5] =
    [Ink(184, 220, 244), Ink(206, 232, 250), Ink(250, 222, 190), Ink(204, 202, 228), Ink(228, 240, 226)];
const GROUNDS: [Ink; 5] =
    [Ink(164, 204, 132), Ink(228, 212, 168), Ink(238, 240, 244), Ink(194, 176, 152), Ink(178, 196, 172)];

/// Draws the background of a panel and gives its place and the height of its horizon.
pub fn draw_background(canvas: &mut Canvas, dice: &mut Dice, panel: &Area) -> (Place, f32) {
    let Area { x1, y1, x2, y2 } = *panel;
    let (w, h) = (panel.w(), panel.h());
    let horizon = y1 + h * dice.between(0.46, 0.58);
    canvas.rect(x1, y1, x2, horizon, dice.pick(SKIES), 0.0);
    canvas.rect(x1, horizon, x2, y2, dice.pick(GROUNDS), 0.0);
    if dice.chance(0.4) {
        sun(canvas, x1 + w * dice.between(0.08, 0.92), y1 + h * dice.between(0.08, 0.16), h * 0.05);
    }
    for _ in 0..dice.below(3) {
        cloud(canvas, x1 + w * dice.unit(), y1 + h * dice.between(0.1, 0.3), h * dice.between(0.03, 0.05));
    }
    let place = dice.pick([Place::Village, Place::Wood, Place::Sea, Place::Mountains]);
    match place {
        Place::Village => {
            let (left, size) = (x1 + w * dice.between(0.05, 0.75), h * dice.between(0.13, 0.18));
            house(canvas, dice, left, horizon, size);
        }
        Place::Wood => {
            for _ in 0..3 {
                tree(canvas, x1 + w * dice.between(0.03, 0.97), horizon, h * dice.between(0.1, 0.17));
            }
        }
        Place::Sea => canvas.rect(x1, horizon - h * 0.07, x2, horizon, Ink(96, 156, 198), 0.0),
        Place::Mountains => {
            for share in [0.2, 0.55, 0.9] {
                let (cx, top) = (x1 + w * (share + dice.between(-0.1, 0.1)), horizon - h * dice.between(0.05, 0.14));
                canvas.polygon(
                    &[(cx - w * 0.22, horizon), (cx, top), (cx + w * 0.22, horizon)],
                    Ink(158, 178, 176),
                    1.5,
                );
            }
        }
    }
    canvas.line(&[(x1, horizon), (x2, horizon)], DARK, 2.0);
    let dashes = [(); 6].map(|()| {
        let (x, y) = (x1 + w * dice.unit(), horizon + (y2 - horizon) * dice.between(0.1, 0.95));
        [(x, y), (x + 9.0, y)]
    });
    canvas.lines(&dashes, Ink(120, 116, 104), 1.6);
    (place, horizon)
}

fn sun(canvas: &mut Canvas, x: f32, y: f32, r: f32) {
    let rays = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|k| {
        let (sin, cos) = (k as f32 * std::f32::consts::TAU / 10.0).sin_cos();
        [(x + cos * r * 1.25, y + sin * r * 1.25), (x + cos * r * 1.7, y + sin * r * 1.7)]
    });
    canvas.lines(&rays, Ink(232, 160, 40), 2.0);
    canvas.ellipse((x, y), r, r, Ink(252, 214, 92), 1.8);
}

fn cloud(canvas: &mut Canvas, x: f32, y: f32, r: f32) {
    for (dx, dy, s) in [(-1.2, 0.2, 0.8), (1.2, 0.2, 0.8), (0.0, -0.2, 1.1)] {
        canvas.ellipse((x + dx * r, y + dy * r), s * r, s * r * 0.8, Ink(252, 252, 252), 0.0);
    }
}

fn house(canvas: &mut Canvas, dice: &mut Dice, x: f32, ground: f32, s: f32) {
    let wall = dice.pick([Ink(222, 186, 152), Ink(236, 220, 196), Ink(196, 200, 210)]);
    canvas.rect(x, ground - s, x + s * 1.3, ground, wall, 2.0);
    canvas.polygon(
        &[(x - 0.15 * s, ground - s), (x + 0.65 * s, ground - 1.65 * s), (x + 1.45 * s, ground - s)],
        Ink(168, 84, 74),
        2.0,
    );
    canvas.rect(x + 0.5 * s, ground - 0.55 * s, x + 0.8 * s, ground, Ink(112, 80, 62), 1.5);
    canvas.rect(x + 0.95 * s, ground - 0.7 * s, x + 1.15 * s, ground - 0.45 * s, Ink(190, 224, 240), 1.5);
}

fn tree(canvas: &mut Canvas, x: f32, ground: f32, s: f32) {
    canvas.rect(x - 4.0, ground - s * 0.6, x + 4.0, ground, Ink(130, 96, 64), 1.5);
    canvas.ellipse((x, ground - s), s * 0.42, s * 0.6, Ink(104, 156, 98), 1.8);
    let leaf = [
        (x - s * 0.2, ground - s),
        (x - s * 0.1, ground - s * 1.2),
        (x + s * 0.1, ground - s * 1.2),
        (x + s * 0.2, ground - s),
    ];
    canvas.curve(leaf, DARK, 1.2);
}

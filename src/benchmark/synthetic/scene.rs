//! What stands behind the figures: sky, ground, weather, houses, trees, sea; and the balloons above them.

use super::canvas::{Canvas, DARK, Ink, PAPER, curve};
use super::lettering;
use super::rng::Dice;
use crate::geometry::PageBox;

/// Words a balloon may say.
pub const WORDS: [&str; 12] =
    ["HELLO!", "OH NO!", "LOOK!", "HM...", "WAIT!", "YES!", "WHY?", "HA HA", "OUCH!", "COME!", "WOW!", "SH!"];
const SKIES: [Ink; 5] =
    [Ink(184, 220, 244), Ink(206, 232, 250), Ink(250, 222, 190), Ink(204, 202, 228), Ink(228, 240, 226)];
const GROUNDS: [Ink; 5] =
    [Ink(164, 204, 132), Ink(228, 212, 168), Ink(238, 240, 244), Ink(194, 176, 152), Ink(178, 196, 172)];

/// Draws the background of a panel and gives the height of its horizon.
pub fn draw_background(canvas: &mut Canvas, dice: &mut Dice, panel: &PageBox) -> f32 {
    let [x1, y1, x2, y2] = panel.corners().map(|v| v as f32);
    let (w, h) = (x2 - x1, y2 - y1);
    let horizon = y1 + h * dice.between(0.46, 0.58);
    canvas.rect(x1, y1, x2, horizon, dice.pick(SKIES), 0.0);
    canvas.rect(x1, horizon, x2, y2, dice.pick(GROUNDS), 0.0);
    if dice.chance(0.4) {
        sun(canvas, x1 + w * dice.between(0.08, 0.92), y1 + h * dice.between(0.08, 0.16), h * 0.05);
    }
    for _ in 0..dice.below(3) {
        cloud(canvas, x1 + w * dice.unit(), y1 + h * dice.between(0.1, 0.3), h * dice.between(0.03, 0.05));
    }
    match dice.below(4) {
        0 => {
            let (left, size) = (x1 + w * dice.between(0.05, 0.75), h * dice.between(0.13, 0.18));
            house(canvas, dice, left, horizon, size);
        }
        1 => {
            for _ in 0..3 {
                tree(canvas, x1 + w * dice.between(0.03, 0.97), horizon, h * dice.between(0.1, 0.17));
            }
        }
        2 => canvas.rect(x1, horizon - h * 0.07, x2, horizon, Ink(96, 156, 198), 0.0),
        _ => {
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
    for _ in 0..6 {
        let (x, y) = (x1 + w * dice.unit(), horizon + (y2 - horizon) * dice.between(0.1, 0.95));
        canvas.line(&[(x, y), (x + 9.0, y)], Ink(120, 116, 104), 1.6);
    }
    horizon
}

/// Draws a balloon with a word near the top of a panel and gives its box.
pub fn draw_balloon(canvas: &mut Canvas, dice: &mut Dice, panel: &PageBox, speaker: &PageBox, word: &str) -> PageBox {
    let [x1, y1, x2, _] = panel.corners().map(|v| v as f32);
    let letter = 13.0;
    let (half_w, half_h) = (lettering::width(word, letter) / 2.0 + 16.0, 17.0);
    let mouth = (speaker.x1 + speaker.x2) as f32 / 2.0;
    let cx = (mouth + dice.between(-30.0, 30.0)).clamp(x1 + half_w + 8.0, x2 - half_w - 8.0);
    let cy = y1 + half_h + dice.between(6.0, 14.0);
    let tip_y = (speaker.y1 as f32 - 4.0).clamp(cy + half_h + 8.0, cy + half_h + 26.0);
    canvas.polygon(
        &[(cx - 9.0, cy + half_h - 4.0), (cx + 9.0, cy + half_h - 4.0), (cx + (mouth - cx) * 0.4, tip_y)],
        PAPER,
        2.2,
    );
    canvas.ellipse((cx, cy), half_w, half_h, PAPER, 2.2);
    canvas.rect(cx - 8.0, cy + half_h - 9.0, cx + 8.0, cy + half_h - 2.5, PAPER, 0.0);
    let left = cx - lettering::width(word, letter) / 2.0;
    lettering::write(canvas, word, (left, cy + letter / 2.0), letter, DARK, 2.0);
    PageBox::new((cx - half_w).into(), (cy - half_h).into(), (cx + half_w).into(), (cy + half_h).into())
}

/// Draws the title strip.
pub fn draw_title(canvas: &mut Canvas, dice: &mut Dice, strip: &PageBox, text: &str) {
    let [x1, y1, x2, y2] = strip.corners().map(|v| v as f32);
    let ground = dice.pick([Ink(226, 88, 70), Ink(58, 110, 165), Ink(240, 188, 60), Ink(84, 140, 96)]);
    canvas.rect(x1, y1, x2, y2, ground, 3.0);
    let letter = ((x2 - x1 - 80.0) / (text.chars().count().max(1) as f32 * 0.92)).min((y2 - y1) * 0.5);
    let (left, base) = ((x1 + x2 - lettering::width(text, letter)) / 2.0, (y1 + y2 + letter) / 2.0);
    lettering::write(canvas, text, (left + 3.0, base + 3.0), letter, DARK, letter * 0.2);
    lettering::write(canvas, text, (left, base), letter, PAPER, letter * 0.16);
}

fn sun(canvas: &mut Canvas, x: f32, y: f32, r: f32) {
    for k in 0..10 {
        let (sin, cos) = (k as f32 * std::f32::consts::TAU / 10.0).sin_cos();
        canvas.line(
            &[(x + cos * r * 1.25, y + sin * r * 1.25), (x + cos * r * 1.7, y + sin * r * 1.7)],
            Ink(232, 160, 40),
            2.0,
        );
    }
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
    canvas.trace(
        curve(
            (x - s * 0.2, ground - s),
            (x - s * 0.1, ground - s * 1.2),
            (x + s * 0.1, ground - s * 1.2),
            (x + s * 0.2, ground - s),
        ),
        DARK,
        1.2,
    );
}

//! A snowman sinks into a puddle.

use super::Spot;
use crate::benchmark::synthetic::canvas::{Canvas, DARK, Ink};

const SNOW: Ink = Ink(250, 250, 252);
const COAL: Ink = Ink(40, 40, 46);

/// Draws the snowman; `done` is 0 for a whole one, 1 for a puddle with a hat in it.
pub fn draw(canvas: &mut Canvas, spot: &Spot, done: f32) {
    let left = 1.0 - done;
    canvas.ellipse(
        spot.at(0.0, 0.02),
        spot.size * (0.14 + 0.32 * done),
        spot.size * (0.03 + 0.035 * done),
        Ink(164, 206, 232),
        1.8,
    );
    if done >= 1.0 {
        canvas.line(&spot.points([(-0.3, 0.03), (-0.12, 0.06)]), Ink(120, 88, 60), 3.0);
        carrot(canvas, spot, 0.2, 0.04);
        hat(canvas, spot, 0.02, 0.03);
        return;
    }
    // The balls get smaller and flatter from below, so that the head sinks.
    let (low, middle, head) = (0.09 + 0.13 * left, 0.05 + 0.11 * left, 0.07 + 0.045 * left);
    let squash = 0.62 + 0.38 * left;
    let ball = |canvas: &mut Canvas, y: f32, r: f32| {
        let wide = 1.0 + 0.35 * done;
        canvas.ellipse(spot.at(0.0, y), spot.size * r * wide, spot.size * r * squash, SNOW, 2.0);
    };
    let low_y = low * squash;
    let middle_y = low_y + (low + middle) * squash * 0.78;
    let head_y = middle_y + (middle + head) * squash * 0.8;
    ball(canvas, low_y, low);
    let droop = 0.12 * done;
    for side in [-1.0, 1.0] {
        let arm = [(side * middle * 0.8, middle_y), (side * (middle + 0.12), middle_y + 0.1 - 2.0 * droop)];
        canvas.line(&spot.points(arm), Ink(120, 88, 60), 3.0);
    }
    ball(canvas, middle_y, middle);
    for dy in [-0.35, 0.25] {
        canvas.ellipse(spot.at(0.0, middle_y + dy * middle), spot.size * 0.014, spot.size * 0.014, COAL, 0.0);
    }
    ball(canvas, head_y, head);
    for x in [-0.04, 0.03] {
        canvas.ellipse(spot.at(x, head_y + 0.03), spot.size * 0.014, spot.size * 0.014, COAL, 0.0);
    }
    carrot(canvas, spot, 0.0, head_y);
    hat(canvas, spot, 0.0, head_y + head * squash * 0.72);
}

fn carrot(canvas: &mut Canvas, spot: &Spot, x: f32, y: f32) {
    canvas.polygon(&spot.points([(x, y + 0.02), (x + 0.12, y - 0.01), (x, y - 0.02)]), Ink(240, 140, 56), 1.4);
}

fn hat(canvas: &mut Canvas, spot: &Spot, x: f32, y: f32) {
    canvas.polygon(
        &spot.points([(x - 0.075, y), (x - 0.075, y + 0.13), (x + 0.075, y + 0.13), (x + 0.075, y)]),
        Ink(74, 74, 86),
        1.7,
    );
    canvas.polygon(&spot.points([(x - 0.13, y), (x + 0.13, y), (x + 0.13, y + 0.03), (x - 0.13, y + 0.03)]), DARK, 1.7);
}

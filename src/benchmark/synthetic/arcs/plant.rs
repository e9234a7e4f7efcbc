//! A seed in a pot becomes a small tree with fruit.

use super::Spot;
use crate::benchmark::synthetic::canvas::{Canvas, DARK, Ink};

const GREEN: Ink = Ink(92, 156, 84);
const STEM: Ink = Ink(112, 128, 70);

/// Draws the plant; `done` is 0 for a seed, 1 for a tree with fruit.
pub fn draw(canvas: &mut Canvas, spot: &Spot, done: f32) {
    let rim = 0.26;
    let height = 0.72 * done;
    if done > 0.0 {
        let stem = spot.points([(0.0, rim - 0.04), (0.0, rim + height * 0.92)]);
        let thick = spot.size * (0.02 + 0.035 * done);
        canvas.line(&stem, DARK, thick + 3.2);
        canvas.line(&stem, STEM, thick);
    }
    leaves(canvas, spot, rim, height, done);
    if done > 0.72 {
        crown(canvas, spot, rim + height, done);
    }
    pot(canvas, spot, rim);
    if done <= 0.0 {
        let seed = spot.at(0.0, rim + 0.035);
        canvas.ellipse(seed, spot.size * 0.045, spot.size * 0.06, Ink(150, 96, 56), 1.6);
    }
}

fn pot(canvas: &mut Canvas, spot: &Spot, rim: f32) {
    let clay = Ink(204, 116, 76);
    canvas.polygon(&spot.points([(-0.17, rim), (0.17, rim), (0.11, 0.0), (-0.11, 0.0)]), clay, 2.0);
    canvas.polygon(
        &spot.points([(-0.2, rim), (0.2, rim), (0.2, rim - 0.075), (-0.2, rim - 0.075)]),
        Ink(218, 136, 92),
        2.0,
    );
}

/// Pairs of leaves, one more pair with every quarter of the way.
fn leaves(canvas: &mut Canvas, spot: &Spot, rim: f32, height: f32, done: f32) {
    let pairs = if done > 0.72 { 2 } else { (done * 5.0).ceil() as usize };
    for i in 0..pairs {
        let y = rim + height * (0.94 - 0.27 * i as f32).max(0.18);
        let reach = 0.09 + 0.09 * done;
        for side in [-1.0, 1.0] {
            let leaf =
                [(0.0, y), (side * reach * 0.5, y + 0.075), (side * reach, y + 0.05), (side * reach * 0.55, y - 0.005)];
            canvas.blob(&spot.points(leaf), GREEN, 1.6);
        }
    }
}

fn crown(canvas: &mut Canvas, spot: &Spot, top: f32, done: f32) {
    let r = 0.04 + 0.19 * done;
    let bumps = [
        (-1.25, -0.1),
        (-0.95, 0.55),
        (-0.2, 0.5),
        (0.35, 0.7),
        (1.0, 0.45),
        (1.25, -0.15),
        (0.8, -0.7),
        (0.0, -0.85),
        (-0.85, -0.7),
    ];
    canvas.blob(&bumps.map(|(x, y)| spot.at(x * r, top - 0.1 + y * r)), GREEN, 2.0);
    if done >= 1.0 {
        for (x, y) in [(-0.7, 0.0), (0.0, 0.2), (0.7, 0.05), (-0.3, -0.45), (0.4, -0.45)] {
            let c = spot.at(x * r, top - 0.1 + y * r);
            canvas.ellipse(c, spot.size * 0.045, spot.size * 0.045, Ink(252, 200, 72), 1.6);
        }
    }
}

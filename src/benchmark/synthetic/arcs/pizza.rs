//! A pizza loses its slices.

use super::Spot;
use crate::benchmark::synthetic::canvas::{Canvas, Ink, PAPER, Point};

/// Slices of a whole pizza.
const SLICES: u32 = 8;

/// Draws the pizza on its board; `done` is 0 for a whole one, 1 for the last slice.
pub fn draw(canvas: &mut Canvas, spot: &Spot, done: f32) {
    let left = SLICES - (done * (SLICES - 1) as f32).round() as u32;
    let (legs, c, r) = (0.2, spot.at(0.0, 0.62), spot.size * 0.35);
    // A round table tipped towards the reader.
    for x in [-0.2, 0.2] {
        canvas.line(&spot.points([(x, legs + 0.12), (x * 1.3, 0.0)]), Ink(96, 68, 48), 5.0);
    }
    canvas.ellipse((c.0, c.1 + spot.size * 0.03), r * 1.2, r * 1.2, Ink(150, 102, 62), 2.0);
    canvas.ellipse(c, r * 1.2, r * 1.2, Ink(186, 136, 88), 2.0);
    canvas.ellipse(c, r * 1.07, r * 1.07, PAPER, 1.6);
    for slice in 0..left {
        draw_slice(canvas, c, r, slice);
    }
}

fn draw_slice(canvas: &mut Canvas, c: Point, r: f32, slice: u32) {
    let angle =
        |share: f32| (slice as f32 + share) * std::f32::consts::TAU / SLICES as f32 - std::f32::consts::FRAC_PI_2;
    let on = |share: f32, reach: f32| {
        let (sin, cos) = angle(share).sin_cos();
        (c.0 + cos * reach * r, c.1 + sin * reach * r)
    };
    canvas.polygon(
        &[c, on(0.0, 1.0), on(0.25, 1.0), on(0.5, 1.0), on(0.75, 1.0), on(1.0, 1.0)],
        Ink(214, 156, 86),
        1.8,
    );
    canvas.polygon(
        &[on(0.5, 0.06), on(0.06, 0.84), on(0.35, 0.86), on(0.65, 0.86), on(0.94, 0.84)],
        Ink(250, 212, 112),
        0.0,
    );
    for (share, reach) in [(0.32, 0.66), (0.68, 0.5)] {
        canvas.ellipse(on(share, reach), r * 0.085, r * 0.085, Ink(206, 72, 56), 1.2);
    }
}

//! A tall candle burns down to a stub, and goes out.

use super::Spot;
use crate::benchmark::synthetic::canvas::{Canvas, DARK, Ink, PAPER};

const WAX: Ink = Ink(246, 232, 196);

/// Draws the candle; `done` is 0 for a new one, 1 for a stub that has gone out.
pub fn draw(canvas: &mut Canvas, spot: &Spot, done: f32) {
    let foot = 0.1;
    let top = foot + 0.04 + 0.62 * (1.0 - done);
    let plate = spot.at(0.0, 0.06);
    canvas.ellipse(plate, spot.size * 0.26, spot.size * 0.06, Ink(150, 156, 176), 2.0);
    let puddle = 0.1 + 0.12 * done;
    canvas.ellipse(spot.at(0.0, 0.085), spot.size * puddle, spot.size * 0.035, WAX, 1.6);
    canvas.polygon(&spot.points([(-0.085, foot - 0.02), (-0.085, top), (0.085, top), (0.085, foot - 0.02)]), WAX, 2.0);
    drips(canvas, spot, foot, top);
    canvas.line(&spot.points([(0.0, top), (0.0, top + 0.05)]), DARK, 2.4);
    if done < 1.0 {
        flame(canvas, spot, top + 0.035);
    } else {
        smoke(canvas, spot, top + 0.08);
    }
}

fn drips(canvas: &mut Canvas, spot: &Spot, foot: f32, top: f32) {
    for (x, share) in [(-0.05, 0.5), (0.045, 0.75)] {
        let low = top - ((top - foot) * share).min(0.14);
        canvas.line(&spot.points([(x, top), (x, low)]), DARK, 1.3);
    }
}

fn flame(canvas: &mut Canvas, spot: &Spot, y: f32) {
    let outer = [(0.0, y), (0.06, y + 0.06), (0.03, y + 0.12), (0.0, y + 0.2), (-0.035, y + 0.12), (-0.06, y + 0.06)];
    canvas.blob(&spot.points(outer), Ink(252, 196, 64), 1.7);
    canvas.ellipse(spot.at(0.0, y + 0.06), spot.size * 0.025, spot.size * 0.04, PAPER, 0.0);
}

fn smoke(canvas: &mut Canvas, spot: &Spot, y: f32) {
    for (dx, dy) in [(0.0, 0.0), (0.02, 0.16)] {
        let wisp = [(dx, y + dy), (dx - 0.08, y + dy + 0.06), (dx + 0.1, y + dy + 0.1), (dx + 0.02, y + dy + 0.16)];
        canvas.curve(spot.points(wisp), DARK, 1.8);
    }
}

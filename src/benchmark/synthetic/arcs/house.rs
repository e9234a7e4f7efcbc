//! A house gets its walls, its roof, its chimney.

use super::Spot;
use crate::benchmark::synthetic::canvas::{Canvas, DARK, Ink, PAPER};

const WALL: Ink = Ink(236, 214, 180);
const BEAM: Ink = Ink(186, 136, 88);

/// Stages a house goes through, the first one being a bare foundation.
const LAST: f32 = 5.0;

/// Draws the house; `done` is 0 for a foundation, 1 for a house that is lived in.
pub fn draw(canvas: &mut Canvas, spot: &Spot, done: f32) {
    let stage = (done * LAST).round() as u32;
    let wall = match stage {
        0 => 0.0,
        1 => 0.2,
        _ => 0.46,
    };
    if stage >= 5 {
        chimney(canvas, spot);
    }
    canvas.polygon(&spot.points([(-0.46, 0.0), (-0.46, 0.05), (0.46, 0.05), (0.46, 0.0)]), Ink(168, 166, 164), 2.0);
    if wall > 0.0 {
        canvas.polygon(&spot.points([(-0.4, 0.05), (-0.4, 0.05 + wall), (0.4, 0.05 + wall), (0.4, 0.05)]), WALL, 2.0);
        bricks(canvas, spot, wall);
    } else {
        stakes(canvas, spot);
    }
    if stage >= 2 {
        openings(canvas, spot, stage >= 4);
    }
    match stage {
        0..=2 => {}
        3 => frame(canvas, spot),
        _ => roof(canvas, spot),
    }
}

fn stakes(canvas: &mut Canvas, spot: &Spot) {
    for x in [-0.4, 0.4] {
        canvas.line(&spot.points([(x, 0.05), (x, 0.16)]), BEAM, 3.0);
    }
    canvas.line(&spot.points([(-0.4, 0.14), (0.4, 0.14)]), DARK, 1.1);
}

fn bricks(canvas: &mut Canvas, spot: &Spot, wall: f32) {
    for (x, y) in [(-0.33, 0.12), (0.22, 0.1), (-0.12, 0.16), (0.3, 0.34), (-0.34, 0.42), (0.02, 0.44)] {
        if y < wall {
            canvas.line(&spot.points([(x, y + 0.05), (x + 0.08, y + 0.05)]), Ink(150, 120, 96), 1.3);
        }
    }
}

/// Holes first, then a door and a window.
fn openings(canvas: &mut Canvas, spot: &Spot, filled: bool) {
    let (door, glass) =
        if filled { (Ink(150, 76, 62), Ink(190, 224, 240)) } else { (Ink(92, 84, 84), Ink(92, 84, 84)) };
    canvas.polygon(&spot.points([(-0.24, 0.05), (-0.24, 0.34), (-0.06, 0.34), (-0.06, 0.05)]), door, 1.8);
    canvas.polygon(&spot.points([(0.1, 0.2), (0.1, 0.38), (0.3, 0.38), (0.3, 0.2)]), glass, 1.8);
    if filled {
        canvas.line(&spot.points([(0.2, 0.2), (0.2, 0.38)]), DARK, 1.3);
        canvas.line(&spot.points([(0.1, 0.29), (0.3, 0.29)]), DARK, 1.3);
    }
}

fn frame(canvas: &mut Canvas, spot: &Spot) {
    for beam in [
        [(-0.48, 0.5), (0.0, 0.86)],
        [(0.48, 0.5), (0.0, 0.86)],
        [(0.0, 0.5), (0.0, 0.86)],
        [(-0.26, 0.52), (-0.26, 0.66)],
        [(0.26, 0.52), (0.26, 0.66)],
    ] {
        let beam = spot.points(beam);
        canvas.line(&beam, DARK, 6.4);
        canvas.line(&beam, BEAM, 3.6);
    }
}

fn roof(canvas: &mut Canvas, spot: &Spot) {
    canvas.polygon(&spot.points([(-0.52, 0.48), (0.0, 0.9), (0.52, 0.48)]), Ink(188, 88, 72), 2.2);
    for (y, half) in [(0.58, 0.36), (0.69, 0.22)] {
        canvas.line(&spot.points([(-half, y), (half, y)]), DARK, 1.2);
    }
}

fn chimney(canvas: &mut Canvas, spot: &Spot) {
    canvas.polygon(&spot.points([(0.2, 0.6), (0.2, 0.92), (0.34, 0.92), (0.34, 0.6)]), Ink(158, 112, 96), 2.0);
    for (x, y, r) in [(0.3, 0.97, 0.035), (0.38, 1.03, 0.05)] {
        canvas.ellipse(spot.at(x, y), spot.size * r, spot.size * r * 0.8, PAPER, 1.3);
    }
}

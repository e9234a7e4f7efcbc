//! A balloon on a gas bottle swells and bursts.

use super::Spot;
use crate::benchmark::synthetic::canvas::{Canvas, DARK, Ink, PAPER};

const RUBBER: Ink = Ink(226, 76, 70);

/// Draws the balloon; it has burst in the last step.
pub fn draw(canvas: &mut Canvas, spot: &Spot, step: u32, steps: u32) {
    let nozzle = 0.3;
    if step + 1 >= steps {
        burst(canvas, spot, nozzle);
    } else {
        let full = step as f32 / steps.saturating_sub(2).max(1) as f32;
        swollen(canvas, spot, nozzle, full);
    }
    bottle(canvas, spot, nozzle);
}

fn bottle(canvas: &mut Canvas, spot: &Spot, nozzle: f32) {
    let steel = Ink(120, 150, 176);
    let body = [(-0.11, 0.0), (-0.11, 0.17), (-0.05, 0.23), (0.05, 0.23), (0.11, 0.17), (0.11, 0.0)];
    canvas.polygon(&spot.points(body), steel, 2.0);
    canvas.polygon(
        &spot.points([(-0.035, 0.23), (-0.035, nozzle), (0.035, nozzle), (0.035, 0.23)]),
        Ink(196, 168, 92),
        1.7,
    );
    canvas.line(&spot.points([(-0.07, 0.1), (0.07, 0.1)]), PAPER, 2.4);
}

/// `full` is 0 for a limp balloon.
fn swollen(canvas: &mut Canvas, spot: &Spot, nozzle: f32, full: f32) {
    if full <= 0.0 {
        let limp = [
            (0.0, nozzle),
            (-0.04, nozzle + 0.07),
            (0.02, nozzle + 0.13),
            (0.13, nozzle + 0.1),
            (0.14, nozzle + 0.02),
            (0.09, nozzle + 0.04),
            (0.05, nozzle + 0.05),
        ];
        canvas.blob(&spot.points(limp), RUBBER, 2.0);
        return;
    }
    let (rx, ry) = (0.07 + 0.22 * full, 0.09 + 0.24 * full);
    let y = nozzle + 0.03 + ry;
    canvas.polygon(&spot.points([(-0.035, nozzle), (0.0, nozzle + 0.07), (0.035, nozzle)]), RUBBER, 1.8);
    canvas.ellipse(spot.at(0.0, y), spot.size * rx, spot.size * ry, RUBBER, 2.0);
    let shine = [(-0.62, 0.2), (-0.58, 0.5), (-0.42, 0.66), (-0.3, 0.72)].map(|(dx, dy)| (dx * rx, y + dy * ry));
    canvas.curve(spot.points(shine), PAPER, 2.4);
}

fn burst(canvas: &mut Canvas, spot: &Spot, nozzle: f32) {
    let y = nozzle + 0.33;
    for i in 0..12 {
        let (sin, cos) = (i as f32 * std::f32::consts::TAU / 12.0 + 0.13).sin_cos();
        let (near, far) = if i % 2 == 0 { (0.2, 0.34) } else { (0.24, 0.3) };
        canvas.line(&spot.points([(cos * near, y + sin * near), (cos * far, y + sin * far)]), DARK, 2.2);
    }
    for (x, dy, turn) in
        [(-0.14, 0.08, 0.4), (0.13, 0.12, 1.4), (0.02, -0.06, 2.3), (-0.12, -0.14, 3.2), (0.16, -0.1, 4.4)]
    {
        let (sin, cos) = f32::sin_cos(turn);
        let rag = [(0.06, 0.0), (0.0, 0.035), (-0.055, 0.01), (-0.01, -0.03)];
        let turned = rag.map(|(a, b): (f32, f32)| (x + a * cos - b * sin, y + dy + a * sin + b * cos));
        canvas.polygon(&spot.points(turned), RUBBER, 1.6);
    }
    let rest = [(-0.035, nozzle), (-0.05, nozzle + 0.05), (0.0, nozzle + 0.03), (0.05, nozzle + 0.06), (0.035, nozzle)];
    canvas.polygon(&spot.points(rest), RUBBER, 1.6);
}

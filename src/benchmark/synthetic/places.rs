//! What stands and lies in a place: houses, trees, water, peaks.

use super::backdrop::Hour;
use super::canvas::{Area, Canvas, DARK, Ink, PAPER, Point};
use super::rng::Dice;
use super::world::Place;

/// Where things are put.
pub struct Spot {
    /// The panel.
    pub panel: Area,
    /// Where ground and sky meet.
    pub horizon: f32,
    /// When it is.
    pub hour: Hour,
    /// What lengths are measured in.
    pub size: f32,
}

/// Draws the ground and what says where it is, and gives the height below which one can stand.
pub fn draw_place(canvas: &mut Canvas, dice: &mut Dice, spot: &Spot, place: Place) -> f32 {
    match place {
        Place::Village => village(canvas, dice, spot),
        Place::Wood => wood(canvas, dice, spot),
        Place::Sea => return sea(canvas, dice, spot),
        Place::Mountains => mountains(canvas, dice, spot),
    }
    spot.horizon
}

/// Wide panels hold more things. All others hold equally many, so that a story's dice draw one place in all its panels.
fn is_wide(panel: &Area) -> bool {
    panel.w() > 420.0
}

fn ground(canvas: &mut Canvas, spot: &Spot, ink: Ink) {
    let p = &spot.panel;
    canvas.rect(p.x1, spot.horizon, p.x2, p.y2, ink, 0.0);
    canvas.line(&[(p.x1, spot.horizon), (p.x2, spot.horizon)], DARK, 2.0);
}

/// Short strokes on the ground.
fn tufts(canvas: &mut Canvas, dice: &mut Dice, spot: &Spot, count: usize) {
    let p = &spot.panel;
    let mut grass = Vec::new();
    for _ in 0..count {
        let (x, y) = (p.x(dice.unit()), spot.horizon + (p.y2 - spot.horizon) * dice.between(0.12, 0.95));
        grass.push([(x - 4.0, y - 4.0), (x - 1.5, y), (x + 1.5, y), (x + 4.0, y - 5.0)]);
    }
    canvas.lines(&grass, Ink(96, 112, 84), 1.3);
}

fn village(canvas: &mut Canvas, dice: &mut Dice, spot: &Spot) {
    ground(canvas, spot, dice.pick([Ink(228, 212, 168), Ink(164, 204, 132), Ink(216, 206, 190)]));
    let p = &spot.panel;
    let fewest = 2 + dice.below(2);
    let count = if is_wide(p) { fewest + 2 } else { fewest };
    for i in 0..count {
        let size = spot.size * dice.between(0.15, 0.21);
        let left = p.x1 + p.w() * (i as f32 + dice.between(0.05, 0.3)) / count as f32;
        house(canvas, dice, (left, spot.horizon), size, spot.hour);
    }
    let path = [(p.x(0.42), spot.horizon), (p.x(0.52), spot.horizon), (p.x(0.72), p.y2), (p.x(0.3), p.y2)];
    if dice.chance(0.4) {
        canvas.polygon(&path, Ink(238, 228, 200), 1.2);
    } else if dice.chance(0.5) {
        fence(canvas, spot, dice.between(0.06, 0.1) * spot.size);
    }
    tufts(canvas, dice, spot, 4);
}

fn house(canvas: &mut Canvas, dice: &mut Dice, (x, base): Point, s: f32, hour: Hour) {
    let wall = dice.pick([Ink(222, 186, 152), Ink(236, 220, 196), Ink(196, 200, 210), Ink(238, 204, 176)]);
    let roof = dice.pick([Ink(168, 84, 74), Ink(120, 98, 112), Ink(188, 112, 72)]);
    let glass = if hour == Hour::Night { Ink(252, 222, 110) } else { Ink(190, 224, 240) };
    if dice.chance(0.6) {
        canvas.rect(x + 0.95 * s, base - 1.7 * s, x + 1.13 * s, base - 1.1 * s, Ink(150, 112, 98), 1.5);
        for (dx, dy, r) in [(1.06, 1.86, 0.07), (1.15, 2.02, 0.1), (1.3, 2.2, 0.13)] {
            canvas.ellipse((x + dx * s, base - dy * s), r * s, r * s * 0.8, Ink(250, 250, 250), 1.0);
        }
    }
    canvas.rect(x, base - s, x + s * 1.3, base, wall, 2.0);
    canvas.polygon(&[(x - 0.15 * s, base - s), (x + 0.65 * s, base - 1.65 * s), (x + 1.45 * s, base - s)], roof, 2.0);
    canvas.rect(x + 0.5 * s, base - 0.55 * s, x + 0.8 * s, base, Ink(112, 80, 62), 1.5);
    for left in [0.12, 0.95] {
        canvas.rect(x + left * s, base - 0.72 * s, x + (left + 0.24) * s, base - 0.44 * s, glass, 1.5);
        let middle = x + (left + 0.12) * s;
        canvas.line(&[(middle, base - 0.72 * s), (middle, base - 0.44 * s)], DARK, 1.1);
    }
}

fn fence(canvas: &mut Canvas, spot: &Spot, height: f32) {
    let (p, base) = (&spot.panel, spot.horizon + height * 0.6);
    let rail = Ink(240, 232, 214);
    for share in [0.35, 0.7] {
        canvas.line(&[(p.x1, base - height * share), (p.x2, base - height * share)], DARK, 1.5);
    }
    let mut pickets = Vec::new();
    let mut x = p.x1 + 6.0;
    while x < p.x2 {
        let picket = [
            (x, base),
            (x, base - height * 0.85),
            (x + 3.0, base - height),
            (x + 6.0, base - height * 0.85),
            (x + 6.0, base),
        ];
        pickets.push(picket);
        x += 16.0;
    }
    canvas.polygons(&pickets, rail, 1.2);
}

fn wood(canvas: &mut Canvas, dice: &mut Dice, spot: &Spot) {
    let p = spot.panel;
    let grass = dice.pick([Ink(164, 204, 132), Ink(178, 196, 150), Ink(190, 200, 140)]);
    let far = Ink(140, 178, 140);
    let mut line = vec![(p.x1 - 20.0, spot.horizon + 8.0)];
    let bumps = if is_wide(&p) { 26 } else { 8 };
    for i in 0..=bumps {
        let x = p.x(i as f32 / bumps as f32);
        line.push((x, spot.horizon - spot.size * dice.between(0.05, 0.13)));
    }
    line.push((p.x2 + 20.0, spot.horizon + 8.0));
    canvas.blob(&line, far, 1.2);
    ground(canvas, spot, grass);
    let count = if is_wide(&p) { 10 } else { 4 };
    let round = dice.chance(0.5);
    for i in 0..count {
        let x = p.x1 + p.w() * (i as f32 + dice.between(0.2, 0.8)) / count as f32;
        let size = spot.size * dice.between(0.17, 0.27);
        if round == dice.chance(0.85) {
            round_tree(canvas, dice, (x, spot.horizon + 2.0), size);
        } else {
            fir(canvas, dice, (x, spot.horizon + 2.0), size);
        }
    }
    if dice.chance(0.5) {
        let x = p.x(if dice.chance(0.5) { dice.between(0.03, 0.12) } else { dice.between(0.88, 0.97) });
        mushroom(canvas, (x, p.y(dice.between(0.86, 0.96))), spot.size * 0.035);
    }
    tufts(canvas, dice, spot, 7);
}

fn round_tree(canvas: &mut Canvas, dice: &mut Dice, (x, base): Point, s: f32) {
    canvas.rect(x - s * 0.07, base - s * 0.6, x + s * 0.07, base, Ink(130, 96, 64), 1.5);
    let green = dice.pick([Ink(104, 156, 98), Ink(122, 168, 92), Ink(92, 144, 104)]);
    let crown: Vec<Point> = (0..9)
        .map(|i| {
            let (sin, cos) = (i as f32 * std::f32::consts::TAU / 9.0).sin_cos();
            let r = dice.between(0.88, 1.12);
            (x + cos * s * 0.36 * r, base - s * 0.95 + sin * s * 0.48 * r)
        })
        .collect();
    canvas.blob(&crown, green, 1.7);
    let leaf = [(-0.14, 0.9), (-0.06, 1.06), (0.06, 1.06), (0.14, 0.9)].map(|(dx, dy)| (x + dx * s, base - dy * s));
    canvas.curve(leaf, DARK, 1.1);
}

fn fir(canvas: &mut Canvas, dice: &mut Dice, (x, base): Point, s: f32) {
    canvas.rect(x - s * 0.06, base - s * 0.25, x + s * 0.06, base, Ink(120, 88, 60), 1.5);
    let green = dice.pick([Ink(84, 136, 100), Ink(70, 122, 96), Ink(100, 146, 92)]);
    let tiers = [(0.42, 0.22, 0.72), (0.34, 0.52, 1.02), (0.24, 0.82, 1.36)];
    for (half, low, high) in tiers {
        canvas.polygon(
            &[(x - half * s, base - low * s), (x, base - high * s), (x + half * s, base - low * s)],
            green,
            1.6,
        );
    }
}

fn mushroom(canvas: &mut Canvas, (x, base): Point, s: f32) {
    canvas.rect(x - 0.4 * s, base - s, x + 0.4 * s, base, PAPER, 1.3);
    let cap = [
        (x - 1.2 * s, base - s),
        (x - 0.8 * s, base - 1.8 * s),
        (x + 0.8 * s, base - 1.8 * s),
        (x + 1.2 * s, base - s),
    ];
    canvas.blob(&cap, Ink(206, 92, 84), 1.4);
    canvas.ellipse((x, base - 1.5 * s), 0.25 * s, 0.25 * s, PAPER, 0.0);
}

fn sea(canvas: &mut Canvas, dice: &mut Dice, spot: &Spot) -> f32 {
    let p = spot.panel;
    let water = if spot.hour == Hour::Night { Ink(98, 128, 176) } else { Ink(112, 170, 208) };
    ground(canvas, spot, water);
    let shore = spot.horizon + (p.y2 - spot.horizon) * dice.between(0.17, 0.25);
    let mut waves = Vec::new();
    for _ in 0..if is_wide(&p) { 26 } else { 10 } {
        let (x, y) = (p.x(dice.unit()), spot.horizon + (shore - spot.horizon) * dice.between(0.12, 0.8));
        waves.push([(x - 7.0, y), (x - 3.0, y - 4.0), (x + 3.0, y + 4.0), (x + 7.0, y)]);
    }
    canvas.curves(&waves, Ink(240, 248, 252), 1.6);
    let x = p.x(dice.between(0.12, 0.85));
    if dice.chance(0.75) {
        let size = spot.size * dice.between(0.07, 0.1);
        boat(canvas, dice, (x, spot.horizon + spot.size * 0.015), size);
    } else {
        lighthouse(canvas, (x, spot.horizon), spot.size * dice.between(0.2, 0.26));
    }
    let mut beach = vec![(p.x1 - 30.0, p.y2 + 30.0), (p.x1 - 30.0, shore)];
    for i in 0..=4 {
        beach.push((p.x(i as f32 / 4.0), shore + dice.between(-5.0, 6.0)));
    }
    beach.extend([(p.x2 + 30.0, shore), (p.x2 + 30.0, p.y2 + 30.0)]);
    canvas.blob(&beach, Ink(242, 224, 178), 1.6);
    for _ in 0..5 {
        let (x, y) = (p.x(dice.unit()), shore + (p.y2 - shore) * dice.between(0.25, 0.95));
        canvas.ellipse((x, y), 2.4, 1.6, Ink(206, 180, 140), 0.9);
    }
    shore + 6.0
}

fn boat(canvas: &mut Canvas, dice: &mut Dice, (x, y): Point, s: f32) {
    let sail = dice.pick([PAPER, Ink(240, 188, 60), Ink(226, 110, 90)]);
    canvas.line(&[(x, y), (x, y - 2.2 * s)], DARK, 1.8);
    canvas.polygon(&[(x + 0.1 * s, y - 0.4 * s), (x + 0.1 * s, y - 2.2 * s), (x + 1.2 * s, y - 0.4 * s)], sail, 1.4);
    canvas.polygon(&[(x - 0.1 * s, y - 0.4 * s), (x - 0.1 * s, y - 1.8 * s), (x - 0.8 * s, y - 0.4 * s)], PAPER, 1.4);
    canvas.polygon(
        &[
            (x - 1.2 * s, y - 0.2 * s),
            (x + 1.4 * s, y - 0.2 * s),
            (x + 0.9 * s, y + 0.4 * s),
            (x - 0.8 * s, y + 0.4 * s),
        ],
        Ink(150, 92, 66),
        1.6,
    );
}

fn lighthouse(canvas: &mut Canvas, (x, base): Point, s: f32) {
    canvas.blob(
        &[
            (x - 0.5 * s, base + 2.0),
            (x - 0.2 * s, base - 0.16 * s),
            (x + 0.3 * s, base - 0.14 * s),
            (x + 0.55 * s, base + 2.0),
        ],
        Ink(158, 150, 142),
        1.5,
    );
    let half = |h: f32| 0.15 * s * (1.0 - 0.4 * h);
    for (i, ink) in (0..4).zip([PAPER, Ink(206, 72, 64)].into_iter().cycle()) {
        let (low, high) = (0.1 + i as f32 * 0.2, 0.3 + i as f32 * 0.2);
        let ring = [
            (x - half(low), base - low * s),
            (x - half(high), base - high * s),
            (x + half(high), base - high * s),
            (x + half(low), base - low * s),
        ];
        canvas.polygon(&ring, ink, 1.4);
    }
    canvas.rect(x - 0.07 * s, base - 1.05 * s, x + 0.07 * s, base - 0.9 * s, Ink(252, 222, 110), 1.4);
    canvas.polygon(
        &[(x - 0.11 * s, base - 1.05 * s), (x, base - 1.2 * s), (x + 0.11 * s, base - 1.05 * s)],
        Ink(206, 72, 64),
        1.4,
    );
}

fn mountains(canvas: &mut Canvas, dice: &mut Dice, spot: &Spot) {
    let p = spot.panel;
    let count = if is_wide(&p) { 7 } else { 3 };
    let room = (spot.horizon - p.y1) * 0.82;
    let rock = dice.pick([Ink(150, 164, 176), Ink(162, 152, 164), Ink(158, 178, 176)]);
    let meadow = dice.pick([Ink(178, 196, 150), Ink(194, 186, 162), Ink(238, 240, 244)]);
    for i in 0..count {
        let x = p.x1 + p.w() * (i as f32 + dice.between(0.2, 0.8)) / count as f32;
        let height = (spot.size * dice.between(0.22, 0.36)).min(room);
        peak(canvas, dice, (x, spot.horizon), height, rock);
    }
    ground(canvas, spot, meadow);
    for _ in 0..4 {
        let (x, y) = (p.x(dice.unit()), spot.horizon + (p.y2 - spot.horizon) * dice.between(0.08, 0.95));
        let s = spot.size * dice.between(0.012, 0.026);
        canvas.blob(
            &[(x - 1.5 * s, y), (x - s, y - 1.1 * s), (x + 0.6 * s, y - 1.3 * s), (x + 1.6 * s, y)],
            Ink(186, 186, 184),
            1.3,
        );
    }
    if dice.chance(0.5) {
        let x = p.x(dice.between(0.05, 0.95));
        fir(canvas, dice, (x, spot.horizon + 3.0), spot.size * 0.12);
    }
}

fn peak(canvas: &mut Canvas, dice: &mut Dice, (x, base): Point, h: f32, rock: Ink) {
    let (half, lean) = (h * dice.between(0.62, 0.85), h * dice.between(-0.12, 0.12));
    let top = (x + lean, base - h);
    canvas.polygon(&[(x - half, base), top, (x + half, base)], rock, 1.7);
    let slope = |side: f32, share: f32| (top.0 + (x + side * half - top.0) * share, top.1 + h * share);
    let snow = [
        top,
        slope(-1.0, 0.34),
        (top.0 - h * 0.08, top.1 + h * 0.26),
        (top.0 + h * 0.02, top.1 + h * 0.38),
        (top.0 + h * 0.1, top.1 + h * 0.25),
        slope(1.0, 0.3),
    ];
    canvas.polygon(&snow, Ink(250, 250, 250), 1.4);
    canvas.line(&[slope(1.0, 0.55), (x + half * 0.25, base - h * 0.2)], DARK, 1.1);
}

//! Figures: a body in a pose, with the hat that says who it is.

use super::canvas::{Area, Canvas, DARK, Ink, PAPER, Point, SKIN};
use super::world::{Action, Figure};

const WOOD: Ink = Ink(150, 102, 62);

/// How one figure is drawn.
#[derive(Clone)]
pub struct Sketch {
    /// Who.
    pub figure: Figure,
    /// What it does.
    pub action: Action,
    /// Between the feet, in page pixels.
    pub feet: Point,
    /// Height of the standing figure with hat, in pixels.
    pub height: f32,
    /// Mirrored.
    pub flip: bool,
    /// Colour of the shirt.
    pub shirt: Ink,
    /// Colour of the trousers.
    pub trousers: Ink,
}

/// A figure's own coordinates: units of a tenth of its height, x to its front, y up from its feet.
struct Body<'a> {
    canvas: &'a mut Canvas,
    sketch: &'a Sketch,
    unit: f32,
    pen: f32,
    /// Lying on its back: the axes are swapped.
    lying: bool,
}

impl Body<'_> {
    fn at(&self, x: f32, y: f32) -> Point {
        let (x, y) = if self.lying { (y - 5.0, 1.7 - x) } else { (x, y) };
        let side = if self.sketch.flip { -1.0 } else { 1.0 };
        (self.sketch.feet.0 + side * x * self.unit, self.sketch.feet.1 - y * self.unit)
    }

    fn points(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|&(x, y)| self.at(x, y)).collect()
    }

    fn limb(&mut self, points: &[Point], ink: Ink, thick: f32) {
        let points = self.points(points);
        self.canvas.line(&points, DARK, thick * self.unit + 2.0 * self.pen * 0.8);
        self.canvas.line(&points, ink, thick * self.unit);
    }

    fn line(&mut self, points: &[Point], ink: Ink, thick: f32) {
        let points = self.points(points);
        self.canvas.line(&points, ink, thick * self.unit);
    }

    fn lines(&mut self, lines: &[[Point; 2]], thick: f32) {
        let lines: Vec<Vec<Point>> = lines.iter().map(|line| self.points(line)).collect();
        self.canvas.lines(&lines, DARK, thick * self.unit);
    }

    fn polygon(&mut self, points: &[Point], fill: Ink) {
        let points = self.points(points);
        self.canvas.polygon(&points, fill, self.pen);
    }

    fn oval(&mut self, x: f32, y: f32, rx: f32, ry: f32, fill: Ink) {
        let (rx, ry) = if self.lying { (ry, rx) } else { (rx, ry) };
        let c = self.at(x, y);
        self.canvas.ellipse(c, rx * self.unit, ry * self.unit, fill, self.pen);
    }

    fn dot(&mut self, x: f32, y: f32, r: f32, fill: Ink) {
        let c = self.at(x, y);
        self.canvas.ellipse(c, r * self.unit, r * self.unit, fill, 0.0);
    }
}

/// Draws the figure and whatever its action needs.
pub fn draw(canvas: &mut Canvas, sketch: &Sketch) {
    let mut body = body(canvas, sketch);
    let hip = hip(sketch.action);
    props_behind(&mut body, hip);
    legs(&mut body, hip);
    torso(&mut body, hip);
    arms(&mut body, hip);
    head(&mut body, hip + 4.3);
    props_before(&mut body, hip);
}

/// Everything that [`draw`] would ink.
pub fn extent(sketch: &Sketch) -> Area {
    let mut board = Canvas::measuring();
    board.start_bounds();
    draw(&mut board, sketch);
    board.take_bounds()
}

/// Head and hat.
pub fn head_extent(sketch: &Sketch) -> Area {
    let mut board = Canvas::measuring();
    board.start_bounds();
    head(&mut body(&mut board, sketch), hip(sketch.action) + 4.3);
    board.take_bounds()
}

/// Trunk and legs, without arms and props.
pub fn trunk_extent(sketch: &Sketch) -> Area {
    let mut board = Canvas::measuring();
    board.start_bounds();
    let mut body = body(&mut board, sketch);
    legs(&mut body, hip(sketch.action));
    torso(&mut body, hip(sketch.action));
    board.take_bounds()
}

fn body<'a>(canvas: &'a mut Canvas, sketch: &'a Sketch) -> Body<'a> {
    let lying = sketch.action == Action::Sleeping;
    Body { canvas, sketch, unit: sketch.height / 10.0, pen: (sketch.height * 0.018).max(1.6), lying }
}

/// Height of the hip above the ground.
fn hip(action: Action) -> f32 {
    match action {
        Action::Sitting => 2.9,
        Action::Running => 2.6,
        _ => 2.4,
    }
}

fn legs(b: &mut Body<'_>, hip: f32) {
    let ink = b.sketch.trousers;
    match b.sketch.action {
        Action::Running => {
            b.limb(&[(-0.4, hip), (-1.7, hip - 1.2), (-3.3, hip - 0.7)], ink, 0.8);
            b.limb(&[(0.4, hip), (2.0, hip - 0.8), (2.4, 0.1), (3.1, 0.1)], ink, 0.8);
        }
        Action::Sitting => {
            b.limb(&[(-0.2, hip), (1.9, hip), (1.9, 0.2), (2.7, 0.2)], ink, 0.8);
            b.limb(&[(0.2, hip - 0.3), (2.6, hip - 0.3), (2.6, 0.2), (3.4, 0.2)], ink, 0.8);
        }
        _ => {
            b.limb(&[(-0.7, hip), (-0.8, 0.2), (-0.3, 0.1)], ink, 0.8);
            b.limb(&[(0.7, hip), (0.8, 0.2), (1.4, 0.1)], ink, 0.8);
        }
    }
}

fn torso(b: &mut Body<'_>, hip: f32) {
    let shirt = b.sketch.shirt;
    b.polygon(
        &[
            (-1.2, hip - 0.2),
            (1.2, hip - 0.2),
            (1.4, hip + 1.6),
            (0.9, hip + 3.0),
            (-0.9, hip + 3.0),
            (-1.4, hip + 1.6),
        ],
        shirt,
    );
}

fn arms(b: &mut Body<'_>, hip: f32) {
    let s = hip + 2.5;
    let ink = b.sketch.shirt;
    let pairs: [[Point; 3]; 2] = match b.sketch.action {
        Action::Running => [[(-1.0, s), (-2.3, s - 1.0), (-1.4, s - 1.9)], [(1.0, s), (2.2, s - 1.0), (3.0, s + 0.2)]],
        Action::Sitting => [[(-1.0, s), (-1.2, s - 1.2), (0.6, s - 1.9)], [(1.0, s), (1.5, s - 1.2), (2.2, s - 1.9)]],
        Action::Sleeping => [[(-1.0, s), (-1.7, s - 1.2), (-1.5, s - 2.2)], [(1.0, s), (1.6, s - 1.2), (1.5, s - 2.2)]],
        Action::Cheering => [[(-1.0, s), (-2.4, s + 1.6), (-3.1, s + 3.8)], [(1.0, s), (2.4, s + 1.6), (3.1, s + 3.8)]],
        Action::Reading => [[(-1.0, s), (-1.9, s - 1.1), (-1.5, s - 1.1)], [(1.0, s), (1.9, s - 1.1), (1.5, s - 1.1)]],
        Action::Fishing => [[(-0.8, s), (0.6, s - 1.3), (2.0, s - 0.9)], [(1.0, s), (1.8, s - 1.0), (2.4, s - 0.6)]],
        Action::Juggling => [[(-1.0, s), (-2.0, s - 1.2), (-3.1, s - 0.3)], [(1.0, s), (2.0, s - 1.2), (3.1, s - 0.3)]],
        Action::Carrying => [[(-1.0, s), (-2.6, s + 1.0), (-2.4, s + 4.6)], [(1.0, s), (2.6, s + 1.0), (2.4, s + 4.6)]],
    };
    for arm in pairs {
        b.limb(&arm, ink, 0.65);
        let [_, _, hand] = arm;
        b.oval(hand.0, hand.1, 0.45, 0.45, SKIN);
    }
}

fn head(b: &mut Body<'_>, y: f32) {
    b.oval(0.0, y, 1.6, 1.55, SKIN);
    if b.lying {
        b.line(&[(-0.8, y + 0.2), (-0.2, y + 0.2)], DARK, 0.2);
        b.line(&[(0.5, y + 0.2), (1.1, y + 0.2)], DARK, 0.2);
    } else {
        b.dot(-0.4, y + 0.2, 0.26, DARK);
        b.dot(0.8, y + 0.2, 0.26, DARK);
    }
    b.line(&[(-0.3, y - 0.75), (0.3, y - 0.9), (0.9, y - 0.7)], DARK, 0.18);
    hat(b, y + 0.9);
}

const RED: Ink = Ink(214, 48, 44);
const GREEN: Ink = Ink(44, 150, 70);
const BLUE: Ink = Ink(58, 86, 190);
const GOLD: Ink = Ink(248, 194, 52);

/// The hat, with its brim at height `y`.
fn hat(b: &mut Body<'_>, y: f32) {
    match b.sketch.figure {
        Figure::Pip => b.polygon(
            &[
                (-1.6, y - 0.4),
                (-1.5, y + 0.6),
                (-0.6, y + 1.1),
                (0.8, y + 1.1),
                (1.6, y + 0.4),
                (3.6, y + 0.2),
                (3.6, y - 0.4),
            ],
            RED,
        ),
        Figure::Wick => b.polygon(
            &[
                (-1.6, y - 0.6),
                (-1.5, y + 1.6),
                (-0.8, y + 1.0),
                (-0.2, y + 3.4),
                (0.6, y + 1.2),
                (1.2, y + 2.2),
                (1.6, y - 0.6),
            ],
            RED,
        ),
        Figure::Moss => b.polygon(&[(-1.9, y - 0.3), (1.9, y - 0.3), (0.2, y + 3.6)], GREEN),
        Figure::Fen => {
            for side in [-1.0, 1.0] {
                b.line(&[(side * 0.5, y + 0.4), (side * 1.8, y + 1.6)], DARK, 0.3);
                b.oval(side * 2.1, y + 1.9, 0.95, 0.95, GREEN);
            }
        }
        Figure::Juno => {
            b.polygon(&[(0.0, y + 0.6), (-2.6, y + 1.9), (-2.6, y - 0.6)], BLUE);
            b.polygon(&[(0.0, y + 0.6), (2.6, y + 1.9), (2.6, y - 0.6)], BLUE);
            b.oval(0.0, y + 0.6, 0.55, 0.55, BLUE);
        }
        Figure::Bram => {
            b.polygon(&[(-1.2, y), (-1.3, y + 3.0), (1.3, y + 3.0), (1.2, y)], BLUE);
            b.polygon(&[(-2.0, y - 0.3), (2.0, y - 0.3), (2.0, y + 0.2), (-2.0, y + 0.2)], BLUE);
        }
        Figure::Tilly => {
            b.oval(0.0, y - 0.1, 3.4, 0.65, GOLD);
            b.oval(0.0, y + 0.4, 1.4, 0.7, GOLD);
        }
        Figure::Oro => b.polygon(
            &[
                (-1.4, y - 0.3),
                (1.4, y - 0.3),
                (1.8, y + 2.6),
                (0.8, y + 1.1),
                (0.0, y + 3.0),
                (-0.8, y + 1.1),
                (-1.8, y + 2.6),
            ],
            GOLD,
        ),
    }
}

fn props_behind(b: &mut Body<'_>, hip: f32) {
    match b.sketch.action {
        Action::Running => {
            let lines = [(hip + 2.6, 5.6), (hip + 1.2, 6.2), (hip - 0.4, 5.4)].map(|(y, far)| [(-3.4, y), (-far, y)]);
            b.lines(&lines, 0.22);
        }
        Action::Sitting => {
            b.polygon(&[(-1.4, hip - 0.8), (1.4, hip - 0.8), (1.4, hip - 0.3), (-1.4, hip - 0.3)], WOOD);
            b.limb(&[(-1.0, hip - 0.9), (-1.3, 0.0)], WOOD, 0.4);
            b.limb(&[(1.0, hip - 0.9), (1.3, 0.0)], WOOD, 0.4);
        }
        Action::Fishing => {
            b.line(&[(1.4, hip + 0.9), (5.8, hip + 5.6)], DARK, 0.5);
            b.line(&[(1.4, hip + 0.9), (5.8, hip + 5.6)], WOOD, 0.28);
            b.line(&[(5.8, hip + 5.6), (5.9, 1.6)], DARK, 0.14);
            b.oval(5.9, 1.3, 0.5, 0.9, Ink(120, 180, 210));
            b.polygon(&[(5.9, 0.7), (5.3, 0.0), (6.5, 0.0)], Ink(120, 180, 210));
        }
        _ => {}
    }
}

fn props_before(b: &mut Body<'_>, hip: f32) {
    match b.sketch.action {
        Action::Reading => {
            let y = hip + 0.7;
            b.polygon(&[(0.0, y), (-2.5, y + 0.6), (-2.5, y + 2.6), (0.0, y + 1.9)], PAPER);
            b.polygon(&[(0.0, y), (2.5, y + 0.6), (2.5, y + 2.6), (0.0, y + 1.9)], PAPER);
            let line = |row: f32, side: f32| [(side * 2.0, y + row + 0.45), (side * 0.5, y + row)];
            b.lines(&[line(0.9, -1.0), line(0.9, 1.0), line(1.5, -1.0), line(1.5, 1.0)], 0.14);
        }
        Action::Juggling => {
            for ((x, y), ink) in [
                ((-2.9, hip + 5.4), Ink(220, 60, 60)),
                ((0.0, hip + 9.0), Ink(70, 130, 220)),
                ((2.9, hip + 5.4), Ink(250, 200, 50)),
            ] {
                b.oval(x, y, 0.85, 0.85, ink);
            }
        }
        Action::Carrying => {
            let y = hip + 7.0;
            b.polygon(&[(-3.2, y), (3.2, y), (3.2, y + 2.6), (-3.2, y + 2.6)], WOOD);
            b.lines(&[[(-3.2, y), (3.2, y + 2.6)], [(-3.2, y + 2.6), (3.2, y)]], 0.2);
        }
        Action::Sleeping => zs(b),
        _ => {}
    }
}

fn zs(b: &mut Body<'_>) {
    let (head_x, head_y) = b.at(0.0, 7.0);
    let unit = b.unit;
    let pen = 0.3 * unit;
    for (dx, dy, size) in [(0.2, 2.4, 1.1), (1.6, 4.0, 1.4), (3.2, 6.0, 1.8)] {
        let side = if b.sketch.flip { -1.0 } else { 1.0 };
        let (x, y, s) = (head_x + side * dx * unit * 0.6, head_y - dy * unit, size * unit);
        b.canvas.line(&[(x, y - s), (x + s, y - s), (x, y), (x + s, y)], DARK, pen);
    }
}

/// A crate for a figure to stand on.
pub fn draw_crate(canvas: &mut Canvas, feet: Point, width: f32, height: f32) {
    let (x1, x2, y1, y2) = (feet.0 - width / 2.0, feet.0 + width / 2.0, feet.1, feet.1 + height);
    canvas.rect(x1, y1, x2, y2, Ink(196, 158, 112), 2.5);
    for share in [0.33, 0.66] {
        let y = y1 + height * share;
        canvas.line(&[(x1, y), (x2, y)], DARK, 1.5);
    }
    let grain = [(x1 + 6.0, y1 + 5.0), (x1 + 9.0, y1 + 8.0), (x1 + 9.0, y2 - 8.0), (x1 + 6.0, y2 - 5.0)];
    canvas.curve(grain, DARK, 1.2);
}

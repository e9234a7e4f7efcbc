//! Stories whose order can be seen: every moment shows one thing a little further on.

mod balloon;
mod candle;
mod house;
mod pizza;
mod plant;
mod snowman;

use super::canvas::{Canvas, Point};
use super::world::Arc;

/// Where the thing stands.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// Its middle.
    pub x: f32,
    /// The ground below it.
    pub base: f32,
    /// Its largest height; it is at most as wide.
    pub size: f32,
}

impl Spot {
    /// A point `x` to the right of the middle and `y` above the ground, in shares of the size.
    fn at(&self, x: f32, y: f32) -> Point {
        (self.x + x * self.size, self.base - y * self.size)
    }

    /// Points in shares of the size.
    fn points<const N: usize>(&self, points: [Point; N]) -> [Point; N] {
        points.map(|(x, y)| self.at(x, y))
    }
}

/// Draws moment `step` of a story of `steps` (three to six) moments.
pub fn draw_moment(canvas: &mut Canvas, arc: Arc, step: u32, steps: u32, spot: &Spot) {
    let done = step as f32 / steps.saturating_sub(1).max(1) as f32;
    match arc {
        Arc::Plant => plant::draw(canvas, spot, done),
        Arc::Candle => candle::draw(canvas, spot, done),
        Arc::Snowman => snowman::draw(canvas, spot, done),
        Arc::Pizza => pizza::draw(canvas, spot, done),
        Arc::House => house::draw(canvas, spot, done),
        Arc::Balloon => balloon::draw(canvas, spot, step, steps),
    }
}

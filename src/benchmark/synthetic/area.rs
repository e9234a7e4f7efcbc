//! A rectangle in page pixels, as the drawing code counts them.

use crate::geometry::PageBox;

/// A point in page pixels.
pub type Point = (f32, f32);

/// A rectangle `x1..x2`, `y1..y2` in page pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

impl Area {
    /// From its corners.
    pub const fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// Around a centre.
    pub const fn around((x, y): Point, half_w: f32, half_h: f32) -> Self {
        Self::new(x - half_w, y - half_h, x + half_w, y + half_h)
    }

    /// The same place of the page.
    pub fn of(b: &PageBox) -> Self {
        let [x1, y1, x2, y2] = b.corners().map(|v| v as f32);
        Self::new(x1, y1, x2, y2)
    }

    /// The same place as truth files write it.
    pub fn page_box(&self) -> PageBox {
        PageBox::new(self.x1.into(), self.y1.into(), self.x2.into(), self.y2.into())
    }

    /// Width.
    pub const fn w(&self) -> f32 {
        self.x2 - self.x1
    }

    /// Height.
    pub const fn h(&self) -> f32 {
        self.y2 - self.y1
    }

    /// The x at a share of the width.
    pub const fn x(&self, share: f32) -> f32 {
        self.x1 + self.w() * share
    }

    /// The y at a share of the height.
    pub const fn y(&self, share: f32) -> f32 {
        self.y1 + self.h() * share
    }

    /// Larger on all sides.
    pub const fn grown(&self, by: f32) -> Self {
        Self::new(self.x1 - by, self.y1 - by, self.x2 + by, self.y2 + by)
    }

    /// The part inside another.
    pub const fn within(&self, o: &Self) -> Self {
        Self::new(self.x1.max(o.x1), self.y1.max(o.y1), self.x2.min(o.x2), self.y2.min(o.y2))
    }

    /// The area shared with another.
    pub const fn shared(&self, o: &Self) -> f32 {
        let part = self.within(o);
        part.w().max(0.0) * part.h().max(0.0)
    }

    /// Whether they share any place.
    pub const fn meets(&self, o: &Self) -> bool {
        self.x1 < o.x2 && o.x1 < self.x2 && self.y1 < o.y2 && o.y1 < self.y2
    }

    /// Whether the other lies inside.
    pub const fn holds(&self, o: &Self) -> bool {
        self.x1 <= o.x1 && o.x2 <= self.x2 && self.y1 <= o.y1 && o.y2 <= self.y2
    }

    /// Whether the point lies inside.
    pub fn has(&self, (x, y): Point) -> bool {
        (self.x1..self.x2).contains(&x) && (self.y1..self.y2).contains(&y)
    }
}

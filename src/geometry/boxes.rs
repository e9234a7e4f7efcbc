//! The frames and the box type.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Width in pixels.
    pub w: u32,
    /// Height in pixels.
    pub h: u32,
}

impl Size {
    /// A size from width and height.
    pub const fn new(w: u32, h: u32) -> Self {
        Self { w, h }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.w, self.h)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        [self.w, self.h].serialize(s)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let [w, h] = <[u32; 2]>::deserialize(d)?;
        Ok(Self { w, h })
    }
}

impl schemars::JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <[u32; 2]>::json_schema(generator)
    }
}

/// The coordinate systems a box can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FrameKind {
    /// Pixels of the original page.
    Page,
    /// Pixels of the image as the processor resized it (Qwen2.5-VL).
    Processed,
    /// 0 to 1 of width and height (Mini-o3, Pixel-Reasoner).
    Relative1,
    /// 0 to 1000 of width and height (Qwen3-VL).
    Relative1000,
}

impl FrameKind {
    /// The name used in files and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Processed => "processed",
            Self::Relative1 => "relative1",
            Self::Relative1000 => "relative1000",
        }
    }

    /// Every frame, in the order files list them.
    pub const ALL: [Self; 4] = [Self::Page, Self::Processed, Self::Relative1, Self::Relative1000];
}

impl fmt::Display for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A coordinate system known at compile time.
pub trait Frame: Copy {
    /// The same frame as a value.
    const KIND: FrameKind;
}

macro_rules! frame {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name;
        impl Frame for $name {
            const KIND: FrameKind = FrameKind::$name;
        }
    };
}
frame!(
    /// Pixels of the original page.
    Page
);
frame!(
    /// Pixels of the processed image.
    Processed
);
frame!(
    /// Fractions of width and height.
    Relative1
);
frame!(
    /// Thousandths of width and height.
    Relative1000
);

/// A box `x1 ≤ x < x2`, `y1 ≤ y < y2` whose numbers are in frame `F`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxIn<F> {
    /// Left edge.
    pub x1: f64,
    /// Top edge.
    pub y1: f64,
    /// Right edge.
    pub x2: f64,
    /// Bottom edge.
    pub y2: f64,
    frame: PhantomData<F>,
}

/// A box in pixels of the original page.
pub type PageBox = BoxIn<Page>;

impl<F: Frame> BoxIn<F> {
    /// A box from its corners; they are not reordered.
    pub const fn new(x1: f64, y1: f64, x2: f64, y2: f64) -> Self {
        Self { x1, y1, x2, y2, frame: PhantomData }
    }

    /// Width; negative when the box is inverted.
    pub fn width(&self) -> f64 {
        self.x2 - self.x1
    }

    /// Height; negative when the box is inverted.
    pub fn height(&self) -> f64 {
        self.y2 - self.y1
    }

    /// Area; 0 for an inverted or empty box.
    pub fn area(&self) -> f64 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// The corners as `[x1, y1, x2, y2]`.
    pub const fn corners(&self) -> [f64; 4] {
        [self.x1, self.y1, self.x2, self.y2]
    }

    /// The smallest box that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::new(self.x1.min(other.x1), self.y1.min(other.y1), self.x2.max(other.x2), self.y2.max(other.y2))
    }
}

impl PageBox {
    /// The part of the box that lies on a page of this size.
    #[must_use]
    pub fn clamped(&self, page: Size) -> Self {
        let (w, h) = (f64::from(page.w), f64::from(page.h));
        Self::new(self.x1.clamp(0.0, w), self.y1.clamp(0.0, h), self.x2.clamp(0.0, w), self.y2.clamp(0.0, h))
    }

    /// The same place written in another frame.
    pub fn to_frame(&self, frame: FrameKind, page: Size, processed: Size) -> RawBox {
        let (sx, sy) = scale(frame, page, processed);
        RawBox { numbers: [self.x1 / sx, self.y1 / sy, self.x2 / sx, self.y2 / sy], frame }
    }
}

impl<F: Frame> Serialize for BoxIn<F> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.corners().serialize(s)
    }
}

impl<'de, F: Frame> Deserialize<'de> for BoxIn<F> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let [x1, y1, x2, y2] = <[f64; 4]>::deserialize(d)?;
        Ok(Self::new(x1, y1, x2, y2))
    }
}

impl<F: Frame> schemars::JsonSchema for BoxIn<F> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Box in {} coordinates", F::KIND).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <[f64; 4]>::json_schema(generator)
    }
}

/// Four numbers as a model wrote them, with the frame they are read in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawBox {
    /// `x1, y1, x2, y2` as written.
    pub numbers: [f64; 4],
    /// How they are read.
    pub frame: FrameKind,
}

impl RawBox {
    /// The place on the page: one multiplication by the frame's scale, no clamping, no reordering.
    ///
    /// `page` is the original page's size, `processed` the size the processor resized it to.
    pub fn to_page(&self, page: Size, processed: Size) -> PageBox {
        let (sx, sy) = scale(self.frame, page, processed);
        let [x1, y1, x2, y2] = self.numbers;
        PageBox::new(x1 * sx, y1 * sy, x2 * sx, y2 * sy)
    }
}

/// Page pixels per unit of the frame, along x and y.
fn scale(frame: FrameKind, page: Size, processed: Size) -> (f64, f64) {
    let (pw, ph) = (f64::from(page.w), f64::from(page.h));
    match frame {
        FrameKind::Page => (1.0, 1.0),
        FrameKind::Processed => (pw / f64::from(processed.w.max(1)), ph / f64::from(processed.h.max(1))),
        FrameKind::Relative1 => (pw, ph),
        FrameKind::Relative1000 => (pw / 1000.0, ph / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_names_the_same_place() {
        let (page, processed) = (Size::new(840, 1176), Size::new(140, 196));
        let target = PageBox::new(84.0, 117.6, 420.0, 588.0);
        for frame in FrameKind::ALL {
            let back = target.to_frame(frame, page, processed).to_page(page, processed);
            for (a, b) in back.corners().iter().zip(target.corners()) {
                assert!((a - b).abs() < 1e-9, "{frame}: {back:?}");
            }
        }
        let relative = target.to_frame(FrameKind::Relative1, page, processed).numbers;
        for (a, b) in relative.iter().zip([0.1, 0.1, 0.5, 0.5]) {
            assert!((a - b).abs() < 1e-9);
        }
    }
}

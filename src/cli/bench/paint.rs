//! Boxes painted into a page.

use image::{Rgb, RgbImage};

use crate::benchmark::{Region, RegionKind};
use crate::geometry::PageBox;

/// A box to paint.
pub(super) struct Outline {
    /// Where.
    pub bounds: PageBox,
    /// Colour of the line.
    pub color: [u8; 3],
    /// Thickness in thousandths of the page's longer side.
    pub weight: u32,
    /// Length of a dash and of a gap in line thicknesses; 0 for a line drawn through. Tells kinds apart without colour.
    pub dash: u32,
}

impl Outline {
    /// The box of a target: thick, drawn through.
    pub fn target(bounds: PageBox) -> Self {
        Self { bounds, color: [214, 20, 60], weight: 6, dash: 0 }
    }

    /// The box of a region: a line of its kind's own.
    pub fn region(region: &Region) -> Self {
        let (color, weight, dash) = match region.kind {
            RegionKind::Panel => ([20, 90, 200], 4, 0),
            RegionKind::Figure => ([10, 140, 60], 3, 3),
            RegionKind::Balloon => ([150, 40, 170], 3, 1),
            RegionKind::Sound => ([200, 120, 0], 3, 6),
            RegionKind::Beat => ([20, 90, 200], 2, 2),
        };
        Self { bounds: region.bounds, color, weight, dash }
    }
}

/// Paints boxes with a light halo, so that they are seen on dark and on light.
pub(super) fn paint(page: &mut RgbImage, outlines: &[Outline]) {
    let longer = page.width().max(page.height());
    for outline in outlines {
        let thick = (longer * outline.weight / 2000).max(1);
        frame(page, outline, thick + (thick / 2).max(1), Rgb([255; 3]), 0);
        frame(page, outline, thick, Rgb(outline.color), outline.dash * thick);
    }
}

/// The part of `low..high` that lies on `0..side`, in whole pixels.
fn on_page(low: f64, high: f64, side: u32) -> std::ops::Range<u32> {
    let cut = |v: f64| v.clamp(0.0, f64::from(side)) as u32;
    cut(low.floor())..cut(high.ceil())
}

/// Four lines centred on the box's edges.
fn frame(page: &mut RgbImage, outline: &Outline, thick: u32, color: Rgb<u8>, dash: u32) {
    let [x1, y1, x2, y2] = outline.bounds.corners();
    if [x1, y1, x2, y2].iter().any(|v| !v.is_finite()) {
        return;
    }
    let half = f64::from(thick) / 2.0;
    let (w, h) = page.dimensions();
    for (left, top, right, bottom) in [
        (x1 - half, y1 - half, x2 + half, y1 + half),
        (x1 - half, y2 - half, x2 + half, y2 + half),
        (x1 - half, y1 - half, x1 + half, y2 + half),
        (x2 - half, y1 - half, x2 + half, y2 + half),
    ] {
        for y in on_page(top, bottom, h) {
            for x in on_page(left, right, w) {
                let gap = dash > 0 && ((x + y) / dash) % 2 == 1;
                if let Some(pixel) = page.get_pixel_mut_checked(x, y).filter(|_| !gap) {
                    *pixel = color;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_painted_wherever_they_are() {
        let mut page = RgbImage::from_pixel(100, 200, Rgb([7; 3]));
        let far = [f64::NAN, f64::INFINITY, -1e300, 1e300];
        let mut outlines: Vec<_> = far.map(|v| Outline::target(PageBox::new(v, v, 1e300, 1e300))).into();
        outlines.push(Outline::target(PageBox::new(20.0, 40.0, 60.0, 90.0)));
        paint(&mut page, &outlines);
        assert_eq!(page.get_pixel(40, 40).0, [214, 20, 60], "the upper edge");
        assert_eq!(page.get_pixel(20, 60).0, [214, 20, 60], "the left edge");
        assert_eq!(page.get_pixel(40, 65).0, [7; 3], "the inside");
    }
}

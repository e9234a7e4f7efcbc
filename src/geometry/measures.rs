//! Overlap measures between two boxes of one frame.

use super::{BoxIn, Frame};

/// Area shared by both boxes.
pub fn intersection<F: Frame>(a: &BoxIn<F>, b: &BoxIn<F>) -> f64 {
    let w = a.x2.min(b.x2) - a.x1.max(b.x1);
    let h = a.y2.min(b.y2) - a.y1.max(b.y1);
    w.max(0.0) * h.max(0.0)
}

/// Intersection over union, 0 to 1; 0 when both are empty.
pub fn iou<F: Frame>(a: &BoxIn<F>, b: &BoxIn<F>) -> f64 {
    let shared = intersection(a, b);
    ratio(shared, a.area() + b.area() - shared)
}

/// Share of the target that lies inside the crop, 0 to 1.
pub fn coverage<F: Frame>(target: &BoxIn<F>, crop: &BoxIn<F>) -> f64 {
    ratio(intersection(target, crop), target.area())
}

/// Share of the crop that is target, 0 to 1.
pub fn tightness<F: Frame>(target: &BoxIn<F>, crop: &BoxIn<F>) -> f64 {
    ratio(intersection(target, crop), crop.area())
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::PageBox;
    use proptest::prelude::*;

    fn any_box() -> impl Strategy<Value = PageBox> {
        (0.0..500.0, 0.0..500.0, 1.0..300.0, 1.0..300.0)
            .prop_map(|(x, y, w, h): (f64, f64, f64, f64)| PageBox::new(x, y, x + w, y + h))
    }

    proptest! {
        #[test]
        fn measures_agree(a in any_box(), b in any_box()) {
            let (i, c, t) = (iou(&a, &b), coverage(&a, &b), tightness(&a, &b));
            prop_assert!((0.0..=1.0 + 1e-9).contains(&i) && (0.0..=1.0 + 1e-9).contains(&c));
            prop_assert!((iou(&b, &a) - i).abs() < 1e-12 && (coverage(&b, &a) - t).abs() < 1e-12);
            prop_assert!(i <= c.min(t) + 1e-9);
            prop_assert!((iou(&a, &a) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn inverted_boxes_overlap_nothing() {
        let a = PageBox::new(10.0, 10.0, 0.0, 0.0);
        assert_eq!((iou(&a, &a), coverage(&a, &a), tightness(&a, &a)), (0.0, 0.0, 0.0));
    }
}

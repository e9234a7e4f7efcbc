//! From a call's numbers to a place on the page.

use super::{Limits, MAX_COORDINATE, Refused, ZoomCall};
use crate::geometry::{FrameKind, PageBox, RawBox, Size, coverage, intersection, tightness};
use crate::trace::Refusal;

/// What a call is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Frame the profile reads the numbers in.
    pub frame: FrameKind,
    /// Sides and aspect allowed.
    pub limits: &'a Limits,
    /// Size of the original page.
    pub page: Size,
    /// Size the processor gave it.
    pub processed: Size,
    /// True regions in page pixels; may be empty.
    pub targets: &'a [PageBox],
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Whole page pixels to cut (rounded outwards, clamped to the page), or why not.
    pub outcome: Result<PageBox, Refused>,
    /// Says that the box misses every target but would hit one in another frame.
    pub warning: Option<String>,
}

/// Where on the original page a call points.
///
/// In this order: coordinates beyond ±1e9 are not finite, then inverted, then (in page pixels) off the page; what is left
/// is clamped to the page and must have `min_side` on both sides and at most `max_aspect`.
pub fn place(call: &ZoomCall, around: &Surroundings<'_>) -> Placement {
    if call.raw.iter().any(|n| !n.is_finite() || n.abs() > MAX_COORDINATE) {
        let words = format!("a coordinate is larger than {MAX_COORDINATE:e}");
        return Placement { outcome: Err((Refusal::NotFinite, words)), warning: None };
    }
    let [x1, y1, x2, y2] = call.raw;
    if x1 >= x2 || y1 >= y2 {
        let words = "the box is inverted: it needs x1 < x2 and y1 < y2".to_owned();
        return Placement { outcome: Err((Refusal::Inverted, words)), warning: None };
    }
    Placement { outcome: fitted(call, around), warning: other_frame(call, around) }
}

fn fitted(call: &ZoomCall, around: &Surroundings<'_>) -> Result<PageBox, Refused> {
    let asked = RawBox { numbers: call.raw, frame: around.frame }.to_page(around.page, around.processed);
    let shown = asked.clamped(around.page);
    if shown.area() <= 0.0 {
        return Err((Refusal::OffPage, "the box lies outside the page".into()));
    }
    let (short, long) = (shown.width().min(shown.height()), shown.width().max(shown.height()));
    // Numbers that were scaled carry rounding noise; a side of exactly the minimum must pass.
    if short < around.limits.min_side - 1e-6 {
        let words =
            format!("the box is too small: {short:.0} page pixels, at least {} are needed", around.limits.min_side);
        return Err((Refusal::TooSmall, words));
    }
    if long > short * around.limits.max_aspect + 1e-6 {
        let words = format!("the box is too thin: one side is more than {} times the other", around.limits.max_aspect);
        return Err((Refusal::TooThin, words));
    }
    Ok(whole_pixels(&shown).clamped(around.page))
}

/// Rounded outwards, after noise below a millionth of a pixel is gone.
fn whole_pixels(b: &PageBox) -> PageBox {
    let snapped = |v: f64| if (v - v.round()).abs() < 1e-6 { v.round() } else { v };
    PageBox::new(snapped(b.x1).floor(), snapped(b.y1).floor(), snapped(b.x2).ceil(), snapped(b.y2).ceil())
}

fn other_frame(call: &ZoomCall, around: &Surroundings<'_>) -> Option<String> {
    let read_as =
        |frame| RawBox { numbers: call.raw, frame }.to_page(around.page, around.processed).clamped(around.page);
    let own = read_as(around.frame);
    if around.targets.is_empty() || around.targets.iter().any(|t| intersection(t, &own) > 0.0) {
        return None;
    }
    // A box over the whole page would "hit" too: at least half the target, and not ten times its area.
    let hits = |b: &PageBox| around.targets.iter().any(|t| coverage(t, b) >= 0.5 && tightness(t, b) >= 0.1);
    let frames: Vec<_> =
        FrameKind::ALL.into_iter().filter(|&f| f != around.frame && hits(&read_as(f))).map(FrameKind::name).collect();
    (!frames.is_empty()).then(|| {
        format!("read as {} the box misses the target; read as {} it would hit", around.frame, frames.join(" or "))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::protocol::Profile;
    use proptest::prelude::*;

    const PAGE: Size = Size::new(840, 1176);
    const PROCESSED: Size = Size::new(140, 196);

    fn placed(raw: [f64; 4], frame: FrameKind, targets: &[PageBox]) -> Placement {
        let limits = Profile::builtin("rarl").unwrap().limits;
        let around = Surroundings { frame, limits: &limits, page: PAGE, processed: PROCESSED, targets };
        place(&ZoomCall { raw, label: None }, &around)
    }

    #[test]
    fn boxes_are_converted_clamped_and_rounded_outwards() {
        let cut = |raw, frame| placed(raw, frame, &[]).outcome.unwrap().corners();
        assert_eq!(cut([20.0, 100.0, 84.0, 164.0], FrameKind::Processed), [120.0, 600.0, 504.0, 984.0]);
        assert_eq!(cut([-50.0, 100.2, 100.2, 2000.0], FrameKind::Page), [0.0, 100.0, 101.0, 1176.0]);
        assert_eq!(cut([0.1, 0.1, 0.5, 0.5], FrameKind::Relative1), [84.0, 117.0, 420.0, 588.0]);
        assert_eq!(cut([100.0, 100.0, 500.0, 500.0], FrameKind::Relative1000), [84.0, 117.0, 420.0, 588.0]);
        assert_eq!(cut([10.0, 10.0, 38.0, 38.0], FrameKind::Page), [10.0, 10.0, 38.0, 38.0]);
    }

    #[test]
    fn every_fault_has_its_name() {
        use Refusal::{Inverted, NotFinite, OffPage, TooSmall, TooThin};
        for (raw, want) in [
            ([0.0, 0.0, 1e308, 10.0], NotFinite),
            ([f64::NAN, 0.0, 10.0, 10.0], NotFinite),
            ([-1e10, 0.0, 10.0, 10.0], NotFinite),
            ([84.0, 100.0, 20.0, 164.0], Inverted),
            ([20.0, 100.0, 84.0, 100.0], Inverted),
            ([200.0, 0.0, 300.0, 100.0], OffPage),
            ([-20.0, 0.0, 0.0, 100.0], OffPage),
            ([10.0, 10.0, 14.0, 100.0], TooSmall),
            ([139.0, 10.0, 200.0, 100.0], TooSmall),
        ] {
            assert_eq!(placed(raw, FrameKind::Processed, &[]).outcome.unwrap_err().0, want, "{raw:?}");
        }
        let mut limits = Profile::builtin("rarl").unwrap().limits;
        limits.max_aspect = 4.0;
        let around =
            Surroundings { frame: FrameKind::Page, limits: &limits, page: PAGE, processed: PROCESSED, targets: &[] };
        let thin = |h| place(&ZoomCall { raw: [0.0, 0.0, 400.0, h], label: None }, &around).outcome;
        assert_eq!(thin(99.0).unwrap_err().0, TooThin);
        assert!(thin(100.0).is_ok());
    }

    #[test]
    fn a_box_in_the_wrong_frame_is_pointed_out() {
        let target = [PageBox::new(504.0, 700.0, 756.0, 940.0)];
        let thousandths = [600.0, 600.0, 900.0, 800.0];
        let found = placed(thousandths, FrameKind::Processed, &target);
        assert_eq!(found.outcome.unwrap_err().0, Refusal::OffPage);
        assert!(found.warning.unwrap().contains("relative1000"));
        assert_eq!(placed(thousandths, FrameKind::Relative1000, &target).warning, None);
        assert_eq!(placed([0.0, 0.0, 40.0, 40.0], FrameKind::Processed, &target).warning, None);
        assert_eq!(placed(thousandths, FrameKind::Processed, &[]).warning, None);
    }

    proptest! {
        #[test]
        fn what_is_cut_lies_on_the_page(raw in proptest::array::uniform4(proptest::num::f64::ANY), kind in 0usize..4) {
            let frame = FrameKind::ALL[kind];
            if let Ok(b) = placed(raw, frame, &[PageBox::new(1.0, 2.0, 300.0, 400.0)]).outcome {
                prop_assert!(b.x1 >= 0.0 && b.y1 >= 0.0 && b.x2 <= 840.0 && b.y2 <= 1176.0);
                prop_assert!(b.width() >= 28.0 && b.height() >= 28.0);
                prop_assert!(b.corners().iter().all(|v| v.fract() == 0.0));
            }
        }
    }
}

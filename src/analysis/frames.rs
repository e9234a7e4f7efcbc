//! Boxes read in the wrong frame.

use super::LOOKED_TIGHTNESS;
use crate::geometry::{FrameKind, PageBox, RawBox, Size, coverage, tightness};
use crate::trace::{ImageRole, Trace, ZoomEvent};

/// The best coverage of a target that a zoom would have, were its raw numbers read in another frame, and that frame; 0
/// where no reading gives a box of which at least [`LOOKED_TIGHTNESS`] is target. None where no target, no page or no
/// number is known. Refused calls count: a box that lies off the page may lie on it in another frame.
pub fn other_frame(trace: &Trace) -> Option<(f64, Option<FrameKind>)> {
    let targets = &trace.start.as_ref()?.question.targets;
    let page = &trace.images.iter().find(|image| image.event.role == ImageRole::Page)?.event;
    let read = trace.zooms.iter().filter_map(|zoom| best_reading(zoom, targets, (page.original, page.processed)));
    read.reduce(|a, b| if b.0 > a.0 { b } else { a })
}

fn best_reading(
    zoom: &ZoomEvent,
    targets: &[PageBox],
    (page, processed): (Size, Size),
) -> Option<(f64, Option<FrameKind>)> {
    let numbers = zoom.raw.filter(|raw| raw.iter().all(|n| n.is_finite()))?;
    if targets.is_empty() {
        return None;
    }
    let mut best = (0.0, None);
    for frame in FrameKind::ALL.into_iter().filter(|frame| *frame != zoom.frame) {
        let place = RawBox { numbers, frame }.to_page(page, processed).clamped(page);
        for target in targets.iter().filter(|target| tightness(target, &place) >= LOOKED_TIGHTNESS) {
            let covered = super::zooms::share(coverage(target, &place));
            if covered > best.0 {
                best = (covered, Some(frame));
            }
        }
    }
    Some(best)
}

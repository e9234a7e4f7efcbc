//! How well zooms lie on their targets.

use serde::{Deserialize, Serialize};

use crate::geometry::{PageBox, coverage, iou, tightness};
use crate::trace::{Refusal, ZoomEvent, ZoomOutcome};

/// A zoom looked at a target when at least this share of the target is inside the crop …
pub const LOOKED_COVERAGE: f64 = 0.5;

/// … and at least this share of the crop is target: a crop of the whole page looks at nothing.
pub const LOOKED_TIGHTNESS: f64 = 0.1;

/// One zoom against the target it lies on best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ZoomMeasures {
    /// Share of the target inside the crop, 0 to 1.
    pub coverage: f64,
    /// Share of the crop that is target, 0 to 1.
    pub tightness: f64,
    /// Intersection over union, 0 to 1.
    pub iou: f64,
}

impl ZoomMeasures {
    /// Whether this counts as having looked at the target.
    pub fn looked(&self) -> bool {
        self.coverage >= LOOKED_COVERAGE && self.tightness >= LOOKED_TIGHTNESS
    }
}

/// The zooms of a session against its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionMeasures {
    /// Crops returned.
    pub zooms: u32,
    /// Tool calls refused.
    pub refused: u32,
    /// Mean coverage over the crops, 0 without one; none where no target is known.
    pub coverage: Option<f64>,
    /// Best IoU of a crop, 0 without one; none where no target is known.
    pub iou: Option<f64>,
    /// Whether some crop looked at a target; none where no target is known.
    pub looked_right: Option<bool>,
    /// The best crop: of those with a tightness of at least [`LOOKED_TIGHTNESS`] (of all where there is none) the one with
    /// the highest coverage, the first of equals. None without a crop and where no target is known.
    pub best: Option<BestZoom>,
    /// Crops that looked at a target.
    pub hits: u32,
    /// Targets.
    pub targets: u32,
    /// Targets that some crop looked at.
    pub found: u32,
    /// Highest IoU of a crop with an earlier crop; none of fewer than two.
    pub repeat: Option<f64>,
    /// Calls that could not be read: no JSON, another shape or tool, not four numbers, tags in the wrong place.
    pub bad_calls: u32,
    /// Calls refused because of their box: inverted, off the page, too small, too thin, not finite.
    pub bad_boxes: u32,
}

/// The best crop of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BestZoom {
    /// Number of its tool call.
    pub number: u32,
    /// How it lies on its target.
    pub measures: ZoomMeasures,
}

/// Crops that are held against each other; a session has a handful, a hostile log may have any number.
const MOST_COMPARED: usize = 256;

/// A zoom against the target with the highest IoU (of equals the best covered one); none for a refused call and where no
/// target is known.
pub fn zoom_measures(zoom: &ZoomEvent, targets: &[PageBox]) -> Option<ZoomMeasures> {
    let ZoomOutcome::Cropped { page_box, .. } = &zoom.outcome else { return None };
    let measured = targets.iter().map(|target| ZoomMeasures {
        coverage: share(coverage(target, page_box)),
        tightness: share(tightness(target, page_box)),
        iou: share(iou(target, page_box)),
    });
    measured.max_by(|a, b| a.iou.total_cmp(&b.iou).then(a.coverage.total_cmp(&b.coverage)))
}

/// All zooms of a session against its targets.
pub fn session_measures<'a>(zooms: impl IntoIterator<Item = &'a ZoomEvent>, targets: &[PageBox]) -> SessionMeasures {
    let mut all: Vec<(u32, PageBox, ZoomMeasures)> = Vec::new();
    let (mut refused, mut bad_calls, mut bad_boxes) = (0, 0, 0);
    for zoom in zooms {
        match &zoom.outcome {
            ZoomOutcome::Refused { refused: why, .. } => {
                refused += 1;
                bad_calls += u32::from(is_bad_call(*why));
                bad_boxes += u32::from(is_bad_box(*why));
            }
            ZoomOutcome::Cropped { page_box, .. } => {
                all.push((zoom.number, *page_box, zoom_measures(zoom, targets).unwrap_or_default()));
            }
        }
    }
    let known = !targets.is_empty();
    // A sum of nothing is -0.
    let mean = all.iter().map(|(_, _, m)| m.coverage).sum::<f64>().abs() / all.len().max(1) as f64;
    let best = all.iter().map(|(_, _, m)| m.iou).fold(0.0, f64::max);
    SessionMeasures {
        zooms: all.len() as u32,
        refused,
        coverage: known.then_some(mean),
        iou: known.then_some(best),
        looked_right: known.then(|| all.iter().any(|(_, _, m)| m.looked())),
        best: best_zoom(&all).filter(|_| known),
        hits: all.iter().filter(|(_, _, m)| m.looked()).count() as u32,
        targets: u32::try_from(targets.len()).unwrap_or(u32::MAX),
        found: found(&all, targets),
        repeat: repeat(&all),
        bad_calls,
        bad_boxes,
    }
}

fn best_zoom(all: &[(u32, PageBox, ZoomMeasures)]) -> Option<BestZoom> {
    let rank = |m: &ZoomMeasures| (m.tightness >= LOOKED_TIGHTNESS, m.coverage);
    let better =
        |a: &ZoomMeasures, b: &ZoomMeasures| rank(b).partial_cmp(&rank(a)) == Some(std::cmp::Ordering::Greater);
    let all = all.iter().map(|&(number, _, measures)| BestZoom { number, measures });
    all.reduce(|a, b| if better(&a.measures, &b.measures) { b } else { a })
}

/// Targets of which a crop covers enough without being too wide.
fn found(all: &[(u32, PageBox, ZoomMeasures)], targets: &[PageBox]) -> u32 {
    let looks = |crop: &PageBox, target: &PageBox| {
        share(coverage(target, crop)) >= LOOKED_COVERAGE && share(tightness(target, crop)) >= LOOKED_TIGHTNESS
    };
    targets.iter().filter(|target| all.iter().any(|(_, crop, _)| looks(crop, target))).count() as u32
}

fn repeat(all: &[(u32, PageBox, ZoomMeasures)]) -> Option<f64> {
    let crops = || all.iter().take(MOST_COMPARED).map(|(_, crop, _)| crop).enumerate();
    let pairs = crops().flat_map(|(i, a)| crops().skip(i + 1).map(move |(_, b)| share(iou(a, b))));
    pairs.reduce(f64::max)
}

/// Whether a call was refused because it could not be read.
pub const fn is_bad_call(why: Refusal) -> bool {
    use Refusal::{BrokenJson, NestedTag, TooLong, Unclosed, UnknownTool, WrongArity, WrongShape};
    matches!(why, BrokenJson | WrongShape | UnknownTool | WrongArity | NestedTag | Unclosed | TooLong)
}

/// Whether a call was refused because of its box.
pub const fn is_bad_box(why: Refusal) -> bool {
    use Refusal::{Inverted, NotFinite, OffPage, TooSmall, TooThin};
    matches!(why, NotFinite | Inverted | OffPage | TooSmall | TooThin)
}

/// Boxes come from files too: what is not a number between 0 and 1 is none or all.
pub(super) fn share(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::geometry::FrameKind;

    fn zoom(outcome: ZoomOutcome) -> ZoomEvent {
        let frame = FrameKind::Page;
        ZoomEvent { number: 1, position: 0, raw: None, frame, label: None, outcome, warning: None }
    }

    fn crop(x1: f64, y1: f64, x2: f64, y2: f64) -> ZoomEvent {
        zoom(ZoomOutcome::Cropped { page_box: PageBox::new(x1, y1, x2, y2), crop: String::new() })
    }

    #[test]
    fn the_best_target_counts() {
        let targets = [PageBox::new(0.0, 0.0, 10.0, 10.0), PageBox::new(50.0, 0.0, 60.0, 10.0)];
        let m = zoom_measures(&crop(50.0, 0.0, 70.0, 5.0), &targets).unwrap();
        assert!((m.coverage - 0.5).abs() < 1e-12 && (m.tightness - 0.5).abs() < 1e-12);
        assert!((m.iou - 50.0 / 150.0).abs() < 1e-12 && m.looked());
        assert_eq!(zoom_measures(&crop(0.0, 0.0, 1.0, 1.0), &[]), None);
        let refused = zoom(ZoomOutcome::Refused { refused: Refusal::Inverted, detail: String::new() });
        assert_eq!(zoom_measures(&refused, &targets), None);
        let broken = zoom_measures(&crop(f64::NAN, 0.0, f64::INFINITY, 5.0), &targets).unwrap();
        assert!(broken.iou.is_finite() && (0.0..=1.0).contains(&broken.coverage));
    }

    #[test]
    fn a_session_is_the_mean_and_the_best() {
        let targets = [PageBox::new(0.0, 0.0, 10.0, 10.0)];
        let refused = zoom(ZoomOutcome::Refused { refused: Refusal::TooThin, detail: String::new() });
        let zooms = [crop(0.0, 0.0, 10.0, 10.0), crop(20.0, 20.0, 30.0, 30.0), refused];
        let m = session_measures(&zooms, &targets);
        let measures = ZoomMeasures { coverage: 1.0, tightness: 1.0, iou: 1.0 };
        let want = SessionMeasures {
            zooms: 2,
            refused: 1,
            coverage: Some(0.5),
            iou: Some(1.0),
            looked_right: Some(true),
            best: Some(BestZoom { number: 1, measures }),
            hits: 1,
            targets: 1,
            found: 1,
            repeat: Some(0.0),
            bad_calls: 0,
            bad_boxes: 1,
        };
        assert_eq!(m, want);
        assert_eq!(session_measures(&zooms, &[]).looked_right, None);
        assert_eq!(session_measures(&[], &targets).looked_right, Some(false));
        let whole_page = session_measures(&[crop(0.0, 0.0, 100.0, 100.0)], &targets);
        assert_eq!((whole_page.coverage, whole_page.looked_right), (Some(1.0), Some(false)));
        // A wide crop that covers more does not hide the tight one.
        let both = session_measures(&[crop(0.0, 0.0, 100.0, 100.0), crop(0.0, 0.0, 8.0, 10.0)], &targets);
        assert_eq!((both.best.map(|b| b.measures.coverage), both.looked_right, both.found), (Some(0.8), Some(true), 1));
        let twice = session_measures(&[crop(0.0, 0.0, 10.0, 10.0), crop(0.0, 0.0, 10.0, 9.0)], &targets);
        assert!((twice.repeat.unwrap() - 0.9).abs() < 1e-12 && twice.hits == 2);
    }
}

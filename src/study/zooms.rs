//! Where sessions looked.

use serde::Serialize;

use super::table::Share;
use crate::session::SessionSummary;

/// Zooms of some sessions, pooled over those whose targets are known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ZoomFigures {
    /// Crops.
    pub crops: usize,
    /// Crops that look at a target (precision).
    pub precision: Share,
    /// Targets.
    pub targets: usize,
    /// Targets that some crop of their session looks at (recall).
    pub recall: Share,
    /// Sessions, of those with at least two crops, that looked twice at one place (IoU of the threshold or more).
    pub repeated: Share,
    /// Calls that could not be read, over all sessions.
    pub bad_calls: u64,
    /// Calls refused because of their box, over all sessions.
    pub bad_boxes: u64,
}

impl ZoomFigures {
    /// Of these sessions; `repeated` is the IoU from which two crops show one place.
    pub fn of(sessions: &[&SessionSummary], repeated: f64) -> Self {
        let known = || sessions.iter().filter(|s| s.targets > 0);
        let sum = |count: fn(&SessionSummary) -> u32| known().map(|s| count(s) as usize).sum::<usize>();
        let (crops, targets) = (sum(|s| s.zooms), sum(|s| s.targets));
        let several: Vec<f64> = sessions.iter().filter_map(|s| s.repeat).collect();
        let all = |count: fn(&SessionSummary) -> u32| sessions.iter().map(|s| u64::from(count(s))).sum();
        Self {
            crops,
            precision: Share::of(sum(|s| s.hits), crops),
            targets,
            recall: Share::of(sum(|s| s.found), targets),
            repeated: Share::of(several.iter().filter(|iou| **iou >= repeated).count(), several.len()),
            bad_calls: all(|s| s.bad_calls),
            bad_boxes: all(|s| s.bad_boxes),
        }
    }
}

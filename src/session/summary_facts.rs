//! A summary and the facts a label needs: there and back.

use super::summary::SessionSummary;
use crate::analysis::{
    BestZoom, Ending, Evidence, Facts, Label, OptionFacts, SessionMeasures, TokenFacts, ZoomMeasures,
};
use crate::benchmark::AnswerForm;
use crate::config::Thresholds;

impl SessionSummary {
    /// What a label needs, as far as it is known: all of it for a line of the present version.
    pub fn facts(&self) -> Facts {
        let best = self.best_zoom.map(|number| BestZoom {
            number,
            measures: ZoomMeasures {
                coverage: self.best_coverage.unwrap_or(0.0),
                tightness: self.best_tightness.unwrap_or(0.0),
                // A label asks for none.
                iou: 0.0,
            },
        });
        Facts {
            ending: Ending::of(self.reason.as_deref()),
            answered: self.answer.is_some(),
            resolved: self.resolved,
            right: self.right,
            free: self.form == AnswerForm::Free,
            tool: self.tool,
            zoom_needed: self.zoom_needed,
            zooms: SessionMeasures {
                zooms: self.zooms,
                refused: self.refused,
                coverage: self.coverage,
                iou: self.iou,
                looked_right: self.looked_right,
                best,
                hits: self.hits,
                targets: self.targets,
                found: self.found,
                repeat: self.repeat,
                bad_calls: self.bad_calls,
                bad_boxes: self.bad_boxes,
            },
            other_frame: self.other_frame.map(|covered| (covered, self.other_frame_is)),
            tokens: TokenFacts { loops: self.loops, answer_p: self.answer_p, margin: self.margin },
        }
    }

    /// The automatic label by these thresholds.
    pub fn automatic(&self, lines: &Thresholds) -> Label {
        Label::of(&self.facts(), lines)
    }

    /// The automatic label by these thresholds, and why it fits.
    pub fn evidence(&self, lines: &Thresholds) -> Evidence {
        Evidence::of(&self.facts(), lines)
    }

    /// Puts the automatic label by these thresholds in the place of the one by the usual ones.
    pub fn relabel(&mut self, lines: &Thresholds) {
        // A line of an earlier version whose log is gone lacks facts: its own word says more than a guess.
        if self.v >= super::SUMMARY_VERSION {
            self.label = self.automatic(lines).name().to_owned();
        }
    }

    pub(super) fn set_facts(&mut self, facts: &Facts) {
        let zooms = &facts.zooms;
        (self.zooms, self.refused, self.hits) = (zooms.zooms, zooms.refused, zooms.hits);
        (self.coverage, self.iou, self.looked_right) = (zooms.coverage, zooms.iou, zooms.looked_right);
        self.best_zoom = zooms.best.map(|best| best.number);
        self.best_coverage = zooms.best.map(|best| best.measures.coverage);
        self.best_tightness = zooms.best.map(|best| best.measures.tightness);
        (self.targets, self.found, self.repeat) = (zooms.targets, zooms.found, zooms.repeat);
        (self.bad_calls, self.bad_boxes) = (zooms.bad_calls, zooms.bad_boxes);
        self.other_frame = facts.other_frame.map(|(covered, _)| covered);
        self.other_frame_is = facts.other_frame.and_then(|(_, frame)| frame);
        self.zoom_needed = facts.zoom_needed;
        (self.loops, self.answer_p, self.margin) = (facts.tokens.loops, facts.tokens.answer_p, facts.tokens.margin);
    }

    pub(super) fn set_options(&mut self, options: OptionFacts) {
        (self.option, self.truth_option, self.options) = (options.answered, options.right, options.of);
        self.by_letter = options.by_letter;
    }
}

/// For figures that are mostly nothing.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Summariser;
    use crate::session::samples::session;

    #[test]
    fn a_label_needs_no_log() {
        let summary = Summariser::of(&session("s")).summary();
        let read: SessionSummary = serde_json::from_str(&summary.line()).unwrap_or_default();
        assert_eq!(read, summary);
        assert_eq!(read.facts(), summary.facts());
        assert_eq!((read.v, read.best_coverage, read.found, read.hits), (2, Some(0.5), 1, 1));
        assert_eq!((read.option, read.truth_option, read.options), (Some(2), Some(2), Some(2)));
        let p = read.answer_p.unwrap_or(0.0);
        assert!((p - (-0.25_f64).exp()).abs() < 1e-9, "{p}");
        let strict = Thresholds { partial_look: 0.6, ..Thresholds::default() };
        assert_eq!((read.automatic(&Thresholds::default()).name(), read.label.as_str()), ("right", "right"));
        assert_eq!(read.automatic(&strict), Label::RightUngrounded, "nobody knows whether a zoom was needed");
    }
}

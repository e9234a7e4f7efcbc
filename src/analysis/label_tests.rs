use super::*;
use crate::analysis::{BestZoom, Evidence, SessionMeasures, TokenFacts, ZoomMeasures};
use crate::geometry::FrameKind;
use proptest::prelude::*;

/// A wrong answer to a question with one target, a zoom needed, after one zoom with this coverage.
fn wrong_with(coverage: f64) -> Facts {
    let measures = ZoomMeasures { coverage, tightness: 0.5, iou: coverage / 2.0 };
    Facts {
        ending: Ending::Done,
        answered: true,
        resolved: true,
        right: Some(false),
        tool: true,
        zoom_needed: Some(true),
        zooms: SessionMeasures {
            zooms: 1,
            targets: 1,
            looked_right: Some(coverage >= 0.5),
            best: Some(BestZoom { number: 1, measures }),
            ..SessionMeasures::default()
        },
        other_frame: Some((0.0, None)),
        tokens: TokenFacts { loops: 1, ..TokenFacts::default() },
        free: false,
    }
}

fn told(facts: &Facts) -> (&'static str, String) {
    let evidence = Evidence::of(facts, &Thresholds::default());
    (evidence.label.name(), evidence.sentence)
}

fn name(change: impl Fn(&mut Facts)) -> &'static str {
    let mut facts = wrong_with(0.9);
    change(&mut facts);
    told(&facts).0
}

fn no_zoom(facts: &mut Facts) {
    facts.zooms = SessionMeasures { targets: 1, looked_right: Some(false), ..SessionMeasures::default() };
}

#[test]
fn each_label_has_its_case() {
    assert_eq!(name(|f| f.ending = Ending::Failed), "infrastructure");
    assert_eq!(name(|f| (f.answered, f.resolved) = (false, false)), "bad-format");
    assert_eq!(name(|f| f.resolved = false), "bad-format");
    let unread = |f: &mut Facts| {
        no_zoom(f);
        (f.zooms.refused, f.zooms.bad_calls) = (1, 1);
    };
    assert_eq!(name(unread), "bad-format");
    let refused = |f: &mut Facts| {
        no_zoom(f);
        (f.zooms.refused, f.zooms.bad_boxes) = (2, 2);
    };
    assert_eq!(name(refused), "invalid-box");
    let off_page = |f: &mut Facts| {
        refused(f);
        f.other_frame = Some((0.8, Some(FrameKind::Relative1000)));
    };
    assert_eq!(name(off_page), "frame-error");
    assert_eq!(name(|f| f.other_frame = Some((0.9, Some(FrameKind::Page)))), "looked-right-answered-wrong");
    let ran_out = |f: &mut Facts| (f.ending, f.answered, f.resolved) = (Ending::RanOut, false, false);
    assert_eq!(name(ran_out), "out-of-budget");
    let circles = |f: &mut Facts| {
        ran_out(f);
        f.tokens.loops = 4;
    };
    assert_eq!(name(circles), "loop");
    assert_eq!(name(no_zoom), "premature");
    assert_eq!(name(|f| f.zooms.repeat = Some(0.8)), "repeated-zoom");
    assert_eq!(name(|f| *f = wrong_with(0.09)), "looked-wrong");
    assert_eq!(name(|f| *f = wrong_with(0.49)), "partial-look");
    assert_eq!(name(|_| ()), "looked-right-answered-wrong");
    let wide = |f: &mut Facts| f.zooms.best.iter_mut().for_each(|best| best.measures.tightness = 0.05);
    assert_eq!(name(wide), "partial-look");
    let unneeded = |f: &mut Facts| {
        no_zoom(f);
        f.zoom_needed = Some(false);
    };
    assert_eq!(name(unneeded), "wrong");
    let unknown = |f: &mut Facts| (f.zooms.best, f.zooms.targets) = (None, 0);
    assert_eq!(name(unknown), "wrong");
    assert_eq!(name(|f| f.right = None), "unscored");
    assert_eq!(name(|f| f.right = Some(true)), "right");
    let lucky = |f: &mut Facts| {
        *f = wrong_with(0.3);
        f.right = Some(true);
    };
    assert_eq!(name(lucky), "right-ungrounded");
    let seen = |f: &mut Facts| {
        lucky(f);
        f.zoom_needed = Some(false);
    };
    assert_eq!(name(seen), "right");
    assert_eq!(name(|f| (f.ending, f.answered, f.right) = (Ending::Stopped, false, None)), "unfinished");
    assert_eq!(Label::of(&Facts::default(), &Thresholds::default()), Label::Unfinished);
}

#[test]
fn the_evidence_names_figures() {
    let mut facts = wrong_with(0.04);
    facts.zooms.zooms = 2;
    facts.zooms.best.iter_mut().for_each(|best| best.number = 2);
    assert_eq!(told(&facts), ("looked-wrong", "zoom 2 covers .04 of the target, the best of 2".into()));
    facts.other_frame = Some((0.93, Some(FrameKind::Relative1000)));
    let want = "at best .04 of the target is covered; read as relative1000 it would be .93";
    assert_eq!(told(&facts), ("frame-error", want.into()));
    let mut wide = wrong_with(1.0);
    wide.zooms.best.iter_mut().for_each(|best| best.measures.tightness = 0.04);
    assert_eq!(told(&wide).1, "zoom 1 covers 1.00 of the target, which is only .04 of the crop");
    for label in Label::ALL {
        assert_eq!(Label::named(label.name()), Some(label));
        assert_eq!(serde_json::to_value(label).ok(), Some(label.name().into()));
        assert!(!super::super::evidence::sentence(label, &facts).is_empty());
    }
}

#[test]
fn thresholds_move_the_lines() {
    let facts = wrong_with(0.3);
    let label = |lines: Thresholds| Label::of(&facts, &lines);
    assert_eq!(label(Thresholds { looked_wrong: 0.31, ..Thresholds::default() }), Label::LookedWrong);
    assert_eq!(label(Thresholds { partial_look: 0.3, ..Thresholds::default() }), Label::LookedRightAnsweredWrong);
    assert_eq!(label(Thresholds { loops: 2, ..Thresholds::default() }), Label::PartialLook);
}

proptest! {
    #[test]
    fn every_session_has_a_label_of_its_verdict(
        right in any::<Option<bool>>(), answered in any::<bool>(), resolved in any::<bool>(), zooms in 0u32..3,
        refused in 0u32..3, coverage in 0.0..=1.0f64, tightness in 0.0..=1.0f64, loops in 0u32..8, needed in any::<Option<bool>>(),
        reason in 0usize..6,
    ) {
        let reason = [None, Some("answered"), Some("no_answer"), Some("max_tokens"), Some("stopped"), Some("error")][reason];
        let best = (zooms > 0).then_some(BestZoom { number: 1, measures: ZoomMeasures { coverage, tightness, iou: 0.0 } });
        let facts = Facts {
            ending: Ending::of(reason),
            answered,
            resolved: resolved && answered,
            right: right.filter(|_| answered),
            zoom_needed: needed,
            zooms: SessionMeasures { zooms, refused, bad_boxes: refused, targets: 1, best, ..SessionMeasures::default() },
            tokens: TokenFacts { loops, ..TokenFacts::default() },
            ..Facts::default()
        };
        let label = Label::of(&facts, &Thresholds::default());
        prop_assert!(label != Label::TruthDoubtful);
        if facts.right == Some(true) && reason != Some("error") {
            prop_assert!(matches!(label, Label::Right | Label::RightUngrounded));
        } else {
            prop_assert!(!matches!(label, Label::Right | Label::RightUngrounded));
        }
        prop_assert!(!Evidence::of(&facts, &Thresholds::default()).sentence.is_empty());
    }
}

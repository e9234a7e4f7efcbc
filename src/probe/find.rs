//! Can't find or can't see: the true region forced as the zoom.

use super::Subject;
use super::error::{ProbeError, unfit};
use super::kind::ProbeKind;
use super::lab::{Lab, Planned, moved};
use super::report::{Arm, Report, Verdict, said};
use crate::analysis::{LOOKED_COVERAGE, zoom_measures};
use crate::engine::{At, CropMode, Edit, OtherCrop};
use crate::geometry::{PageBox, iou};
use crate::session::read_log;
use crate::trace::{Trace, ZoomEvent, ZoomOutcome};

pub(super) fn probe(subject: &Subject, lab: &mut Lab<'_>) -> Result<Report, ProbeError> {
    subject.untouched(true)?;
    let targets = subject.targets();
    if targets.is_empty() {
        return unfit(format!(
            "where {} should have looked is not known: its question has no target on the page",
            subject.id()
        ));
    }
    let settings = lab.settings();
    let zoom = subject.zoom(settings.zoom)?.cloned();
    let planned = plan(subject, lab, zoom.as_ref(), &targets)?;
    let arms = lab.run_arms(subject, planned)?;
    let covered = zoom.as_ref().and_then(|zoom| covered(subject, lab, zoom.number));
    let (verdict, sentence) = conclude(subject, zoom.as_ref(), covered, &arms);
    Ok(Report { arms, verdict, sentence, ..Report::of(ProbeKind::Find, subject) })
}

fn plan(
    subject: &Subject,
    lab: &Lab<'_>,
    zoom: Option<&ZoomEvent>,
    targets: &[PageBox],
) -> Result<Vec<Planned>, ProbeError> {
    // Later calls get the true region nearest to what they ask for.
    let truly = |ask: &mut crate::engine::Ask| ask.crop_mode = CropMode::True;
    let mut planned = vec![lab.control(subject)?];
    let words = |b: &PageBox| {
        let [x1, y1, x2, y2] = b.corners().map(f64::round);
        format!("[{x1}, {y1}, {x2}, {y2}]")
    };
    match zoom {
        Some(zoom) => {
            let target = nearest(targets, zoom);
            let at = At::Zoom(zoom.number);
            let (told, number) = (words(&target), zoom.number);
            let ask = lab.fork(subject, "true-box", at, Edit::Box(target), truly)?;
            let told_box = format!("zoom {number}: box → {told}");
            planned.push(Planned { arm: ("true-box", "its call names the true region"), told: told_box, ask });
            let ask = lab.fork(subject, "true-crop", at, Edit::Crop(OtherCrop::Region(target)), truly)?;
            let told_crop = format!("zoom {number}: crop → {told}");
            planned.push(Planned { arm: ("true-crop", "its own call returns the true region"), told: told_crop, ask });
        }
        None => {
            let target = targets.first().copied().unwrap_or(PageBox::new(0.0, 0.0, 0.0, 0.0));
            let ask = lab.fork(subject, "true-box", subject.first_place()?, Edit::Call(target), truly)?;
            let told = format!("a call for {} before all else", words(&target));
            planned.push(Planned { arm: ("true-box", "a call for the true region put first"), told, ask });
        }
    }
    Ok(planned)
}

/// The target that a call meant most likely: the one it overlaps most, the first where it overlaps none.
fn nearest(targets: &[PageBox], zoom: &ZoomEvent) -> PageBox {
    let first = targets.first().copied().unwrap_or(PageBox::new(0.0, 0.0, 0.0, 0.0));
    let ZoomOutcome::Cropped { page_box, .. } = &zoom.outcome else { return first };
    let mut best = (0.0, first);
    for target in targets {
        let overlap = iou(target, page_box);
        if overlap > best.0 {
            best = (overlap, *target);
        }
    }
    best.1
}

/// How much of the target the same zoom shows where the session is asked once more: a fork whose box was edited does not come
/// out again as it was recorded.
fn covered(subject: &Subject, lab: &Lab<'_>, number: u32) -> Option<f64> {
    let log = read_log(&lab.folder.log(&lab.id(subject, "control"))?).ok()?;
    let trace = Trace::of(&log.records);
    let zoom = trace.zooms.iter().find(|zoom| zoom.number == number)?;
    zoom_measures(zoom, &subject.targets()).map(|measures| measures.coverage)
}

fn conclude(subject: &Subject, zoom: Option<&ZoomEvent>, covered: Option<f64>, arms: &[Arm]) -> (Verdict, String) {
    let arm = |name: &str| arms.iter().find(|arm| arm.name == name);
    let right = |name: &str| arm(name).is_some_and(|arm| arm.right > 0);
    let answer = |name: &str| said(arm(name).and_then(|arm| arm.answers.first()).and_then(Option::as_deref));
    // One arm decides, so that a session has one chance of becoming right, not two.
    let (was, is) = (right("control"), right("true-box"));
    let covered = covered.unwrap_or(0.0);
    let (verdict, mut sentence) = match (was, is) {
        (false, true) if covered >= LOOKED_COVERAGE => (
            Verdict::CannotFind,
            format!(
                "It can see but did not find: with exactly the true region as its zoom it is right; its own zoom, which covers \
                 {covered:.2} of that, did not do."
            ),
        ),
        (false, true) => (
            Verdict::CannotFind,
            "It can see but did not find: with the true region as its zoom it is right.".to_owned(),
        ),
        (false, false) if subject.start.question.truth.is_none() => (
            Verdict::Mixed,
            format!("The right answer is not known; with the true region as its zoom it {}.", answer("true-box")),
        ),
        (false, false) => (
            Verdict::CannotSee,
            format!(
                "It does not see it: even with the true region as its zoom it {}, which is wrong.",
                answer("true-box")
            ),
        ),
        (true, true) => {
            (Verdict::StaysRight, "It is right, and with the true region as its zoom it stays so.".to_owned())
        }
        (true, false) => (
            Verdict::LosesIt,
            format!("It is right, but with the true region as its zoom it {}, which is wrong.", answer("true-box")),
        ),
    };
    if arm("true-crop").is_some() && right("true-crop") != is {
        let how = if is { answer("true-crop") } else { "is right".to_owned() };
        sentence.push_str(&format!(" Where its own call only returns that region, it {how}."));
    }
    let n = subject.targets().len();
    if n > 1 {
        let rest = format!(" The question has {n} targets; later calls got the one nearest to what they asked for.");
        sentence.push_str(&rest);
    }
    if zoom.is_none() {
        sentence.push_str(" The session had no zoom, so a call was put before all else.");
    }
    sentence.push_str(&moved(arms));
    (verdict, sentence)
}

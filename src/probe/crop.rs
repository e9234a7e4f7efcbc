//! Does the crop matter: swapped, blanked, withheld.

use super::Subject;
use super::error::{ProbeError, unfit};
use super::kind::ProbeKind;
use super::lab::{Lab, Planned, moved};
use super::report::{Arm, Report, Verdict, said};
use crate::engine::{At, CropMode, Edit, OtherCrop};
use crate::geometry::PageBox;
use crate::trace::{ZoomEvent, ZoomOutcome};

/// Most other regions that are swapped in.
const SWAPS: usize = 3;

pub(super) fn probe(subject: &Subject, lab: &mut Lab<'_>) -> Result<Report, ProbeError> {
    subject.untouched(true)?;
    let zoom = subject.zoom(lab.settings().zoom)?.cloned();
    let Some(zoom) = zoom else {
        return unfit(format!(
            "{} made no call, so there is no crop to change; the probe find puts a call in its mouth",
            subject.id()
        ));
    };
    let ZoomOutcome::Cropped { page_box, .. } = zoom.outcome else {
        return unfit(format!("zoom {} of {} was refused, so there is no crop to change", zoom.number, subject.id()));
    };
    subject.unedited()?;
    let planned = plan(subject, lab, &zoom, &page_box)?;
    let arms = lab.run_arms(subject, planned)?;
    let (verdict, sentence) = conclude(&arms);
    Ok(Report { arms, verdict, sentence, ..Report::of(ProbeKind::Crop, subject) })
}

/// Every crop from the call on is changed in the same way.
fn plan(subject: &Subject, lab: &Lab<'_>, zoom: &ZoomEvent, own: &PageBox) -> Result<Vec<Planned>, ProbeError> {
    let at = At::Zoom(zoom.number);
    let mut planned = vec![lab.control(subject)?];
    for (i, region) in subject.elsewhere(own, SWAPS).into_iter().enumerate() {
        let [x1, y1, x2, y2] = region.corners().map(f64::round);
        let edit = Edit::Crop(OtherCrop::Region(region));
        let mode = |ask: &mut crate::engine::Ask| ask.crop_mode = CropMode::Swapped(region);
        let ask = lab.fork(subject, &format!("swapped-{}", i + 1), at, edit, mode)?;
        let told = format!("crops → [{x1}, {y1}, {x2}, {y2}]");
        planned.push(Planned { arm: ("swapped", "crops of another region"), told, ask });
    }
    let others = [
        ("blank", "grey crops", OtherCrop::Blank, CropMode::Greyed),
        ("withheld", "no crops", OtherCrop::Withheld, CropMode::Withheld),
    ];
    for (name, words, crop, mode) in others {
        let ask = lab.fork(subject, name, at, Edit::Crop(crop), |ask| ask.crop_mode = mode)?;
        planned.push(Planned { arm: (name, words), told: words.to_owned(), ask });
    }
    Ok(planned)
}

fn conclude(arms: &[Arm]) -> (Verdict, String) {
    let changed: Vec<&Arm> = arms.iter().filter(|arm| !matches!(arm.name.as_str(), "recorded" | "control")).collect();
    let (n, same) = changed.iter().fold((0, 0), |(n, same), arm| (n + arm.n, same + arm.same));
    let base = arms.iter().find(|arm| arm.name == "control");
    let answer = said(base.and_then(|arm| arm.answers.first()).and_then(Option::as_deref));
    let counts: Vec<String> = changed.iter().map(|arm| format!("{} {}/{}", arm.name, arm.same, arm.n)).collect();
    let counts = counts.join(", ");
    let (verdict, mut sentence) = match same {
        0 => (
            Verdict::Matters,
            format!("The crop matters: it {answer}, and never the same without that crop ({counts})."),
        ),
        _ if same == n => {
            (Verdict::NoMatter, format!("The crop does not matter: it {answer} whatever the crop shows ({counts})."))
        }
        _ => (
            Verdict::PartlyMatters,
            format!(
                "The crop matters in part: it {answer}, and the same in {same} of {n} without that crop ({counts})."
            ),
        ),
    };
    sentence.push_str(&moved(arms));
    (verdict, sentence)
}

//! Does the tool matter: the question asked anew without it.

use super::Subject;
use super::error::ProbeError;
use super::kind::ProbeKind;
use super::lab::{Lab, Planned, moved};
use super::report::{Arm, Report, Verdict, said};
use crate::engine::{At, Edit};

pub(super) fn probe(subject: &Subject, lab: &mut Lab<'_>) -> Result<Report, ProbeError> {
    subject.untouched(true)?;
    let off = lab.fork(subject, "off", At::End, Edit::Settings(vec!["tool".to_owned()]), |ask| ask.tool = false)?;
    let planned = vec![
        lab.control(subject)?,
        Planned { arm: ("off", "without the tool"), told: "tool off".to_owned(), ask: off },
    ];
    let arms = lab.run_arms(subject, planned)?;
    let (verdict, sentence) = conclude(&arms, subject);
    Ok(Report { arms, verdict, sentence, ..Report::of(ProbeKind::Tool, subject) })
}

fn conclude(arms: &[Arm], subject: &Subject) -> (Verdict, String) {
    let arm = |name: &str| arms.iter().find(|arm| arm.name == name);
    let right = |name: &str| arm(name).is_some_and(|arm| arm.right > 0);
    let answer = |name: &str| said(arm(name).and_then(|arm| arm.answers.first()).and_then(Option::as_deref));
    let same = arm("off").is_some_and(|arm| arm.same == arm.n);
    let (with, without) = (answer("control"), answer("off"));
    let used = if subject.past.trace.zooms.is_empty() { " (it made no call in the session)" } else { "" };
    let (verdict, mut sentence) = match (right("control"), right("off")) {
        (true, false) => {
            (Verdict::Helps, format!("The tool helps: with it, it is right; without, it {without}, which is wrong."))
        }
        (false, true) => {
            (Verdict::Hurts, format!("The tool misleads it: with it, it {with}, which is wrong; without, it is right."))
        }
        _ if same => {
            (Verdict::NoMatter, format!("The tool does not matter here: with and without it, it {with}{used}."))
        }
        _ => (
            Verdict::Matters,
            format!("The tool matters, though neither way is right: with it, it {with}; without, it {without}."),
        ),
    };
    sentence.push_str(&moved(arms));
    (verdict, sentence)
}

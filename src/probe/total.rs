//! One probe over the sessions of a run, and what it says of all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::error::ProbeError;
use super::kind::ProbeKind;
use super::lab::{Lab, Settings, probe};
use super::report::{Report, Verdict};
use super::sweep::SweepFigures;
use super::{Sources, Subject};
use crate::analysis::{mean, wilson};
use crate::protocol::Profile;
use crate::session::SessionSummary;
use crate::text::one_line;

/// What a probe of many sessions comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// 1.
    pub v: u32,
    /// The probe.
    pub probe: ProbeKind,
    /// The run.
    pub run: String,
    /// Sessions probed.
    pub n: usize,
    /// Sessions that could not be, with the reason.
    pub skipped: Vec<Skipped>,
    /// How many came to each verdict, the most frequent first.
    pub verdicts: Vec<Count>,
    /// The same by how the sessions went.
    pub groups: Vec<Group>,
    /// The arms over all sessions.
    pub arms: Vec<ArmTotal>,
    /// A sweep's mean probability of the right answer over the sessions: on the target, off it, over the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepTotal>,
    /// Each session.
    pub sessions: Vec<Report>,
    /// All of it in one sentence.
    pub sentence: String,
}

/// A session that could not be probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The session.
    pub session: String,
    /// Why.
    pub why: String,
}

/// How many of some came to a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Count {
    /// The verdict.
    pub verdict: Verdict,
    /// How many.
    pub n: usize,
    /// Of how many.
    pub of: usize,
    /// 95 % interval of the share (Wilson).
    pub ci95: [f64; 2],
}

/// Sessions that went the same way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// How.
    pub label: String,
    /// How many.
    pub n: usize,
    /// What they came to.
    pub verdicts: Vec<Count>,
}

/// An arm over all sessions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmTotal {
    /// Its name.
    pub name: String,
    /// The same in words.
    pub words: String,
    /// Forks.
    pub n: usize,
    /// Those that are right.
    pub right: usize,
    /// Those that say what the unchanged session says.
    pub same: usize,
    /// 95 % interval of the share that is right (Wilson).
    pub ci95: [f64; 2],
}

/// A sweep's figures over the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SweepTotal {
    /// Sessions.
    pub n: usize,
    /// Mean over the cells that show half of a target.
    pub on_target: Option<f64>,
    /// Mean over those that show nothing of it.
    pub off_target: Option<f64>,
    /// Mean over all cells.
    pub page: Option<f64>,
    /// Without a crop.
    pub none: Option<f64>,
}

/// The sessions that are probed: those that ended otherwise than by an error, wrong ones only unless all are wanted or a
/// filter says which, spread
/// over the tasks where there is a limit; in the order of their ids.
pub fn chosen(mut all: Vec<SessionSummary>, settings: &Settings) -> Vec<SessionSummary> {
    all.retain(|s| !matches!(s.reason.as_deref(), None | Some("error" | "stopped")));
    all.retain(|s| settings.all || settings.filter.is_some() || s.right == Some(false));
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let Some(limit) = settings.limit.filter(|limit| *limit < all.len()) else { return all };
    let mut turns: BTreeMap<_, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, SessionSummary)> = all
        .into_iter()
        .map(|summary| {
            let turn = turns.entry(summary.task).or_default();
            *turn += 1;
            (*turn, summary)
        })
        .collect();
    ranked.sort_by_key(|(turn, _)| *turn);
    let mut kept: Vec<SessionSummary> = ranked.into_iter().take(limit).map(|(_, summary)| summary).collect();
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    kept
}

/// Probes sessions of a run one after another; `profile` is who a question is asked anew by, where settings say so.
///
/// # Errors
/// As [`probe`]; sessions that do not allow it are listed in the report instead.
pub fn probe_run(
    kind: ProbeKind,
    run: &str,
    sessions: &[(SessionSummary, PathBuf)],
    lab: &mut Lab<'_>,
    sources: Sources<'_>,
    profile: &Arc<Profile>,
) -> Result<RunReport, ProbeError> {
    let (mut reports, mut skipped) = (Vec::new(), Vec::new());
    for (done, (summary, path)) in sessions.iter().enumerate() {
        lab.step.sessions = (done, sessions.len());
        match one(kind, path, lab, sources, profile) {
            Ok(report) => reports.push(Report { label: one_line(summary.label_shown()).into_owned(), ..report }),
            Err(error) if error.is_of_session() => {
                skipped.push(Skipped { session: one_line(&summary.id).into_owned(), why: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(total(kind, run, reports, skipped))
}

fn one(
    kind: ProbeKind,
    path: &std::path::Path,
    lab: &mut Lab<'_>,
    sources: Sources<'_>,
    profile: &Arc<Profile>,
) -> Result<Report, ProbeError> {
    let subject = Subject::open(path, sources)?;
    let stranger = subject.same_model(&lab.engine.info()).is_err();
    if stranger && lab.settings().rerun {
        let anew = lab.anew(&subject, profile)?;
        return probe(kind, &anew, lab);
    }
    probe(kind, &subject, lab)
}

fn total(kind: ProbeKind, run: &str, sessions: Vec<Report>, skipped: Vec<Skipped>) -> RunReport {
    let all: Vec<&Report> = sessions.iter().collect();
    let verdicts = counts(&all);
    let mut by_label: BTreeMap<&str, Vec<&Report>> = BTreeMap::new();
    for report in &sessions {
        by_label.entry(report.label.as_str()).or_default().push(report);
    }
    let mut groups: Vec<Group> = by_label
        .into_iter()
        .map(|(label, of)| Group { label: label.to_owned(), n: of.len(), verdicts: counts(&of) })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.n));
    let sweeps: Vec<&SweepFigures> = sessions.iter().filter_map(|report| report.sweep.as_ref()).collect();
    let sweep = (!sweeps.is_empty()).then(|| SweepTotal {
        n: sweeps.len(),
        on_target: mean(sweeps.iter().filter_map(|s| s.on_target).map(|share| share.mean)),
        off_target: mean(sweeps.iter().filter_map(|s| s.off_target).map(|share| share.mean)),
        page: mean(sweeps.iter().map(|s| s.mean)),
        none: mean(sweeps.iter().map(|s| s.none.p_right)),
    });
    let sentence = sentence(sessions.len(), &verdicts, &groups, sweep.as_ref(), &skipped);
    let arms = arms(&sessions);
    RunReport {
        v: 1,
        probe: kind,
        run: one_line(run).into_owned(),
        n: sessions.len(),
        skipped,
        verdicts,
        groups,
        arms,
        sweep,
        sessions,
        sentence,
    }
}

fn counts(reports: &[&Report]) -> Vec<Count> {
    let mut found: BTreeMap<Verdict, usize> = BTreeMap::new();
    for report in reports {
        *found.entry(report.verdict).or_default() += 1;
    }
    let of = reports.len();
    let mut counts: Vec<Count> =
        found.into_iter().map(|(verdict, n)| Count { verdict, n, of, ci95: wilson(n, of) }).collect();
    counts.sort_by(|a, b| b.n.cmp(&a.n).then(a.verdict.cmp(&b.verdict)));
    counts
}

fn arms(sessions: &[Report]) -> Vec<ArmTotal> {
    let mut totals: Vec<ArmTotal> = Vec::new();
    for arm in sessions.iter().flat_map(|report| &report.arms) {
        let at = totals.iter().position(|total| total.name == arm.name).unwrap_or_else(|| {
            let (name, words) = (arm.name.clone(), arm.words.clone());
            totals.push(ArmTotal { name, words, n: 0, right: 0, same: 0, ci95: [0.0, 1.0] });
            totals.len() - 1
        });
        if let Some(total) = totals.get_mut(at) {
            total.n += arm.n;
            total.right += arm.right;
            total.same += arm.same;
            total.ci95 = wilson(total.right, total.n);
        }
    }
    totals
}

fn sentence(n: usize, verdicts: &[Count], groups: &[Group], sweep: Option<&SweepTotal>, skipped: &[Skipped]) -> String {
    let told = |count: &Count| {
        let [low, high] = count.ci95.map(|v| 100.0 * v);
        format!("{} {} ({low:.0}–{high:.0} %)", count.n, count.verdict.words())
    };
    let mut text = match (n, skipped.first()) {
        (0, None) => "There is no session to probe.".to_owned(),
        (0, Some(first)) => format!("None of {} sessions can be probed; the first: {}", skipped.len(), first.why),
        _ => {
            let all: Vec<String> = verdicts.iter().map(told).collect();
            format!("Of {n} sessions, {}.", all.join("; "))
        }
    };
    if let Some(largest) = groups.first().filter(|_| groups.len() > 1) {
        let of: Vec<String> = largest.verdicts.iter().map(told).collect();
        text.push_str(&format!(" Of the {} that are {}, {}.", largest.n, largest.label, of.join("; ")));
    }
    if let Some(SweepTotal { on_target: Some(on), off_target, page: Some(page), none: Some(none), .. }) = sweep {
        let off = off_target.map_or(String::new(), |off| format!("{off:.2} elsewhere, "));
        text.push_str(&format!(
            " P(right) is {on:.2} on the target, {off}{page:.2} over the page, {none:.2} without a crop."
        ));
    }
    if n > 0 && !skipped.is_empty() {
        text.push_str(&format!(" {} could not be probed.", skipped.len()));
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::benchmark::Task;

    fn summary(id: &str, task: Task, right: bool) -> SessionSummary {
        let (id, task, right) = (id.to_owned(), Some(task), Some(right));
        SessionSummary { id, task, right, reason: Some("answered".into()), ..SessionSummary::default() }
    }

    fn report(label: &str, verdict: Verdict) -> Report {
        Report {
            v: 1,
            probe: ProbeKind::Find,
            session: "s".into(),
            question_id: "q".into(),
            question: String::new(),
            truth: None,
            model: "m".into(),
            label: label.into(),
            arms: Vec::new(),
            sweep: None,
            verdict,
            sentence: String::new(),
        }
    }

    #[test]
    fn wrong_ones_are_chosen_and_limits_spread_over_tasks() {
        let (depth, count) = (Task::DepthComparison, Task::CharacterCounting);
        let all: Vec<SessionSummary> =
            [("a", depth, false), ("b", depth, false), ("c", depth, true), ("d", count, false), ("e", depth, false)]
                .map(|(id, task, right)| summary(id, task, right))
                .into();
        let ids = |settings: &Settings| chosen(all.clone(), settings).into_iter().map(|s| s.id).collect::<Vec<_>>();
        assert_eq!(ids(&Settings::default()), ["a", "b", "d", "e"]);
        assert_eq!(ids(&Settings { limit: Some(2), ..Settings::default() }), ["a", "d"]);
        assert_eq!(ids(&Settings { all: true, ..Settings::default() }).len(), 5);
    }

    #[test]
    fn the_sentence_has_counts_and_intervals() {
        let mut reports: Vec<Report> = (0..9).map(|_| report("looked-wrong", Verdict::CannotFind)).collect();
        reports.extend((0..3).map(|_| report("looked-wrong", Verdict::CannotSee)));
        let skipped = vec![Skipped { session: "x".into(), why: "no target".into() }];
        let found = total(ProbeKind::Find, "r", reports, skipped);
        // Wilson's interval of 9 of 12 is 46.8 to 91.1 %.
        assert!(
            found
                .sentence
                .starts_with("Of 12 sessions, 9 become right with the true region (can't find) (47–91 %); 3 ")
        );
        assert!(found.sentence.ends_with("1 could not be probed."), "{}", found.sentence);
        assert_eq!((found.groups.len(), found.groups[0].n), (1, 12));
        assert!(total(ProbeKind::Find, "r", Vec::new(), Vec::new()).sentence.contains("no session"));
    }
}

//! What sessions measure, by task and family.

use std::collections::BTreeMap;

use serde::Serialize;

use super::confusion::Confusion;
use super::group::Group;
use super::seeds::Seeds;
use super::table::Looked;
use super::zooms::ZoomFigures;
use crate::analysis::Thresholds;
use crate::analysis::stats::{Calibration, Clustered, Uniformity, calibration, clustered, uniformity};
use crate::run::TaskReport;
use crate::session::SessionSummary;

/// How figures spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Smallest value.
    pub least: f64,
    /// Median: the middle value, of two the lower.
    pub median: f64,
    /// The value that nine in ten do not exceed.
    pub p90: f64,
    /// Largest value.
    pub most: f64,
}

impl Spread {
    /// Of these values; none of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut all: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
        let mean = crate::analysis::mean(all.iter().copied())?;
        all.sort_by(f64::total_cmp);
        let at = |tenths: usize| all.get((all.len() - 1) * tenths / 10).copied();
        Some(Self { mean, least: at(0)?, median: at(5)?, p90: at(9)?, most: at(10)? })
    }
}

/// Agreement with a shortcut around looking: of depth questions "lower on the page is nearer".
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Heuristic {
    /// Readable answers to questions with a shortcut.
    pub n: usize,
    /// Those that are what the shortcut gives.
    pub agreed: usize,
    /// Their share; half of it is chance where the shortcut is right in half of the questions and there are two choices.
    pub share: f64,
    /// Questions whose shortcut gives the truth, and how many of them were answered right.
    pub with: [usize; 2],
    /// Questions whose shortcut gives something else, and how many of them were answered right.
    pub against: [usize; 2],
}

impl Heuristic {
    fn of(scored: &[&SessionSummary]) -> Option<Self> {
        let told: Vec<(bool, bool, bool)> =
            scored.iter().filter_map(|s| Some((s.heuristic?, s.heuristic_right?, s.right?))).collect();
        if told.is_empty() {
            return None;
        }
        let count = |test: &dyn Fn(&(bool, bool, bool)) -> bool| told.iter().filter(|t| test(t)).count();
        let agreed = count(&|t| t.0);
        Some(Self {
            n: told.len(),
            agreed,
            share: agreed as f64 / told.len() as f64,
            with: [count(&|t| t.1), count(&|t| t.1 && t.2)],
            against: [count(&|t| !t.1), count(&|t| !t.1 && t.2)],
        })
    }
}

/// Figures of some sessions. Those that ended in an error enter none of them but `failed`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskFigures {
    /// The figures of a run's report.
    #[serde(flatten)]
    pub report: TaskReport,
    /// The accuracy's interval, with questions on one page taken together.
    pub clustered: Clustered,
    /// `(accuracy − chance) / (1 − chance)`: 0 is guessing, 1 all right; null where either is not known.
    pub corrected: Option<f64>,
    /// Looked × answered.
    pub looked: Looked,
    /// Where they looked.
    pub zooms: ZoomFigures,
    /// Tokens a session wrote.
    pub tokens_spread: Option<Spread>,
    /// Seconds a session took.
    pub seconds: Option<Spread>,
    /// Reliability of the model's probability of its answer.
    pub calibration: Option<Calibration>,
    /// Which of the listed choices were answered.
    pub letters: Option<Uniformity>,
    /// Truths × answers.
    pub confusion: Option<Confusion>,
    /// Agreement with the shortcut.
    pub heuristic: Option<Heuristic>,
    /// Questions asked several times.
    pub seeds: Option<Seeds>,
}

impl TaskFigures {
    /// Of these sessions, in their order.
    pub fn of(sessions: &[&SessionSummary], lines: &Thresholds) -> Self {
        let report = TaskReport::of(sessions);
        let ended: Vec<&SessionSummary> =
            sessions.iter().copied().filter(|s| s.reason.as_deref() != Some("error")).collect();
        let scored: Vec<&SessionSummary> = ended.iter().copied().filter(|s| s.right.is_some()).collect();
        let sure = scored.iter().filter_map(|s| s.answer_p.zip(s.right));
        let places = ended.iter().filter_map(|s| {
            let place = |n: u32| (n as usize).checked_sub(1);
            Some((place(s.option?)?, s.truth_option.and_then(place), s.options? as usize))
        });
        let corrected = report.all.accuracy.zip(report.chance.filter(|c| *c < 1.0)).map(|(a, c)| (a - c) / (1.0 - c));
        Self {
            clustered: clustered(pages(&scored).into_values()),
            corrected,
            looked: Looked::of(sessions.iter().copied()),
            zooms: ZoomFigures::of(&ended, lines.repeated_zoom),
            tokens_spread: Spread::of(ended.iter().map(|s| s.generated as f64)),
            seconds: Spread::of(ended.iter().map(|s| s.seconds)),
            calibration: calibration(sure),
            letters: uniformity(places),
            confusion: Confusion::of(&scored),
            heuristic: Heuristic::of(&scored),
            seeds: Seeds::of(&scored),
            report,
        }
    }
}

/// The page a session is about; where none is known its question stands for it.
pub(super) fn page_of(session: &SessionSummary) -> (Option<&str>, &str) {
    (session.benchmark.as_deref(), session.page.as_deref().unwrap_or(&session.question_id))
}

/// Right answers and answers by page.
fn pages<'a>(scored: &[&'a SessionSummary]) -> BTreeMap<(Option<&'a str>, &'a str), (usize, usize)> {
    let mut pages: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for session in scored {
        let (right, n) = pages.entry(page_of(session)).or_default();
        (*right, *n) = (*right + usize::from(session.right == Some(true)), *n + 1);
    }
    pages
}

/// Figures of some sessions by group.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Groups in the order of [`Group::present`].
    pub groups: Vec<(Group, TaskFigures)>,
}

impl Figures {
    /// Of these sessions.
    pub fn of(sessions: &[SessionSummary], lines: &Thresholds) -> Self {
        let groups = Group::present(sessions).into_iter().map(|group| {
            let own: Vec<&SessionSummary> = sessions.iter().filter(|session| group.holds(session)).collect();
            (group, TaskFigures::of(&own, lines))
        });
        Self { groups: groups.collect() }
    }

    /// The figures of a group.
    pub fn get(&self, group: Group) -> Option<&TaskFigures> {
        self.groups.iter().find(|(own, _)| *own == group).map(|(_, figures)| figures)
    }

    /// The tasks.
    pub fn tasks(&self) -> impl Iterator<Item = &(Group, TaskFigures)> {
        self.groups.iter().filter(|(group, _)| matches!(group, Group::Task(_)))
    }
}

impl Serialize for Figures {
    /// `{"all": …, "families": {name: …}, "tasks": {name: …}}`, and `"typed"` where there is any.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let kind = |kind: &'static str| {
            let own = self.groups.iter().filter(move |(group, _)| group.kind() == kind);
            own.map(|(group, figures)| (group.name(), figures)).collect::<BTreeMap<_, _>>()
        };
        let mut map = to.serialize_map(None)?;
        for one in [Group::All, Group::Typed] {
            if let Some(figures) = self.get(one) {
                map.serialize_entry(one.name(), figures)?;
            }
        }
        map.serialize_entry("families", &kind("family"))?;
        map.serialize_entry("tasks", &kind("task"))?;
        map.end()
    }
}

//! Two runs, question by question.

use std::collections::BTreeMap;

use serde::Serialize;

use super::group::{Group, shown_label};
use super::pairing::{Pair, Pairing};
use crate::analysis::Label;
use crate::analysis::stats::holm;
use crate::benchmark::Task;
use crate::session::SessionSummary;

/// Whether intervals are made: they cost most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intervals {
    /// None: for figures that are made anew with every session.
    None,
    /// Bootstraps over pages.
    Bootstrap,
}

/// How one run answered a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The session.
    pub session: String,
    /// Whether it is right.
    pub right: bool,
    /// Its score, with partial credit.
    pub score: Option<f64>,
    /// Its label, where this program knows it.
    pub label: Option<Label>,
    /// What was answered.
    pub answer: Option<String>,
}

impl Side {
    fn of(session: &SessionSummary) -> Self {
        Self {
            session: session.id.clone(),
            right: session.right == Some(true),
            score: session.score,
            label: shown_label(session),
            answer: session.answer.clone(),
        }
    }
}

/// A question that one run answered right and the other wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flip {
    /// The question.
    pub question_id: String,
    /// Its task.
    pub task: Option<Task>,
    /// Its page.
    pub page: Option<String>,
    /// The sampler's seed in A.
    pub seed: u64,
    /// How A answered.
    pub a: Side,
    /// How B answered.
    pub b: Side,
}

/// Two runs, paired by question (and seed, where a question was asked several times).
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Groups in the order of [`Group::present`].
    pub groups: Vec<(Group, Pairing)>,
    /// Questions that came out differently: first those that A has right, then those that B has, each by task and question.
    pub flips: Vec<Flip>,
    /// Scored sessions of A without a partner in B.
    pub unpaired_a: usize,
    /// Scored sessions of B without a partner in A.
    pub unpaired_b: usize,
}

impl Comparison {
    /// Compares two runs. Sessions that failed or were not scored have no partner. Where both runs asked a question once the
    /// seeds need not be the same; else those of one seed are paired.
    pub fn of(a: &[SessionSummary], b: &[SessionSummary], intervals: Intervals) -> Self {
        let (of_a, of_b) = (by_question(a), by_question(b));
        let mut pairs: Vec<Pair<'_>> = Vec::new();
        for (question, own) in &of_a {
            if let Some(other) = of_b.get(question) {
                pair(own, other, &mut pairs);
            }
        }
        let scored = |of: &Questions<'_>| of.values().map(Vec::len).sum::<usize>();
        let bootstrap = intervals == Intervals::Bootstrap;
        let mut groups: Vec<(Group, Pairing)> = present(&pairs)
            .into_iter()
            .map(|group| {
                let own: Vec<Pair<'_>> = pairs.iter().copied().filter(|(a, _)| group.holds(a)).collect();
                (group, Pairing::of(&own, bootstrap))
            })
            .collect();
        adjust(&mut groups);
        Self {
            groups,
            flips: flips(&pairs),
            unpaired_a: scored(&of_a) - pairs.len(),
            unpaired_b: scored(&of_b) - pairs.len(),
        }
    }

    /// The pairing of a group.
    pub fn get(&self, group: Group) -> Option<&Pairing> {
        self.groups.iter().find(|(own, _)| *own == group).map(|(_, pairing)| pairing)
    }
}

impl Serialize for Comparison {
    /// `{"all", "families": {…}, "tasks": {…}, "flips": […], "unpaired_a", "unpaired_b"}`.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let kind = |kind: &'static str| {
            let own = self.groups.iter().filter(move |(group, _)| group.kind() == kind);
            own.map(|(group, pairing)| (group.name(), pairing)).collect::<BTreeMap<_, _>>()
        };
        let mut map = to.serialize_map(None)?;
        for one in [Group::All, Group::Typed] {
            if let Some(pairing) = self.get(one) {
                map.serialize_entry(one.name(), pairing)?;
            }
        }
        map.serialize_entry("families", &kind("family"))?;
        map.serialize_entry("tasks", &kind("task"))?;
        map.serialize_entry("flips", &self.flips)?;
        map.serialize_entry("unpaired_a", &self.unpaired_a)?;
        map.serialize_entry("unpaired_b", &self.unpaired_b)?;
        map.end()
    }
}

type Questions<'a> = BTreeMap<&'a str, Vec<&'a SessionSummary>>;

/// Scored sessions by question, those of one question by seed.
fn by_question(sessions: &[SessionSummary]) -> Questions<'_> {
    let mut questions: Questions<'_> = BTreeMap::new();
    for session in sessions.iter().filter(|s| s.right.is_some() && s.reason.as_deref() != Some("error")) {
        questions.entry(session.question_id.as_str()).or_default().push(session);
    }
    questions.values_mut().for_each(|of| of.sort_by(|a, b| (a.seed, &a.id).cmp(&(b.seed, &b.id))));
    questions
}

/// Pairs the sessions of one question; both lists rise by seed.
fn pair<'a>(a: &[&'a SessionSummary], b: &[&'a SessionSummary], pairs: &mut Vec<Pair<'a>>) {
    if let ([one], [other]) = (a, b) {
        return pairs.push((one, other));
    }
    let mut rest = b.iter().peekable();
    for one in a {
        while rest.next_if(|other| other.seed < one.seed).is_some() {}
        pairs.extend(rest.next_if(|other| other.seed == one.seed).map(|other| (*one, *other)));
    }
}

fn present(pairs: &[Pair<'_>]) -> Vec<Group> {
    let holds = |group: Group| pairs.iter().any(|(a, _)| group.holds(a));
    Group::listed().into_iter().filter(|group| *group == Group::All || holds(*group)).collect()
}

/// Holm over the tasks.
fn adjust(groups: &mut [(Group, Pairing)]) {
    let mut tasks: Vec<&mut Pairing> =
        groups.iter_mut().filter(|(group, _)| matches!(group, Group::Task(_))).map(|(_, pairing)| pairing).collect();
    let adjusted = holm(&tasks.iter().map(|pairing| pairing.p).collect::<Vec<_>>());
    tasks.iter_mut().zip(adjusted).for_each(|(pairing, p)| pairing.p_holm = Some(p));
}

fn flips(pairs: &[Pair<'_>]) -> Vec<Flip> {
    let differing = pairs.iter().filter(|(a, b)| a.right != b.right);
    let mut flips: Vec<Flip> = differing
        .map(|(a, b)| Flip {
            question_id: a.question_id.clone(),
            task: a.task,
            page: a.page.clone(),
            seed: a.seed,
            a: Side::of(a),
            b: Side::of(b),
        })
        .collect();
    flips.sort_by(|x, y| {
        (!x.a.right, x.task, &x.question_id, x.seed).cmp(&(!y.a.right, y.task, &y.question_id, y.seed))
    });
    flips
}

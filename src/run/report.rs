//! Figures of a run, from the summaries of its sessions.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::analysis::{macro_f1, mean, wilson};
use crate::benchmark::{AnswerForm, Family, Task};
use crate::session::SessionSummary;

/// A share of right answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Scored sessions.
    pub n: usize,
    /// Fully right answers.
    pub right: usize,
    /// `right / n`; null for `n` = 0.
    pub accuracy: Option<f64>,
    /// 95 % Wilson interval of the accuracy.
    pub ci95: [f64; 2],
}

/// Figures of one task. Sessions that failed enter none of them; free answers, which nobody scored, only those that need no
/// score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskReport {
    /// How many scored sessions, and how many of them are right.
    #[serde(flatten)]
    pub all: Accuracy,
    /// Sessions that ended in an error.
    pub failed: usize,
    /// Sessions without a score: free answers, and questions whose truth is unknown.
    pub unscored: usize,
    /// Mean score of a guess, over the scored sessions where it is known.
    pub chance: Option<f64>,
    /// Mean over the scored sessions that have it: `value` (with partial credit) and each measure of the scorer by name; and
    /// `macro_f1` over the choice questions.
    pub score: BTreeMap<String, f64>,
    /// Share of sessions with at least one crop.
    pub zoom_rate: Option<f64>,
    /// Mean over sessions of the mean coverage of the target by their crops; a session without a crop counts 0, one without a
    /// known target not at all.
    pub coverage: Option<f64>,
    /// Mean over sessions with a crop (and a known target) of the best IoU.
    pub iou: Option<f64>,
    /// Refused tool calls.
    pub refused: u64,
    /// Mean tokens the model wrote.
    pub tokens: Option<f64>,
    /// The scored sessions whose page was shown too small to answer without a zoom.
    pub zoom_needed: Accuracy,
}

/// Figures of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    /// Sessions planned.
    pub planned: usize,
    /// Sessions that ended.
    pub n: usize,
    /// Those of them that ended in an error.
    pub failed: usize,
    /// Figures by task.
    pub tasks: Vec<(Task, TaskReport)>,
    /// Accuracy by family, over all sessions of its tasks.
    pub families: Vec<(Family, Accuracy)>,
}

impl RunReport {
    /// The figures of these sessions. Sums are formed in the order given, so give the run's own.
    pub fn of(sessions: &[SessionSummary], planned: usize) -> Self {
        let of_task = |task| sessions.iter().filter(|s| s.task == Some(task)).collect::<Vec<_>>();
        let tasks = Task::ALL.into_iter().map(|t| (t, of_task(t))).filter(|(_, of)| !of.is_empty());
        let tasks: Vec<_> = tasks.map(|(t, of)| (t, task_report(&of))).collect();
        let there = |family: &Family| tasks.iter().any(|(t, _)| t.family() == *family);
        let pooled = |f| accuracy(sessions.iter().filter(|s| !failed(s) && s.task.map(Task::family) == Some(f)));
        Self {
            planned,
            n: sessions.len(),
            failed: sessions.iter().filter(|s| failed(s)).count(),
            families: Family::ALL.into_iter().filter(there).map(|f| (f, pooled(f))).collect(),
            tasks,
        }
    }

    /// The JSON that scripts rely on.
    pub fn to_json(&self, run: &str, settings: &Value) -> Value {
        let tasks: Map<String, Value> = self.tasks.iter().map(|(t, r)| (t.name().to_owned(), json!(r))).collect();
        let families: Map<String, Value> = self.families.iter().map(|(f, r)| (f.name().to_owned(), json!(r))).collect();
        json!({
            "v": 1,
            "run": run,
            "settings": settings,
            "planned": self.planned,
            "n": self.n,
            "failed": self.failed,
            "tasks": tasks,
            "families": families,
        })
    }
}

fn failed(session: &SessionSummary) -> bool {
    session.reason.as_deref() == Some("error")
}

fn accuracy<'a>(sessions: impl Iterator<Item = &'a SessionSummary>) -> Accuracy {
    let (n, right) = sessions.filter_map(|s| s.right).fold((0, 0), |(n, k), right| (n + 1, k + usize::from(right)));
    Accuracy { n, right, accuracy: (n > 0).then(|| right as f64 / n as f64), ci95: wilson(right, n) }
}

impl TaskReport {
    /// The figures of these sessions, in their order.
    pub fn of(all: &[&SessionSummary]) -> Self {
        task_report(all)
    }
}

fn task_report(all: &[&SessionSummary]) -> TaskReport {
    let ended: Vec<&SessionSummary> = all.iter().copied().filter(|s| !failed(s)).collect();
    let scored: Vec<&SessionSummary> = ended.iter().copied().filter(|s| s.right.is_some()).collect();
    let average = |value: &dyn Fn(&SessionSummary) -> Option<f64>| mean(ended.iter().filter_map(|s| value(s)));
    TaskReport {
        all: accuracy(scored.iter().copied()),
        failed: all.len() - ended.len(),
        unscored: ended.len() - scored.len(),
        chance: mean(scored.iter().filter_map(|s| s.chance)),
        score: scores(&scored),
        zoom_rate: average(&|s| Some(if s.zooms > 0 { 1.0 } else { 0.0 })),
        coverage: average(&|s| s.coverage),
        iou: average(&|s| s.iou.filter(|_| s.zooms > 0)),
        refused: ended.iter().map(|s| u64::from(s.refused)).sum(),
        tokens: average(&|s| Some(s.generated as f64)),
        zoom_needed: accuracy(scored.iter().copied().filter(|s| s.zoom_needed == Some(true))),
    }
}

fn scores(scored: &[&SessionSummary]) -> BTreeMap<String, f64> {
    let mut columns: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for session in scored {
        let value = session.score.map(|value| ("value", value));
        for (name, value) in value.into_iter().chain(session.scores.iter().map(|(n, v)| (n.as_str(), *v))) {
            columns.entry(name).or_default().push(value);
        }
    }
    let choices = scored.iter().filter(|s| s.form == AnswerForm::Choice);
    let pairs = choices.filter_map(|s| {
        let answer = s.answer.as_deref().filter(|_| s.resolved);
        s.truth.as_deref().map(|truth| (truth, answer))
    });
    let f1 = macro_f1(pairs).map(|f1| ("macro_f1".to_owned(), f1));
    let means = columns.into_iter().filter_map(|(name, column)| mean(column).map(|m| (name.to_owned(), m)));
    means.chain(f1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(task: Task, score: Option<f64>, reason: &str, zooms: u32) -> SessionSummary {
        SessionSummary {
            task: Some(task),
            family: Some(task.family()),
            right: score.map(|s| s >= 1.0),
            score,
            scores: score.map(|s| ("tau_b".to_owned(), s / 2.0)).into_iter().collect(),
            reason: Some(reason.into()),
            zooms,
            chance: Some(0.5),
            coverage: Some(0.25),
            iou: Some(0.4),
            generated: 10,
            zoom_needed: Some(zooms > 0),
            truth: Some("a".into()),
            answer: Some("a".into()),
            resolved: score == Some(1.0),
            ..SessionSummary::default()
        }
    }

    #[test]
    fn failed_and_unscored_sessions_enter_no_accuracy() {
        let (d, a) = (Task::DepthComparison, Task::ActionRecognition);
        let all = [
            session(d, Some(1.0), "answered", 1),
            session(d, Some(0.5), "answered", 0),
            session(d, Some(1.0), "error", 1),
            session(d, None, "answered", 3),
            session(a, Some(0.0), "no_answer", 2),
        ];
        let r = RunReport::of(&all, 9);
        assert_eq!((r.planned, r.n, r.failed, r.tasks.len(), r.families.len()), (9, 5, 1, 2, 2));
        let (task, depth) = &r.tasks[0];
        assert_eq!((*task, depth.all.n, depth.all.right, depth.all.accuracy), (d, 2, 1, Some(0.5)));
        assert_eq!((depth.failed, depth.unscored, depth.chance), (1, 1, Some(0.5)));
        assert_eq!((depth.zoom_rate, depth.tokens), (Some(2.0 / 3.0), Some(10.0)));
        assert_eq!((depth.zoom_needed.n, depth.zoom_needed.right), (1, 1));
        // One hit, one answer that stands for nothing: precision 1, recall 1/2.
        let want = [("macro_f1", 2.0 / 3.0), ("tau_b", 0.375), ("value", 0.75)].map(|(n, v)| (n.to_owned(), v));
        assert_eq!(depth.score, want.into_iter().collect());
        let json = r.to_json("x", &Value::Null);
        assert_eq!(json["tasks"]["action-recognition"]["n"], 1);
        assert_eq!(json["families"]["depth"]["accuracy"], 0.5);
        assert_eq!(json["tasks"]["depth-comparison"]["ci95"][0], wilson(1, 2)[0]);
    }

    #[test]
    fn nothing_scored_is_no_accuracy() {
        let r = RunReport::of(&[session(Task::PanelUnderstanding, None, "answered", 0)], 1);
        let json = r.to_json("x", &Value::Null);
        let task = &json["tasks"]["panel-understanding"];
        assert_eq!((&task["n"], &task["accuracy"], &task["unscored"]), (&json!(0), &Value::Null, &json!(1)));
    }
}

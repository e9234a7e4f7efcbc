//! Figures of a run: per task accuracy with interval, chance, zoom rate, coverage, IoU.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::driver::Outcome;
use crate::analysis::{mean, wilson};
use crate::benchmark::synthetic::Action;
use crate::benchmark::{Question, Task};

/// Figures of one task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskReport {
    /// Finished sessions.
    pub n: usize,
    /// Fully right answers.
    pub right: usize,
    /// `right / n`.
    pub accuracy: f64,
    /// 95 % Wilson interval of the accuracy.
    pub ci95: [f64; 2],
    /// Mean accuracy of a guess among the choices (or, for an open question, among all answers of the task).
    pub chance: f64,
    /// The task's scorer: mean value by scorer name.
    pub score: Map<String, Value>,
    /// Share of sessions with at least one crop.
    pub zoom_rate: f64,
    /// Mean over sessions of the mean coverage of the target by their crops; a session without a crop counts 0.
    pub coverage: f64,
    /// Mean over sessions with a crop of the best IoU.
    pub iou: Option<f64>,
    /// Refused tool calls.
    pub refused: u32,
    /// Mean tokens the model wrote.
    pub tokens: f64,
}

/// Figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// Questions asked.
    pub n: usize,
    /// Sessions that ended in an error.
    pub failed: usize,
    /// Figures by task.
    pub tasks: Vec<(Task, TaskReport)>,
}

/// The figures of these outcomes. Failed sessions are counted apart and enter no accuracy.
pub fn report(outcomes: &[Outcome]) -> RunReport {
    let of = |task: Task| -> Vec<&Outcome> {
        outcomes.iter().filter(|o| o.question.task == Some(task) && !o.failed).collect()
    };
    let tasks = Task::ALL.into_iter().map(|t| (t, of(t))).filter(|(_, o)| !o.is_empty());
    RunReport {
        n: outcomes.len(),
        failed: outcomes.iter().filter(|o| o.failed).count(),
        tasks: tasks.map(|(t, o)| (t, task_report(&o))).collect(),
    }
}

fn task_report(outcomes: &[&Outcome]) -> TaskReport {
    let n = outcomes.len();
    let right = outcomes.iter().filter(|o| o.score >= 1.0).count();
    let average = |f: &dyn Fn(&Outcome) -> f64| mean(outcomes.iter().map(|o| f(o))).unwrap_or(0.0);
    let mut score = Map::new();
    score.insert("exact".to_owned(), json!(average(&|o| o.score)));
    TaskReport {
        n,
        right,
        accuracy: right as f64 / n.max(1) as f64,
        ci95: wilson(right, n),
        chance: average(&|o| chance(&o.question)),
        score,
        zoom_rate: average(&|o| if o.measures.zooms > 0 { 1.0 } else { 0.0 }),
        coverage: average(&|o| o.measures.coverage.unwrap_or(0.0)),
        iou: mean(outcomes.iter().filter(|o| o.measures.zooms > 0).filter_map(|o| o.measures.iou)),
        refused: outcomes.iter().map(|o| o.measures.refused).sum(),
        tokens: average(&|o| o.tokens as f64),
    }
}

/// The accuracy of a guess.
fn chance(question: &Question) -> f64 {
    match (question.choices.len(), question.task) {
        (0, Some(Task::ActionRecognition)) => 1.0 / Action::ALL.len() as f64,
        (0, _) => 0.0,
        (n, _) => 1.0 / n as f64,
    }
}

impl RunReport {
    /// The JSON that scripts rely on.
    pub fn to_json(&self, run: &str, settings: &Value) -> Value {
        let tasks: Map<String, Value> = self.tasks.iter().map(|(t, r)| (t.name().to_owned(), json!(r))).collect();
        json!({"v": 1, "run": run, "settings": settings, "n": self.n, "failed": self.failed, "tasks": tasks})
    }

    /// The same as a table for people.
    pub fn to_table(&self) -> String {
        let mut out = format!(
            "{:<26}{:>5}{:>9}  {:<15}{:>7}{:>7}{:>10}{:>6}\n",
            "task", "n", "right", "95 %", "chance", "zooms", "coverage", "IoU"
        );
        for (task, r) in &self.tasks {
            let interval = format!("{:.1}–{:.1}", 100.0 * r.ci95[0], 100.0 * r.ci95[1]);
            let iou = r.iou.map_or("–".to_owned(), |v| format!("{v:.2}"));
            out += &format!(
                "{:<26}{:>5}{:>7.1} %  {:<15}{:>5.0} %{:>5.0} %{:>10.2}{:>6}\n",
                task.name(),
                r.n,
                100.0 * r.accuracy,
                interval,
                100.0 * r.chance,
                100.0 * r.zoom_rate,
                r.coverage,
                iou
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::SessionMeasures;

    fn outcome(task: Task, score: f64, failed: bool, zooms: u32) -> Outcome {
        let question = Question { task: Some(task), choices: vec!["a".into(), "b".into()], ..Question::default() };
        let measures = SessionMeasures { zooms, coverage: Some(0.5), iou: Some(0.4), ..SessionMeasures::default() };
        Outcome { id: String::new(), question, score, failed, measures, tokens: 10 }
    }

    #[test]
    fn failed_sessions_enter_no_accuracy() {
        let (d, a) = (Task::DepthComparison, Task::ActionRecognition);
        let all =
            [outcome(d, 1.0, false, 1), outcome(d, 0.5, false, 0), outcome(d, 1.0, true, 0), outcome(a, 0.0, false, 2)];
        let r = report(&all);
        assert_eq!((r.n, r.failed, r.tasks.len()), (4, 1, 2));
        let depth = &r.tasks.iter().find(|(t, _)| *t == d).map(|(_, r)| r.clone());
        let depth = depth.as_ref().map(|r| (r.n, r.right, r.accuracy, r.chance, r.zoom_rate, r.iou));
        assert_eq!(depth, Some((2, 1, 0.5, 0.5, 0.5, Some(0.4))));
        let json = r.to_json("x", &Value::Null);
        assert_eq!(json["tasks"]["action-recognition"]["n"], 1);
        assert!(r.to_table().contains("depth-comparison"));
    }
}

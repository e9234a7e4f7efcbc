//! Drawn benchmarks: `demo` and `synth:SEED`.

use std::collections::HashMap;
use std::sync::Arc;

use super::BenchmarkError;
use super::select::Selection;
use crate::benchmark::synthetic::{Difficulty, PageTruth, page_truth, question_for};
use crate::benchmark::{Question, Task};

/// The seed behind `demo`: `demo` is `synth:211` with [`DEMO_QUESTIONS`].
const DEMO_SEED: u64 = 211;
/// Questions of `demo`.
pub const DEMO_QUESTIONS: usize = 168;
/// Questions of `synth:SEED` where no limit is given.
const SYNTH_QUESTIONS: usize = 168;
/// Pages tried before a task counts as one that pages of this kind never ask about.
pub const TRIED_PAGES: u64 = 200;
/// Most questions one opening draws.
const MOST_QUESTIONS: usize = 200_000;

/// Pages that are drawn when asked for.
#[derive(Debug)]
pub struct DrawnPages {
    seed: u64,
    difficulty: Difficulty,
    names: Vec<String>,
    truths: HashMap<String, Arc<PageTruth>>,
}

impl DrawnPages {
    /// Names of the pages that questions are about.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What is true of a page: one that questions are about, or any other of this seed and difficulty.
    pub fn truth(&self, name: &str) -> Option<Arc<PageTruth>> {
        if let Some(truth) = self.truths.get(name) {
            return Some(Arc::clone(truth));
        }
        let page: u64 = name.get(1..)?.parse().ok()?;
        if page >> 32 != first_page(self.seed) >> 32 {
            return None;
        }
        let truth = page_truth(page, self.difficulty);
        (truth.name() == name).then(|| Arc::new(truth))
    }

    /// The first pages of this seed, whether questions are about them or not.
    pub fn first_pages(&self) -> impl Iterator<Item = PageTruth> {
        let (first, difficulty) = (first_page(self.seed), self.difficulty);
        (first..first + TRIED_PAGES).map(move |seed| page_truth(seed, difficulty))
    }
}

/// The name of the drawn benchmark with this seed and difficulty.
pub fn drawn_name(seed: u64, difficulty: Difficulty) -> String {
    match difficulty {
        Difficulty::Easy => format!("synth:{seed}"),
        other => format!("synth:{seed}@{}", other.word()),
    }
}

/// Pages of `synth:SEED` have seeds from `(SEED + 2) << 32`; training draws from `1e9` to `4e9`, so they never meet.
pub const fn first_page(seed: u64) -> u64 {
    (seed + 2) << 32
}

/// Opens a drawn benchmark; none where the name is not that of one.
pub(super) fn open(name: &str, selection: &Selection) -> Option<Result<(Vec<Question>, DrawnPages), BenchmarkError>> {
    let (seed, difficulty, usual, most) = match name.split_once(':') {
        None if name == "demo" => (DEMO_SEED, Difficulty::Easy, DEMO_QUESTIONS, DEMO_QUESTIONS),
        Some(("synth", rest)) => {
            let Some((seed, difficulty)) = parse_seed(rest) else {
                return Some(Err(BenchmarkError::Unknown(name.to_owned())));
            };
            (seed, difficulty, SYNTH_QUESTIONS, MOST_QUESTIONS)
        }
        _ => return None,
    };
    let wanted = selection.limit.unwrap_or(usual).min(most);
    let tasks = selection.wanted();
    if tasks.is_empty() {
        return Some(Err(BenchmarkError::NothingSelected));
    }
    Some(draw(name, (seed, difficulty), tasks, &selection.tasks, wanted))
}

/// `SEED` or `SEED@DIFFICULTY`.
fn parse_seed(text: &str) -> Option<(u64, Difficulty)> {
    let (seed, level) = text.split_once('@').unwrap_or((text, Difficulty::Easy.word()));
    let difficulty = Difficulty::ALL.into_iter().find(|d| d.word() == level)?;
    let seed: u64 = seed.parse::<u32>().ok()?.into();
    (seed < 1 << 31).then_some((seed, difficulty))
}

/// Goes through pages until there are enough questions of every task: at most one question of a task a page. Tasks that
/// pages of this kind never ask about are left out, unless they were named.
fn draw(
    name: &str,
    (seed, difficulty): (u64, Difficulty),
    mut tasks: Vec<Task>,
    named: &[Task],
    wanted: usize,
) -> Result<(Vec<Question>, DrawnPages), BenchmarkError> {
    loop {
        let missing = match draw_tasks((seed, difficulty), &tasks, wanted) {
            Ok(drawn) => return Ok(drawn),
            Err(task) => task,
        };
        tasks.retain(|task| *task != missing);
        if named.contains(&missing) || tasks.is_empty() {
            return Err(BenchmarkError::NoSuchTask { benchmark: name.to_owned(), task: missing });
        }
    }
}

/// Questions of these tasks, or the task that is never asked about.
fn draw_tasks(
    (seed, difficulty): (u64, Difficulty),
    tasks: &[Task],
    wanted: usize,
) -> Result<(Vec<Question>, DrawnPages), Task> {
    let mut drawn = DrawnPages { seed, difficulty, names: Vec::new(), truths: HashMap::new() };
    let mut questions: Vec<Question> = Vec::new();
    let all = tasks.len().max(1);
    let share = |i: usize| wanted / all + usize::from(i < wanted % all);
    let mut missing: Vec<(Task, usize)> = tasks.iter().enumerate().map(|(i, t)| (*t, share(i))).collect();
    for (tried, page_seed) in (0_u64..).zip(first_page(seed)..) {
        let Some((task, _)) = missing.iter().find(|(_, n)| *n > 0) else { break };
        if tried >= TRIED_PAGES && !questions.iter().any(|q| q.task == Some(*task)) {
            return Err(*task);
        }
        let truth = page_truth(page_seed, difficulty);
        let before = questions.len();
        for (task, n) in missing.iter_mut().filter(|(_, n)| *n > 0) {
            if let Some(question) = question_for(&truth, *task, 0) {
                questions.push(Question { page: Some(truth.name()), ..question });
                *n -= 1;
            }
        }
        if questions.len() > before {
            drawn.names.push(truth.name());
            drawn.truths.insert(truth.name(), Arc::new(truth));
        }
    }
    Ok((questions, drawn))
}

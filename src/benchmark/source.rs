//! Where questions and their pages come from: `demo`, `synth:SEED`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::synthetic::{Difficulty, PageTruth, draw_page, page_truth, question_for};
use super::{Family, Question, Task};
use crate::geometry::PageBox;
use crate::page::Page;

/// The seed behind `demo`: `demo` is `synth:211` with [`DEMO_QUESTIONS`].
const DEMO_SEED: u64 = 211;
/// Questions of `demo`.
pub const DEMO_QUESTIONS: usize = 168;
/// Questions of `synth:SEED` where no limit is given.
const SYNTH_QUESTIONS: usize = 168;
/// Pages tried before a task counts as one that pages of this kind never ask about.
const TRIED_PAGES: u64 = 200;
/// Most questions one opening draws.
const MOST_QUESTIONS: usize = 200_000;
/// Pages kept in memory.
const KEPT_PAGES: usize = 8;

/// Why a benchmark could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// Not a known name.
    #[error(
        "unknown benchmark \"{0}\"; use demo, synth:SEED (a whole number below 2147483648), synth:SEED@medium or synth:SEED@hard"
    )]
    Unknown(String),
    /// The benchmark has nothing for this task.
    #[error("{benchmark} has no {task} questions; `panelscope bench list --bench {benchmark}` shows what it has")]
    NoSuchTask {
        /// The benchmark's name.
        benchmark: String,
        /// The task asked for.
        task: Task,
    },
    /// No question with this id.
    #[error("{benchmark} has no question \"{id}\"; `panelscope bench list --bench {benchmark}` names them")]
    NoSuchQuestion {
        /// The benchmark's name.
        benchmark: String,
        /// The id asked for.
        id: String,
    },
}

/// Which questions of a benchmark are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these tasks; all where none is named.
    pub tasks: Vec<Task>,
    /// Only tasks of these families; all where none is named.
    pub families: Vec<Family>,
    /// At most so many questions, spread evenly over the tasks.
    pub limit: Option<usize>,
}

impl Selection {
    /// Whether questions of this task are wanted.
    pub fn wants(&self, task: Task) -> bool {
        (self.tasks.is_empty() || self.tasks.contains(&task))
            && (self.families.is_empty() || self.families.contains(&task.family()))
    }

    /// The tasks wanted, in the order of [`Task::ALL`].
    pub fn wanted(&self) -> Vec<Task> {
        Task::ALL.into_iter().filter(|task| self.wants(*task)).collect()
    }
}

/// An open benchmark. Questions are in memory, pages are drawn when asked for.
pub struct Benchmark {
    name: String,
    questions: Vec<Question>,
    pages: Vec<Arc<PageTruth>>,
    kept: Mutex<VecDeque<(u64, Arc<Page>)>>,
}

/// Opens a benchmark by name with its usual number of questions.
///
/// # Errors
/// [`BenchmarkError::Unknown`] where there is no such benchmark.
pub fn open(name: &str) -> Result<Benchmark, BenchmarkError> {
    open_with(name, &Selection::default())
}

/// Opens a benchmark restricted to some tasks and to a number of questions, spread evenly over the tasks.
///
/// # Errors
/// [`BenchmarkError::Unknown`] and [`BenchmarkError::NoSuchTask`].
pub fn open_with(name: &str, selection: &Selection) -> Result<Benchmark, BenchmarkError> {
    let unknown = || BenchmarkError::Unknown(name.to_owned());
    let (seed, difficulty) = match name.split_once(':') {
        None if name == "demo" => (DEMO_SEED, Difficulty::Easy),
        Some(("synth", rest)) => drawn_name(rest).ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    let (usual, most) =
        if name == "demo" { (DEMO_QUESTIONS, DEMO_QUESTIONS) } else { (SYNTH_QUESTIONS, MOST_QUESTIONS) };
    draw(name, seed, difficulty, &selection.wanted(), selection.limit.unwrap_or(usual).min(most))
}

/// `SEED` or `SEED@DIFFICULTY`.
fn drawn_name(text: &str) -> Option<(u64, Difficulty)> {
    let (seed, level) = text.split_once('@').unwrap_or((text, Difficulty::Easy.word()));
    let difficulty = Difficulty::ALL.into_iter().find(|d| d.word() == level)?;
    let seed: u64 = seed.parse::<u32>().ok()?.into();
    (seed < 1 << 31).then_some((seed, difficulty))
}

/// Pages of `synth:SEED` have seeds from `(SEED + 2) << 32`; training draws from `1e9` to `4e9`, so they never meet.
fn first_page(seed: u64) -> u64 {
    (seed + 2) << 32
}

/// Goes through pages until there are enough questions of every task: at most one question of a task a page.
fn draw(
    name: &str,
    seed: u64,
    difficulty: Difficulty,
    tasks: &[Task],
    wanted: usize,
) -> Result<Benchmark, BenchmarkError> {
    let (mut questions, mut pages) = (Vec::new(), Vec::new());
    let share = |i: usize| wanted / tasks.len() + usize::from(i < wanted % tasks.len());
    let mut missing: Vec<(Task, usize)> = tasks.iter().enumerate().map(|(i, t)| (*t, share(i))).collect();
    for (tried, page_seed) in (0_u64..).zip(first_page(seed)..) {
        let Some((task, _)) = missing.iter().find(|(_, n)| *n > 0) else { break };
        if tried >= TRIED_PAGES && !questions.iter().any(|q: &Question| q.task == Some(*task)) {
            return Err(BenchmarkError::NoSuchTask { benchmark: name.to_owned(), task: *task });
        }
        let truth = Arc::new(page_truth(page_seed, difficulty));
        for (task, n) in missing.iter_mut().filter(|(_, n)| *n > 0) {
            if let Some(question) = question_for(&truth, *task, 0) {
                questions.push(question);
                pages.push(Arc::clone(&truth));
                *n -= 1;
            }
        }
    }
    Ok(Benchmark { name: name.to_owned(), questions, pages, kept: Mutex::default() })
}

impl Benchmark {
    /// The name it was opened by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All questions.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The question with this id.
    ///
    /// # Errors
    /// [`BenchmarkError::NoSuchQuestion`].
    pub fn find(&self, id: &str) -> Result<&Question, BenchmarkError> {
        let missing = || BenchmarkError::NoSuchQuestion { benchmark: self.name.clone(), id: id.to_owned() };
        self.questions.iter().find(|q| q.id == id).ok_or_else(missing)
    }

    /// The page a question is about.
    ///
    /// # Errors
    /// [`BenchmarkError::NoSuchQuestion`] for a question of another benchmark.
    pub fn page(&self, question: &Question) -> Result<Arc<Page>, BenchmarkError> {
        let truth = self.truth(&question.id)?;
        let seed = truth.seed;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, page)) = kept.iter().find(|(s, _)| *s == seed) {
            return Ok(Arc::clone(page));
        }
        let page = Arc::new(Page::from_pixels(draw_page(seed, truth.difficulty).pixels));
        kept.truncate(KEPT_PAGES - 1);
        kept.push_front((seed, Arc::clone(&page)));
        Ok(page)
    }

    /// Another panel of the same page, for interventions that show the wrong place: the next in reading order.
    pub fn other_region(&self, question: &Question) -> Option<PageBox> {
        let truth = self.truth(&question.id).ok()?;
        let here = truth.panels.iter().position(|p| question.targets.first() == Some(&p.bounds))?;
        truth.panels.get((here + 1) % truth.panels.len()).map(|p| p.bounds)
    }

    fn truth(&self, id: &str) -> Result<&Arc<PageTruth>, BenchmarkError> {
        let missing = || BenchmarkError::NoSuchQuestion { benchmark: self.name.clone(), id: id.to_owned() };
        let at = self.questions.iter().position(|q| q.id == id).ok_or_else(missing)?;
        self.pages.get(at).ok_or_else(missing)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_spread_evenly_and_pages_are_found() {
        let bench = open_with("synth:7", &Selection { limit: Some(7), ..Selection::default() }).unwrap();
        let depth = bench.questions().iter().filter(|q| q.task == Some(Task::DepthComparison)).count();
        assert_eq!((bench.questions().len(), depth), (7, 4));
        for q in bench.questions() {
            let page = bench.page(q).unwrap();
            let target = q.targets[0];
            assert!(target.x2 <= page.size().w.into() && target.y2 <= page.size().h.into());
            assert_ne!(bench.other_region(q).unwrap(), target);
            assert_eq!(bench.find(&q.id).unwrap(), q);
        }
        let again = open_with("synth:7", &Selection { limit: Some(7), ..Selection::default() }).unwrap();
        assert_eq!(again.questions(), bench.questions());
        assert_eq!(again.page(&again.questions()[3]).unwrap().hash, bench.page(&bench.questions()[3]).unwrap().hash);
    }

    #[test]
    fn wrong_names_say_what_to_do() {
        for name in ["", "synth", "synth:", "synth:x", "synth:-1", "synth:4294967295", "demo:1", "other"] {
            assert!(matches!(open(name), Err(BenchmarkError::Unknown(_))), "{name}");
        }
    }
}

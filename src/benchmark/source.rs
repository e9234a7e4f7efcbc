//! Where questions and their pages come from: `demo`, `synth:SEED`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::synthetic::{DrawnPage, PageTruth, draw_page, question_for};
use super::{Question, Task};
use crate::geometry::PageBox;
use crate::page::Page;

/// The seed behind `demo`: `demo` is `synth:211` with [`DEMO_QUESTIONS`].
const DEMO_SEED: u64 = 211;
/// Questions of `demo`.
pub const DEMO_QUESTIONS: usize = 40;
/// Questions of `synth:SEED` where no limit is given.
const SYNTH_QUESTIONS: usize = 40;
/// Most questions one opening draws.
const MOST_QUESTIONS: usize = 200_000;
/// Pages kept in memory.
const KEPT_PAGES: usize = 8;
/// Tasks the drawn world can ask about.
pub const DRAWN_TASKS: [Task; 2] = [Task::DepthComparison, Task::ActionRecognition];

/// Why a benchmark could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// Not a known name.
    #[error("unknown benchmark \"{0}\"; use demo, or synth:SEED with a whole number below 2147483648")]
    Unknown(String),
    /// The benchmark has nothing for this task.
    #[error("{benchmark} has no {task} questions yet; it has {}", DRAWN_TASKS.map(Task::name).join(" and "))]
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
    open_with(name, &DRAWN_TASKS, None)
}

/// Opens a benchmark restricted to some tasks and to a number of questions, spread evenly over the tasks.
///
/// # Errors
/// [`BenchmarkError::Unknown`] and [`BenchmarkError::NoSuchTask`].
pub fn open_with(name: &str, tasks: &[Task], limit: Option<usize>) -> Result<Benchmark, BenchmarkError> {
    let unknown = || BenchmarkError::Unknown(name.to_owned());
    let (seed, usual) = match name.split_once(':') {
        None if name == "demo" => (DEMO_SEED, DEMO_QUESTIONS),
        Some(("synth", seed)) => (seed.parse::<u32>().map_err(|_| unknown())?.into(), SYNTH_QUESTIONS),
        _ => return Err(unknown()),
    };
    if seed >= 1 << 31 {
        return Err(unknown());
    }
    if let Some(task) = tasks.iter().find(|t| !DRAWN_TASKS.contains(t)) {
        return Err(BenchmarkError::NoSuchTask { benchmark: name.to_owned(), task: *task });
    }
    let tasks = if tasks.is_empty() { &DRAWN_TASKS[..] } else { tasks };
    let most = if name == "demo" { DEMO_QUESTIONS } else { MOST_QUESTIONS };
    Ok(draw(name, seed, tasks, limit.unwrap_or(usual).min(most)))
}

/// Pages of `synth:SEED` have seeds from `(SEED + 2) << 32`; training draws from `1e9` to `4e9`, so they never meet.
fn first_page(seed: u64) -> u64 {
    (seed + 2) << 32
}

/// Draws pages until there are enough questions of every task: at most one question of a task a page.
fn draw(name: &str, seed: u64, tasks: &[Task], wanted: usize) -> Benchmark {
    let (mut questions, mut pages, mut kept) = (Vec::new(), Vec::new(), VecDeque::new());
    let share = |i: usize| wanted / tasks.len() + usize::from(i < wanted % tasks.len());
    let mut missing: Vec<(Task, usize)> = tasks.iter().enumerate().map(|(i, t)| (*t, share(i))).collect();
    for page_seed in first_page(seed).. {
        if missing.iter().all(|(_, n)| *n == 0) {
            break;
        }
        let DrawnPage { pixels, truth } = draw_page(page_seed);
        let truth = Arc::new(truth);
        for (task, n) in missing.iter_mut().filter(|(_, n)| *n > 0) {
            if let Some(question) = question_for(&truth, *task, 0) {
                questions.push(question);
                pages.push(Arc::clone(&truth));
                *n -= 1;
            }
        }
        if kept.len() < KEPT_PAGES {
            kept.push_back((page_seed, Arc::new(Page::from_pixels(pixels))));
        }
    }
    Benchmark { name: name.to_owned(), questions, pages, kept: Mutex::new(kept) }
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
        let seed = self.truth(&question.id)?.seed;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, page)) = kept.iter().find(|(s, _)| *s == seed) {
            return Ok(Arc::clone(page));
        }
        let page = Arc::new(Page::from_pixels(draw_page(seed).pixels));
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
        let bench = open_with("synth:7", &[], Some(7)).unwrap();
        let depth = bench.questions().iter().filter(|q| q.task == Some(Task::DepthComparison)).count();
        assert_eq!((bench.questions().len(), depth), (7, 4));
        for q in bench.questions() {
            let page = bench.page(q).unwrap();
            let target = q.targets[0];
            assert!(target.x2 <= page.size().w.into() && target.y2 <= page.size().h.into());
            assert_ne!(bench.other_region(q).unwrap(), target);
            assert_eq!(bench.find(&q.id).unwrap(), q);
        }
        let again = open_with("synth:7", &[], Some(7)).unwrap();
        assert_eq!(again.questions(), bench.questions());
        assert_eq!(again.page(&again.questions()[3]).unwrap().hash, bench.page(&bench.questions()[3]).unwrap().hash);
    }

    #[test]
    fn wrong_names_say_what_to_do() {
        for name in ["", "synth", "synth:", "synth:x", "synth:-1", "synth:4294967295", "demo:1", "other"] {
            assert!(matches!(open(name), Err(BenchmarkError::Unknown(_))), "{name}");
        }
        let error = open_with("synth:1", &[Task::PanelReordering], None).err().unwrap();
        assert!(error.to_string().contains("depth-comparison and action-recognition"), "{error}");
    }
}

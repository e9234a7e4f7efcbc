//! Work that would make the screen wait, on a thread of its own: reading pages and logs, drawing demo pages, listing
//! sessions, loading the model.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use image::RgbImage;

use super::action::{Action, Preview};
use super::app::Choice;
use super::fetching::fetch;
use super::source::read_recording;
use crate::benchmark::{self, Benchmark, Question, Selection};
use crate::engine::{self, PageSource};
use crate::model::{Model, ModelChoice, ModelError};
use crate::page::Page;

/// Something to do.
pub enum Job {
    /// Open a benchmark, which may take a moment.
    Bench(String, Selection),
    /// A picture for the preview; of several in a row only the last is done.
    Preview(Choice),
    /// Read a recorded session.
    Open(PathBuf),
    /// Read a recorded session to put it beside another.
    Beside(PathBuf),
    /// Find the page of a question about to be asked.
    Page {
        /// Given back with the page.
        ticket: u64,
        /// Whose page.
        of: Choice,
        /// The question.
        question: Question,
    },
}

/// What came of it.
pub enum News {
    /// Something for the state.
    Action(Action),
    /// A page for a question.
    Page {
        /// The ticket it was asked with.
        ticket: u64,
        /// The page.
        page: PageSource,
        /// The question.
        question: Question,
    },
    /// The benchmark is open.
    Bench(Arc<Benchmark>),
    /// What the fetching of the model does; empty once it is over.
    Fetching(String),
    /// The model, or why there is none.
    Model(Result<Arc<Model>, String>),
}

/// Starts the worker; it ends when the sender that is returned is dropped.
///
/// # Errors
/// The system refuses a thread.
pub fn start(mut tell: impl FnMut(News) + Send + 'static) -> std::io::Result<mpsc::Sender<Job>> {
    let (jobs, inbox) = mpsc::channel();
    let work = move || {
        let mut bench: Option<Arc<Benchmark>> = None;
        while let Ok(first) = inbox.recv() {
            let mut waiting: Vec<Job> = std::iter::once(first).chain(inbox.try_iter()).collect();
            let last = waiting.iter().rposition(|job| matches!(job, Job::Preview(_)));
            let mut index = 0;
            waiting.retain(|job| {
                index += 1;
                !matches!(job, Job::Preview(_)) || last == Some(index - 1)
            });
            for job in waiting {
                let news = work_on(job, bench.as_deref());
                if let News::Bench(opened) = &news {
                    bench = Some(Arc::clone(opened));
                }
                tell(news);
            }
        }
    };
    std::thread::Builder::new().name("background".to_owned()).spawn(work)?;
    Ok(jobs)
}

/// Loads the model on a thread of its own; it may take seconds, and longer where it has to be fetched first.
///
/// # Errors
/// The system refuses a thread.
pub fn load_model(choice: ModelChoice, tell: impl Fn(News) + Send + 'static) -> std::io::Result<()> {
    let work = move || {
        let loaded = fetch(&choice, |words| tell(News::Fetching(words)));
        let loaded = loaded.map(|choice| std::panic::catch_unwind(AssertUnwindSafe(|| load(&choice, &tell))));
        let loaded = match loaded {
            Err(why) => Err(why.to_string()),
            Ok(Ok(Ok(model))) => Ok(Arc::new(model)),
            Ok(Ok(Err(why))) => Err(why.to_string()),
            Ok(Err(_)) => Err("loading the model failed with an internal error".to_owned()),
        };
        tell(News::Model(loaded));
    };
    std::thread::Builder::new().name("load".to_owned()).spawn(work).map(|_| ())
}

fn load(choice: &ModelChoice, tell: &impl Fn(News)) -> Result<Model, ModelError> {
    let placed = choice.place()?;
    if let Some(line) = &placed.line {
        tell(News::Action(Action::Told(line.clone())));
    }
    engine::load_placed(choice, &placed)
}

fn work_on(job: Job, bench: Option<&Benchmark>) -> News {
    match job {
        Job::Bench(name, selection) => match benchmark::open_with(&name, &selection) {
            Ok(bench) => News::Bench(Arc::new(bench)),
            Err(why) => News::Action(Action::Failed(why.to_string())),
        },
        Job::Preview(of) => {
            let pixels = preview(&of, bench);
            News::Action(Action::Preview(Preview { of, pixels }))
        }
        Job::Beside(path) => News::Action(match read_recording(&path) {
            Ok((records, _)) => Action::Beside { path, records },
            Err(why) => Action::Failed(why),
        }),
        Job::Open(path) => News::Action(match read_recording(&path) {
            Ok((records, problems)) => Action::Replay { path, records, problems },
            Err(why) => Action::Failed(why),
        }),
        Job::Page { ticket, of, question } => {
            let page = match &of {
                Choice::Question(index) => demo_page(*index, bench).map(PageSource::Page),
                Choice::Page(path) | Choice::Session(path) => Ok(PageSource::File(path.clone())),
                Choice::Named(name) => named_page(name, bench).map(PageSource::Page),
            };
            match page {
                Ok(page) => News::Page { ticket, page, question },
                Err(why) => News::Action(Action::Failed(why)),
            }
        }
    }
}

fn demo_page(index: usize, bench: Option<&Benchmark>) -> Result<Arc<Page>, String> {
    let bench = bench.ok_or("no benchmark is open")?;
    let question = bench.questions().get(index).ok_or("there is no such question")?;
    bench.page(question).map_err(|e| e.to_string())
}

fn named_page(name: &str, bench: Option<&Benchmark>) -> Result<Arc<Page>, String> {
    bench.ok_or("no benchmark is open")?.page_named(name).map_err(|e| e.to_string())
}

fn preview(of: &Choice, bench: Option<&Benchmark>) -> Result<Arc<RgbImage>, String> {
    match of {
        Choice::Question(index) => demo_page(*index, bench).map(|page| Arc::clone(&page.pixels)),
        Choice::Page(path) => Page::open(path).map(|page| page.pixels).map_err(|e| e.to_string()),
        Choice::Session(path) => session_page(path),
        Choice::Named(name) => named_page(name, bench).map(|page| Arc::clone(&page.pixels)),
    }
}

fn session_page(path: &Path) -> Result<Arc<RgbImage>, String> {
    let (arrivals, _) = read_recording(path)?;
    arrivals.into_iter().find_map(|a| a.pixels).ok_or_else(|| "the session has no page".to_owned())
}

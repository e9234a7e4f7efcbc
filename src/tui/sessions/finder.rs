//! What the Sessions screen wants done, done on a thread of its own: the index is asked, windows of rows are read, sessions move
//! to the trash and back. The screen never waits; a newer question breaks an older one off.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::work::work_on;
use super::{Chore, Found, Outcome, Question, Row};
use crate::session::SessionSummary;
use crate::session::filter::{Filter, fields};
use crate::session::index::{Index, Order, Progress};
use crate::tui::action::Action;
use crate::tui::desk::Desk;
use crate::tui::failures::{Board, work};

/// Newest sessions that the library has, and forks that a family is drawn from.
const RECENT: usize = 5000;
/// Rows of a window.
pub(in crate::tui) const WINDOW: usize = 400;
/// Values of a field that are offered.
const VALUES: usize = 50;
/// How often progress is told.
const EVERY: Duration = Duration::from_millis(200);

/// Whom the screen's wishes are sent to; clones send to the same.
#[derive(Clone)]
pub(in crate::tui) struct FinderSender {
    chores: mpsc::Sender<Chore>,
    waiting: Arc<AtomicUsize>,
    interrupt: Interrupt,
}

/// Breaks off what the index is asked, while it is.
type Interrupt = Arc<Mutex<Option<rusqlite::InterruptHandle>>>;

impl FinderSender {
    /// Sends a wish; false where nobody is there any more.
    pub fn send(&self, chore: Chore) -> bool {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        if matches!(chore, Chore::Find(_))
            && let Ok(asked) = self.interrupt.lock()
            && let Some(asked) = asked.as_ref()
        {
            asked.interrupt();
        }
        self.chores.send(chore).is_ok()
    }
}

/// Starts the thread; it ends when no sender is left. Where nothing is recorded its index is not written either.
///
/// # Errors
/// The system refuses a thread.
pub(in crate::tui) fn start(
    desk: Desk,
    record: bool,
    mut tell: impl FnMut(Action) + Send + 'static,
) -> std::io::Result<FinderSender> {
    let (chores, inbox) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut finder = if record { Finder::new(desk) } else { Finder::unwritten(desk) };
    finder.waiting = Arc::clone(&waiting);
    let sender = FinderSender { chores, waiting, interrupt: Arc::clone(&finder.interrupt) };
    let work = move || {
        while let Ok(first) = inbox.recv() {
            let mut todo: Vec<Chore> = std::iter::once(first).chain(inbox.try_iter()).collect();
            finder.waiting.fetch_sub(todo.len(), Ordering::SeqCst);
            // Of several questions only the last is still of interest, and of windows those after it.
            let last = todo.iter().rposition(|chore| matches!(chore, Chore::Find(_))).unwrap_or(0);
            let mut at = 0;
            todo.retain(|chore| {
                at += 1;
                at > last || !matches!(chore, Chore::Find(_) | Chore::Window { .. })
            });
            for chore in todo {
                finder.work(chore, &mut tell);
            }
            finder.read_words(&mut tell);
        }
    };
    std::thread::Builder::new().name("sessions".to_owned()).spawn(work)?;
    Ok(sender)
}

/// What is known between two wishes.
pub(in crate::tui) struct Finder {
    desk: Desk,
    index: Option<Index>,
    zone: TimeZone,
    /// The sessions that fit the last question.
    rows: Vec<i64>,
    ticket: u64,
    /// Whether the index is not brought up to date: it was filled by hand.
    frozen: bool,
    waiting: Arc<AtomicUsize>,
    interrupt: Interrupt,
}

impl Finder {
    pub fn new(desk: Desk) -> Self {
        Self {
            desk,
            index: None,
            zone: TimeZone::system(),
            rows: Vec::new(),
            ticket: 0,
            frozen: false,
            waiting: Arc::default(),
            interrupt: Interrupt::default(),
        }
    }

    /// A desk that writes nothing: its index is in memory.
    pub fn unwritten(desk: Desk) -> Self {
        let index = desk.store.as_ref().and_then(|store| Index::in_memory(store, desk.lines).ok());
        Self { index, ..Self::new(desk) }
    }

    /// A desk with an index that was filled by hand.
    #[cfg(test)]
    pub fn of(index: Index, zone: TimeZone) -> Self {
        Self { index: Some(index), zone, frozen: true, ..Self::new(Desk::default()) }
    }

    /// Does it, and tells what came of it.
    pub fn work(&mut self, chore: Chore, tell: &mut dyn FnMut(Action)) {
        match chore {
            Chore::List => self.list(tell),
            Chore::Find(question) => self.find(question, tell),
            Chore::Window { ticket, first } if ticket == self.ticket => {
                let rows = self.window(first).unwrap_or_default();
                tell(Action::SessionDone(Outcome::Window { ticket, first, rows }));
            }
            Chore::Window { .. } => {}
            Chore::Board(filter) => {
                let made = self.board(&filter);
                tell(Action::Board(filter, Box::new(made)));
            }
            other => {
                let moves = matches!(other, Chore::Trash { .. } | Chore::Restore(_) | Chore::Remark(..));
                let done = work_on(other, &self.desk);
                if moves {
                    self.refresh(&mut |_| {});
                }
                tell(done);
            }
        }
    }

    /// Counts for the Failures screen, from the index where there is one.
    fn board(&mut self, filter: &str) -> Result<Board, String> {
        let (fits, lines) = (work::asked(filter)?, self.desk.lines);
        self.refresh(&mut |_| {});
        let Some(index) = self.index() else { return work::board(&self.desk, filter) };
        let found = index.find(&fits, Order::default(), usize::MAX).and_then(|hits| index.rows(&hits.rows));
        let found = found.map_err(|why| why.to_string())?;
        let sessions: Vec<SessionSummary> = found.into_iter().map(|(_, _, session)| session).collect();
        Ok(work::of(&sessions, fits.text(), &lines))
    }

    /// The index, opened when it is first asked for.
    fn index(&mut self) -> Option<&mut Index> {
        if self.index.is_none() {
            let store = self.desk.store.as_ref()?;
            // A link in its place is refused; the sessions are listed all the same.
            self.index = Index::open(store, self.desk.lines).or_else(|_| Index::in_memory(store, self.desk.lines)).ok();
        }
        self.index.as_mut()
    }

    /// What there is, and then what there is once all is read that has changed.
    fn list(&mut self, tell: &mut dyn FnMut(Action)) {
        let before = self.index().and_then(|index| index.total().ok()).unwrap_or(0);
        if before > 0 || self.frozen {
            self.tell_all(tell);
        }
        let changed = self.refresh(&mut |progress| {
            tell(Action::SessionDone(Outcome::Reading(Some(progress))));
        });
        tell(Action::SessionDone(Outcome::Reading(None)));
        if changed || (before == 0 && !self.frozen) {
            self.tell_all(tell);
        }
    }

    fn tell_all(&mut self, tell: &mut dyn FnMut(Action)) {
        let known = self.known().unwrap_or_default();
        let values = self.values();
        let total = self.index().and_then(|index| index.total().ok()).unwrap_or(0);
        tell(Action::SessionDone(Outcome::Total { total, values }));
        tell(Action::Sessions(known));
    }

    /// Whether anything is otherwise now.
    fn refresh(&mut self, told: &mut dyn FnMut(Progress)) -> bool {
        if self.frozen {
            return false;
        }
        let Some(index) = self.index() else { return false };
        let mut last = Instant::now();
        let mut told = |progress: Progress| {
            if last.elapsed() >= EVERY {
                last = Instant::now();
                told(progress);
            }
            true
        };
        let told = std::cell::RefCell::new(&mut told as &mut dyn FnMut(Progress) -> bool);
        let done = index.mending(|index| index.refresh_whole(&mut |progress| (told.borrow_mut())(progress)));
        done.is_ok_and(|done| done.any())
    }

    /// The newest sessions, all forks and what they departed from: for the library and for families.
    fn known(&mut self) -> Option<Vec<Row>> {
        let zone = self.zone.clone();
        let index = self.index()?;
        let forks = Filter::parse("fork:yes").ok()?;
        let mut rows = index.find(&Filter::default(), Order::default(), RECENT).ok()?.rows;
        let forked = index.find(&forks, Order::default(), RECENT).ok()?.rows;
        let of: Vec<String> = index
            .rows(&forked)
            .ok()?
            .into_iter()
            .filter_map(|(_, _, s)| s.parent.map(|parent| parent.session))
            .collect();
        rows.extend(forked);
        rows.extend(index.with_ids(&of).ok()?);
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| seen.insert(*row));
        let mut made: Vec<Row> =
            index.rows(&rows).ok()?.into_iter().map(|(_, log, summary)| Row::of(log, &summary, &zone)).collect();
        made.sort_by(|a, b| b.started.cmp(&a.started));
        Some(made)
    }

    fn values(&mut self) -> Vec<(&'static str, Vec<String>)> {
        let Some(index) = self.index() else { return Vec::new() };
        fields().iter().map(|field| (field.name, index.values(field, VALUES).unwrap_or_default())).collect()
    }

    fn find(&mut self, question: Question, tell: &mut dyn FnMut(Action)) {
        self.ticket = question.ticket;
        let ticket = question.ticket;
        let newer = Arc::clone(&self.waiting);
        let interrupt = Arc::clone(&self.interrupt);
        let Some(index) = self.index() else {
            return tell(Action::SessionDone(Outcome::Found(Found { ticket, ..Found::default() })));
        };
        put(&interrupt, Some(index.interrupter()));
        let found = index.mending(|index| index.find(&question.filter, question.order, usize::MAX));
        put(&interrupt, None);
        let hits = match found {
            Ok(hits) => hits,
            // Broken off: the newer question is on its way.
            Err(_) if newer.load(Ordering::SeqCst) > 0 => return,
            Err(error) => return tell(Action::Failed(error.to_string())),
        };
        let kept = question.keep.and_then(|(sub, id)| index.row_of(&sub, &id).ok().flatten());
        self.rows = hits.rows;
        let kept = kept.and_then(|row| self.rows.iter().position(|found| *found == row));
        let place = kept.unwrap_or(question.place).min(hits.count.saturating_sub(1));
        let first = place.saturating_sub(WINDOW / 2);
        let rows = self.window(first).unwrap_or_default();
        let found = Found { ticket, count: hits.count, verdicts: hits.verdicts, place, first, rows };
        tell(Action::SessionDone(Outcome::Found(found)));
    }

    fn window(&mut self, first: usize) -> Option<Vec<Row>> {
        let zone = self.zone.clone();
        let wanted: Vec<i64> = self.rows.iter().skip(first).take(WINDOW).copied().collect();
        let rows = self.index()?.rows(&wanted).ok()?;
        Some(rows.into_iter().map(|(_, log, summary)| Row::of(log, &summary, &zone)).collect())
    }

    /// Reads what was written in sessions, for as long as nothing else is wished.
    fn read_words(&mut self, tell: &mut dyn FnMut(Action)) {
        let waiting = Arc::clone(&self.waiting);
        if self.frozen {
            return;
        }
        let Some(index) = self.index() else { return };
        let mut last = Instant::now();
        let mut told = |progress: Progress| {
            if last.elapsed() >= EVERY {
                last = Instant::now();
                tell(Action::SessionDone(Outcome::Words(Some(progress))));
            }
            waiting.load(Ordering::SeqCst) == 0
        };
        if index.unread().unwrap_or(0) > 0 && index.read_texts(&mut told).is_ok_and(|done| done.done > 0) {
            tell(Action::SessionDone(Outcome::Words(None)));
        }
    }
}

fn put(interrupt: &Interrupt, handle: Option<rusqlite::InterruptHandle>) {
    if let Ok(mut place) = interrupt.lock() {
        *place = handle;
    }
}

//! `panelscope --plain`: the explorer in lines, for screen readers, pipes and terminals that cannot do more.
//!
//! Nothing moves and nothing is drawn over: a line is read, what is done about it is told in lines. Sessions are told as `ask`
//! tells them, forks are worked out as `fork` works them out.

mod line;
mod words;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::line::{Command, Wanted, parse, read_line};
use super::ask::{Told, tell_one};
use super::fork::{begin, planned};
use super::{CliError, CliResult, Global};
use crate::benchmark::{Benchmark, Question};
use crate::engine::{Ask, PageSource, Past, StepEngine};
use crate::protocol::Profile;
use crate::session;
use crate::text::one_line;
use crate::trace::breakpoint::Breakpoint;
use crate::trace::{Body, Record, Trace};

/// Questions that are listed without being asked for.
const FIRST_LISTED: usize = 20;

/// What can be asked about.
pub(super) enum Stock {
    /// The questions of a benchmark, or its pages where it has none.
    Bench(Box<Benchmark>),
    /// The user's own pages.
    Pages(Vec<PathBuf>),
}

/// What the lines need.
pub(super) struct Setting<'a> {
    pub(super) stock: Stock,
    pub(super) engine: Box<dyn StepEngine + Send>,
    pub(super) profile: Arc<Profile>,
    pub(super) breakpoints: Vec<Breakpoint>,
    pub(super) record: bool,
    pub(super) global: &'a Global,
}

/// The session told last: what was asked, and what is known of it.
struct Last {
    ask: Ask,
    past: Past,
}

struct Plain<'a, W> {
    setting: Setting<'a>,
    /// Rows that can be asked about: a question each, or a page without one.
    rows: Vec<Row>,
    last: Option<Last>,
    cancel: Arc<AtomicBool>,
    out: W,
}

struct Row {
    id: String,
    /// None for a page.
    question: Option<Question>,
    text: String,
}

/// Reads lines from stdin and does what they say until they end. The flag ends a session, and what is typed.
///
/// # Errors
/// Says what failed.
pub(super) fn run(setting: Setting<'_>, cancel: Arc<AtomicBool>) -> CliResult {
    let rows = rows(&setting.stock)?;
    let prompt = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut plain = Plain { setting, rows, last: None, cancel, out: io::stdout() };
    let mut input = io::stdin().lock();
    let done = plain.converse(&mut input, prompt);
    match done {
        Ok(result) => result,
        // A reader that closed the pipe wants no more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(CliError::failed(format!("cannot go on in lines: {error}"))),
    }
}

fn rows(stock: &Stock) -> Result<Vec<Row>, CliError> {
    let page = |id: String| Row { text: format!("page {}", one_line(&id)), id, question: None };
    match stock {
        Stock::Bench(bench) if bench.questions().is_empty() => {
            Ok(bench.pages().map_err(CliError::failed)?.iter().cloned().map(page).collect())
        }
        Stock::Bench(bench) => Ok(bench.questions().iter().map(question_row).collect()),
        Stock::Pages(pages) => Ok(pages.iter().map(|path| page(path.display().to_string())).collect()),
    }
}

fn question_row(question: &Question) -> Row {
    let task = question.task.map(|task| format!("{}: ", task.name())).unwrap_or_default();
    let text = format!("{task}{}", one_line(&question.text));
    Row { id: question.id.clone(), question: Some(question.clone()), text }
}

impl<W: Write> Plain<'_, W> {
    fn converse(&mut self, input: &mut impl BufRead, prompt: bool) -> io::Result<CliResult> {
        writeln!(self.out, "panelscope in lines. h: what can be typed. q: leave.")?;
        self.list("", FIRST_LISTED)?;
        loop {
            if prompt {
                write!(self.out, "> ")?;
            }
            self.out.flush()?;
            let Some(line) = read_line(input)? else { return Ok(Ok(ExitCode::SUCCESS)) };
            if self.cancel.load(Ordering::Relaxed) {
                return Ok(Err(CliError::Interrupted));
            }
            let done = match parse(&line) {
                Ok(Command::Nothing) => Ok(()),
                Ok(Command::Quit) => return Ok(Ok(ExitCode::SUCCESS)),
                Ok(command) => self.obey(command)?,
                Err(why) => Err(why),
            };
            if let Err(why) = done {
                writeln!(self.out, "not done: {}", one_line(&why))?;
            }
        }
    }

    fn obey(&mut self, command: Command) -> io::Result<Result<(), String>> {
        match command {
            Command::Nothing | Command::Quit => Ok(Ok(())),
            Command::Help => words::help(&mut self.out).map(Ok),
            Command::List(words) => {
                let most = if words.is_empty() { usize::MAX } else { self.rows.len() };
                self.list(&words, most).map(Ok)
            }
            Command::Break(point) => self.set_break(point),
            Command::Tokens(from) => match &self.last {
                Some(last) => words::tokens(&last.past.trace, from, &mut self.out).map(Ok),
                None => Ok(Err("nothing was asked yet".to_owned())),
            },
            Command::Ask { row, typed } => {
                let ask = self.asked(row.as_deref(), typed);
                self.tell(ask)
            }
            Command::Again => {
                let again = self.last.as_ref().map(|last| Ask { id: session::new_id(), ..last.ask.clone() });
                self.tell(again.ok_or_else(|| "nothing was asked yet".to_owned()))
            }
            Command::Fork(wanted) => {
                let fork = self.forked(&wanted);
                self.tell(fork)
            }
        }
    }

    fn list(&mut self, words: &str, most: usize) -> io::Result<()> {
        let words = words.to_lowercase();
        let holds = |row: &Row| format!("{} {}", row.id, row.text).to_lowercase().contains(&words);
        let found: Vec<(usize, &Row)> = self.rows.iter().enumerate().filter(|(_, row)| holds(row)).collect();
        for (at, row) in found.iter().take(most) {
            writeln!(self.out, "{} {}", at + 1, row.text)?;
        }
        match found.len() {
            0 => writeln!(self.out, "nothing holds these words"),
            all if all > most => writeln!(self.out, "{all} in all; list: every one, list WORDS: those that hold them"),
            _ => Ok(()),
        }
    }

    fn set_break(&mut self, point: Option<Option<Breakpoint>>) -> io::Result<Result<(), String>> {
        match point {
            None if self.setting.breakpoints.is_empty() => writeln!(self.out, "no breakpoints")?,
            None => {
                for point in &self.setting.breakpoints {
                    writeln!(self.out, "break {}", one_line(point.text()))?;
                }
            }
            Some(None) => self.setting.breakpoints.clear(),
            Some(Some(point)) => self.setting.breakpoints.push(point),
        }
        Ok(Ok(()))
    }

    /// The row of a number or an id; without one that of the last question, else the first.
    fn row(&self, named: Option<&str>) -> Result<&Row, String> {
        let Some(name) = named else { return self.rows.first().ok_or_else(|| "there is no page".to_owned()) };
        let number = name.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let by_number = number.and_then(|at| self.rows.get(at));
        let found = by_number.or_else(|| self.rows.iter().find(|row| row.id == name));
        found.ok_or_else(|| format!("{name} is neither a number of the list nor an id, nor a command; h tells what is"))
    }

    fn asked(&self, named: Option<&str>, typed: Option<Question>) -> Result<Ask, String> {
        let own = typed.is_some();
        let (page, question) = match (&self.last, typed) {
            // About the page that was spoken of.
            (Some(last), Some(question)) if named.is_none() => {
                (last.ask.page.clone(), Question { page: last.ask.question.page.clone(), ..question })
            }
            (_, typed) => {
                let row = self.row(named)?;
                let (page, name) = self.page(row)?;
                let wanted = "type a question about this page after its number: 1 ? TEXT";
                let question = typed.map(|question| Question { page: name, ..question }).or(row.question.clone());
                (page, question.ok_or_else(|| wanted.to_owned())?)
            }
        };
        let benchmark = match &self.setting.stock {
            Stock::Bench(bench) if !own => Some(bench.name().to_owned()),
            _ => None,
        };
        Ok(Ask { benchmark, ..Ask::new(session::new_id(), page, question, Arc::clone(&self.setting.profile)) })
    }

    fn page(&self, row: &Row) -> Result<(PageSource, Option<String>), String> {
        let bench = match &self.setting.stock {
            Stock::Pages(_) => return Ok((PageSource::File(PathBuf::from(&row.id)), None)),
            Stock::Bench(bench) => bench,
        };
        let name = row.question.as_ref().and_then(|question| question.page.clone());
        let name = name.unwrap_or_else(|| row.id.clone());
        let page = bench.page_named(&name).map_err(|e| e.to_string())?;
        Ok((PageSource::Page(page), Some(name)))
    }

    fn forked(&self, wanted: &Wanted) -> Result<Ask, String> {
        let last = self.last.as_ref().ok_or("nothing was asked yet that a fork could depart from")?;
        let start = last.past.trace.start.as_ref().ok_or("the last session never began")?;
        let said = |why: CliError| match why {
            CliError::Failed(why) | CliError::Usage(why) => why,
            CliError::Interrupted => "interrupted".to_owned(),
        };
        let begun = begin(&wanted.args, start, &last.past, Arc::clone(&last.ask.profile)).map_err(said)?;
        let (mut ask, names) = begun;
        if !names.iter().any(|name| name == "pixels") {
            // The engine is the same: its own limits are those of the log.
            ask.debug.pixels = last.ask.debug.pixels;
        }
        planned(&wanted.args, (ask, names), last.past.clone(), &*self.setting.engine).map_err(said)
    }

    /// Asks, and keeps what came of it for forks.
    fn tell(&mut self, ask: Result<Ask, String>) -> io::Result<Result<(), String>> {
        let mut ask = match ask {
            Ok(ask) => ask,
            Err(why) => return Ok(Err(why)),
        };
        ask.debug.breakpoints.clone_from(&self.setting.breakpoints);
        let told = Told { record: self.setting.record, json: false };
        let (mut records, mut past) = (Vec::<Record>::new(), Past::default());
        let mut keep = |emission: &crate::engine::Emission| {
            if let (Body::Image(image), Some(pixels)) = (&emission.record.body, &emission.pixels) {
                past.pixels.insert(image.hash.clone(), Arc::clone(pixels));
            }
            records.push(emission.record.clone());
        };
        let outcome = tell_one(&mut *self.setting.engine, &ask, told, self.setting.global, (&*self.cancel, &mut keep));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(CliError::Failed(why) | CliError::Usage(why)) => return Ok(Err(why)),
            Err(CliError::Interrupted) => return Ok(Err("interrupted".to_owned())),
        };
        // Ctrl-C ended the session, not the program.
        self.cancel.store(false, Ordering::Relaxed);
        past.trace = Arc::new(Trace::of(&records));
        if let Some(error) = &outcome.error {
            writeln!(self.out, "error     {}", one_line(&error.message))?;
        }
        words::afterwards(&past.trace, &mut self.out)?;
        // A session that never began leaves the one before for forks.
        if !past.trace.tokens.is_empty() {
            self.last = Some(Last { ask, past });
        }
        Ok(Ok(()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

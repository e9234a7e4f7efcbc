//! `panelscope sessions search`, `list --filter` and `reindex`: what is asked of the index.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::{CliError, CliResult, Global, existing, printed};
use crate::cli::interrupt_flag;
use crate::session::filter::{Filter, fields};
use crate::session::index::{Index, Order, Progress, Sort};
use crate::session::{SessionError, SessionSummary};
use crate::text::one_line;

/// How often progress is told.
const EVERY: Duration = Duration::from_millis(200);

/// Arguments of `sessions search`.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// Words, or a filter such as 'label:looked-wrong zooms:>=2 text:"red hat"' (docs/FILTERS.md)
    #[arg(value_name = "FILTER", required = true, allow_hyphen_values = true)]
    filter: String,
    /// More of it, as if it stood in the same quotes; what begins with - belongs into them, or after --
    // Not part of the first: after an argument of several values that may begin with -, clap takes flags for values.
    #[arg(value_name = "MORE")]
    more: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    how: How,
}

/// How sessions are given.
#[derive(Args, Debug)]
pub struct How {
    /// Sort by this field of the filter language (default: the newest first)
    #[arg(long, value_name = "FIELD", value_parser = sort)]
    sort: Option<Sort>,
    /// The smallest, or oldest, first
    #[arg(long)]
    rising: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV: a column a field
    #[arg(long)]
    csv: bool,
}

/// Arguments of `sessions reindex`.
#[derive(Args, Debug)]
pub struct ReindexArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn sort(name: &str) -> Result<Sort, String> {
    let names: Vec<&str> = fields().iter().map(|field| field.name).collect();
    let hint = || crate::text::nearest(name, &names).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Sort::named(name).ok_or_else(|| format!("there is no field \"{name}\" to sort by{}", hint()))
}

/// Finds sessions.
pub fn search(args: &SearchArgs, global: &Global) -> CliResult {
    if args.filter.starts_with("--") {
        let words = one_line(&args.filter);
        return Err(CliError::usage(format!(
            "there is no option {words}; a word that begins so stands in double quotes"
        )));
    }
    let all: Vec<&str> = std::iter::once(&args.filter).chain(&args.more).map(String::as_str).collect();
    let filter = Filter::parse(&all.join(" ")).map_err(CliError::usage)?;
    give(global, &filter, args.limit, &args.how, true)
}

/// Prints the sessions that fit.
pub fn give(global: &Global, filter: &Filter, limit: usize, how: &How, counted: bool) -> CliResult {
    let order = Order { sort: how.sort.unwrap_or_default(), falling: !how.rising };
    let mut index = open(global)?;
    let (count, sessions) = found(&mut index, filter, order, limit)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if how.json {
        let mut report = json!({ "sessions": sessions });
        if let Some(report) = report.as_object_mut().filter(|_| counted) {
            report.insert("count".to_owned(), count.into());
        }
        writeln!(out, "{report}")
    } else if how.csv {
        table(&mut out, &sessions)
    } else {
        sessions.iter().try_for_each(|s| writeln!(out, "{}", super::row(s)))
    };
    let done = printed(written.and_then(|()| out.flush()), ExitCode::SUCCESS)?;
    // Below the rows, where a person looks; JSON says the count itself.
    match (count, sessions.len()) {
        (0, _) if !how.json && io::stderr().is_terminal() => eprintln!("no session fits"),
        (count, shown) if count > shown && !how.json => eprintln!("{shown} of {count}; --limit {count} shows all"),
        _ => {}
    }
    Ok(done)
}

/// The index of the flags' sessions folder.
pub(super) fn open(global: &Global) -> Result<Index, CliError> {
    Index::open(&existing(global)?, global.settings.analysis).map_err(CliError::failed)
}

/// How many sessions fit, and the first of them, by an index that is up to date.
fn found(
    index: &mut Index,
    filter: &Filter,
    order: Order,
    limit: usize,
) -> Result<(usize, Vec<SessionSummary>), CliError> {
    bring_up_to_date(index, filter.needs_text())?;
    let answer = index.mending(|index| {
        let hits = index.find(filter, order, limit)?;
        Ok((hits.count, index.rows(&hits.rows)?))
    });
    let (count, rows) = answer.map_err(CliError::failed)?;
    Ok((count, rows.into_iter().map(|(_, _, summary)| summary).collect()))
}

/// Reads what has changed, and with `texts` what was written, telling a person how far it is.
pub(super) fn bring_up_to_date(index: &mut Index, texts: bool) -> Result<(), CliError> {
    let stop = interrupt_flag();
    let mut told = Told::new();
    let go_on = |told: &mut Told, what: &str, progress: Progress| {
        told.tell(what, progress);
        !stop.load(Ordering::Relaxed)
    };
    let result = index.mending(|index| {
        let mut told = Told::new();
        index.refresh_whole(&mut |p| go_on(&mut told, "sessions indexed", p)).map(|_| ())
    });
    result.map_err(CliError::failed)?;
    while texts && !stop.load(Ordering::Relaxed) {
        let done =
            index.read_texts(&mut |p| go_on(&mut told, "logs read for their words", p)).map_err(CliError::failed)?;
        // Another program may be reading them: one waits for it.
        if index.unread().map_err(CliError::failed)? == 0 {
            break;
        }
        if done.done == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    told.done();
    if stop.load(Ordering::Relaxed) { Err(CliError::Interrupted) } else { Ok(()) }
}

/// A line on a terminal that says how far one is.
pub(super) struct Told {
    last: Instant,
    any: bool,
    terminal: bool,
}

impl Told {
    pub fn new() -> Self {
        Self { last: Instant::now(), any: false, terminal: io::stderr().is_terminal() }
    }

    pub fn tell(&mut self, what: &str, progress: Progress) {
        if self.terminal && progress.of > 0 && self.last.elapsed() >= EVERY {
            eprint!("\r\x1b[K{} of {} {what}", progress.done, progress.of);
            self.last = Instant::now();
            self.any = true;
        }
    }

    pub fn done(&mut self) {
        if std::mem::take(&mut self.any) {
            eprint!("\r\x1b[K");
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.done();
    }
}

/// A row a session, a column a field; what is not known is empty.
fn table(out: &mut impl Write, sessions: &[SessionSummary]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(fields().iter().map(|field| field.name))?;
    for session in sessions {
        csv.write_record(fields().iter().map(|field| field.written(session)))?;
    }
    csv.flush()
}

/// Makes the index anew.
pub fn reindex(args: &ReindexArgs, global: &Global) -> CliResult {
    let start = Instant::now();
    let mut index = open(global)?.reset().map_err(CliError::failed)?;
    bring_up_to_date(&mut index, true)?;
    let total = index.total().map_err(CliError::failed)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut out = io::stdout();
    let written = if args.json {
        let file = index.path().map(|path| path.display().to_string());
        writeln!(out, "{}", json!({ "sessions": total, "seconds": seconds, "file": file }))
    } else {
        writeln!(out, "{total} sessions in {seconds:.1} s")
    };
    printed(written, ExitCode::SUCCESS)
}

/// Sessions of which the index does not say what their files say, by name; empty where it is right.
pub(super) fn differences(index: &mut Index) -> Result<Vec<String>, SessionError> {
    let (store, lines) = (index.store().clone(), index.lines());
    index.mending(|index| {
        index.refresh_whole(&mut |_| true)?;
        let hits = index.find(&Filter::default(), Order::default(), usize::MAX)?;
        let mut known = std::collections::HashMap::new();
        for rows in hits.rows.chunks(10_000) {
            for (_, log, summary) in index.rows(rows)? {
                known.insert((log.sub.clone(), log.id.clone()), summary);
            }
        }
        let name = |sub: &str, id: &str| if sub.is_empty() { id.to_owned() } else { format!("{sub}/{id}") };
        let mut wrong = Vec::new();
        for (log, mut summary) in crate::session::listed(&store) {
            summary.relabel(&lines);
            if known.remove(&(log.sub.clone(), log.id.clone())).is_none_or(|found| found != summary) {
                wrong.push(name(&log.sub, &log.id));
            }
        }
        wrong.extend(known.into_keys().map(|(sub, id)| name(&sub, &id)));
        Ok(wrong)
    })
}

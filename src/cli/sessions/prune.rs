//! `panelscope sessions prune` and `compress`: clearing up.

use std::collections::HashSet;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::json;

use super::indexed::{Told, bring_up_to_date, open};
use super::{CliError, CliResult, Global, existing, printed};
use crate::cli::interrupt_flag;
use crate::session::filter::Filter;
use crate::session::index::{Order, Progress};
use crate::session::{self, Compressed, LogFile, SessionError, SessionStore, SessionSummary, Spare};
use crate::text::one_line;

/// Arguments of `sessions prune`.
#[derive(Args, Debug)]
pub struct PruneArgs {
    /// Sessions that fit (docs/FILTERS.md)
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    filter: Option<Filter>,
    /// Sessions that began longer ago: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = hours)]
    older_than: Option<i64>,
    /// Of those, leave the newest N
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Also sessions that a person has labelled, tagged or noted
    #[arg(long)]
    noted: bool,
    /// Pages and crops that no session shows any more
    #[arg(long)]
    blobs: bool,
    /// Logs that were set aside as torn when a run was gone on with
    #[arg(long)]
    torn: bool,
    /// Do it; without this it is only said what would be done
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `sessions compress`.
#[derive(Args, Debug)]
pub struct CompressArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An age in hours.
fn hours(text: &str) -> Result<i64, String> {
    let unit = match text.chars().last() {
        Some('h') => 1,
        Some('d') => 24,
        Some('w') => 24 * 7,
        _ => return Err("an age is a number of hours, days or weeks: 12h, 30d, 8w".to_owned()),
    };
    let n: i64 = text.get(..text.len() - 1).and_then(|n| n.parse().ok()).ok_or("an age begins with a number: 30d")?;
    if (0..=100_000).contains(&n) { Ok(n * unit) } else { Err("an age has at most six digits".to_owned()) }
}

/// What is to go.
#[derive(Default)]
struct Plan {
    sessions: Vec<(LogFile, SessionSummary)>,
    /// Sessions that would go, but a person has said something of them.
    kept: usize,
    blobs: Vec<Spare>,
    torn: Vec<Spare>,
}

/// Prunes.
pub fn prune(args: &PruneArgs, global: &Global) -> CliResult {
    let by_session = args.filter.is_some() || args.older_than.is_some() || args.keep_last.is_some();
    if !by_session && !args.blobs && !args.torn {
        return Err(CliError::usage("say what is to go: --filter, --older-than, --keep-last, --blobs or --torn"));
    }
    let store = existing(global)?;
    let mut plan = Plan::default();
    if by_session {
        sessions(args, global, &mut plan)?;
    }
    if args.torn {
        plan.torn = session::spare_torn(&store);
    }
    if args.blobs {
        let (stop, mut told) = (interrupt_flag(), Told::new());
        let mut go_on = |done, of| {
            told.tell("logs read for their pages", Progress { done, of });
            !stop.load(Ordering::Relaxed)
        };
        plan.blobs = session::spare_blobs(&store, &mut go_on).map_err(CliError::failed)?;
        if stop.load(Ordering::Relaxed) {
            return Err(CliError::Interrupted);
        }
    }
    let failed = if args.yes { carry_out(&store, &plan) } else { Vec::new() };
    tell(args, &plan, &failed)
}

fn sessions(args: &PruneArgs, global: &Global, plan: &mut Plan) -> Result<(), CliError> {
    let filter = args.filter.clone().unwrap_or_default();
    let mut index = open(global)?;
    bring_up_to_date(&mut index, filter.needs_text())?;
    let all = index
        .mending(|index| index.rows(&index.find(&filter, Order::default(), usize::MAX)?.rows))
        .map_err(CliError::failed)?;
    let before = args.older_than.map(|hours| jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours));
    let old = |s: &SessionSummary| {
        // A session without a time is not known to be old.
        before.is_none_or(|before| s.started.parse::<jiff::Timestamp>().is_ok_and(|began| began < before))
    };
    for (_, log, summary) in all.into_iter().filter(|(_, _, s)| old(s)).skip(args.keep_last.unwrap_or(0)) {
        if summary.noted.is_some() && !args.noted {
            plan.kept += 1;
        } else {
            plan.sessions.push((log, summary));
        }
    }
    Ok(())
}

/// Moves all to the trash; gives what could not be moved, with the reason.
fn carry_out(store: &SessionStore, plan: &Plan) -> Vec<String> {
    let mut failed = Vec::new();
    let mut done = HashSet::new();
    for (log, _) in plan.sessions.iter().filter(|(log, _)| done.insert((log.sub.clone(), log.id.clone()))) {
        if let Err(error) = session::trash(store, &log.sub, &log.id) {
            failed.push(format!("{}: {error}", log.id));
        }
    }
    for (what, spares) in [("blobs", &plan.blobs), ("torn", &plan.torn)] {
        for spare in spares {
            if let Err(error) = session::put_aside(store, what, &spare.path) {
                failed.push(error.to_string());
            }
        }
    }
    failed
}

fn tell(args: &PruneArgs, plan: &Plan, failed: &[String]) -> CliResult {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let sum = |spares: &[Spare]| spares.iter().map(|spare| spare.bytes).sum::<u64>();
    let written = if args.json {
        let ids: Vec<String> = plan.sessions.iter().map(|(log, _)| name(log)).collect();
        let report = json!({ "done": args.yes, "sessions": ids, "kept": plan.kept, "blobs": plan.blobs, "torn": plan.torn, "failed": failed });
        writeln!(out, "{report}")
    } else {
        let lines = plan.sessions.iter().map(|(log, s)| format!("{}  {}  {}", name(log), s.started, s.label_shown()));
        let spares = plan.torn.iter().chain(&plan.blobs).map(|spare| spare.path.display().to_string());
        let said = lines.chain(spares).try_for_each(|line| writeln!(out, "{}", one_line(&line)));
        said.and_then(|()| {
            let verb = if args.yes { "moved to the trash" } else { "would go to the trash; --yes does it" };
            let kilobytes = (sum(&plan.blobs) + sum(&plan.torn)).div_ceil(1000);
            let (n, blobs, torn) = (plan.sessions.len(), plan.blobs.len(), plan.torn.len());
            writeln!(out, "{n} sessions, {blobs} pages and crops, {torn} torn logs ({kilobytes} kB): {verb}")
        })
    };
    if plan.kept > 0 {
        eprintln!("note: {} sessions stay, for a person has said something of them; --noted takes them too", plan.kept);
    }
    for why in failed {
        eprintln!("note: not moved: {}", one_line(why));
    }
    printed(written.and_then(|()| out.flush()), ExitCode::from(u8::from(!failed.is_empty())))
}

fn name(log: &LogFile) -> String {
    if log.sub.is_empty() { log.id.clone() } else { format!("{}/{}", log.sub, log.id) }
}

/// Compresses.
pub fn compress(args: &CompressArgs, global: &Global) -> CliResult {
    let store = existing(global)?;
    let (stop, mut told) = (interrupt_flag(), Told::new());
    let logs = store.logs();
    let (mut done, mut unfinished, mut busy, mut failed) = (0, 0, 0, Vec::new());
    for (n, log) in logs.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(CliError::Interrupted);
        }
        told.tell("logs looked at", Progress { done: n, of: logs.len() });
        match session::compress(&store, log) {
            Ok(Compressed::Done) => done += 1,
            Ok(Compressed::Before) => {}
            Ok(Compressed::Unfinished) => unfinished += 1,
            Ok(Compressed::Busy) => busy += 1,
            Err(error) => failed.push(said(log, &error)),
        }
    }
    told.done();
    for why in &failed {
        eprintln!("note: {}", one_line(why));
    }
    let mut out = io::stdout();
    let written = if args.json {
        writeln!(out, "{}", json!({ "compressed": done, "unfinished": unfinished, "busy": busy, "failed": failed }))
    } else {
        writeln!(
            out,
            "{done} logs compressed; {unfinished} have not ended and {busy} are being written: they stay as they are"
        )
    };
    printed(written, ExitCode::from(u8::from(!failed.is_empty())))
}

fn said(log: &LogFile, error: &SessionError) -> String {
    format!("{}: {error}", name(log))
}

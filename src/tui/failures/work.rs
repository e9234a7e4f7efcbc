//! Counts: from sessions and a filter to a [`Board`].

use std::collections::BTreeSet;

use super::{Board, BoardRow, Cell, Chart, Column, Figure};
use crate::analysis::Label;
use crate::config::Thresholds;
use crate::session::SessionSummary;
use crate::session::filter::Filter;
use crate::study::{self, Group, Quadrant, Table, TaskFigures};
use crate::tui::desk::Desk;
use crate::tui::view::charts::{Point, Share};

/// Bars of the histogram of tokens.
const BARS: usize = 24;
/// Runs that are named.
const NAMED: usize = 3;

/// Counts the sessions of a desk that fit a filter. Forks say nothing of the model's own answers and are left out, unless
/// the filter speaks of them.
///
/// # Errors
/// What is wrong with the filter.
pub(in crate::tui) fn board(desk: &Desk, filter: &str) -> Result<Board, String> {
    let fits = asked(filter)?;
    if fits.needs_text() {
        return Err("words of reasoning can only be looked for where an index can be written".to_owned());
    }
    let sessions: Vec<SessionSummary> = desk.sessions().into_iter().filter(|session| fits.matches(session)).collect();
    Ok(of(&sessions, fits.text(), &desk.lines))
}

/// The filter that is meant by what was typed.
///
/// # Errors
/// What is wrong with it.
pub(in crate::tui) fn asked(filter: &str) -> Result<Filter, String> {
    Filter::parse(filter).map_err(|why| why.to_string())?;
    let own = if filter.contains("fork:") { filter.to_owned() } else { format!("{} fork:no", within(filter)) };
    Filter::parse(own.trim()).map_err(|why| why.to_string())
}

/// A filter as a part of another.
fn within(filter: &str) -> String {
    if filter.contains(" or ") { format!("({filter})") } else { filter.to_owned() }
}

/// The counts of sessions that were found by this filter.
pub(in crate::tui) fn of(sessions: &[SessionSummary], filter: &str, lines: &Thresholds) -> Board {
    let table = Table::of(sessions);
    let figures = study::Figures::of(sessions, lines);
    let columns = table.labels.iter().map(|label| column(*label)).collect();
    let rows = table.rows.iter().map(|row| {
        let own: Vec<&SessionSummary> = sessions.iter().filter(|session| row.group.holds(session)).collect();
        board_row(row, &table.labels, figures.get(row.group), &own, filter)
    });
    Board {
        title: title(sessions),
        sessions: sessions.len(),
        failures: table.row(Group::All).map_or(0, |row| row.failures.count),
        columns,
        rows: if sessions.is_empty() { Vec::new() } else { rows.collect() },
    }
}

fn title(sessions: &[SessionSummary]) -> String {
    let runs: BTreeSet<&str> = sessions.iter().filter_map(|session| session.run.as_deref()).collect();
    let named: Vec<&str> = runs.iter().copied().take(NAMED).collect();
    match runs.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", named.join(", ")),
        None => named.join(", "),
    }
}

/// A label's name on two lines of nine cells.
fn column(label: Label) -> Column {
    let name = label.name();
    let short = match label {
        Label::Infrastructure => ["infra-", "structure"],
        Label::OutOfBudget => ["out of", "budget"],
        Label::Premature => ["", "premature"],
        Label::LookedRightAnsweredWrong => ["saw it,", "wrong"],
        Label::RightUngrounded => ["right un-", "grounded"],
        Label::Unfinished => ["un-", "finished"],
        Label::TruthDoubtful => ["truth", "doubtful"],
        _ => name.split_once('-').map_or(["", name], |(a, b)| [a, b]),
    };
    Column { name: name.to_owned(), short: short.map(str::to_owned), failure: label.is_failure() }
}

fn cell(share: study::Share, which: study::Cell, filter: &str) -> Cell {
    let filter = [filter.to_owned(), which.filter()].join(" ");
    Cell { n: share.count, share: share.share, ci: share.ci95, filter: filter.trim().to_owned() }
}

fn board_row(
    row: &study::Row,
    labels: &[Label],
    figures: Option<&TaskFigures>,
    own: &[&SessionSummary],
    filter: &str,
) -> BoardRow {
    let group = row.group;
    let quadrant = |looked, right| {
        let which = Quadrant { looked, right };
        cell(row.looked.get(which), study::Cell::Looked(group, which), filter)
    };
    BoardRow {
        name: group.name().to_owned(),
        depth: u16::from(matches!(group, Group::Task(_))),
        n: row.n,
        accuracy: figures.and_then(accuracy),
        cells: row
            .cells
            .iter()
            .zip(labels)
            .map(|(share, label)| cell(*share, study::Cell::Label(group, *label), filter))
            .collect(),
        square: [true, false].map(|looked| [true, false].map(|right| quadrant(looked, right))),
        figures: figures.map(|figures| words(group, figures)).unwrap_or_default(),
        charts: figures.map(|figures| charts(figures, own)).unwrap_or_default(),
    }
}

fn accuracy(figures: &TaskFigures) -> Option<Share> {
    let all = &figures.report.all;
    Some(Share { value: all.accuracy?, ci: figures.clustered.ci95, mark: figures.report.chance })
}

/// A share as papers write it.
fn share(x: f64) -> String {
    let text = format!("{x:.3}");
    match text.strip_prefix("0.") {
        Some(rest) => format!(".{rest}"),
        None => text,
    }
}

fn of_share(s: study::Share, n: usize) -> String {
    let [low, high] = s.ci95.map(share);
    format!("{} [{low}, {high}]  {}/{n}", share(s.share), s.count)
}

/// The figures in words, the most telling first.
fn words(group: Group, figures: &TaskFigures) -> Vec<Figure> {
    let report = &figures.report;
    let mut all = Vec::new();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            all.push(Figure { name: name.to_owned(), value });
        }
    };
    let [low, high] = figures.clustered.ci95.map(share);
    let accuracy = report.all.accuracy.map(|a| format!("{} [{low}, {high}]  n {}", share(a), report.all.n));
    say("accuracy", accuracy);
    say("chance-corrected", figures.corrected.map(share));
    say(
        "pages",
        Some(format!("{} (design effect {:.2})", figures.clustered.clusters, figures.clustered.design_effect)),
    );
    // What a scorer measures is one thing only within a task.
    if matches!(group, Group::Task(_)) {
        for (name, value) in &report.score {
            say(&name.replace('_', " "), Some(share(*value)));
        }
    }
    let shortcut = figures.heuristic.as_ref().map(|h| {
        let right = |[n, right]: [usize; 2]| format!("{right}/{n}");
        format!("{} agree; right {} with, {} against it", share(h.share), right(h.with), right(h.against))
    });
    say("lower is nearer", shortcut);
    say("zoom precision", (figures.zooms.crops > 0).then(|| of_share(figures.zooms.precision, figures.zooms.crops)));
    say("zoom recall", (figures.zooms.targets > 0).then(|| of_share(figures.zooms.recall, figures.zooms.targets)));
    say("refused calls", Some(report.refused.to_string()));
    let ece = figures.calibration.as_ref();
    say("calibration", ece.map(|c| format!("ECE {} · Brier {}", share(c.ece), share(c.brier))));
    say("letter bias", figures.letters.as_ref().map(|l| format!("χ² {:.1}, df {}, p {}", l.chi2, l.df, share(l.p))));
    let spread = |s: &study::Spread, digits: usize| {
        format!("{:.digits$} (median {:.digits$}, 90 % {:.digits$})", s.mean, s.median, s.p90)
    };
    say("tokens", figures.tokens_spread.as_ref().map(|s| spread(s, 0)));
    say("seconds", figures.seconds.as_ref().map(|s| spread(s, 2)));
    if let Some(seeds) = &figures.seeds {
        let pass: Vec<String> = seeds.pass.iter().take(4).map(|p| share(*p)).collect();
        say("pass@1 …", Some(pass.join(" ")));
        say("agreement", Some(share(seeds.agreement)));
    }
    all
}

fn charts(figures: &TaskFigures, own: &[&SessionSummary]) -> Vec<Chart> {
    let mut all = Vec::new();
    if let Some(calibration) = &figures.calibration {
        let point = |bin: &crate::analysis::stats::Bin| Point {
            confidence: bin.p.unwrap_or(0.0),
            accuracy: bin.accuracy.unwrap_or(0.0),
            n: bin.n,
        };
        all.push(Chart::Reliability {
            title: format!("Reliability · ECE {} · {} answers", share(calibration.ece), calibration.n),
            bins: calibration.bins.iter().map(point).collect(),
        });
    }
    all.extend(tokens(own));
    if let Some(letters) = &figures.letters {
        all.push(Chart::Bars {
            title: format!("Listed choice answered: first … {}.", letters.answered.len()),
            heights: letters.answered.iter().map(|n| *n as f64).collect(),
            ends: ["first".to_owned(), "last".to_owned()],
        });
    }
    all
}

/// How long sessions are.
fn tokens(own: &[&SessionSummary]) -> Option<Chart> {
    let most = own.iter().map(|session| session.generated).max().filter(|most| *most > 0)?;
    let mut heights = vec![0.0; BARS];
    for session in own {
        let place = (session.generated as f64 / (most + 1) as f64 * BARS as f64) as usize;
        if let Some(height) = heights.get_mut(place) {
            *height += 1.0;
        }
    }
    Some(Chart::Bars { title: "Tokens a session".to_owned(), heights, ends: ["0".to_owned(), most.to_string()] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionStore;

    fn demo() -> Desk {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/sessions");
        Desk { store: SessionStore::open(dir).ok(), ..Desk::default() }
    }

    #[test]
    fn every_cell_finds_its_sessions_by_its_filter() {
        let desk = demo();
        let board = board(&desk, "").unwrap_or_default();
        assert!(board.sessions >= 8 && board.failures >= 1, "{board:?}");
        let all = desk.sessions();
        for row in &board.rows {
            for cell in row.cells.iter().chain(row.square.iter().flatten()) {
                let filter = Filter::parse(&cell.filter).unwrap_or_else(|why| unreachable!("{}: {why}", cell.filter));
                let found = all.iter().filter(|session| filter.matches(session)).count();
                assert_eq!(found, cell.n, "{} in {}", cell.filter, row.name);
            }
        }
        let only = super::board(&desk, "family:depth or family:tracking").unwrap_or_default();
        assert!(only.sessions < board.sessions && only.sessions > 0);
        assert!(only.rows.iter().flat_map(|row| &row.cells).all(|cell| Filter::parse(&cell.filter).is_ok()));
    }

    #[test]
    fn what_cannot_be_counted_is_said() {
        assert!(board(&demo(), "familly:depth").is_err_and(|why| why.contains("family")));
        assert_eq!(board(&Desk::default(), "").map(|board| board.sessions), Ok(0));
    }
}

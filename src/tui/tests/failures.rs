//! The Failures and Compare screens at several sizes, and the way through them.

use super::super::action::Action;
use super::super::app::{App, Screen};
use super::super::compare::{CompareAction, Flip, FlipSide, RunRow, Versus, VersusRow};
use super::super::effect::Effect;
use super::super::failures::{Board, BoardRow, Cell, Chart, Column, FailuresAction, Figure, Focus};
use super::super::fixtures;
use super::super::images::{Caps, Gallery};
use super::super::sessions::Chore;
use super::super::theme::ColorDepth;
use super::super::view::charts::{Point, Share};
use super::{screen, screen_with, text};

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];

fn cell(n: usize, of: usize, filter: &str) -> Cell {
    let share = n as f64 / of.max(1) as f64;
    Cell { n, share, ci: [(share - 0.1).max(0.0), (share + 0.1).min(1.0)], filter: filter.to_owned() }
}

fn row(name: &str, depth: u16, n: usize, cells: [usize; 4]) -> BoardRow {
    let filter = if depth == 0 { format!("family:{name}") } else { format!("task:{name}") };
    let of = |i: usize, label: &str| cell(cells[i], n, &format!("{filter} label:{label}"));
    BoardRow {
        name: name.to_owned(),
        depth,
        n,
        accuracy: Some(Share { value: cells[0] as f64 / n as f64, ci: [0.4, 0.8], mark: Some(0.5) }),
        cells: vec![of(0, "right"), of(1, "premature"), of(2, "looked-wrong"), of(3, "looked-right-answered-wrong")],
        square: [
            [cell(9, n, "looked:right right:yes"), cell(3, n, "looked:right right:no")],
            [cell(0, n, ""), cell(5, n, "looked:wrong right:no")],
        ],
        figures: [
            ("accuracy", ".61 [.40, .80]"),
            ("chance-corrected", ".22"),
            ("vertical heuristic", ".81"),
            ("tokens", "61.2"),
        ]
        .map(|(name, value)| Figure { name: name.to_owned(), value: value.to_owned() })
        .into(),
        charts: vec![
            Chart::Reliability {
                title: "Reliability · ECE .12".to_owned(),
                bins: (0..10)
                    .map(|i| Point { confidence: f64::from(i) / 10.0 + 0.05, accuracy: f64::from(i * i) / 90.0, n: 3 })
                    .collect(),
            },
            Chart::Bars {
                title: "Tokens".to_owned(),
                heights: vec![1.0, 5.0, 9.0, 2.0],
                ends: ["12".to_owned(), "96".to_owned()],
            },
        ],
    }
}

fn board() -> Board {
    let column = |name: &str, a: &str, b: &str, failure| Column {
        name: name.to_owned(),
        short: [a.to_owned(), b.to_owned()],
        failure,
    };
    Board {
        title: "demo, sft-r".to_owned(),
        sessions: 120,
        failures: 47,
        columns: vec![
            column("right", "right", "", false),
            column("premature", "prema-", "ture", true),
            column("looked-wrong", "looked", "wrong", true),
            column("looked-right-answered-wrong", "looked ✓", "answer ✗", true),
        ],
        rows: vec![
            row("depth", 0, 40, [20, 2, 16, 2]),
            row("depth-comparison", 1, 40, [20, 2, 16, 2]),
            row("tracking", 0, 60, [40, 10, 9, 1]),
            row("character-counting", 1, 30, [12, 10, 7, 1]),
            row("character-identification\u{1b}[31m", 1, 30, [28, 0, 2, 0]),
            row("all", 0, 120, [73, 12, 29, 6]),
        ],
    }
}

fn failures(w: u16, h: u16) -> App {
    let mut app = fixtures::app(w, h);
    app.update(Action::OnFailures(FailuresAction::Show));
    app.update(Action::Board(String::new(), Box::new(Ok(board()))));
    app
}

fn versus() -> Versus {
    let share = |value| Some(Share { value, ci: [value - 0.1, value + 0.1], mark: Some(0.5) });
    let side = |right, answer: &str, label: &str, path: &str| FlipSide {
        right,
        answer: answer.to_owned(),
        label: label.to_owned(),
        path: path.into(),
    };
    let line = |name: &str, n, only, p| VersusRow {
        name: name.to_owned(),
        n,
        shares: [share(0.5), share(0.8)],
        only,
        difference: "+.300 [+.102, +.488]".to_owned(),
        p: [Some(p), Some(p * 2.0)],
    };
    Versus {
        runs: ["sft-r".to_owned(), "demo\u{7}".to_owned()],
        sentence: "demo is better in depth-comparison".to_owned(),
        rows: vec![line("depth-comparison", 40, [2, 14], 0.0042), line("panel-reordering", 40, [5, 4], 1.0)],
        flips: (0..12)
            .map(|i| Flip {
                question: format!("q{i:05}-depth"),
                task: "depth-comparison".to_owned(),
                sides: [
                    side(i % 3 == 0, "Pip", "looked-wrong", "/a.jsonl"),
                    side(i % 3 != 0, "Bo", "right", "/b.jsonl"),
                ],
            })
            .collect(),
    }
}

fn compare(w: u16, h: u16, done: bool) -> App {
    let mut app = fixtures::app(w, h);
    app.update(Action::OnCompare(CompareAction::Show));
    let accuracy = Some(Share { value: 0.61, ci: [0.5, 0.7], mark: None });
    let runs = ["demo", "sft-r", "base"].map(|name| RunRow {
        name: name.to_owned(),
        about: "140 sessions · demo-rarl · greedy".to_owned(),
        accuracy,
    });
    app.update(Action::Runs(runs.into()));
    app.update(Action::Open);
    if done {
        app.update(Action::Down);
        let effects = app.update(Action::Open);
        assert_eq!(effects, [Effect::OnSessions(Chore::Compare(["demo".to_owned(), "sft-r".to_owned()]))]);
        app.update(Action::Compared(Box::new(Ok(versus()))));
        app.update(Action::Down);
    }
    app
}

#[test]
fn screens() {
    for (w, h) in SIZES {
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("failures_{w}x{h}"), text(&screen(&failures(w, h), w, h)));
            let app = compare(w, h, false);
            insta::assert_snapshot!(format!("compare_runs_{w}x{h}"), text(&screen(&app, w, h)));
            let app = compare(w, h, true);
            insta::assert_snapshot!(format!("compare_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

#[test]
fn every_small_size_draws_without_panic() {
    for w in 0..=50 {
        for h in 0..=22 {
            let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
            screen_with(&failures(w, h), &gallery, w, h);
            screen_with(&compare(w, h, false), &gallery, w, h);
            screen_with(&compare(w, h, true), &gallery, w, h);
        }
    }
}

#[test]
fn a_cell_opens_its_sessions_and_is_found_again() {
    let mut app = failures(120, 40);
    assert_eq!(app.failures.column(), 2, "the commonest failure is chosen first");
    app.update(Action::Down);
    let effects = app.update(Action::Open);
    assert_eq!(app.screen, Screen::Sessions);
    assert!(effects.contains(&Effect::OnSessions(Chore::List)), "{effects:?}");
    assert_eq!(app.sessions.filter.text(), "task:depth-comparison label:looked-wrong");
    app.update(Action::Close);
    assert_eq!(app.screen, Screen::Failures);
    assert_eq!((app.failures.row().0, app.failures.column()), (1, 2));
    app.update(Action::Board(String::new(), Box::new(Ok(board()))));
    assert_eq!((app.failures.row().0, app.failures.column()), (1, 2), "new numbers move nothing");
    app.update(Action::OnFailures(FailuresAction::Focus));
    app.update(Action::Down);
    assert_eq!(app.failures.focus, Focus::Square);
    app.update(Action::Open);
    assert_eq!(app.screen, Screen::Failures, "an empty cell has nothing to open");
    assert!(app.toast.is_some());
    app.update(Action::OnFailures(FailuresAction::Right));
    app.update(Action::Open);
    assert_eq!(app.sessions.filter.text(), "looked:wrong right:no");
}

#[test]
fn a_wrong_filter_is_told_and_the_numbers_stay() {
    let mut app = failures(120, 40);
    app.update(Action::OnFailures(FailuresAction::Type));
    app.update(Action::Edit(super::super::action::Edit::Insert("familly:x".to_owned())));
    let effects = app.update(Action::Open);
    assert_eq!(effects, [Effect::OnSessions(Chore::Board("familly:x".to_owned()))]);
    app.update(Action::Board("familly:x".to_owned(), Box::new(Err("1: there is no field \"familly\"".to_owned()))));
    assert!(text(&screen(&app, 120, 40)).contains("! 1: there is no field"));
    assert_eq!(app.failures.board.as_ref().map(|b| b.sessions), Some(120));
}

#[test]
fn a_flip_opens_both_sessions_and_comes_back() {
    let mut app = compare(120, 40, true);
    let effects = app.update(Action::Open);
    let [first, second] = ["/b.jsonl", "/a.jsonl"].map(std::path::PathBuf::from);
    assert_eq!(effects, [Effect::OpenLog(first.clone()), Effect::OpenBeside(second)]);
    app.update(Action::Replay { path: first, records: fixtures::session(true), problems: Vec::new() });
    assert_eq!(app.screen, Screen::Explorer);
    app.update(Action::Back);
    assert_eq!((app.screen, app.compare.flip()), (Screen::Compare, 1));
    app.update(Action::OnCompare(CompareAction::Turn));
    assert_eq!(app.compare.flips().len(), 4, "only what the first has right");
    let effects = app.update(Action::OnCompare(CompareAction::Swap));
    assert_eq!(effects, [Effect::OnSessions(Chore::Compare(["sft-r".to_owned(), "demo".to_owned()]))]);
}

#[test]
fn a_person_overrides_a_label_with_a_reason() {
    use super::super::debug::DebugAction;
    use super::super::debug::label::{About, Said};
    use crate::session::{Noted, NotedLabel, Remark};

    let mut app = fixtures::app(120, 40);
    app.update(Action::Replay { path: "a.jsonl".into(), records: fixtures::session(false), problems: Vec::new() });
    let about = About::Log("a.jsonl".into());
    let effects = app.update(Action::Debug(DebugAction::Say));
    assert_eq!(effects, [Effect::OnSessions(Chore::ReadNotes(about.clone()))]);
    app.update(Action::Said(About::Log("other.jsonl".into()), Ok(Said::default())));
    assert!(app.debug.menu.is_none(), "that was about another session");
    app.update(Action::Said(about.clone(), Ok(Said::default())));
    let shown = text(&screen(&app, 120, 40));
    assert!(shown.contains("● automatic: "), "{shown}");
    app.update(Action::Bottom);
    (0..2).for_each(|_| drop(app.update(Action::Up)));
    app.update(Action::Open);
    app.update(Action::Edit(super::super::action::Edit::Insert("who knows".to_owned())));
    let effects = app.update(Action::Open);
    let label = Remark::Label { label: Some("truth-doubtful".to_owned()), reason: "who knows".to_owned() };
    assert_eq!(effects, [Effect::OnSessions(Chore::Remark(about.clone(), label))]);
    let given = NotedLabel {
        label: "truth-doubtful".to_owned(),
        reason: "who knows".to_owned(),
        by: "me".to_owned(),
        at: String::new(),
    };
    let noted = Noted { label: Some(given), tags: vec!["hats".to_owned()], notes: 1 };
    app.update(Action::Said(about, Ok(Said { noted, notes: vec!["then me: a note\u{1b}[2J".to_owned()] })));
    let shown = text(&screen(&app, 120, 40));
    assert!(
        shown.contains("○ automatic") && shown.contains("● truth-doubtful") && shown.contains("me who knows"),
        "{shown}"
    );
    assert!(shown.contains("hats") && shown.contains("a note") && !shown.contains('\u{1b}'));
}

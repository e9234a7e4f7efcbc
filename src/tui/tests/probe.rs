//! Probes in the explorer: list, progress, result, heat map.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::action::Action;
use super::super::app::{App, Screen};
use super::super::effect::Effect;
use super::super::keys::Context;
use super::super::mouse::{MouseAction, MouseKind};
use super::super::probe::{Found, ProbeAction, ProbeNews, sweep_page, sweep_png};
use super::super::{fixtures, view};
use super::{screen, text};
use crate::geometry::PageBox;
use crate::page::pixel_hash;
use crate::probe::{Arm, CellFigures, ProbeKind, Report, Share, Step, SweepFigures, Verdict};
use crate::trace::{Body, ZoomOutcome};

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];
const SESSION: &str = "20260102-030405-abcdef";

/// A replay at its end, with the hashes its pixels have.
fn replay(w: u16, h: u16) -> App {
    let mut app = fixtures::app(w, h);
    let mut records = fixtures::session(false);
    for arrival in &mut records {
        if let (Body::Image(event), Some(pixels)) = (&mut arrival.record.body, &arrival.pixels) {
            event.hash = pixel_hash(pixels);
        }
        if let Body::Zoom(zoom) = &mut arrival.record.body
            && let ZoomOutcome::Cropped { crop, .. } = &mut zoom.outcome
        {
            *crop = pixel_hash(&fixtures::crop());
        }
    }
    app.update(Action::Replay { path: "sessions/a.jsonl".into(), records, problems: Vec::new() });
    app.update(Action::Scrub(super::super::action::Scrub::End));
    app
}

fn report(probe: ProbeKind) -> Report {
    Report {
        v: 1,
        probe,
        session: SESSION.into(),
        question_id: "ar-0012".into(),
        question: "In panel 3, what is the figure in blue doing?".into(),
        truth: Some("running".into()),
        model: "demo-rarl".into(),
        label: "looked-wrong".into(),
        arms: Vec::new(),
        sweep: None,
        verdict: Verdict::CannotFind,
        sentence: "It can see but did not find: with the true region as its zoom it is right.".into(),
    }
}

fn found(report: Report, heat: bool) -> Arc<Found> {
    let heat = report.sweep.as_ref().filter(|_| heat).and_then(|s| sweep_page(&fixtures::page(), s)).map(Arc::new);
    Arc::new(Found {
        report,
        heat,
        dir: "sessions/probe-find-a-123456".into(),
        source: Some("sessions/a.jsonl".into()),
    })
}

fn find() -> Arc<Found> {
    let arm = |name: &str, words: &str, answer: &str, right: usize| Arm {
        name: name.into(),
        words: words.into(),
        n: 1,
        right,
        same: 1 - right,
        answers: vec![Some(answer.into())],
        sessions: vec![if name == "recorded" { SESSION.into() } else { format!("find-0-{name}") }],
        told: vec![words.into()],
    };
    let arms = vec![
        arm("recorded", "as recorded", "sleeping", 0),
        arm("control", "asked once more", "sleeping", 0),
        arm("true-box", "its call names the true region", "running", 1),
    ];
    found(Report { arms, ..report(ProbeKind::Find) }, false)
}

fn sweep() -> Arc<Found> {
    let cell = |x: f64, y: f64, p: f64| CellFigures {
        page_box: PageBox::new(x, y, x + 100.0, y + 140.0),
        coverage: Some(if x == 0.0 && y > 0.0 { 1.0 } else { 0.0 }),
        p_right: p,
        p: vec![p, (1.0 - p) / 2.0, (1.0 - p) / 2.0],
        mass: 0.9,
        answer: Some(if p > 0.5 { "running".into() } else { "waving\u{1b}[2J".into() }),
        session: format!("sweep-0-cell-{x}-{y}"),
        span: (1, 1),
    };
    let figures = SweepFigures {
        cells: vec![cell(0.0, 0.0, 0.12), cell(100.0, 0.0, 0.31), cell(0.0, 140.0, 0.97), cell(100.0, 140.0, 0.2)],
        mean: 0.4,
        on_target: Some(Share { cells: 1, mean: 0.97 }),
        off_target: Some(Share { cells: 3, mean: 0.21 }),
        own: Some(CellFigures { span: (0, 0), session: "sweep-0-own".into(), ..cell(0.0, 140.0, 0.9) }),
        none: CellFigures { coverage: None, span: (0, 0), session: "sweep-0-none".into(), ..cell(0.0, 0.0, 0.3) },
        xs: vec![0.0, 100.0, 200.0],
        ys: vec![0.0, 140.0, 280.0],
        page: (200, 280),
        targets: vec![PageBox::new(10.0, 150.0, 90.0, 270.0)],
        zoom: 1,
        before: "think".into(),
        forced: "<answer>".into(),
        candidates: vec!["running".into(), "sleeping".into(), "waving".into()],
        made: None,
        passes: 9,
    };
    let sentence =
        "Looking at its target matters: P(right) is 0.97 over the one region that shows its target, 0.21 over those \
                    that show nothing of it, 0.40 over the page, 0.30 without a crop."
            .into();
    let verdict = Verdict::NeedsTarget;
    found(Report { sweep: Some(figures), verdict, sentence, ..report(ProbeKind::Sweep) }, true)
}

fn news(app: &mut App, news: ProbeNews) -> Vec<Effect> {
    app.update(Action::Probed(Box::new(news)))
}

fn menu(app: &mut App) -> Vec<String> {
    app.update(Action::Probe(ProbeAction::Menu));
    app.debug.menu.as_ref().unwrap().rows.iter().map(|r| format!("{} {:?}", r.text, r.why_not)).collect()
}

fn snapshots(name: &str, state: impl Fn(u16, u16) -> App) {
    for (w, h) in SIZES {
        let app = state(w, h);
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

#[test]
fn screens_of_probes() {
    snapshots("probe_menu", |w, h| {
        let mut app = replay(w, h);
        menu(&mut app);
        app
    });
    snapshots("probe_find", |w, h| {
        let mut app = replay(w, h);
        news(&mut app, ProbeNews::Done(find()));
        app
    });
    snapshots("probe_sweep", |w, h| {
        let mut app = replay(w, h);
        news(&mut app, ProbeNews::Done(sweep()));
        app.update(Action::Down);
        app.update(Action::Down);
        app
    });
}

#[test]
fn a_probe_is_chosen_runs_tells_and_is_stopped() {
    let mut app = replay(120, 40);
    assert_eq!(menu(&mut app).len(), 5);
    assert_eq!(app.update(Action::Open), [Effect::Probe(ProbeKind::Find)]);
    assert!(app.debug.menu.is_none());
    let step = Step { sessions: (0, 1), forks: (2, 3), what: "true-crop".into() };
    news(&mut app, ProbeNews::Step(step));
    let seen = text(&screen(&app, 120, 40));
    assert!(seen.contains("probe find 2/3 · P stops"), "{seen}");
    // The person goes on looking meanwhile.
    assert_eq!(view::context(&app), Context::Explorer);
    let rows = menu(&mut app);
    assert!(rows[0].contains("find is running") && rows[5].starts_with("stop find (2 of 3)"), "{rows:?}");
    app.update(Action::Bottom);
    assert_eq!(app.update(Action::Open), [Effect::StopProbe]);
    news(&mut app, ProbeNews::Stopped);
    assert!(app.probe.running.is_none() && app.toast.as_deref().unwrap().contains("goes on"));
}

#[test]
fn a_result_opens_its_forks_and_comes_back() {
    let mut app = replay(120, 40);
    let effects = news(&mut app, ProbeNews::Done(find()));
    assert_eq!(effects.len(), 1, "the sessions are listed anew");
    assert_eq!(view::context(&app), Context::Probe);
    assert_eq!(app.update(Action::Open), [], "the session itself is on screen");
    app.update(Action::Bottom);
    let log = PathBuf::from("sessions/probe-find-a-123456/find-0-true-box.jsonl.zst");
    assert_eq!(app.update(Action::Open), [Effect::OpenLog(log.clone())]);
    let mut records = fixtures::session(true);
    if let Body::SessionStart(start) = &mut records[0].record.body {
        start.id = "find-0-true-box".into();
    }
    app.update(Action::Replay { path: log, records, problems: Vec::new() });
    assert_eq!(view::context(&app), Context::Explorer, "the result is the other session's");
    let rows = menu(&mut app);
    assert!(rows.iter().any(|row| row.starts_with("back to find of 20260102")), "{rows:?}");
    app.update(Action::Bottom);
    assert_eq!(app.update(Action::Open), [Effect::OpenLog("sessions/a.jsonl".into())]);
}

#[test]
fn a_click_on_a_result_chooses_its_row_and_reaches_nothing_below() {
    let mut app = replay(120, 40);
    news(&mut app, ProbeNews::Done(find()));
    let cursor = |app: &App| app.explorer.as_ref().unwrap().cursor();
    let before = cursor(&app);
    let place = view::probe::place(&app, ratatui::layout::Rect::new(0, 0, 120, 40));
    for selected in (0..app.probe.pane.as_ref().unwrap().rows.len()).rev() {
        let seen = text(&screen(&app, 120, 40));
        let words = app.probe.pane.as_ref().unwrap().rows[selected].text.clone();
        let row = seen.lines().position(|line| line.contains(&words)).unwrap();
        app.update(Action::Mouse(MouseAction { kind: MouseKind::Press, column: place.x + 4, row: row as u16 }));
        assert_eq!(app.probe.pane.as_ref().unwrap().selected, selected, "{words}");
    }
    for (column, row) in (place.x..place.right()).flat_map(|x| (place.y..place.bottom()).map(move |y| (x, y))) {
        app.update(Action::Mouse(MouseAction { kind: MouseKind::Press, column, row }));
    }
    assert_eq!(cursor(&app), before, "the reasoning below it heard nothing");
}

#[test]
fn a_heat_map_is_painted_over_the_page_and_taken_away() {
    let mut app = replay(120, 40);
    let plain = app.wants()[0].clone();
    app.update(Action::Probe(ProbeAction::Heat));
    assert!(app.toast.take().unwrap().contains("no sweep"));
    news(&mut app, ProbeNews::Done(sweep()));
    let heat = app.wants()[0].clone();
    assert!(!Arc::ptr_eq(&plain.pixels, &heat.pixels) && heat.space == (200, 280));
    assert_eq!(heat.marks[0].corners, [0.0, 140.0, 100.0, 280.0], "the chosen region is marked");
    app.update(Action::Probe(ProbeAction::Heat));
    assert!(Arc::ptr_eq(&app.wants()[0].pixels, &plain.pixels));
    app.update(Action::Probe(ProbeAction::Heat));
    app.update(Action::Close);
    assert_eq!(view::context(&app), Context::Explorer);
    assert!(Arc::ptr_eq(&app.wants()[0].pixels, &heat.pixels), "the map stays when the pane is closed");
    assert!(text(&screen(&app, 120, 40)).contains("P(right | looked there)"));
    assert!(!text(&screen(&app, 120, 40)).contains('\u{1b}'));
    app.update(Action::Back);
    assert_eq!(app.screen, Screen::Library);
}

#[test]
fn what_cannot_be_is_grey_with_its_reason() {
    let mut app = replay(120, 40);
    app.probe.why_not = Some("there is no model: the engine is scripted".into());
    assert!(menu(&mut app).iter().all(|row| row.contains("scripted")));
    assert_eq!(app.update(Action::Open), []);
    let mut app = fixtures::app(120, 40);
    let mut records = fixtures::session(false);
    if let Body::SessionStart(start) = &mut records[0].record.body {
        start.question.choices.clear();
        start.question.targets.clear();
        start.question.truth = None;
    }
    for arrival in &mut records {
        if let (Body::Image(event), Some(pixels)) = (&mut arrival.record.body, &arrival.pixels) {
            event.hash = pixel_hash(pixels);
        }
    }
    app.update(Action::Replay { path: "a.jsonl".into(), records, problems: Vec::new() });
    let rows = menu(&mut app).join("\n");
    for why in ["no target is known", "no choices are listed", "the right answer is not known"] {
        assert!(rows.contains(why), "{rows}");
    }
}

#[test]
fn the_picture_has_colours_numbers_and_a_legend() {
    let sweep = sweep();
    let page = sweep_page(&fixtures::page(), sweep.report.sweep.as_ref().unwrap()).unwrap();
    assert_eq!(page.dimensions(), (200, 280));
    let [low, high] = [(20, 120), (20, 250)].map(|(x, y)| page.get_pixel(x, y).0);
    assert!(high[0] > low[0] && high[1] > low[1], "{low:?} {high:?}: lighter where it is likelier");
    let png = sweep_png(&fixtures::page(), &sweep.report).unwrap();
    let picture = image::load_from_memory(&png).unwrap().to_rgb8();
    assert!(picture.width() > 700 && picture.height() > 700);
    let colours: std::collections::HashSet<_> = picture.pixels().map(|p| p.0).collect();
    assert!(colours.len() > 100, "a legend has every colour");
}

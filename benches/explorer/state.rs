//! What needs no terminal: frames, scrubbing, arriving tokens, the table of sessions.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use panelscope::model::sampler::ALTERNATIVES;
use panelscope::tui::action::{Action, Scrub, Unit};
use panelscope::tui::app::{App, Choice, Screen};
use panelscope::tui::explorer::{Explorer, Kind};
use panelscope::tui::images::{Caps, Gallery, paint};
use panelscope::tui::keys::Keymap;
use panelscope::tui::playhead::Pace;
use panelscope::tui::theme::{ColorDepth, Theme};
use panelscope::tui::view;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::sample::{Shape, TOP, session};
use super::{Figure, ROUNDS, best_of, quantile};

const SIZE: (u16, u16) = (200, 60);
const TOKENS: usize = 10_000;

/// Counts what a terminal would get.
#[derive(Clone, Default)]
struct Wire(Arc<AtomicUsize>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Desk {
    app: App,
    gallery: Gallery,
    keymap: Keymap,
    terminal: Terminal<CrosstermBackend<Wire>>,
    wire: Wire,
}

impl Desk {
    fn new() -> Self {
        let caps = Caps::blocks(ColorDepth::True);
        let mut app = App::new(Theme::builtin(true, ColorDepth::True).unwrap());
        app.update(Action::Resize(SIZE.0, SIZE.1));
        let wire = Wire::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1)) };
        let terminal = Terminal::with_options(CrosstermBackend::new(wire.clone()), options).unwrap();
        Self { app, gallery: Gallery::new(caps), keymap: Keymap::default(), terminal, wire }
    }

    fn replay(shape: Shape) -> Self {
        let mut desk = Self::new();
        let records = session(shape, TOKENS, TOP).done();
        desk.app.update(Action::Replay { path: "bench".into(), records, problems: Vec::new() });
        desk.app.update(Action::Scrub(Scrub::End));
        desk.paint();
        desk.draw();
        desk
    }

    /// Pictures are painted on a thread of their own in the program; here before the clock runs.
    fn paint(&mut self) {
        for request in self.gallery.want(self.app.wants()) {
            let caps = self.gallery.caps().clone();
            self.gallery.ready(paint(&request, &caps, 1));
        }
    }

    fn draw(&mut self) {
        let (app, gallery, keymap) = (&self.app, &self.gallery, &self.keymap);
        self.terminal
            .draw(|frame| {
                view::draw(app, gallery, keymap, frame);
                gallery.settle(frame.buffer_mut());
            })
            .unwrap();
    }

    /// An action as the program takes it, without the painting: update, what pictures it wants, frame.
    fn act(&mut self, action: Action) -> Duration {
        let clock = Instant::now();
        self.app.update(action);
        let wanted = black_box(self.gallery.want(self.app.wants()));
        self.draw();
        let took = clock.elapsed();
        for request in wanted {
            let caps = self.gallery.caps().clone();
            self.gallery.ready(paint(&request, &caps, 1));
        }
        took
    }
}

pub fn figures() -> Vec<Figure> {
    let mut figures = Vec::new();
    for (shape, name) in [(Shape::Turns, "12 turns"), (Shape::OneThought, "one thought")] {
        frames(shape, name, &mut figures);
        scrubbing(shape, name, &mut figures);
    }
    // What the engine records today, and more.
    for alternatives in [ALTERNATIVES, TOP] {
        appending(alternatives, &mut figures);
    }
    table(&mut figures);
    figures
}

/// View and diff, the cursor moved by a token between two frames.
fn frames(shape: Shape, name: &str, figures: &mut Vec<Figure>) {
    let mut desk = Desk::replay(shape);
    desk.app.update(Action::Scrub(Scrub::PrevSegment));
    let times = best_of(ROUNDS, || {
        let step = |i: usize| {
            desk.app.update(Action::Scrub(if i % 40 < 20 { Scrub::PrevToken } else { Scrub::NextToken }));
            desk.paint();
            let clock = Instant::now();
            desk.draw();
            clock.elapsed()
        };
        (0..400).map(step).collect()
    });
    figures.extend(times.p95(&format!("view + diff at 200x60, 10,000 tokens ({name})"), 2.0));
}

/// To anywhere: by token, by segment, by turn, to both ends.
fn scrubbing(shape: Shape, name: &str, figures: &mut Vec<Figure>) {
    let mut desk = Desk::replay(shape);
    let moves = [
        Action::Scrub(Scrub::Start),
        Action::Step(Unit::Turn),
        Action::Scrub(Scrub::NextSegment),
        Action::Scrub(Scrub::NextToken),
        Action::Step(Unit::Segment),
        Action::Scrub(Scrub::End),
        Action::Scrub(Scrub::PrevSegment),
        Action::Scrub(Scrub::PrevSegment),
        Action::Scrub(Scrub::PrevToken),
    ];
    let times = best_of(ROUNDS, || (0..450).map(|i| desk.act(moves[i % moves.len()].clone())).collect());
    figures.extend(times.p95(&format!("scrubbing anywhere ({name})"), 8.0));
    let resize = |i: u16| Action::Resize(SIZE.0 - 1 - i % 2, SIZE.1);
    let widths = best_of(ROUNDS, || (0..20).map(|i| desk.act(resize(i))).collect());
    let value = format!("{:.3} ms", quantile(&widths.best, 0.5).as_secs_f64() * 1000.0);
    figures.push(Figure::note(format!("a new width: all of it wrapped again ({name}), median"), value));
}

/// One token at a time, into a thought that has ten thousand already.
fn appending(alternatives: usize, figures: &mut Vec<Figure>) {
    const MORE: usize = 2000;
    let what = |figure: &str| format!("a token more, live, top {alternatives}: {figure}");
    let mut desk = Desk::new();
    desk.app.explorer = Some(Explorer::new(Kind::Live, Choice::Question(0), Pace::Unlimited, true));
    desk.app.screen = Screen::Explorer;
    let mut script = session(Shape::OneThought, TOKENS, alternatives);
    desk.app.update(Action::Arrived(script.take()));
    desk.app.update(Action::Now(1.0));
    desk.paint();
    desk.draw();
    // Made before the clock and the counter run.
    let batches: Vec<_> = (0..MORE)
        .map(|_| {
            let mut batch = Vec::new();
            let made = allocation_counter::measure(|| {
                script.words(1);
                batch = script.take();
            });
            (batch, made.bytes_current)
        })
        .collect();
    let (mut times, mut kept, mut churned) = (Vec::with_capacity(MORE), 0i64, 0u64);
    for (batch, bytes) in batches {
        let spare = allocation_counter::measure(|| {
            let clock = Instant::now();
            desk.app.update(Action::Arrived(batch));
            times.push(clock.elapsed());
        });
        // The batch was made outside and is given up inside.
        kept += spare.bytes_current + bytes;
        churned += spare.bytes_total;
    }
    let each = |bytes: f64| bytes / MORE as f64;
    figures.push(Figure::bytes(what("memory the state keeps, mean"), each(kept as f64), 1024.0));
    figures.push(Figure::note(what("allocated on the way, mean"), format!("{:.0} B", each(churned as f64))));
    figures.push(Figure::time(what("state, p95"), quantile(&times, 0.95), 8.0));
    let mut sent = 0;
    let frames = best_of(ROUNDS, || {
        let step = |_| {
            script.words(1);
            let before = desk.wire.0.load(Ordering::Relaxed);
            let took = desk.act(Action::Arrived(script.take()));
            sent += desk.wire.0.load(Ordering::Relaxed) - before;
            took
        };
        (0..200).map(step).collect()
    });
    let bytes = sent as f64 / (200 * ROUNDS) as f64;
    figures.push(Figure::bytes(what("bytes to the terminal, mean"), bytes, 1024.0));
    figures.extend(frames.p95(&what("state and frame"), 8.0));
}

/// Keys in the table of five thousand sessions.
fn table(figures: &mut Vec<Figure>) {
    use panelscope::session::{LogFile, SessionSummary};
    use panelscope::tui::action::Edit;
    use panelscope::tui::sessions::{Deed, Found, Outcome, Row};
    let row = |i: usize| {
        let id = format!("20260102-030405-{i:06x}");
        let summary = SessionSummary {
            id: id.clone(),
            started: format!("2026-01-02T03:{:02}:{:02}Z", i / 60 % 60, i % 60),
            question_id: format!("q-{:04}", i * 7919 % 5000),
            model: ["demo-rarl", "Qwen2.5-VL-3B"][i % 2].to_owned(),
            answer: Some(format!("answer {}", i % 97)),
            coverage: Some((i * 31 % 100) as f64 / 100.0),
            right: Some(i.is_multiple_of(3)),
            ..SessionSummary::default()
        };
        let log = LogFile { path: format!("s/{id}.jsonl.zst").into(), id, sub: "s".to_owned(), live: false };
        Row::of(log, &summary, &jiff::tz::TimeZone::UTC)
    };
    let mut desk = Desk::new();
    desk.app.update(Action::InSessions(Deed::Show));
    desk.app.update(Action::Sessions((0..5000).map(row).collect()));
    // The index answers on another thread; see `cargo bench --bench sessions`.
    let found = Found {
        ticket: desk.app.sessions.ticket(),
        count: 5000,
        rows: (0..400).map(row).collect(),
        ..Found::default()
    };
    desk.app.update(Action::SessionDone(Outcome::Found(found)));
    let times = best_of(ROUNDS, || {
        let key = |i: usize| match i % 10 {
            0 => Action::InSessions(Deed::NextColumn),
            1 => Action::InSessions(Deed::Reverse),
            2 => Action::InSessions(Deed::Type),
            3..=5 => Action::Edit(Edit::Insert(["q", "w", "e"][i % 3].to_owned())),
            6 => Action::Close,
            7 => Action::Down,
            8 => Action::PageDown,
            _ => Action::Bottom,
        };
        (0..200).map(|i| desk.act(key(i))).collect()
    });
    figures.extend(times.p95("5,000 sessions, a key with its frame", 16.7));
}

//! Whatever is pressed and whatever arrives: nothing panics, and the screen follows from the state alone.

use proptest::prelude::*;

use super::super::action::{Action, Arrival, Edit};
use super::super::app::{App, Choice, EngineState, Screen};
use super::super::explorer::{Explorer, Kind};
use super::super::fixtures;
use super::super::images::{Caps, Gallery};
use super::super::keys::Keymap;
use super::super::playhead::Pace;
use super::super::reasoning::Reasoning;
use super::super::sessions::tests::rows;
use super::super::sessions::{Found, Outcome};
use super::super::theme::ColorDepth;
use super::screen_with;
use crate::session::samples::any_record;
use crate::trace::{Body, Record};

/// What a key or the world can do.
#[derive(Clone, Debug)]
enum Step {
    /// What some key does, in whatever place the state is in.
    Key(usize),
    Typed(String),
    Resize(u16, u16),
    /// Seconds that pass.
    Wait(f64),
    /// So many of the records that are to come.
    Arrive(usize),
    Engine(u8),
    Replay(bool),
    Sessions(usize),
    Failed(String),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => any::<prop::sample::Index>().prop_map(|i| Step::Key(i.index(Keymap::default().bindings().len()))),
        1 => "\\PC{0,4}".prop_map(Step::Typed),
        2 => (0u16..90, 0u16..30).prop_map(|(w, h)| Step::Resize(w, h)),
        3 => (0.0f64..2.0).prop_map(Step::Wait),
        4 => (0usize..20).prop_map(Step::Arrive),
        1 => (0u8..4).prop_map(Step::Engine),
        1 => any::<bool>().prop_map(Step::Replay),
        1 => (0usize..9).prop_map(Step::Sessions),
        1 => "[\u{1b}a-z\u{202e}\n]{0,9}".prop_map(Step::Failed),
    ]
}

/// Positions near each other, so that records have something to do with each other.
fn near(mut record: Record) -> Record {
    match &mut record.body {
        Body::Tokens(tokens) => tokens.start %= 60,
        Body::Zoom(zoom) => zoom.position %= 60,
        Body::Answer(answer) => answer.position %= 60,
        Body::Segment(segment) => {
            segment.first %= 60;
            segment.last = segment.first.saturating_add(segment.last % 9);
        }
        _ => {}
    }
    record
}

fn garbage() -> impl Strategy<Value = Vec<Arrival>> {
    let arrival = any_record().prop_map(|record| Arrival { record: near(record), pixels: None });
    prop::collection::vec(arrival, 0..30)
}

/// A session as an engine tells it, or records in any order and with any content.
fn trace() -> impl Strategy<Value = Vec<Arrival>> {
    let any = any_record().prop_map(|record| vec![Arrival { record, pixels: None }]);
    prop_oneof![
        Just(fixtures::session(true)),
        Just(fixtures::session(false)),
        (garbage(), any).prop_map(|(a, b)| [a, b].concat()),
        garbage().prop_map(|wild| [fixtures::unfinished(), wild].concat()),
    ]
}

fn action(step: &Step, app: &App, coming: &mut Vec<Arrival>) -> Action {
    match step {
        Step::Key(i) => Keymap::default().bindings()[*i].action.clone(),
        Step::Typed(text) => Action::Edit(Edit::Insert(text.clone())),
        Step::Resize(w, h) => Action::Resize(*w, *h),
        Step::Wait(seconds) => Action::Now(app.now + seconds),
        Step::Arrive(n) => Action::Arrived(coming.drain(..(*n).min(coming.len())).collect()),
        Step::Engine(n) => Action::Engine(
            [EngineState::Loading, EngineState::Paused, EngineState::Running, EngineState::Ended][usize::from(*n)],
        ),
        Step::Replay(right) => {
            Action::Replay { path: "x".into(), records: fixtures::session(*right), problems: vec!["odd".to_owned()] }
        }
        Step::Sessions(n) if n % 2 == 0 => Action::Sessions(rows(*n)),
        Step::Sessions(n) => Action::SessionDone(Outcome::Found(Found {
            ticket: app.sessions.ticket(),
            count: n * 100,
            place: n / 2,
            rows: rows(*n),
            ..Found::default()
        })),
        Step::Failed(why) => Action::Failed(why.clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..Default::default() })]

    #[test]
    fn any_actions_on_any_trace(steps in prop::collection::vec(step(), 1..60), mut coming in trace(), live in any::<bool>()) {
        let mut app = fixtures::app(80, 24);
        if live {
            app.update(Action::Open);
        }
        let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
        for step in steps {
            let action = action(&step, &app, &mut coming);
            app.update(action);
            let (w, h) = app.size;
            let drawn = screen_with(&app, &gallery, w, h);
            prop_assert_eq!(&drawn, &screen_with(&app, &gallery, w, h), "drawing changes nothing");
            for cell in drawn.content() {
                prop_assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", cell.symbol());
            }
            if let Some(explorer) = &app.explorer {
                let plain = Reasoning::plain(explorer, explorer.reasoning.width());
                prop_assert_eq!(explorer.reasoning.lines(), plain.lines());
            }
        }
    }

    /// What was built record by record is drawn as what was built at once.
    #[test]
    fn piece_by_piece_is_all_at_once(records in trace(), cuts in prop::collection::vec(1usize..7, 1..30), w in 20u16..120) {
        let mut grown = fixtures::app(w, 30);
        grown.explorer = Some(Explorer::new(Kind::Live, Choice::Question(0), Pace::Unlimited, true));
        grown.screen = Screen::Explorer;
        let mut coming = records.clone();
        for cut in cuts.iter().cycle() {
            let n = (*cut).min(coming.len());
            grown.update(Action::Arrived(coming.drain(..n).collect()));
            if coming.is_empty() {
                break;
            }
        }
        let mut fresh = fixtures::app(w, 30);
        fresh.explorer = Some(Explorer::new(Kind::Live, Choice::Question(0), Pace::Unlimited, true));
        fresh.screen = Screen::Explorer;
        fresh.update(Action::Arrived(records));
        for app in [&mut grown, &mut fresh] {
            app.update(Action::Now(1.0));
        }
        let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
        prop_assert_eq!(screen_with(&grown, &gallery, w, 30), screen_with(&fresh, &gallery, w, 30));
    }
}

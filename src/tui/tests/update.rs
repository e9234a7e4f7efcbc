//! What keys and news do to the state, and which effects they have.

use super::super::action::{Action, Edit, Preview, Scrub, Unit};
use super::super::app::{App, Choice, EngineState, Screen, Verdict};
use super::super::effect::Effect;
use super::super::fixtures;
use super::super::playhead::Pace;
use super::{screen, text};

fn live() -> App {
    let mut app = fixtures::app(120, 40);
    app.update(Action::Open);
    app.update(Action::Engine(EngineState::Running));
    app
}

fn shown(app: &App) -> usize {
    app.explorer.as_ref().unwrap().head.shown()
}

#[test]
fn opening_a_question_starts_a_session_and_q_goes_back_with_its_verdict() {
    let mut app = fixtures::app(120, 40);
    app.update(Action::Down);
    app.update(Action::Down);
    assert_eq!(app.update(Action::Open), [Effect::AskQuestion(2)]);
    assert_eq!(app.screen, Screen::Explorer);
    app.update(Action::Arrived(fixtures::session(true)));
    assert_eq!(app.library.questions()[2].verdict, Verdict::Right);
    let effects = app.update(Action::Back);
    assert!(effects.contains(&Effect::CloseSession) && !effects.contains(&Effect::Quit));
    assert_eq!(app.screen, Screen::Library);
    assert_eq!(app.update(Action::Back), [Effect::Quit]);
}

#[test]
fn closing_early_leaves_no_verdict() {
    let mut app = live();
    app.update(Action::Arrived(fixtures::unfinished()));
    app.update(Action::Back);
    assert_eq!(app.library.questions()[0].verdict, Verdict::None);
}

#[test]
fn the_view_lags_behind_a_fast_engine_by_its_pace() {
    let mut app = live();
    app.update(Action::Now(1.0));
    app.update(Action::Arrived(fixtures::session(true)));
    assert_eq!(shown(&app), 0);
    assert!(app.next_due().is_some());
    app.update(Action::Now(1.5));
    assert_eq!(shown(&app), 20, "40 tokens a second");
    app.update(Action::Slower);
    app.update(Action::Slower);
    assert_eq!(app.explorer.as_ref().unwrap().head.pace, Pace::Tokens(10.0));
    app.update(Action::Now(2.0));
    assert_eq!(shown(&app), 25);
    app.update(Action::Now(3.0));
    app.update(Action::Now(4.0));
    app.update(Action::Now(5.0));
    assert!(app.explorer.as_ref().unwrap().head.at_edge());
    assert_eq!(app.next_due(), None, "at the end nothing moves");
}

#[test]
fn space_pauses_engine_and_view_and_goes_on_from_there() {
    let mut app = live();
    app.update(Action::Arrived(fixtures::unfinished()));
    app.update(Action::Now(0.25));
    let before = shown(&app);
    assert!(before > 0);
    assert_eq!(app.update(Action::ToggleRun), [Effect::Pause]);
    app.update(Action::Engine(EngineState::Paused));
    app.update(Action::Now(9.0));
    assert_eq!(shown(&app), before);
    assert_eq!(app.update(Action::ToggleRun), [Effect::Run]);
    app.update(Action::Now(9.1));
    assert!(shown(&app) > before);
}

#[test]
fn steps_inside_what_is_known_move_the_view_and_at_the_edge_the_engine() {
    let mut app = live();
    app.update(Action::Arrived(fixtures::unfinished()));
    app.update(Action::Engine(EngineState::Paused));
    app.update(Action::Scrub(Scrub::Start));
    assert_eq!(app.update(Action::Step(Unit::Token)), []);
    assert_eq!(shown(&app), 1);
    app.update(Action::Step(Unit::Segment));
    assert_eq!(shown(&app), 11, "the end of the first thought");
    app.update(Action::Step(Unit::Turn));
    assert_eq!(shown(&app), 22, "the end of the turn");
    app.update(Action::Step(Unit::Turn));
    assert_eq!(app.update(Action::Step(Unit::Segment)), [Effect::Step(Unit::Segment)]);
    assert_eq!(app.update(Action::Step(Unit::Token)), [Effect::Step(Unit::Token)]);
}

#[test]
fn a_step_while_running_pauses_first() {
    let mut app = live();
    app.update(Action::Faster);
    for _ in 0..8 {
        app.update(Action::Faster);
    }
    app.update(Action::Arrived(fixtures::unfinished()));
    app.update(Action::Now(1.0));
    assert_eq!(app.update(Action::Step(Unit::Token)), [Effect::Pause, Effect::Step(Unit::Token)]);
    app.update(Action::Engine(EngineState::Paused));
    let known = app.explorer.as_ref().unwrap().written();
    let mut script = fixtures::unfinished();
    let mut next = script.pop().unwrap();
    if let crate::trace::Body::Tokens(tokens) = &mut next.record.body {
        tokens.start += 1;
    }
    app.update(Action::Arrived(vec![next]));
    assert_eq!(shown(&app), known + 1, "a stepped token is shown at once");
}

#[test]
fn scrubbing_goes_by_token_and_segment_and_the_end_follows_again() {
    let mut app = live();
    app.update(Action::Arrived(fixtures::unfinished()));
    app.update(Action::Scrub(Scrub::End));
    let all = shown(&app);
    app.update(Action::Scrub(Scrub::PrevToken));
    assert_eq!(shown(&app), all - 1);
    assert!(app.explorer.as_ref().unwrap().head.scrubbed);
    app.update(Action::Scrub(Scrub::PrevSegment));
    assert_eq!(shown(&app), 21, "the end of the tool call");
    app.update(Action::Scrub(Scrub::PrevSegment));
    assert_eq!(shown(&app), 11);
    app.update(Action::Scrub(Scrub::NextSegment));
    assert_eq!(shown(&app), 21);
    app.update(Action::Scrub(Scrub::Start));
    app.update(Action::Scrub(Scrub::PrevToken));
    assert_eq!(shown(&app), 0);
    app.update(Action::Scrub(Scrub::End));
    let head = &app.explorer.as_ref().unwrap().head;
    assert!(head.at_edge() && head.moving && !head.scrubbed);
}

#[test]
fn a_replay_plays_in_recorded_time_stops_at_its_end_and_plays_again() {
    let mut app = fixtures::app(120, 40);
    let replay = Action::Replay { path: "x".into(), records: fixtures::session(true), problems: Vec::new() };
    app.update(replay);
    app.update(Action::Now(0.1));
    let first = shown(&app);
    assert!((4..=6).contains(&first), "20 ms a token: {first}");
    app.update(Action::Now(0.2));
    assert!((9..=11).contains(&shown(&app)));
    app.update(Action::Faster);
    app.update(Action::Now(0.3));
    assert!((19..=21).contains(&shown(&app)), "twice as fast: {}", shown(&app));
    app.update(Action::Now(1.0));
    app.update(Action::Now(2.0));
    assert!(app.explorer.as_ref().unwrap().head.at_edge() && !app.explorer.as_ref().unwrap().head.moving);
    assert_eq!(app.next_due(), None);
    assert_eq!(app.update(Action::ToggleRun), [], "no engine is asked");
    assert_eq!(shown(&app), 0);
    assert_eq!(app.update(Action::Step(Unit::Token)), []);
    assert_eq!(shown(&app), 1);
}

#[test]
fn a_replay_opened_from_the_command_line_leaves_with_q() {
    let mut app = fixtures::app(120, 40);
    app.home = None;
    app.update(Action::Replay { path: "x".into(), records: fixtures::session(true), problems: Vec::new() });
    assert!(app.update(Action::Back).contains(&Effect::Quit));
}

#[test]
fn an_own_page_takes_a_typed_question() {
    let mut app = fixtures::app(120, 40);
    app.home = Some(Screen::Ask);
    let pages = vec![Choice::Page("a.png".into()), Choice::Page("b.png".into())];
    assert_eq!(app.open_form(pages.clone()), [Effect::LoadPreview(pages[0].clone())]);
    assert_eq!(app.update(Action::Open), [], "an empty question is not asked");
    assert!(app.toast.is_some());
    assert_eq!(app.update(Action::Down), [Effect::LoadPreview(pages[1].clone())]);
    app.update(Action::Edit(Edit::Insert("Who? | Pip | Bo |".to_owned())));
    assert!(app.toast.is_none());
    let asked =
        Effect::AskTyped { page: pages[1].clone(), text: "Who?".into(), choices: vec!["Pip".into(), "Bo".into()] };
    assert_eq!(app.update(Action::Open), [asked]);
    assert_eq!(app.screen, Screen::Explorer);
    app.update(Action::Back);
    assert_eq!(app.screen, Screen::Ask);
    assert_eq!(app.update(Action::Back), [Effect::Quit]);
}

#[test]
fn a_page_that_cannot_be_read_says_so_in_its_place_and_is_not_asked() {
    let mut app = fixtures::app(80, 24);
    app.home = Some(Screen::Ask);
    let page = Choice::Page("half.png".into());
    app.open_form(vec![page.clone()]);
    let why = "half.png: the image is damaged: unexpected end of file".to_owned();
    app.update(Action::Preview(Preview { of: page.clone(), pixels: Err(why.clone()) }));
    let seen = text(&screen(&app, 80, 24));
    assert!(seen.contains("the image is damaged: unexpected end of file"), "{seen}");
    app.update(Action::Edit(Edit::Insert("Who?".to_owned())));
    assert_eq!(app.update(Action::Open), [Effect::LoadPreview(page.clone())], "it is looked at once more");
    assert_eq!((app.screen, app.toast.as_deref()), (Screen::Ask, Some(why.as_str())));
    let pixels = Ok(std::sync::Arc::new(image::RgbImage::new(8, 8)));
    app.update(Action::Preview(Preview { of: page, pixels }));
    app.toast = None;
    assert!(!text(&screen(&app, 80, 24)).contains("damaged"));
    assert!(!app.wants().is_empty(), "the page has a place at 80x24");
    app.update(Action::Open);
    assert_eq!(app.screen, Screen::Explorer);
}

#[test]
fn help_opens_over_everything_and_keys_go_to_it() {
    let mut app = live();
    app.update(Action::Arrived(fixtures::unfinished()));
    app.update(Action::Help);
    app.update(Action::Down);
    assert!(app.help.is_some());
    assert_eq!(app.update(Action::Back), []);
    assert!(app.help.is_none());
    assert_eq!(app.screen, Screen::Explorer);
}

#[test]
fn quitting_closes_the_session_first() {
    let mut app = live();
    assert_eq!(app.update(Action::Quit), [Effect::CloseSession, Effect::Quit]);
}

#[test]
fn the_target_is_shown_on_demand_and_only_where_it_is_known() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let boxes = |app: &App| app.wants()[0].marks.len();
    assert_eq!(boxes(&app), 1);
    app.update(Action::ToggleTarget);
    assert_eq!(boxes(&app), 2);
    let mut app = live();
    app.update(Action::ToggleTarget);
    assert!(app.toast.is_some());
}

#[test]
fn the_help_goes_to_its_ends() {
    let mut app = fixtures::app(80, 24);
    app.update(Action::Help);
    app.update(Action::Bottom);
    let last = app.help.unwrap();
    assert!(last > 0);
    app.update(Action::Down);
    assert_eq!(app.help, Some(last), "there is nothing below");
    app.update(Action::Top);
    assert_eq!(app.help, Some(0));
}

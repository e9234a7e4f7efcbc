//! Attention over the page, and the layers beside the alternatives.

use super::super::action::{Action, Arrival, Scrub};
use super::super::app::App;
use super::super::attend::{AttendAction, Turn};
use super::super::effect::Effect;
use super::super::fixtures;
use super::super::images::{Caps, Way, picture_of};
use super::super::theme::ColorDepth;
use super::{screen, text};
use crate::engine::Look;
use crate::trace::{AttentionEvent, AttentionMap, Body, ImageWeights, LensEvent, Piece, Record};

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];

/// Weights of a page of 5 by 7 cells: most at one cell, a sink in the corner.
fn map(layer: Option<u32>, cell: usize) -> AttentionMap {
    let mut page = vec![0.004; 35];
    page[0] = 0.2;
    page[cell] += 0.1;
    let page = ImageWeights::new(&page, 7, 5, 1);
    let crop = ImageWeights::new(&[0.01; 64], 8, 8, 1);
    let (first, own) = (0.25, 0.1);
    let prompt = 1.0 - first - own - page.mass - crop.mass;
    AttentionMap { layer, first, prompt, own, images: vec![page, crop] }
}

fn attention(position: u64, layer: Option<u32>, cell: usize) -> Body {
    Body::Attention(Box::new(AttentionEvent::new(position, [3, 4], None, vec![map(layer, cell)])))
}

fn lens(position: u64) -> Body {
    let row = |text: &str| vec![Piece::Text(text.to_owned()), Piece::Text("\u{1b}[2J".to_owned())];
    let event = LensEvent {
        position,
        blob: String::new(),
        ids: vec![vec![3, 4], vec![9, 7], vec![7, 9]],
        pieces: vec![row("the\u{202e}"), row("\u{1b}]0;x"), row("</answer>")],
        logprobs: vec![vec![-2.3, -3.0], vec![-0.9, -1.2], vec![-0.1, -3.0]],
        rank: vec![212, 2, 1],
        logprob: vec![-6.0, -1.2, -0.1],
        entropy: vec![3.0, 1.5, 0.2],
        kl: vec![4.5, 0.8, 0.0],
    };
    Body::Lens(Box::new(event.sealed()))
}

fn arrive(app: &mut App, bodies: Vec<Body>) -> Vec<Effect> {
    let arrival = |body| Arrival { record: Record { seq: 0, t: 0.0, body }, pixels: None };
    app.update(Action::Arrived(bodies.into_iter().map(arrival).collect()))
}

fn looks(effects: &[Effect]) -> Vec<Look> {
    effects.iter().filter_map(|e| if let Effect::Look(look) = e { Some(*look) } else { None }).collect()
}

fn press(app: &mut App, action: AttendAction) -> Vec<Effect> {
    app.update(Action::Attend(action))
}

/// A replay at its end with attention of its last token and of those it is held against.
fn known(w: u16, h: u16) -> App {
    let mut app = fixtures::replay_at_end(w, h, true);
    let explorer = app.explorer.as_ref().unwrap();
    let (position, begins) = {
        let position = explorer.current().unwrap().position;
        (position, explorer.turn_begins(position))
    };
    let mut bodies: Vec<Body> = (begins..position).map(|at| attention(at, None, 12)).collect();
    bodies.extend([attention(position, None, 21), attention(position, Some(2), 33), lens(position)]);
    arrive(&mut app, bodies);
    press(&mut app, AttendAction::Toggle);
    app
}

#[test]
fn attention_stands_over_page_and_crop_at_every_size() {
    for (w, h) in SIZES {
        let app = known(w, h);
        let shown = text(&screen(&app, w, h));
        if w >= 120 {
            insta::assert_snapshot!(format!("attention_{w}x{h}"), shown);
        }
        assert!(!shown.to_lowercase().contains("cause"));
    }
}

#[test]
fn sinks_are_subtracted_or_not() {
    let mut app = known(120, 40);
    let shown = |app: &App| app.attend.shown(app.explorer.as_ref().unwrap()).unwrap();
    let less = shown(&app);
    assert!(less.less > 2);
    // What every token of the turn attends to is gone; what this one alone does stays.
    assert!(less.cells[0][0] < 0.005 && less.cells[0][21] > 0.09, "{:?}", less.cells[0]);
    assert!((less.most - 0.1).abs() < 0.01);
    press(&mut app, AttendAction::Sinks);
    let raw = shown(&app);
    assert!(raw.less == 0 && raw.cells[0][0] > 0.19);
    assert!(text(&screen(&app, 120, 40)).contains("with sinks"));
    // Shares are told of all the weight either way.
    assert_eq!(raw.map, less.map);
}

#[test]
fn the_picture_is_painted_where_the_weights_are() {
    let app = known(120, 40);
    let wants = app.wants();
    let page = wants.iter().find(|r| r.wash.is_some()).unwrap();
    assert_eq!(wants.iter().filter(|r| r.wash.is_some()).count(), 2, "page and crop");
    for way in [Way::Blocks, Way::Kitty, Way::Sixel] {
        let caps = Caps { way, ..Caps::blocks(ColorDepth::True) };
        let picture = picture_of(page, &caps);
        let bare = picture_of(&super::super::images::Request { wash: None, ..page.clone() }, &caps);
        let differs = |column: f64, row: f64| {
            let at = |share: f64, of: u32| ((share * f64::from(of)) as u32).min(of - 1);
            let (x, y) = (at((column + 0.5) / 5.0, picture.width()), at((row + 0.5) / 7.0, picture.height()));
            let (a, b) = (picture.get_pixel(x, y).0, bare.get_pixel(x, y).0);
            a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>()
        };
        // Cell 21 is the second of the fifth row.
        assert!(differs(1.0, 4.0) > 60, "{way:?}: {}", differs(1.0, 4.0));
        assert!(differs(3.0, 0.0) < differs(1.0, 4.0));
    }
}

#[test]
fn nothing_is_asked_for_while_nothing_is_shown() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    for scrub in [Scrub::PrevToken, Scrub::PrevToken, Scrub::Start, Scrub::End] {
        assert!(looks(&app.update(Action::Scrub(scrub))).is_empty());
    }
    assert!(app.wants().iter().all(|r| r.wash.is_none()));
}

#[test]
fn one_look_is_asked_for_at_a_time_and_follows_the_cursor() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let effects = press(&mut app, AttendAction::Toggle);
    let first = looks(&effects)[0];
    assert!(first.attention.is_some() && !first.lens);
    assert!(looks(&app.update(Action::Scrub(Scrub::PrevToken))).is_empty(), "one is on its way");
    // Its answer is kept, and the token that stands under the cursor now is next.
    let Action::Looked(_) = Action::Looked(Ok(Vec::new())) else { panic!() };
    let effects = app.update(Action::Looked(Ok(vec![attention(first.position, None, 4)])));
    assert_eq!(looks(&effects)[0].position, first.position - 1);
    // A refusal is shown and not asked for again.
    let why = "demo wrote this, with other weights\u{1b}[2J than the model at hand";
    assert!(looks(&app.update(Action::Looked(Err(why.to_owned())))).is_empty());
    let shown = text(&screen(&app, 200, 60));
    assert!(shown.contains("no attention: demo wrote this, with other weights"), "{shown}");
    assert!(!shown.contains('\u{1b}'));
    assert!(looks(&app.update(Action::Now(3.0))).is_empty());
    // Another layer may be had.
    assert_eq!(looks(&press(&mut app, AttendAction::Layer(Turn::Up))).len(), 1);
}

#[test]
fn layers_and_heads_go_round() {
    let mut app = known(120, 40);
    let mut seen = Vec::new();
    for _ in 0..4 {
        press(&mut app, AttendAction::Layer(Turn::Up));
        seen.push(app.attend.layer);
    }
    assert_eq!(seen, [Some(0), Some(1), Some(2), None]);
    press(&mut app, AttendAction::Layer(Turn::Down));
    assert_eq!(app.attend.layer, Some(2));
    assert!(text(&screen(&app, 120, 40)).contains("attention: layer 3 of 3"));
    press(&mut app, AttendAction::Head(Turn::Down));
    assert_eq!(app.attend.head, Some(3));
}

#[test]
fn layers_stand_in_place_of_the_alternatives() {
    let mut app = known(120, 40);
    press(&mut app, AttendAction::Toggle);
    press(&mut app, AttendAction::Lens);
    let shown = text(&screen(&app, 120, 40));
    insta::assert_snapshot!("lens_120x40", shown);
    press(&mut app, AttendAction::Scroll(Turn::Down));
    assert_ne!(text(&screen(&app, 120, 40)), shown);
    for (w, h) in SIZES {
        app.update(Action::Resize(w, h));
        let shown = text(&screen(&app, w, h));
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
    }
    // Where it is not recorded it says so.
    app.update(Action::Resize(120, 40));
    let effects = app.update(Action::Scrub(Scrub::PrevToken));
    assert!(looks(&effects)[0].lens);
    app.update(Action::Looked(Err("there is no model at hand".to_owned())));
    assert!(text(&screen(&app, 120, 40)).contains("no layers: there is no model at hand"));
}

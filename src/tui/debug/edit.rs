//! What can be changed at the cursor.

use super::menu::{Menu, Pick, Row};
use super::{Order, Otherwise, Question};
use crate::engine::{At, Edit, OtherCrop, Setting};
use crate::geometry::PageBox;
use crate::trace::{SegmentKind, Token, ZoomEvent, ZoomOutcome};
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::explorer::Explorer;
use crate::tui::reasoning::{brief_box, share};
use crate::tui::view::token::label;

/// Longest list of panels to choose another crop from.
const MOST_REGIONS: usize = 12;

impl App {
    pub(super) fn list_edits(&mut self) -> Vec<Effect> {
        let Some(explorer) = &self.explorer else { return Vec::new() };
        if let Some(why) = cannot(explorer) {
            self.toast = Some(why.to_owned());
            return Vec::new();
        }
        let Some(token) = explorer.current() else {
            self.toast = Some("go to a token first".to_owned());
            return Vec::new();
        };
        let at = At::Token(token.position);
        let zoom = zoom_here(explorer);
        let none = zoom.is_none().then_some("there is no tool call");
        let number = zoom.map_or(0, |zoom| zoom.number);
        let boxed = zoom.and_then(|zoom| match &zoom.outcome {
            ZoomOutcome::Cropped { page_box, .. } => Some(brief_box(page_box)),
            ZoomOutcome::Refused { .. } => None,
        });
        let rows = vec![
            Row::new("another token", format!("instead of {}", label(&token.piece)), Pick::Open(tokens(token))),
            Row::new("a typed text", "from this token on", Pick::Ask(Question::Text(token.position))),
            Row::new(format!("the box of zoom {number}"), boxed.unwrap_or_default(), Pick::EditBox(number))
                .unless(none),
            Row::new(format!("the crop of zoom {number}"), "what it returns", Pick::Open(crops(explorer, number)))
                .unless(none),
            Row::new("a setting", "sampling, seed, tool, question …", Pick::Open(settings(explorer, token.position))),
            Row::new("nothing: once more from here", "f", fork(at, Edit::Nothing)),
        ];
        // Without its page nothing can be computed again: every row says so.
        let lost = (!explorer.page_is_kept()).then_some("the page is not kept here");
        let rows = rows.into_iter().map(|row| if lost.is_some() { row.unless(lost) } else { row }).collect();
        self.debug.menu = Some(Menu::new(format!("Change one thing at token {}", token.position), rows));
        Vec::new()
    }

    pub(super) fn fork_again(&mut self) -> Vec<Effect> {
        let Some(explorer) = &self.explorer else { return Vec::new() };
        if let Some(why) = cannot(explorer) {
            self.toast = Some(why.to_owned());
            return Vec::new();
        }
        // At the edge of a session that was cut off, the next token is the fork's first own one.
        let goes_on = |reason: &str| matches!(reason, "stopped" | "break" | "error" | "max_turns");
        let cut = explorer.head.at_edge() && explorer.trace().end.as_ref().is_some_and(|end| goes_on(&end.reason));
        let at = match explorer.current() {
            Some(token) if !cut => At::Token(token.position),
            _ => At::End,
        };
        vec![Effect::Fork(Box::new(Order { at, what: Otherwise::Edit(Edit::Nothing) }))]
    }
}

/// Why a session cannot be forked now.
fn cannot(explorer: &Explorer) -> Option<&'static str> {
    let trace = explorer.trace();
    if trace.start.is_none() || trace.tokens.is_empty() {
        return Some("nothing is computed yet");
    }
    None
}

fn fork(at: At, edit: Edit) -> Pick {
    Pick::Fork(Box::new(Order { at, what: Otherwise::Edit(edit) }))
}

fn setting(at: At, setting: Setting) -> Pick {
    Pick::Fork(Box::new(Order { at, what: Otherwise::Setting(setting) }))
}

/// The tool call under the cursor, else the last one before it, else the first.
pub(super) fn zoom_here(explorer: &Explorer) -> Option<&ZoomEvent> {
    let position = explorer.current()?.position;
    let trace = explorer.trace();
    let call = |segment: &&crate::trace::SegmentEvent| {
        segment.kind == SegmentKind::ToolCall && (segment.first..=segment.last).contains(&position)
    };
    let inside = trace.segments.iter().find(call);
    let found = inside
        .and_then(|segment| trace.zooms.iter().find(|z| (segment.first..=segment.last).contains(&z.position)))
        .or_else(|| trace.zooms.iter().rev().find(|zoom| zoom.position <= position));
    found.or(trace.zooms.first())
}

fn tokens(token: &Token) -> Menu {
    let at = At::Token(token.position);
    let mut rows: Vec<Row> = token
        .top
        .iter()
        .map(|entry| {
            let own = entry.0 == token.id;
            let note = share(f64::from(entry.2.exp()));
            let why = own.then_some("this token stands there already");
            Row::new(label(&entry.1), note, fork(at, Edit::Token(entry.0))).unless(why)
        })
        .collect();
    rows.push(Row::new("another text …", "", Pick::Ask(Question::Text(token.position))));
    Menu::new(format!("Token {}: what else", token.position), rows)
}

fn crops(explorer: &Explorer, number: u32) -> Menu {
    let at = At::Zoom(number);
    let question = explorer.trace().start.as_ref().map(|start| &start.question);
    let targets = question.map_or(&[][..], |question| question.targets.as_slice());
    let region = |b: PageBox| fork(at, Edit::Crop(OtherCrop::Region(b)));
    let mut rows: Vec<Row> =
        targets.iter().take(MOST_REGIONS).map(|b| Row::new("the true region", brief_box(b), region(*b))).collect();
    if rows.is_empty() {
        rows.push(Row::new("the true region", "", Pick::Nothing).unless(Some("this question has no known region")));
    }
    rows.push(Row::new("blank", "grey, of the size asked for", fork(at, Edit::Crop(OtherCrop::Blank))));
    let page = explorer.trace().images.first().map(|image| image.event.original);
    if let Some(size) = page {
        let whole = PageBox::new(0.0, 0.0, f64::from(size.w), f64::from(size.h));
        rows.push(Row::new("the whole page", size.to_string(), region(whole)));
        rows.push(Row::new("the region mirrored across the page", "somewhere else", mirrored(explorer, number, size)));
    }
    rows.push(Row::new("another region …", "x1,y1,x2,y2", Pick::Ask(Question::Region(number))));
    rows.push(Row::new("an image file …", "", Pick::Ask(Question::File(number))));
    Menu::new(format!("Zoom {number} returns instead"), rows)
}

fn mirrored(explorer: &Explorer, number: u32, size: crate::geometry::Size) -> Pick {
    let zoom = explorer.trace().zooms.iter().find(|zoom| zoom.number == number);
    let Some(ZoomOutcome::Cropped { page_box: b, .. }) = zoom.map(|zoom| &zoom.outcome) else { return Pick::Nothing };
    let (w, h) = (f64::from(size.w), f64::from(size.h));
    let other = PageBox::new(w - b.x2, h - b.y2, w - b.x1, h - b.y1);
    fork(At::Zoom(number), Edit::Crop(OtherCrop::Region(other)))
}

fn settings(explorer: &Explorer, position: u64) -> Menu {
    let at = At::Token(position);
    let Some(start) = &explorer.trace().start else { return Menu::new("Settings", Vec::new()) };
    let sampled = start.sampling.temperature > 0.0;
    let mut rows = vec![Row::new(
        if start.tool { "without the zoom tool" } else { "with the zoom tool" },
        "from the beginning",
        setting(at, Setting::Tool(!start.tool)),
    )];
    rows.push(if sampled {
        Row::new("greedy", "temperature 0, from this token on", setting(at, Setting::Temperature(0.0)))
    } else {
        Row::new("sampled", "temperature 1, from this token on", setting(at, Setting::Temperature(1.0)))
    });
    let seed = start.seed.wrapping_add(1);
    let greedy = (!sampled).then_some("greedy sampling draws no random numbers");
    rows.push(Row::new("another seed", format!("{seed}"), setting(at, Setting::Seed(seed))).unless(greedy));
    let choices = &start.question.choices;
    let few = (choices.len() < 2).then_some("this question has no choices to put in another order");
    let reversed: Vec<String> = choices.iter().rev().cloned().collect();
    rows.push(
        Row::new("the choices in reverse", reversed.join(" · "), setting(at, Setting::Choices(reversed.clone())))
            .unless(few),
    );
    let (min, max) = (start.min_pixels, start.max_pixels);
    let twice = format!("at most {} pixels", max.saturating_mul(2));
    rows.push(Row::new("a sharper page", twice, setting(at, Setting::Pixels(min, max.saturating_mul(2)))));
    let half = (max / 2).max(min);
    rows.push(Row::new("a coarser page", format!("at most {half} pixels"), setting(at, Setting::Pixels(min, half))));
    rows.push(Row::new("another question, or any other …", "", Pick::Ask(Question::Setting(position))));
    Menu::new("Settings", rows)
}

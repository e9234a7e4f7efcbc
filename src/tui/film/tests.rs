//! The film of a made-up session: whole, self-contained, each picture once.

use std::path::PathBuf;

use super::*;
use crate::session::{self, Recorder, SessionStore};
use crate::tui::fixtures;
use crate::tui::theme::{ColorDepth, Shelf as Themes};

/// A log on disk of the fixture's session, with its pixels.
fn recorded(dir: &Path) -> PathBuf {
    let store = SessionStore::open(dir).unwrap();
    let arrivals = fixtures::session(true);
    let id = "20260102-030405-abcdef";
    let mut recorder = Recorder::create(&store, &session::today(), id).unwrap();
    for arrival in &arrivals {
        recorder.write(&arrival.record, arrival.pixels.as_ref()).unwrap();
    }
    recorder.finish().unwrap()
}

/// Names of open elements are closed in their order, and quotes in tags are even.
fn well_formed(svg: &str) -> bool {
    let mut open: Vec<String> = Vec::new();
    let mut rest = svg;
    while let Some((text, after)) = rest.split_once('<') {
        let Some((tag, after)) = after.split_once('>') else { return false };
        let entities =
            text.split('&').skip(1).all(|e| ["amp;", "lt;", "gt;", "quot;"].iter().any(|n| e.starts_with(n)));
        if text.contains('>') && !open.iter().any(|name| name == "style")
            || !entities
            || tag.matches('"').count() % 2 != 0
        {
            return false;
        }
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default().to_owned();
        if tag.starts_with('/') {
            if open.pop().as_ref() != Some(&name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = after;
    }
    open.is_empty()
}

fn shot(token: Option<usize>) -> Shot {
    Shot { width: 100, height: 30, token, blocks: false }
}

fn theme() -> Theme {
    Themes::open(None, ColorDepth::True).themes()[0].clone()
}

#[test]
fn a_film_is_whole_and_has_each_picture_once_and_no_script() {
    let dir = tempfile::tempdir().unwrap();
    let path = recorded(dir.path());
    let svg = film(&path, shot(Some(4)), theme()).unwrap();
    assert!(well_formed(&svg), "{}", svg.chars().take(2000).collect::<String>());
    assert!(!well_formed(&svg.replacen("</g>", "", 1)), "the test can fail");
    let tokens = fixtures::session(true).iter().map(|a| model_tokens(&a.record.body)).sum::<usize>();
    let frames = svg.matches("class=\"f\"").count();
    // One at the start, one every fourth token, the last, and at most one for each of two images.
    let even = 1 + tokens / 4;
    assert!((even..=even + 3).contains(&frames), "{frames} frames of {tokens} tokens");
    assert_eq!(frames, svg.matches("@keyframes").count());
    for script in ["<script", "javascript", "onload", "http:"] {
        let harmless = if script == "http:" { 1 } else { 0 };
        assert_eq!(svg.matches(script).count(), harmless, "{script}: only the name of the format");
    }
    let mut pictures: Vec<&str> = svg.split("href=\"data:").skip(1).filter_map(|p| p.split('"').next()).collect();
    assert!(pictures.len() >= 3, "page, its boxes, crop");
    let all = pictures.len();
    pictures.sort_unstable();
    pictures.dedup();
    assert_eq!(pictures.len(), all);
    assert!(svg.matches("<use href=\"#p0\"/>").count() > 2, "the page stands in several frames");
}

#[test]
fn the_last_frame_stands_where_nothing_moves() {
    let dir = tempfile::tempdir().unwrap();
    let svg = film(&recorded(dir.path()), shot(None), theme()).unwrap();
    let last = svg.matches("class=\"f\"").count() - 1;
    assert!(svg.contains(&format!("#f{last}{{visibility:visible}}")));
    assert!(svg.contains("@media(prefers-reduced-motion:reduce){.f{animation:none}}"));
    assert!(svg.contains("infinite"));
}

fn model_tokens(body: &crate::trace::Body) -> usize {
    match body {
        crate::trace::Body::Tokens(tokens) if tokens.by != crate::trace::TokenSource::Prompt => tokens.ids.len(),
        _ => 0,
    }
}

#[test]
fn a_picture_may_be_taken_after_presses() {
    let dir = tempfile::tempdir().unwrap();
    let path = recorded(dir.path());
    let store = SessionStore::open(dir.path()).unwrap();
    let taken = |presses: &[&str]| {
        let presses: Vec<String> = presses.iter().map(|p| (*p).to_owned()).collect();
        super::super::screenshot(&path, shot(None), theme(), &presses, Some(&store))
    };
    assert!(taken(&["help"]).unwrap().contains("run or pause"));
    let sessions = taken(&["back", "sessions", "filter", "=running"]).unwrap();
    assert!(sessions.contains("Sessions") && sessions.contains("running"), "{sessions}");
    let why = taken(&["sessions"]).unwrap_err().to_string();
    assert!(why.contains("sessions") && why.contains("[explorer]"), "{why}");
}

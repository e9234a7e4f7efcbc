//! Two sessions beside each other, aligned where they part.
//!
//! What both have is aligned segment by segment; tokens that one of them has and the other has not are marked.

use std::collections::HashSet;
use std::sync::Arc;

use super::Debugger;
use crate::engine::Past;
use crate::trace::SessionStart;
use crate::tui::action::{Action, Arrival, Scrub};
use crate::tui::app::{App, Choice};
use crate::tui::effect::Effect;
use crate::tui::explorer::{Explorer, Kind};
use crate::tui::playhead::Pace;
use crate::tui::reasoning::{Content, Line};

/// Parents that are kept in memory.
const KEPT: usize = 8;
/// Beyond so many differing tokens a side all of them count as different.
const MOST_COMPARED: usize = 1500;

/// Two sessions beside each other.
#[derive(Clone)]
pub struct Sides {
    /// Left: the other one, often the parent. Right: the one on screen.
    pub sessions: [Arc<Explorer>; 2],
    /// For each side: the tokens that the other side has not.
    pub differing: [HashSet<usize>; 2],
    /// The first of the model's tokens that differs, from 0.
    pub parting: usize,
    /// First row that is shown.
    pub scroll: usize,
    /// Pairs of lines, by index into each side's lines.
    pub rows: Vec<[Option<usize>; 2]>,
    width: u16,
}

impl std::fmt::Debug for Sides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sides").field("parting", &self.parting).field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Sides {
    /// Two sessions, compared.
    pub fn new(left: Explorer, right: Explorer) -> Self {
        let ids = [&left, &right].map(|side| side.model_tokens().map(|token| token.id).collect::<Vec<u32>>());
        let [a, b] = &ids;
        let parting = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        let differing = differing(a, b);
        let sessions = [left, right].map(Arc::new);
        Self { sessions, differing, parting, scroll: 0, rows: Vec::new(), width: 0 }
    }

    /// Brings the rows up to date for a side of this width in cells; the first time the parting comes into sight.
    pub fn wrap(&mut self, width: u16) {
        if width == self.width {
            return;
        }
        let first = self.width == 0;
        self.width = width;
        for side in &mut self.sessions {
            // Both are this view's own, so that nothing is copied.
            if let Some(side) = Arc::get_mut(side) {
                side.wrap(width);
            }
        }
        let [left, right] = &self.sessions;
        self.rows = aligned(left.reasoning.lines(), right.reasoning.lines());
        if first {
            let parting = self.rows.iter().position(|[left, _]| self.is_after(*left));
            self.scroll = parting.unwrap_or(0).saturating_sub(4);
        }
    }

    fn is_after(&self, line: Option<usize>) -> bool {
        let [left, _] = &self.sessions;
        line.and_then(|line| left.reasoning.lines().get(line)).is_some_and(|line| match &line.content {
            Content::Flow(glyphs) => glyphs.iter().any(|glyph| glyph.token >= self.parting),
            Content::Words(_) => false,
        })
    }
}

/// Lines in pairs: blocks (a labelled line and those below it) stand beside each other, the shorter one padded.
fn aligned(left: &[Line], right: &[Line]) -> Vec<[Option<usize>; 2]> {
    let (mut a, mut b) = (blocks(left).into_iter(), blocks(right).into_iter());
    let mut rows = Vec::with_capacity(left.len().max(right.len()));
    loop {
        let pair = (a.next(), b.next());
        if pair == (None, None) {
            return rows;
        }
        let (x, y) = (pair.0.unwrap_or_default(), pair.1.unwrap_or_default());
        for i in 0..x.len().max(y.len()) {
            let at = |range: &std::ops::Range<usize>| (i < range.len()).then(|| range.start + i);
            rows.push([at(&x), at(&y)]);
        }
    }
}

fn blocks(lines: &[Line]) -> Vec<std::ops::Range<usize>> {
    let mut starts: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.gutter.is_some()).map(|(i, _)| i).collect();
    if starts.first() != Some(&0) && !lines.is_empty() {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// The places of each list that are not part of their longest common subsequence.
fn differing(a: &[u32], b: &[u32]) -> [HashSet<usize>; 2] {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (a.get(head..).unwrap_or_default(), b.get(head..).unwrap_or_default());
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(x, y)| x == y).count();
    let a = rest_a.get(..rest_a.len() - tail).unwrap_or_default();
    let b = rest_b.get(..rest_b.len() - tail).unwrap_or_default();
    let mut out = [(head..head + a.len()).collect(), (head..head + b.len()).collect()];
    if a.len() > MOST_COMPARED || b.len() > MOST_COMPARED {
        return out;
    }
    for (x, y) in common(a, b) {
        let [left, right]: &mut [HashSet<usize>; 2] = &mut out;
        left.remove(&(head + x));
        right.remove(&(head + y));
    }
    out
}

/// A longest common subsequence as pairs of places.
fn common(a: &[u32], b: &[u32]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut table = vec![0u16; (a.len() + 1) * width];
    let at = |x: usize, y: usize| x * width + y;
    for (x, left) in a.iter().enumerate().rev() {
        for (y, right) in b.iter().enumerate().rev() {
            let get = |i: usize| table.get(i).copied().unwrap_or(0);
            let best = if left == right { get(at(x + 1, y + 1)) + 1 } else { get(at(x + 1, y)).max(get(at(x, y + 1))) };
            if let Some(cell) = table.get_mut(at(x, y)) {
                *cell = best;
            }
        }
    }
    let get = |i: usize| table.get(i).copied().unwrap_or(0);
    let (mut x, mut y, mut pairs) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (a.get(x), b.get(y)) {
        if left == right {
            pairs.push((x, y));
            (x, y) = (x + 1, y + 1);
        } else if get(at(x + 1, y)) >= get(at(x, y + 1)) {
            x += 1;
        } else {
            y += 1;
        }
    }
    pairs
}

impl Debugger {
    /// Keeps a session in memory that a fork departed from.
    pub(in crate::tui) fn remember(&mut self, explorer: &Explorer) {
        let past = explorer.past();
        let id = past.trace.start.as_ref().map(|start| start.id.clone());
        self.kept.retain(|kept| kept.trace.start.as_ref().map(|start| start.id.clone()) != id);
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(past);
    }

    /// What is to be said where a fork is computed by another model than its parent was.
    pub(in crate::tui) fn other_model(&self, fork: &SessionStart) -> Option<String> {
        let parent = fork.parent.as_ref()?;
        let starts = self.kept.iter().filter_map(|kept| kept.trace.start.as_ref());
        let before =
            starts.filter(|start| start.id == parent.session).find(|s| s.model.weights != fork.model.weights)?;
        let [now, before] = [&fork.model.name, &before.model.name].map(|name| crate::text::one_line(name).into_owned());
        Some(format!("computed by {now}; the session was recorded with {before}: --model gives another"))
    }

    /// The sessions kept in memory, oldest first.
    pub(in crate::tui) fn kept(&self) -> &[Past] {
        &self.kept
    }
}

impl App {
    /// Puts the session on screen beside its parent.
    pub(super) fn beside_parent(&mut self) -> Vec<Effect> {
        let start = self.explorer.as_ref().and_then(|explorer| explorer.trace().start.as_ref());
        let Some(parent) = start.and_then(|start| start.parent.as_ref()).map(|parent| parent.session.clone()) else {
            self.toast = Some("this session is no fork; F shows its forks, c there compares with one".to_owned());
            return Vec::new();
        };
        self.beside(&parent)
    }

    /// Puts it beside the chosen row of the family.
    pub(super) fn beside_chosen(&mut self) -> Vec<Effect> {
        let path = match self.chosen().map(|row| &row.pick) {
            Some(super::Pick::Session(path)) => path.clone(),
            _ => {
                self.toast = Some("choose another session to compare with".to_owned());
                return Vec::new();
            }
        };
        let here = self.sessions.rows().iter().find(|row| row.path == path).map(|row| row.id.clone());
        self.debug.menu = None;
        here.map(|id| self.beside(&id)).unwrap_or_default()
    }

    fn beside(&mut self, id: &str) -> Vec<Effect> {
        let is = |past: &&Past| past.trace.start.as_ref().is_some_and(|start| start.id == id);
        if let Some(past) = self.debug.kept.iter().find(is).cloned() {
            self.put_beside(Explorer::of_past(&past));
            return Vec::new();
        }
        match self.sessions.rows().iter().find(|row| row.id == id) {
            Some(row) => vec![Effect::OpenBeside(row.path.clone())],
            // The list may not have been read yet, or not at all.
            None => vec![Effect::FindBeside(id.to_owned())],
        }
    }

    /// The other session was read.
    pub(in crate::tui) fn read_beside(&mut self, path: std::path::PathBuf, records: Vec<Arrival>) -> Vec<Effect> {
        let mut other = Explorer::new(Kind::Replay, Choice::Session(path), Pace::Unlimited, false);
        other.arrive(records);
        self.put_beside(other);
        Vec::new()
    }

    fn put_beside(&mut self, mut other: Explorer) {
        let Some(explorer) = &self.explorer else { return };
        let mut own = Explorer::of_past(&explorer.past());
        other.scrub(Scrub::End);
        own.scrub(Scrub::End);
        self.debug.menu = None;
        self.debug.sides = Some(Sides::new(other, own));
        self.relayout();
    }

    /// What an action does while two sessions are beside each other.
    pub(super) fn in_sides(&mut self, action: &Action) -> Vec<Effect> {
        let page = usize::from(self.size.1.saturating_sub(6)).max(1);
        let Some(sides) = &mut self.debug.sides else { return Vec::new() };
        let last = sides.rows.len().saturating_sub(page);
        let to = |at: usize| at.min(last);
        match action {
            Action::Up => sides.scroll = sides.scroll.saturating_sub(1),
            Action::Down => sides.scroll = to(sides.scroll + 1),
            Action::PageUp => sides.scroll = sides.scroll.saturating_sub(page),
            Action::PageDown => sides.scroll = to(sides.scroll + page),
            Action::Top => sides.scroll = 0,
            Action::Bottom => sides.scroll = last,
            Action::Close | Action::Back | Action::Debug(super::DebugAction::Sides) => self.debug.sides = None,
            _ => {}
        }
        Vec::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_one_side_has_alone_is_marked() {
        let [a, b] = differing(&[1, 2, 3, 4, 9], &[1, 2, 5, 4, 6, 9]);
        assert_eq!((a, b), (HashSet::from([2]), HashSet::from([2, 4])));
        let [a, b] = differing(&[1, 2], &[1, 2]);
        assert!(a.is_empty() && b.is_empty());
        let [a, b] = differing(&[], &[7]);
        assert_eq!((a.len(), b.len()), (0, 1));
    }

    proptest! {
        #[test]
        fn what_is_not_marked_is_the_same_on_both_sides(
            a in proptest::collection::vec(0u32..4, 0..30), b in proptest::collection::vec(0u32..4, 0..30),
        ) {
            let [left, right] = differing(&a, &b);
            let kept = |list: &[u32], gone: &HashSet<usize>| -> Vec<u32> {
                list.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, id)| *id).collect()
            };
            prop_assert_eq!(kept(&a, &left), kept(&b, &right));
        }
    }
}

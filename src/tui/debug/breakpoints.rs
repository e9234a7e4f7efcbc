//! The list of breakpoints, and where they fire in what is recorded.

use super::Question;
use super::menu::{Kind, Menu, Pick, Row};
use crate::trace::Trace;
use crate::trace::breakpoint::{Breakpoint, CONDITIONS, moments};
use crate::tui::app::App;
use crate::tui::effect::Effect;

/// More breakpoints than these are refused.
const MOST: usize = 32;

/// The breakpoints of this program, on or off.
#[derive(Clone, Debug, Default)]
pub struct Points {
    list: Vec<(Breakpoint, bool)>,
}

/// A place in a recording where a breakpoint fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// How many of the model's tokens are shown there.
    pub shown: usize,
    /// The breakpoint.
    pub breakpoint: String,
    /// What it fired on.
    pub on: String,
}

impl Points {
    /// Those that came with the flags or the configuration.
    pub fn new(breakpoints: Vec<Breakpoint>) -> Self {
        Self { list: breakpoints.into_iter().take(MOST).map(|point| (point, true)).collect() }
    }

    /// Those that are on.
    pub fn on(&self) -> Vec<Breakpoint> {
        self.list.iter().filter(|(_, on)| *on).map(|(point, _)| point.clone()).collect()
    }

    /// Every place of a recording where one fires.
    pub fn stops(&self, trace: &Trace) -> Vec<Stop> {
        let on = self.on();
        if on.is_empty() {
            return Vec::new();
        }
        let mut stops = Vec::new();
        let mut before = None;
        for (index, now) in moments(trace).into_iter().enumerate() {
            for point in &on {
                if let Some(on) = point.fires(&now, before.as_ref()) {
                    stops.push(Stop { shown: index + 1, breakpoint: point.text().to_owned(), on });
                }
            }
            before = Some(now);
        }
        stops
    }
}

impl App {
    pub(super) fn list_breakpoints(&mut self) -> Vec<Effect> {
        let stops = match &self.explorer {
            Some(explorer) if explorer.kind == crate::tui::explorer::Kind::Replay => explorer.stops_at.clone(),
            Some(explorer) => self.debug.points.stops(explorer.trace()),
            None => Vec::new(),
        };
        let points = self.debug.points.list.iter().enumerate();
        let mut rows: Vec<Row> = points
            .map(|(index, (point, on))| {
                let fires = stops.iter().filter(|stop| stop.breakpoint == point.text()).count();
                let (mark, note) = match (*on, fires) {
                    (false, _) => ("[ ]", "off".to_owned()),
                    (true, 1) => ("[x]", "on · fires once in what is written".to_owned()),
                    (true, n) => ("[x]", format!("on · fires {n} times in what is written")),
                };
                Row::new(format!("{mark} {}", point.text()), note, Pick::Toggle(index))
            })
            .collect();
        rows.push(Row::new("add one …", "a", Pick::Ask(Question::Breakpoint)));
        rows.extend(
            CONDITIONS.iter().map(|(example, words)| Row::new(format!("    {example}"), *words, Pick::Nothing)),
        );
        let selected = self.debug.menu.as_ref().filter(|menu| menu.kind == Kind::Breakpoints).map_or(0, |m| m.selected);
        let selected = selected.min(rows.len().saturating_sub(1));
        let hint = "Enter on/off · a add · D remove · and, or, not, ( )";
        self.debug.menu = Some(Menu { title: "Breakpoints".to_owned(), rows, selected, hint, kind: Kind::Breakpoints });
        Vec::new()
    }

    pub(super) fn add_breakpoint(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        let point: Breakpoint = text
            .parse()
            .map_err(|e: crate::trace::breakpoint::BreakpointError| format!("column {}: {}", e.column, e.message))?;
        if self.debug.points.list.iter().any(|(known, _)| *known == point) {
            return Err("it is in the list already".to_owned());
        }
        if self.debug.points.list.len() >= MOST {
            return Err(format!("{MOST} breakpoints are enough; remove one first"));
        }
        self.debug.points.list.push((point, true));
        Ok(self.breakpoints_changed())
    }

    pub(super) fn toggle_breakpoint(&mut self, index: usize) -> Vec<Effect> {
        if let Some((_, on)) = self.debug.points.list.get_mut(index) {
            *on = !*on;
        }
        self.breakpoints_changed()
    }

    pub(super) fn remove_breakpoint(&mut self) -> Vec<Effect> {
        let selected = self.debug.menu.as_ref().map_or(0, |menu| menu.selected);
        if selected < self.debug.points.list.len() {
            self.debug.points.list.remove(selected);
        }
        self.breakpoints_changed()
    }

    fn breakpoints_changed(&mut self) -> Vec<Effect> {
        self.find_stops();
        if self.debug.menu.is_some() {
            self.list_breakpoints();
        }
        vec![Effect::Breakpoints(self.debug.points.on())]
    }

    /// Where the breakpoints fire in a recording; a running session tells by itself.
    pub(in crate::tui) fn find_stops(&mut self) {
        if let Some(explorer) = &mut self.explorer
            && explorer.kind == crate::tui::explorer::Kind::Replay
        {
            explorer.stops_at = self.debug.points.stops(explorer.trace());
        }
    }
}

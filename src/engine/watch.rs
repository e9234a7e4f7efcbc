//! Breakpoints over the records of a running session.

use super::TurnLoop;
use crate::trace::breakpoint::{Breakpoint, Moment, Watcher};
use crate::trace::{Body, BreakEvent};

/// Sees every record that is handed over, and says where a breakpoint fires.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Watcher,
    breakpoints: Vec<Breakpoint>,
    /// The moment that was looked at last.
    before: Option<Moment>,
}

impl Watch {
    pub(super) fn new(session: &TurnLoop) -> Self {
        let (targets, breakpoints) = session.watched();
        Self { watcher: Watcher::new(targets), breakpoints: breakpoints.to_vec(), before: None }
    }

    /// Whether there is anything to look for.
    pub(super) fn is_idle(&self) -> bool {
        self.breakpoints.is_empty()
    }

    pub(super) fn see(&mut self, body: &Body) {
        self.watcher.see(body);
    }

    /// Other breakpoints from now on.
    pub(super) fn set(&mut self, breakpoints: Vec<Breakpoint>) {
        self.breakpoints = breakpoints;
        self.pass();
    }

    /// What was seen so far is no news.
    pub(super) fn pass(&mut self) {
        self.before = self.watcher.now().cloned();
    }

    /// What fires on the token that was seen since the last call; every record of it must have been seen.
    pub(super) fn fired(&mut self) -> Vec<BreakEvent> {
        let now = self.watcher.now().filter(|now| self.before.as_ref().is_none_or(|b| b.number < now.number)).cloned();
        let Some(now) = now else { return Vec::new() };
        let event = |breakpoint: &Breakpoint| {
            let on = breakpoint.fires(&now, self.before.as_ref())?;
            Some(BreakEvent { breakpoint: breakpoint.text().to_owned(), on, position: now.position })
        };
        let events = self.breakpoints.iter().filter_map(event).collect();
        self.before = Some(now);
        events
    }
}

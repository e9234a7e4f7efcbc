//! Where sessions are answered: one at a time, or several stepped together.

use std::sync::atomic::AtomicBool;

use crate::engine::{Ask, Batch, Emission, Outcome, StepEngine, run_to_end};

/// Answers sessions; each has a slot while it runs.
pub(super) trait Desk {
    /// Whether another session may begin.
    fn has_room(&self) -> bool;
    /// Begins a session; its slot, or none where there is no room.
    fn add(&mut self, ask: Ask) -> Option<usize>;
    /// Goes on with every session; records go to `sink` with their slot. Gives those that ended.
    fn step(&mut self, sink: &mut dyn FnMut(usize, Emission)) -> Vec<(usize, Outcome)>;
}

/// One session at a time, to its end in one step: the reproducible case.
pub(super) struct Single<'a, E> {
    pub engine: E,
    pub ask: Option<Ask>,
    /// Stops the session after the token at hand.
    pub at_once: &'a AtomicBool,
}

impl<E: StepEngine> Desk for Single<'_, E> {
    fn has_room(&self) -> bool {
        self.ask.is_none()
    }

    fn add(&mut self, ask: Ask) -> Option<usize> {
        self.has_room().then(|| self.ask = Some(ask)).map(|()| 0)
    }

    fn step(&mut self, sink: &mut dyn FnMut(usize, Emission)) -> Vec<(usize, Outcome)> {
        let Some(ask) = self.ask.take() else { return Vec::new() };
        let outcome = run_to_end(&mut self.engine, &ask, &mut |emission| sink(0, emission), self.at_once);
        vec![(0, outcome)]
    }
}

impl Desk for Batch {
    fn has_room(&self) -> bool {
        self.has_room()
    }

    fn add(&mut self, ask: Ask) -> Option<usize> {
        self.add(ask)
    }

    fn step(&mut self, sink: &mut dyn FnMut(usize, Emission)) -> Vec<(usize, Outcome)> {
        self.step(sink)
    }
}

//! Looking at tokens of a session that goes on.

use super::TurnLoop;
use crate::engine::{Look, Looking, StepEngine};
use crate::trace::{Body, ErrorEvent};

impl TurnLoop {
    /// Keeps from now on what the log and this ask for.
    pub fn watch(&self, engine: &mut dyn StepEngine, looking: Looking) {
        engine.watch(self.ask.debug.looking.and(looking));
    }

    /// Tells what is wanted of a token, as no part of the log; records that hold nothing where it cannot be had.
    pub fn look(&mut self, engine: &mut dyn StepEngine, look: &Look) {
        let found = engine.look(look, &self.state.own);
        for body in found.unwrap_or_else(|_| look.nothing()) {
            self.journal.aside(body);
        }
    }

    /// Records what the log is to say of the token just written. Where that fails, it says so once and goes on without.
    pub(super) fn record_look(&mut self, engine: &mut dyn StepEngine, position: u64) {
        let looking = self.ask.debug.looking;
        if looking.is_off() {
            return;
        }
        match engine.look(&looking.at(position), &self.state.own) {
            Ok(bodies) => self.journal.follow(bodies),
            Err(why) => {
                self.ask.debug.looking = Looking::default();
                engine.watch(Looking::default());
                let message = format!("no attention or lens from here on: {why}");
                self.journal.follow(vec![Body::Error(ErrorEvent { kind: "look".to_owned(), message })]);
            }
        }
    }
}

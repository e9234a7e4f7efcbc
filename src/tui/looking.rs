//! What the program does for looks at tokens.

use std::sync::{Arc, mpsc};

use super::TuiError;
use super::action::Action;
use super::program::Program;
use crate::engine::{Command, Look, Looker, Past};
use crate::model::Model;

/// Who looks at sessions that are over, and what waits for the model.
#[derive(Default)]
pub struct Looks {
    waiting: Option<Look>,
    thread: Option<mpsc::Sender<(Past, Look)>>,
}

impl Program {
    /// Looks at a token: a live session answers for itself, of another one the context is computed again.
    pub(super) fn look_at(&mut self, look: Look) -> Result<(), TuiError> {
        if self.is_live() {
            self.send(Command::Look(look));
            return Ok(());
        }
        match self.model_to_look() {
            None => {
                self.looks().waiting = Some(look);
                Ok(())
            }
            Some(Err(why)) => self.act(Action::Looked(Err(why))),
            Some(Ok(model)) => {
                let Some(past) = self.app().explorer.as_ref().map(|explorer| explorer.past()) else { return Ok(()) };
                let tell = self.teller_of_actions();
                let looks = self.looks();
                if looks.thread.is_none() {
                    looks.thread = start(model, tell);
                }
                let sent = looks.thread.as_ref().is_some_and(|thread| thread.send((past, look)).is_ok());
                if sent { Ok(()) } else { self.act(Action::Looked(Err("nobody is there to look".to_owned()))) }
            }
        }
    }

    /// The model is there, or is not: what waited for it goes on.
    pub(super) fn look_at_waiting(&mut self) -> Result<(), TuiError> {
        match self.looks().waiting.take() {
            Some(look) => self.look_at(look),
            None => Ok(()),
        }
    }
}

/// A thread that looks until its sender is dropped; `None` where the system refuses one.
fn start(model: Arc<Model>, tell: impl Fn(Action) + Send + 'static) -> Option<mpsc::Sender<(Past, Look)>> {
    let (sender, inbox) = mpsc::channel::<(Past, Look)>();
    let work = move || {
        let mut looker = Looker::new(Arc::clone(&model));
        for (past, look) in inbox {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| looker.look(&past, &look)));
            let found = match done {
                Ok(found) => found.map_err(|why| why.to_string()),
                Err(_) => {
                    // A half-done step may have left anything.
                    looker = Looker::new(Arc::clone(&model));
                    Err("looking failed with an internal error".to_owned())
                }
            };
            tell(Action::Looked(found));
        }
    };
    std::thread::Builder::new().name("looker".to_owned()).spawn(work).ok()?;
    Some(sender)
}

//! What the program does for probes.

use super::TuiError;
use super::action::Action;
use super::probe::{ProbeNews, Work, start};
use super::program::Program;
use crate::probe::ProbeKind;

impl Program {
    /// Starts a probe of the session on screen.
    pub(super) fn start_probe(&mut self, kind: ProbeKind) -> Result<(), TuiError> {
        match self.probe_work(kind) {
            Ok(work) => {
                let started = start(work, self.teller());
                match started {
                    Ok(thread) => {
                        self.keep_probe(Some(thread));
                        Ok(())
                    }
                    Err(why) => self.probe_failed(format!("no thread for the probe: {why}")),
                }
            }
            Err(why) => self.probe_failed(why),
        }
    }

    /// Stops the probe that runs; it tells when it has.
    pub(super) fn stop_probe(&mut self) {
        self.keep_probe(None);
    }

    fn probe_failed(&mut self, why: String) -> Result<(), TuiError> {
        self.act(Action::Probed(Box::new(ProbeNews::Failed(why))))
    }

    fn probe_work(&self, kind: ProbeKind) -> Result<Work, String> {
        let explorer = self.app().explorer.as_ref().ok_or("no session is open")?;
        let setup = self.setup();
        let store = setup.store.clone().ok_or("there is no sessions folder for the forks")?;
        Ok(Work {
            kind,
            past: explorer.past(),
            source: self.app().screen_source(),
            who: self.who(),
            profile: std::sync::Arc::clone(&setup.profile),
            bench: self.bench(),
            store,
        })
    }
}

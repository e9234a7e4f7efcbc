//! Where forks are run: an engine, a folder, a person who watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::error::ProbeError;
use super::folder::ProbeFolder;
use super::kind::ProbeKind;
use super::report::{Arm, Report, answer_of};
use super::{Sources, Subject, crop, find, guess, sweep, tool};
use crate::engine::{Ask, At, Edit, Fork, PageSource, StepEngine};
use crate::protocol::Profile;
use crate::session::SessionSummary;

/// What a person may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The tool call that is changed; none is the first, or a sweep's the last.
    pub zoom: Option<u32>,
    /// Columns of a sweep's blocks; its regions are two and three blocks wide. None fits them to the target.
    pub columns: Option<u32>,
    /// Most orders of the choices that are tried.
    pub orders: usize,
    /// What stands between a sweep's crop and the answer: `think` (the model thinks, greedily, until it would answer or call),
    /// `nothing`, `own` (what it said there in the session), or any other text.
    pub before: String,
    /// Whether a session of another model, or profile, is asked anew instead of being refused.
    pub rerun: bool,
    /// For a run: whether sessions that are right are probed, too.
    pub all: bool,
    /// For a run: most sessions.
    pub limit: Option<usize>,
    /// For a run: which sessions, as the filter was written.
    pub filter: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zoom: None,
            columns: None,
            orders: 6,
            before: "think".to_owned(),
            rerun: false,
            all: false,
            limit: None,
            filter: None,
        }
    }
}

/// How far a probe is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Sessions done, and all of them; 0 of 1 for one.
    pub sessions: (usize, usize),
    /// Forks done of the present session, and all of them.
    pub forks: (usize, usize),
    /// What is run now.
    pub what: String,
}

/// All that a probe works with.
pub struct Lab<'a> {
    /// Who answers.
    pub engine: &'a mut dyn StepEngine,
    /// Where the forks go.
    pub folder: &'a mut ProbeFolder,
    /// When set, the probe stops after the token at hand.
    pub cancel: &'a AtomicBool,
    /// Told before every fork.
    pub told: &'a mut dyn FnMut(&Step),
    /// What is told.
    pub step: Step,
}

/// A fork to be run.
pub(super) struct Planned {
    /// The arm's name and words.
    pub arm: (&'static str, &'static str),
    /// What it has otherwise, for the table.
    pub told: String,
    /// The session.
    pub ask: Ask,
}

/// Probes one session.
///
/// # Errors
/// [`ProbeError::Unfit`] and its like where the session does not allow it; [`ProbeError::Stopped`]; what fails on the way.
pub fn probe(kind: ProbeKind, subject: &Subject, lab: &mut Lab<'_>) -> Result<Report, ProbeError> {
    subject.same_model(&lab.engine.info())?;
    match kind {
        ProbeKind::Find => find::probe(subject, lab),
        ProbeKind::Crop => crop::probe(subject, lab),
        ProbeKind::Tool => tool::probe(subject, lab),
        ProbeKind::Guess => guess::probe(subject, lab),
        ProbeKind::Sweep => sweep::probe(subject, lab),
    }
}

impl Lab<'_> {
    /// The settings asked for.
    pub fn settings(&self) -> Settings {
        self.folder.setup().settings.clone()
    }

    /// The id of a fork.
    pub(super) fn id(&self, subject: &Subject, name: &str) -> String {
        self.id_of(&subject.start.id, name)
    }

    fn id_of(&self, subject: &str, name: &str) -> String {
        format!("{}-{name}", self.folder.setup().tag(subject))
    }

    /// Asks a question greedily, or reads it where that was done already; `key` tells it from others of this folder.
    ///
    /// # Errors
    /// As [`probe`].
    pub fn asked(&mut self, key: &str, ask: Ask, sources: Sources<'_>) -> Result<Subject, ProbeError> {
        let id = self.id_of(key, "asked");
        self.tell(0, 1, "asked")?;
        self.run(Ask { id: id.clone(), ..ask })?;
        let missing = || ProbeError::Failed { session: id.clone(), why: "it cannot be read again".to_owned() };
        let log = self.folder.log(&id).ok_or_else(missing)?;
        Subject::open(&log, sources)
    }

    /// The question of a session asked anew, greedily and with the tool, by the model and in the way at hand.
    ///
    /// # Errors
    /// As [`probe`].
    pub fn anew(&mut self, subject: &Subject, profile: &Arc<Profile>) -> Result<Subject, ProbeError> {
        let page = PageSource::Page(Arc::clone(&subject.page));
        let ask = Ask {
            benchmark: subject.start.benchmark.clone(),
            ..Ask::new(String::new(), page, subject.start.question.clone(), Arc::clone(profile))
        };
        let mut anew = self.asked(&subject.start.id, ask, Sources { bench: None, profile: Some(profile) })?;
        anew.panels.clone_from(&subject.panels);
        Ok(anew)
    }

    /// The question of a session put again, with an edit at a place.
    pub(super) fn fork(
        &self,
        subject: &Subject,
        name: &str,
        at: At,
        edit: Edit,
        change: impl FnOnce(&mut Ask),
    ) -> Result<Ask, ProbeError> {
        let mut ask = subject.ask(self.id(subject, name));
        change(&mut ask);
        let fork = Fork::plan(Arc::clone(&subject.past), at, edit, &ask.profile)?;
        ask.debug.fork = Some(Arc::new(fork));
        Ok(ask)
    }

    /// The session once more with nothing changed.
    pub(super) fn control(&self, subject: &Subject) -> Result<Planned, ProbeError> {
        let at = subject.first_place()?;
        let ask = self.fork(subject, "control", at, Edit::Nothing, |_| ())?;
        Ok(Planned { arm: ("control", "asked once more"), told: "nothing changed".to_owned(), ask })
    }

    /// Says how far the probe is, and whether it goes on.
    pub(super) fn tell(&mut self, done: usize, of: usize, what: &str) -> Result<(), ProbeError> {
        self.step.forks = (done, of);
        what.clone_into(&mut self.step.what);
        (self.told)(&self.step);
        if self.cancel.load(Ordering::Relaxed) { Err(ProbeError::Stopped) } else { Ok(()) }
    }

    /// Runs one fork in a context of its own, so that what comes out does not depend on what ran before.
    pub(super) fn run(&mut self, ask: Ask) -> Result<SessionSummary, ProbeError> {
        if let Some(done) = self.folder.get(&ask.id) {
            return Ok(done.clone());
        }
        self.engine.begin(ask.sampling, ask.seed)?;
        self.folder.run(self.engine, ask, self.cancel)
    }

    /// Runs forks, the control first, and groups them into arms; the recorded session is the first. The control's answer is
    /// what others are compared with.
    pub(super) fn run_arms(&mut self, subject: &Subject, planned: Vec<Planned>) -> Result<Vec<Arm>, ProbeError> {
        let of = planned.len();
        let mut ran = Vec::new();
        for (done, planned) in planned.into_iter().enumerate() {
            self.tell(done, of, planned.arm.0)?;
            let summary = self.run(planned.ask)?;
            ran.push((planned.arm, planned.told, summary));
        }
        self.tell(of, of, "")?;
        let control = ran.iter().find(|(arm, ..)| arm.0 == "control").map(|(.., summary)| summary);
        let base = answer_of(control.unwrap_or(&subject.summary));
        let mut arms = vec![Arm::new("recorded", "as recorded")];
        let recorded = arms.first_mut();
        recorded.into_iter().for_each(|arm| arm.take(&subject.summary, "", base.as_deref()));
        for ((name, words), told, summary) in &ran {
            if arms.last().is_none_or(|arm| arm.name != *name) {
                arms.push(Arm::new(name, words));
            }
            if let Some(arm) = arms.last_mut() {
                arm.take(summary, told, base.as_deref());
            }
        }
        Ok(arms)
    }
}

/// What is to be said where the session does not come out again as it was recorded.
pub(super) fn moved(arms: &[Arm]) -> String {
    let one = |name: &str| arms.iter().find(|arm| arm.name == name).and_then(|arm| arm.answers.first());
    match (one("recorded"), one("control")) {
        (Some(recorded), Some(control)) if recorded != control => {
            let words = |answer: &Option<String>| answer.clone().unwrap_or_else(|| "nothing".to_owned());
            format!(
                " (Asked once more it says \"{}\" and not \"{}\" as recorded: the figures are of what it says now.)",
                words(control),
                words(recorded)
            )
        }
        _ => String::new(),
    }
}

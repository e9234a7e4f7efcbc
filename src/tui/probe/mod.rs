//! Probes of the session on screen: a list of them, one running in the background, what they came to.
//!
//! Takes: [`ProbeAction`]s from keys, [`ProbeNews`] from the thread that runs one. Gives: [`Effect`]s, a pane with sentence and
//! table, and for a sweep the page with its heat map. A result belongs to the session it was made of: whatever else is on screen
//! meanwhile, it is there again when that session is.

mod pane;
mod picture;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

pub use pane::{Pane, Row};
pub use picture::{sweep_page, sweep_png};
pub(super) use work::{Running as Thread, Who, Work, start};

use super::action::Action;
use super::app::{App, Choice, Screen};
use super::clean;
use super::debug::menu;
use super::debug::{Menu, Pick};
use super::effect::Effect;
use super::explorer::Explorer;
use super::sessions::Chore;
use crate::probe::{ProbeKind, Report, Step};

/// Results that are remembered.
const KEPT: usize = 24;

/// What a person can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeAction {
    /// List the probes.
    Menu,
    /// Show or hide the heat map over the page.
    Heat,
}

/// What choosing a row of the list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbePick {
    /// Runs a probe, or shows what it came to.
    Start(ProbeKind),
    /// Stops the one that runs.
    Stop,
    /// Shows a result.
    Show(usize),
}

/// What the thread tells.
#[derive(Clone, Debug)]
pub enum ProbeNews {
    /// How far it is.
    Step(Step),
    /// It is done.
    Done(Arc<Found>),
    /// It could not be done; one sentence.
    Failed(String),
    /// A person stopped it.
    Stopped,
}

/// A probe that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What it came to.
    pub report: Report,
    /// The page with the heat map of a sweep.
    pub heat: Option<Arc<RgbImage>>,
    /// The folder with its forks.
    pub dir: PathBuf,
    /// Where the session itself was read from, where it was.
    pub source: Option<PathBuf>,
}

/// A probe that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Which.
    pub kind: ProbeKind,
    /// Of which session.
    pub session: String,
    /// How far it is.
    pub step: Step,
}

/// All the state of probes.
#[derive(Clone, Debug, Default)]
pub struct Probing {
    /// Why there can be none at all, such as that there is no model.
    pub why_not: Option<String>,
    /// The one that runs.
    pub running: Option<Running>,
    /// What is known, oldest first.
    pub found: Vec<Arc<Found>>,
    /// The result that is looked at.
    pub pane: Option<Pane>,
    /// Whether heat maps are drawn over pages.
    pub heat: bool,
}

impl Probing {
    /// The result that is looked at, while its session is on screen.
    pub fn pane_of(&self, explorer: Option<&Explorer>) -> Option<&Pane> {
        let id = session_of(explorer?)?;
        self.pane.as_ref().filter(|pane| pane.found.report.session == id)
    }

    /// The newest sweep of the session on screen, where its heat map is wanted.
    pub fn heat_of(&self, explorer: &Explorer) -> Option<&Arc<Found>> {
        let id = session_of(explorer).filter(|_| self.heat)?;
        self.found.iter().rev().find(|found| found.heat.is_some() && found.report.session == id)
    }

    fn of(&self, kind: ProbeKind, session: &str) -> Option<usize> {
        self.found.iter().rposition(|found| found.report.probe == kind && found.report.session == session)
    }
}

/// Id of the session on screen.
fn session_of(explorer: &Explorer) -> Option<&str> {
    explorer.trace().start.as_ref().map(|start| start.id.as_str())
}

impl App {
    /// What a probe's key does in the explorer.
    pub(super) fn probe(&mut self, action: ProbeAction) -> Vec<Effect> {
        match action {
            ProbeAction::Menu => self.list_probes(),
            ProbeAction::Heat => self.toggle_heat(),
        }
        Vec::new()
    }

    fn toggle_heat(&mut self) {
        let on = self.probe.heat;
        self.probe.heat = true;
        let known = self.explorer.as_ref().is_some_and(|explorer| self.probe.heat_of(explorer).is_some());
        self.probe.heat = !on && known;
        if !known {
            self.toast = Some("no sweep of this session yet: P lists the probes".to_owned());
        }
    }

    /// The five probes of the session on screen, greyed with the reason where one cannot be.
    fn list_probes(&mut self) {
        let Some(explorer) = &self.explorer else { return };
        let Some(session) = session_of(explorer).map(str::to_owned) else {
            self.toast = Some("the session has not begun".to_owned());
            return;
        };
        let general = self.why_no_probe(explorer);
        let mut rows = Vec::new();
        for kind in ProbeKind::ALL {
            let known = self.probe.of(kind, &session);
            let row = match known {
                Some(at) => {
                    let verdict = self.probe.found.get(at).map_or("", |found| found.report.verdict.name());
                    menu::Row::new(words(kind), format!("done: {verdict}"), Pick::Probe(ProbePick::Show(at)))
                }
                None => menu::Row::new(words(kind), kind.does(), Pick::Probe(ProbePick::Start(kind)))
                    .unless(general.as_deref().or_else(|| cannot(kind, explorer))),
            };
            rows.push(row);
        }
        for (at, found) in self.probe.found.iter().enumerate().rev() {
            // In a fork of a probe: the way back to where it came from.
            let report = &found.report;
            if report.session != session && found.source.is_some() && pane::holds(report, &session) {
                let name = format!("back to {} of {}", report.probe, report.session);
                rows.push(menu::Row::new(name, report.verdict.name(), Pick::Probe(ProbePick::Show(at))));
            }
        }
        if let Some(running) = &self.probe.running {
            let (done, of) = running.step.forks;
            let words = format!("stop {} ({done} of {of})", running.kind);
            rows.push(menu::Row::new(words, "what is done is kept", Pick::Probe(ProbePick::Stop)));
        }
        let hint = "runs in the background; its forks are recorded";
        self.debug.menu = Some(Menu { hint, ..Menu::new("Probes: why did it answer so?", rows) });
    }

    fn why_no_probe(&self, explorer: &Explorer) -> Option<String> {
        if let Some(why) = &self.probe.why_not {
            return Some(why.clone());
        }
        if let Some(running) = &self.probe.running {
            return Some(format!("{} is running", running.kind));
        }
        if explorer.trace().end.is_none() {
            return Some("the session has not ended".to_owned());
        }
        (!explorer.page_is_kept()).then(|| "the page is not kept here".to_owned())
    }

    /// What choosing a row of the list does.
    pub(super) fn probe_picked(&mut self, pick: ProbePick) -> Vec<Effect> {
        match pick {
            ProbePick::Start(kind) => {
                let session = self.explorer.as_ref().and_then(session_of).unwrap_or_default().to_owned();
                self.probe.running = Some(Running { kind, session, step: Step::default() });
                vec![Effect::Probe(kind)]
            }
            ProbePick::Stop => vec![Effect::StopProbe],
            ProbePick::Show(at) => self.show_found(at),
        }
    }

    fn show_found(&mut self, at: usize) -> Vec<Effect> {
        let Some(found) = self.probe.found.get(at).map(Arc::clone) else { return Vec::new() };
        let here = self.explorer.as_ref().and_then(session_of) == Some(found.report.session.as_str());
        self.probe.heat |= found.heat.is_some();
        let source = found.source.clone();
        self.probe.pane = Some(Pane::new(found));
        match source.filter(|_| !here) {
            Some(path) => vec![Effect::OpenLog(path)],
            None => Vec::new(),
        }
    }

    /// Takes what the thread tells.
    pub(super) fn probed(&mut self, news: ProbeNews) -> Vec<Effect> {
        match news {
            ProbeNews::Step(step) => {
                if let Some(running) = &mut self.probe.running {
                    running.step = step;
                }
                Vec::new()
            }
            ProbeNews::Done(found) => {
                self.probe.running = None;
                self.probe_done(found);
                // The forks belong to the session's family.
                vec![Effect::OnSessions(Chore::List)]
            }
            ProbeNews::Failed(why) => {
                self.probe.running = None;
                self.toast = Some(clean(&why).replace('\n', " "));
                Vec::new()
            }
            ProbeNews::Stopped => {
                self.probe.running = None;
                self.toast = Some("the probe was stopped; started again, it goes on with what is done".to_owned());
                Vec::new()
            }
        }
    }

    fn probe_done(&mut self, found: Arc<Found>) {
        let on_screen = self.explorer.as_ref().and_then(session_of) == Some(found.report.session.as_str());
        if self.probe.found.len() >= KEPT {
            self.probe.found.remove(0);
        }
        self.probe.found.push(Arc::clone(&found));
        // Nothing is pushed before a person who looks at something else.
        if on_screen && !self.debug.is_open() && self.help.is_none() && self.palette.is_none() {
            self.probe.heat |= found.heat.is_some();
            self.probe.pane = Some(Pane::new(found));
        } else {
            self.toast = Some(format!("{} is done: P shows it", found.report.probe));
        }
    }

    /// Whether a result takes the keys.
    pub(super) fn probe_is_open(&self) -> bool {
        self.screen == Screen::Explorer && self.probe.pane_of(self.explorer.as_ref()).is_some()
    }

    /// Where the session on screen was read from.
    pub(super) fn screen_source(&self) -> Option<PathBuf> {
        match self.explorer.as_ref().map(|explorer| &explorer.choice) {
            Some(Choice::Session(path)) => Some(path.clone()),
            _ => None,
        }
    }

    /// What an action does while a result is looked at.
    pub(super) fn in_probe(&mut self, action: Action) -> Vec<Effect> {
        let page = usize::from(self.size.1 / 3).max(1);
        let Some(pane) = &mut self.probe.pane else { return Vec::new() };
        match action {
            Action::Up => pane.step(-1),
            Action::Down => pane.step(1),
            Action::PageUp => pane.step(-(page as isize)),
            Action::PageDown => pane.step(page as isize),
            Action::Top => pane.selected = 0,
            Action::Bottom => pane.selected = pane.rows.len().saturating_sub(1),
            Action::Open => return self.open_chosen(),
            Action::Probe(ProbeAction::Heat) => self.toggle_heat(),
            Action::Probe(ProbeAction::Menu) => self.list_probes(),
            Action::ToggleTarget | Action::Page(_) => return self.under_probe(action),
            Action::Close | Action::Back => self.probe.pane = None,
            _ => {}
        }
        Vec::new()
    }

    fn open_chosen(&mut self) -> Vec<Effect> {
        let Some(pane) = &self.probe.pane else { return Vec::new() };
        let Some(id) = pane.chosen().and_then(|row| row.session.clone()) else { return Vec::new() };
        if id == pane.found.report.session {
            self.toast = Some("this session is on screen".to_owned());
            return Vec::new();
        }
        vec![Effect::OpenLog(log_of(&pane.found.dir, &id))]
    }
}

/// The log of a fork.
fn log_of(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}.jsonl.zst"))
}

/// A probe in a few words.
const fn words(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Find => "can't find or can't see?",
        ProbeKind::Crop => "does the crop matter?",
        ProbeKind::Tool => "does the tool matter?",
        ProbeKind::Guess => "is it guessing?",
        ProbeKind::Sweep => "where does it matter?",
    }
}

/// Why a probe cannot be made of a session, as far as its beginning tells.
fn cannot(kind: ProbeKind, explorer: &Explorer) -> Option<&'static str> {
    let start = explorer.trace().start.as_ref()?;
    let question = &start.question;
    match kind {
        ProbeKind::Find if question.targets.is_empty() => Some("no target is known"),
        ProbeKind::Guess if question.choices.len() < 2 => Some("no choices are listed"),
        ProbeKind::Sweep if question.truth.is_none() => Some("the right answer is not known"),
        ProbeKind::Crop if explorer.trace().zooms.is_empty() => Some("it made no call"),
        ProbeKind::Find | ProbeKind::Crop | ProbeKind::Sweep if !start.tool => Some("it had no tool"),
        _ => None,
    }
}

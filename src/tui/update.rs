//! What every action does to the state, and what it wants done outside.
//!
//! Pure: no clock, no file, no terminal. [`App::wants`] says which pictures the state needs.

use super::action::{Action, Arrival, Edit, Scrub, Unit};
use super::app::{App, Choice, EngineState, Screen, Verdict};
use super::effect::Effect;
use super::explorer::{Explorer, Kind};
use super::library::FilterBy;
use super::playhead::Pace;
use super::sessions::{Deed, Row};

/// Tokens a second a live session is shown at until a person changes it: a small model is faster than eyes.
pub const FIRST_PACE: Pace = Pace::Tokens(40.0);

impl App {
    /// Applies an action.
    pub fn update(&mut self, action: Action) -> Vec<Effect> {
        if is_key(&action) {
            self.toast = None;
        }
        let effects = match action {
            Action::Resize(w, h) => {
                self.size = (w, h);
                Vec::new()
            }
            Action::Now(now) => self.tick(now),
            Action::Arrived(arrivals) => self.arrived(arrivals),
            Action::Engine(state) => self.engine(state),
            Action::Replay { path, records, problems } => self.open_replay(path, records, problems),
            Action::Preview(preview) => {
                self.preview.shown = Some((preview.of, preview.pixels));
                Vec::new()
            }
            Action::Questions(title, questions) => {
                self.library.title = title;
                self.library.set_questions(questions);
                self.library.loading = false;
                self.preview_selected()
            }
            Action::Sessions(rows) => {
                let effects = self.sessions_listed(rows);
                self.family_changed();
                effects
            }
            Action::SessionDone(outcome) => self.session_done(outcome),
            Action::Board(filter, made) => self.board_made(filter, *made),
            Action::Said(about, said) => self.said_of_session(&about, said),
            Action::Runs(runs) => self.runs_listed(runs),
            Action::Compared(made) => self.compared(*made),
            Action::Followed { title, done, items, changes } => {
                self.library.title = title;
                self.library.run = Some((done, items));
                self.library.change(changes);
                self.preview_selected()
            }
            Action::Failed(why) | Action::Told(why) => {
                self.toast = Some(super::clean(&why).replace('\n', " "));
                Vec::new()
            }
            Action::Quit => vec![Effect::CloseSession, Effect::Quit],
            Action::Themes => self.open_picker(),
            Action::Palette => self.open_palette(),
            Action::ToggleMouse => self.toggle_mouse(),
            Action::Mouse(event) => self.mouse(event),
            Action::Help => {
                self.help = Some(0);
                Vec::new()
            }
            Action::Forked => self.forked(),
            Action::Probed(news) => self.probed(*news),
            Action::Looked(found) => self.looked(found),
            Action::Beside { path, records } => self.read_beside(path, records),
            other if self.palette.is_some() => self.in_palette(other),
            other if self.picker.is_some() => self.in_picker(&other),
            other if self.help.is_some() => self.in_help(&other),
            other if self.debug.is_open() && self.screen == Screen::Explorer => self.in_debugger(other),
            other if self.probe_is_open() => self.in_probe(other),
            other => match self.screen {
                Screen::Library => self.in_library(other),
                Screen::Explorer => self.in_explorer(other),
                Screen::Ask => self.in_ask(other),
                Screen::Sessions => self.in_sessions(other),
                Screen::Failures => self.in_failures(other),
                Screen::Compare => self.in_compare(other),
            },
        };
        self.relayout();
        let look = self.look_wanted();
        effects.into_iter().chain(look).collect()
    }

    fn in_help(&mut self, action: &Action) -> Vec<Effect> {
        let page = usize::from(self.size.1.saturating_sub(6)).max(1);
        let most = self.help_rows().saturating_sub(usize::from(self.size.1.saturating_sub(4)));
        let scroll = self.help.unwrap_or(0);
        self.help = match action {
            Action::Up => Some(scroll.saturating_sub(1)),
            Action::Down => Some((scroll + 1).min(most)),
            Action::PageUp => Some(scroll.saturating_sub(page)),
            Action::PageDown => Some((scroll + page).min(most)),
            Action::Top => Some(0),
            Action::Bottom => Some(most),
            _ => None,
        };
        Vec::new()
    }

    fn help_rows(&self) -> usize {
        super::view::help::rows(self, &self.keymap)
    }

    fn in_library(&mut self, action: Action) -> Vec<Effect> {
        let page = usize::from(self.size.1 / 2).max(1);
        let at = self.library.selected();
        match action {
            Action::Up => self.library.select(at.saturating_sub(1)),
            Action::Down => self.library.select(at + 1),
            Action::PageUp => self.library.select(at.saturating_sub(page)),
            Action::PageDown => self.library.select(at + page),
            Action::Top => self.library.select(0),
            Action::Bottom => self.library.select(usize::MAX),
            Action::NextGroup => self.library.select_group(true),
            Action::PrevGroup => self.library.select_group(false),
            Action::Filter(by) => self.library.narrow(by),
            Action::Close => self.library.narrow(FilterBy::Nothing),
            Action::Back => return vec![Effect::Quit],
            Action::Open => return self.open_selected(),
            Action::AskOwn => return self.ask_about_selected(),
            Action::InSessions(Deed::Show) => return self.show_sessions(),
            Action::OnFailures(_) => return self.show_failures(),
            Action::OnCompare(_) => return self.show_compare(),
            _ => {}
        }
        self.preview_selected()
    }

    /// Asks for the selected row's page, where it is not on screen already.
    pub fn preview_selected(&mut self) -> Vec<Effect> {
        let wanted = match self.screen {
            Screen::Library => self.library.current().map(|e| e.choice.clone()),
            Screen::Ask => self.ask.page().cloned(),
            Screen::Sessions => self.sessions.current().map(Row::choice),
            Screen::Explorer | Screen::Failures | Screen::Compare => None,
        };
        let Some(choice) = wanted else { return Vec::new() };
        if self.preview.wanted.as_ref() == Some(&choice) {
            return Vec::new();
        }
        self.preview.wanted = Some(choice.clone());
        vec![Effect::LoadPreview(choice)]
    }

    fn open_selected(&mut self) -> Vec<Effect> {
        // From now on the selection is somebody's choice.
        self.library.select(self.library.selected());
        let Some(entry) = self.library.current() else { return Vec::new() };
        match entry.choice.clone() {
            Choice::Question(_) if self.library.run.is_some() => {
                self.toast = Some("the run has not come to this question yet".to_owned());
                Vec::new()
            }
            Choice::Question(index) => {
                self.start_live(Choice::Question(index));
                if let Some(explorer) = &mut self.explorer {
                    explorer.place = Some((index + 1, self.library.questions().len()));
                }
                vec![Effect::AskQuestion(index)]
            }
            Choice::Session(path) => vec![Effect::OpenLog(path)],
            Choice::Page(_) | Choice::Named(_) => self.ask_about_selected(),
        }
    }

    fn start_live(&mut self, choice: Choice) {
        let pace = self.explorer.as_ref().filter(|e| e.kind == Kind::Live).map_or(self.first_pace, |e| e.head.pace);
        let mut explorer = Explorer::new(Kind::Live, choice.clone(), pace, true);
        if let Some((of, Ok(pixels))) = &self.preview.shown
            && *of == choice
        {
            explorer.early_page = Some(std::sync::Arc::clone(pixels));
        }
        self.explorer = Some(explorer);
        self.attend.forget();
        self.sessions.opened = false;
        self.screen = Screen::Explorer;
    }

    fn ask_about_selected(&mut self) -> Vec<Effect> {
        match self.library.current().map(|e| e.choice.clone()) {
            Some(Choice::Session(_)) => {
                self.toast = Some("a recording cannot be asked; choose a question's page".to_owned());
                Vec::new()
            }
            Some(page) => self.open_form(vec![page]),
            None => Vec::new(),
        }
    }

    /// Opens the form on these pages.
    pub fn open_form(&mut self, pages: Vec<Choice>) -> Vec<Effect> {
        self.ask.pages = pages;
        self.ask.selected = 0;
        self.ask.field.clear();
        self.screen = Screen::Ask;
        self.preview_selected()
    }

    fn in_ask(&mut self, action: Action) -> Vec<Effect> {
        let pages = self.ask.pages.len().max(1);
        match action {
            Action::Edit(edit) => self.ask.field.apply(&edit),
            Action::Down => self.ask.selected = (self.ask.selected + 1) % pages,
            Action::Up => self.ask.selected = (self.ask.selected + pages - 1) % pages,
            Action::Open => return self.ask_typed(),
            Action::Back | Action::Close if self.home == Some(Screen::Library) => self.screen = Screen::Library,
            Action::Back | Action::Close => return vec![Effect::Quit],
            _ => {}
        }
        self.preview_selected()
    }

    /// Why the form's page cannot be read, where that is known.
    pub(super) fn page_fault(&self) -> Option<&str> {
        match (&self.preview.shown, self.ask.page()) {
            (Some((of, Err(why))), Some(page)) if of == page => Some(why),
            _ => None,
        }
    }

    fn ask_typed(&mut self) -> Vec<Effect> {
        let (text, choices) = self.ask.question();
        let Some(page) = self.ask.page().cloned() else { return Vec::new() };
        if text.is_empty() {
            self.toast = Some("type a question first".to_owned());
            return Vec::new();
        }
        if let Some(why) = self.page_fault().map(str::to_owned) {
            self.toast = Some(why);
            // The file may be another one by now.
            return vec![Effect::LoadPreview(page)];
        }
        self.start_live(page.clone());
        vec![Effect::AskTyped { page, text, choices }]
    }

    /// What an action that changes the view of the page does, whatever stands beside it.
    pub(super) fn under_probe(&mut self, action: Action) -> Vec<Effect> {
        self.in_explorer(action)
    }

    fn in_explorer(&mut self, action: Action) -> Vec<Effect> {
        let Some(explorer) = &mut self.explorer else {
            self.screen = Screen::Library;
            return Vec::new();
        };
        match action {
            Action::ToggleRun => return toggle_run(explorer),
            Action::Step(unit) => return step(explorer, unit),
            Action::Scrub(scrub) => explorer.scrub(scrub),
            Action::Top => explorer.scrub(Scrub::Start),
            Action::Bottom => explorer.scrub(Scrub::End),
            Action::Faster => explorer.head.pace = explorer.head.pace.faster(),
            Action::Slower => explorer.head.pace = explorer.head.pace.slower(),
            Action::ToggleTarget => self.toggle_target(),
            Action::Page(step) => self.move_page(step),
            Action::Debug(action) => return self.debug(action),
            Action::Probe(action) => return self.probe(action),
            Action::Attend(action) => return self.attend(action),
            Action::Up | Action::Down | Action::PageUp | Action::PageDown => self.scroll_reasoning(&action),
            Action::AskOwn => return self.ask_on_screen(),
            Action::Back | Action::Close => return self.close_explorer(),
            _ => {}
        }
        Vec::new()
    }

    /// Scrolls the reasoning without moving the cursor.
    fn scroll_reasoning(&mut self, action: &Action) {
        let area = ratatui::layout::Rect::new(0, 0, self.size.0, self.size.1);
        let cell_aspect = self.cell_aspect;
        let Some(explorer) = &mut self.explorer else { return };
        let panes = super::view::layout::explorer(area, explorer.page_aspect(), cell_aspect);
        let (first, last) = super::view::reasoning::first_in_sight(explorer, panes.reasoning);
        let page = usize::from(panes.reasoning.height / 2).max(1);
        explorer.scroll = Some(match action {
            Action::Up => first.saturating_sub(1),
            Action::Down => (first + 1).min(last),
            Action::PageUp => first.saturating_sub(page),
            _ => (first + page).min(last),
        });
    }

    fn toggle_target(&mut self) {
        let Some(explorer) = &mut self.explorer else { return };
        let known = explorer.trace().start.as_ref().is_some_and(|s| !s.question.targets.is_empty());
        if known {
            explorer.show_target = !explorer.show_target;
        } else {
            self.toast = Some("this question has no known region".to_owned());
        }
    }

    fn ask_on_screen(&mut self) -> Vec<Effect> {
        let page = match self.explorer.as_ref().map(|e| (e.kind, e.choice.clone())) {
            Some((Kind::Live, choice)) if !matches!(choice, Choice::Session(_)) => choice,
            _ => {
                self.toast = Some("a recording cannot be asked".to_owned());
                return Vec::new();
            }
        };
        let mut effects = vec![Effect::CloseSession];
        self.note_verdict();
        self.explorer = None;
        let pages = if self.ask.pages.contains(&page) { self.ask.pages.clone() } else { vec![page.clone()] };
        let selected = pages.iter().position(|p| *p == page).unwrap_or(0);
        effects.extend(self.open_form(pages));
        self.ask.selected = selected;
        effects.extend(self.preview_selected());
        effects
    }

    fn close_explorer(&mut self) -> Vec<Effect> {
        self.note_verdict();
        self.explorer = None;
        let mut effects = vec![Effect::CloseSession];
        let opened = std::mem::take(&mut self.sessions.opened);
        match self.home {
            _ if self.way.session.is_some() => self.screen = self.way.session.take().unwrap_or(Screen::Library),
            _ if opened => self.screen = Screen::Sessions,
            Some(screen) => self.screen = screen,
            None => effects.push(Effect::Quit),
        }
        effects.extend(self.preview_selected());
        effects
    }

    /// Writes how the session came out into the list.
    fn note_verdict(&mut self) {
        let Some(explorer) = &self.explorer else { return };
        let verdict = explorer.verdict();
        let Choice::Question(index) = explorer.choice else { return };
        // A fork says nothing of the model's own answer.
        if explorer.trace().start.as_ref().is_some_and(|start| start.parent.is_some()) {
            return;
        }
        let own =
            explorer.trace().start.as_ref().is_some_and(|s| s.question.task.is_none() && s.question.truth.is_none());
        if verdict != Verdict::None && !own {
            self.library.note(index, verdict);
        }
    }

    fn tick(&mut self, now: f64) -> Vec<Effect> {
        let dt = (now - self.now).max(0.0);
        self.now = now;
        if let Some(explorer) = &mut self.explorer {
            explorer.advance(dt);
            // A replay that has reached its end waits there.
            if explorer.kind == Kind::Replay && explorer.head.at_edge() {
                explorer.head.moving = false;
            }
        }
        self.watch_failures()
    }

    fn arrived(&mut self, arrivals: Vec<Arrival>) -> Vec<Effect> {
        if let Some(explorer) = &mut self.explorer {
            let begun = explorer.trace().start.is_some();
            self.attend.arrived(arrivals.iter().map(|arrival| &arrival.record.body));
            explorer.arrive(arrivals);
            let other =
                explorer.trace().start.as_ref().filter(|_| !begun).and_then(|start| self.debug.other_model(start));
            if let Some(other) = other {
                self.toast = Some(other);
            }
            if explorer.trace().end.is_some() {
                self.note_verdict();
            }
        }
        Vec::new()
    }

    fn engine(&mut self, state: EngineState) -> Vec<Effect> {
        if let Some(explorer) = &mut self.explorer
            && explorer.kind == Kind::Live
        {
            explorer.engine = state;
            if state == EngineState::Ended {
                // Nobody answers any more what was asked of the engine.
                self.attend.forget();
            }
        }
        Vec::new()
    }

    fn open_replay(&mut self, path: std::path::PathBuf, records: Vec<Arrival>, problems: Vec<String>) -> Vec<Effect> {
        let mut explorer = Explorer::new(Kind::Replay, Choice::Session(path), Pace::Recorded { speed: 1.0 }, true);
        explorer.problems = problems;
        explorer.arrive(records);
        self.sessions.opened |= self.screen == Screen::Sessions;
        let before = self.explorer.replace(explorer);
        self.screen = Screen::Explorer;
        self.attend.forget();
        // What was open was about the session before.
        self.debug.close();
        self.find_stops();
        let live = before.is_some_and(|explorer| explorer.kind == Kind::Live);
        if live { vec![Effect::CloseSession] } else { Vec::new() }
    }

    /// Seconds until the state changes by itself; `None` when it does not.
    pub fn next_due(&self) -> Option<f64> {
        if self.screen == Screen::Failures {
            return Some((self.failures.next_look - self.now).max(0.0));
        }
        let explorer = self.explorer.as_ref().filter(|_| self.screen == Screen::Explorer)?;
        explorer.head.next_due(explorer.times())
    }
}

/// Whether an action comes from a person.
pub(super) const fn is_key(action: &Action) -> bool {
    !matches!(
        action,
        Action::Resize(..)
            | Action::Now(_)
            | Action::Arrived(_)
            | Action::Engine(_)
            | Action::Replay { .. }
            | Action::Preview(_)
            | Action::Sessions(_)
            | Action::SessionDone(_)
            | Action::Board(..)
            | Action::Runs(_)
            | Action::Said(..)
            | Action::Compared(_)
            | Action::Questions(..)
            | Action::Followed { .. }
            | Action::Failed(_)
            | Action::Forked
            | Action::Probed(_)
            | Action::Looked(_)
            | Action::Beside { .. }
    )
}

/// Space: what moves stops (the view, and with it the engine); what stands still goes on from where the view stands.
fn toggle_run(explorer: &mut Explorer) -> Vec<Effect> {
    let running = explorer.engine == EngineState::Running;
    let live_at_edge = explorer.head.at_edge() && running;
    explorer.scroll = None;
    if explorer.head.moving && (!explorer.head.at_edge() || live_at_edge) {
        explorer.head.moving = false;
        return if running { vec![Effect::Pause] } else { Vec::new() };
    }
    if explorer.kind == Kind::Replay && explorer.head.at_edge() {
        // At the end of a recording: once more from the start.
        explorer.step_to(0);
    }
    explorer.head.play_on();
    if explorer.engine == EngineState::Paused { vec![Effect::Run] } else { Vec::new() }
}

/// A step: inside what is known the view moves; at the edge the engine does.
fn step(explorer: &mut Explorer, unit: Unit) -> Vec<Effect> {
    explorer.scroll = None;
    let running = explorer.engine == EngineState::Running;
    let mut effects = if running { vec![Effect::Pause] } else { Vec::new() };
    if let Some(target) = explorer.step_target(unit) {
        explorer.step_to(target);
        return effects;
    }
    explorer.head.moving = false;
    explorer.head.scrubbed = false;
    if explorer.kind == Kind::Live && explorer.engine != EngineState::Ended {
        effects.push(Effect::Step(unit));
    }
    effects
}

/// Text that was pasted, as an edit.
pub fn pasted(text: &str) -> Action {
    Action::Edit(Edit::Insert(text.replace(['\r', '\n'], " ")))
}

//! A list to choose from over the explorer.

use std::path::PathBuf;

use super::{DebugAction, Order, Question};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::probe::ProbePick;

/// The list.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    /// What it is about.
    pub title: String,
    /// What can be chosen.
    pub rows: Vec<Row>,
    /// The chosen row.
    pub selected: usize,
    /// What the keys do here beyond Enter and Esc.
    pub hint: &'static str,
    /// Which list it is.
    pub kind: Kind,
}

/// Which list a menu is, for the keys that only some know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Any.
    #[default]
    Plain,
    /// Breakpoints: rows can be added and removed.
    Breakpoints,
    /// The family of forks: rows can be compared.
    Family,
    /// What a person says of the session.
    Label,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it says.
    pub text: String,
    /// What stands beside it.
    pub note: String,
    /// What choosing it does.
    pub pick: Pick,
    /// Why it cannot be chosen.
    pub why_not: Option<String>,
}

/// What choosing a row does.
#[derive(Clone, Debug)]
pub enum Pick {
    /// Nothing; it is there to be read.
    Nothing,
    /// Turns a breakpoint on or off.
    Toggle(usize),
    /// Asks for a line of text.
    Ask(Question),
    /// Forks.
    Fork(Box<Order>),
    /// Shows another list.
    Open(Menu),
    /// Lets the box of a tool call be changed.
    EditBox(u32),
    /// Opens a recorded session.
    Session(PathBuf),
    /// Copies a text.
    Copy(String),
    /// Gives the session this label, or the automatic one again.
    Label(Option<&'static str>),
    /// Something of the probes.
    Probe(ProbePick),
}

impl Row {
    /// A row that can be chosen.
    pub fn new(text: impl Into<String>, note: impl Into<String>, pick: Pick) -> Self {
        Self { text: text.into(), note: note.into(), pick, why_not: None }
    }

    /// The same, greyed where there is a reason.
    #[must_use]
    pub fn unless(mut self, why_not: Option<&str>) -> Self {
        self.why_not = why_not.map(str::to_owned);
        self
    }
}

impl Menu {
    /// A list with its first usable row chosen.
    pub fn new(title: impl Into<String>, rows: Vec<Row>) -> Self {
        let selected = rows.iter().position(|row| row.why_not.is_none()).unwrap_or(0);
        Self { title: title.into(), rows, selected, ..Self::default() }
    }

    fn step(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }
}

impl App {
    /// What an action does while a list is open.
    pub(super) fn in_menu(&mut self, action: Action) -> Vec<Effect> {
        let Some(menu) = &mut self.debug.menu else { return Vec::new() };
        match action {
            Action::Up => menu.step(-1),
            Action::Down => menu.step(1),
            Action::PageUp => menu.step(-8),
            Action::PageDown => menu.step(8),
            Action::Top => menu.selected = 0,
            Action::Bottom => menu.selected = menu.rows.len().saturating_sub(1),
            Action::Open => return self.choose(),
            Action::Debug(DebugAction::Add) if menu.kind == Kind::Breakpoints => self.ask_line(Question::Breakpoint),
            Action::Debug(DebugAction::Remove) if menu.kind == Kind::Breakpoints => return self.remove_breakpoint(),
            Action::Debug(DebugAction::Compare) if menu.kind == Kind::Family => return self.beside_chosen(),
            Action::Close | Action::Back => self.debug.menu = None,
            _ => {}
        }
        Vec::new()
    }

    /// The chosen row of the list that is open.
    pub(super) fn chosen(&self) -> Option<&Row> {
        self.debug.menu.as_ref().and_then(|menu| menu.rows.get(menu.selected))
    }

    fn choose(&mut self) -> Vec<Effect> {
        let Some(row) = self.chosen().cloned() else { return Vec::new() };
        if let Some(why) = row.why_not {
            self.toast = Some(why);
            return Vec::new();
        }
        match row.pick {
            Pick::Nothing => {}
            Pick::Toggle(index) => return self.toggle_breakpoint(index),
            Pick::Ask(question) => self.ask_line(question),
            Pick::Open(menu) => self.debug.menu = Some(menu),
            Pick::Fork(order) => {
                self.debug.menu = None;
                return vec![Effect::Fork(order)];
            }
            Pick::EditBox(number) => {
                self.debug.menu = None;
                self.edit_box(number);
            }
            Pick::Session(path) => {
                self.debug.menu = None;
                return vec![Effect::OpenLog(path)];
            }
            Pick::Label(label) => return self.choose_label(label),
            Pick::Probe(pick) => {
                self.debug.menu = None;
                return self.probe_picked(pick);
            }
            Pick::Copy(text) => {
                self.debug.menu = None;
                self.toast = Some(format!("copied {} characters", text.chars().count()));
                return vec![Effect::Copy(text)];
            }
        }
        Vec::new()
    }
}

//! The keymap as data. Help, hints and the command palette are made from it, so that they cannot say anything else than
//! what the keys do.
//!
//! What can be done stands in [`names`], which keys do it in `assets/keys.toml`; a person's configuration replaces lines of
//! that file. A line that cannot hold is told of and leaves the usual keys in place.

mod chord;
pub mod names;
mod user;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::{Action, Edit};
use crate::config::KeyTable;
pub use chord::{BadChord, Chord};
use names::{ROWS, Row};

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The list.
    Library,
    /// A session.
    Explorer,
    /// The form.
    Ask,
    /// The table of recorded sessions.
    Sessions,
    /// Which tasks fail in which way.
    Failures,
    /// Two runs.
    Compare,
    /// Typing what to look for in it.
    Filter,
    /// Any place where text is typed, besides its own keys.
    Field,
    /// A list of the debugger.
    Menu,
    /// A line typed for the debugger.
    Prompt,
    /// A box that is being changed.
    Box,
    /// Two sessions beside each other.
    Sides,
    /// What a probe came to.
    Probe,
    /// The list of keys.
    Help,
    /// The command palette.
    Palette,
    /// The list of themes.
    Themes,
}

impl Context {
    /// Every context, screens first.
    pub const ALL: [Self; 16] = [
        Self::Explorer,
        Self::Library,
        Self::Sessions,
        Self::Failures,
        Self::Compare,
        Self::Ask,
        Self::Filter,
        Self::Menu,
        Self::Prompt,
        Self::Box,
        Self::Sides,
        Self::Probe,
        Self::Field,
        Self::Help,
        Self::Palette,
        Self::Themes,
    ];

    /// Whether it is a whole screen, not something that stands over one.
    pub const fn is_screen(self) -> bool {
        matches!(
            self,
            Self::Explorer
                | Self::Library
                | Self::Sessions
                | Self::Failures
                | Self::Compare
                | Self::Ask
                | Self::Box
                | Self::Sides
                | Self::Probe
        )
    }

    /// Whether characters that are no keys go into a text field.
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Ask | Self::Filter | Self::Palette | Self::Prompt)
    }

    /// Its title in the help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Library => "Library",
            Self::Explorer => "Explorer",
            Self::Ask => "Typing a question",
            Self::Sessions => "Sessions",
            Self::Failures => "Failures",
            Self::Compare => "Two runs",
            Self::Filter => "Typing a filter",
            Self::Menu => "A list",
            Self::Prompt => "Typing a line",
            Self::Box => "Changing a box",
            Self::Sides => "Side by side",
            Self::Probe => "A probe's result",
            Self::Field => "Typing",
            Self::Help => "Help",
            Self::Palette => "Commands",
            Self::Themes => "Themes",
        }
    }

    /// Its table in `keys.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Explorer => "explorer",
            Self::Ask => "ask",
            Self::Sessions => "sessions",
            Self::Failures => "failures",
            Self::Compare => "compare",
            Self::Filter => "filter",
            Self::Menu => "menu",
            Self::Prompt => "prompt",
            Self::Box => "box",
            Self::Sides => "sides",
            Self::Probe => "probe",
            Self::Field => "field",
            Self::Help => "help",
            Self::Palette => "palette",
            Self::Themes => "themes",
        }
    }
}

/// Keys, what they do, and how help and hints put it.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Where it holds.
    pub context: Context,
    /// The action's stable name.
    pub name: &'static str,
    /// Any of these.
    pub chords: Vec<Chord>,
    /// What they do.
    pub action: Action,
    /// The same in words; empty for aliases that help need not list.
    pub words: &'static str,
    /// The short form for the hints line; empty to leave it out.
    pub hint: &'static str,
}

/// The keymap.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::with(&KeyTable::new()).0
    }
}

impl Keymap {
    /// The usual keys with a person's changes, and a sentence for every change that cannot hold.
    pub fn with(changes: &KeyTable) -> (Self, Vec<String>) {
        // A test holds that the embedded file is sound; a broken one would leave Ctrl-C.
        let usual: KeyTable = toml::from_str(include_str!("../../../assets/keys.toml")).unwrap_or_default();
        user::keymap(&usual, changes)
    }

    /// The bindings, in the order help lists them.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// What a key does in a context. Releases and repeats-on-release do nothing.
    pub fn action(&self, context: Context, event: &KeyEvent) -> Option<Action> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        if event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char('c') {
            return Some(Action::Quit);
        }
        let mut here = self.bindings.iter().filter(|b| b.context == context);
        if let Some(binding) = here.find(|b| b.chords.iter().any(|c| c.matches(event))) {
            return Some(binding.action.clone());
        }
        if !context.takes_text() {
            return None;
        }
        let mut field = self.bindings.iter().filter(|b| b.context == Context::Field);
        let edit = field.find(|b| b.chords.iter().any(|c| c.matches(event))).map(|b| b.action.clone());
        edit.or_else(|| typed(event))
    }

    /// The keys of the hints line for a binding; of both, where two share a hint.
    pub fn hint_keys(&self, binding: &Binding) -> String {
        let first = |name: &str| {
            let mut here = self.bindings.iter().filter(|b| b.context == binding.context);
            here.find(|b| b.name == name).and_then(|b| b.chords.first()).map(Chord::name).unwrap_or_default()
        };
        match names::PAIRS.iter().find(|(hint, _)| *hint == binding.hint) {
            Some((_, [a, b])) => format!("{}{}", first(a), first(b)),
            None => first(binding.name),
        }
    }
}

/// Characters that no binding took go into the text field.
fn typed(event: &KeyEvent) -> Option<Action> {
    let plain = !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match event.code {
        KeyCode::Char(c) if plain => Some(Action::Edit(Edit::Insert(c.to_string()))),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;

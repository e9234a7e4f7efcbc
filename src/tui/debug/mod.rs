//! The debugger: breakpoints, edits that make forks, the family of forks, search, folding, copying.
//!
//! Takes: [`DebugAction`]s, from keys and the palette. Gives: changes of the state and [`Effect`]s; what a fork needs is an
//! [`Order`], which the program carries out. Everything here is a list to choose from ([`Menu`]), a line to type in
//! ([`Prompt`]) or a box being changed ([`BoxEdit`]), one at a time over the explorer.

pub mod box_edit;
mod breakpoints;
mod copy;
mod edit;
mod family;
mod forks;
pub mod label;
pub mod menu;
mod prompt;
pub mod search;
pub mod sides;

use std::path::PathBuf;

pub use box_edit::BoxEdit;
pub use breakpoints::{Points, Stop};
pub use menu::{Menu, Pick};
pub use prompt::{Prompt, Question};

use super::action::Action;
use super::app::App;
use super::effect::Effect;
use crate::engine::{At, Edit, Past, Setting};

/// What the debugger can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum DebugAction {
    /// List the breakpoints.
    Breakpoints,
    /// Show what can be changed at the cursor.
    Edit,
    /// Fork at the cursor with nothing changed.
    Again,
    /// Show the family of forks.
    Family,
    /// Show the session beside its parent.
    Sides,
    /// Type what to look for.
    Search,
    /// To the next place that was found.
    NextMatch,
    /// To the one before.
    PrevMatch,
    /// Fold or open the segment under the cursor.
    Fold,
    /// Fold or open all thoughts.
    FoldAll,
    /// Show what can be copied.
    Copy,
    /// Label the session, tag it, write a note.
    Say,
    /// Add to the list.
    Add,
    /// Take the chosen row out of the list.
    Remove,
    /// Compare the chosen row with what is on screen.
    Compare,
    /// Move the box, in steps across and down.
    MoveBox(i8, i8),
    /// Move its right and lower edge.
    SizeBox(i8, i8),
    /// Make it larger or smaller around its middle.
    GrowBox(i8),
    /// Put it where the true region is.
    TrueBox,
}

/// A fork as a person asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Where.
    pub at: At,
    /// What is otherwise.
    pub what: Otherwise,
}

/// What is otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum Otherwise {
    /// One edit.
    Edit(Edit),
    /// The crop is this file's image.
    CropFile(PathBuf),
    /// One setting.
    Setting(Setting),
}

/// The debugger's own state.
#[derive(Clone, Debug, Default)]
pub struct Debugger {
    /// Breakpoints.
    pub points: Points,
    /// The list over the screen.
    pub menu: Option<Menu>,
    /// The line to type in over the screen.
    pub prompt: Option<Prompt>,
    /// The box being changed.
    pub boxing: Option<BoxEdit>,
    /// Two sessions beside each other.
    pub sides: Option<sides::Sides>,
    /// Sessions that forks departed from, in memory.
    kept: Vec<Past>,
}

impl Debugger {
    /// Closes whatever is open.
    pub fn close(&mut self) {
        (self.menu, self.prompt, self.boxing, self.sides) = (None, None, None, None);
    }

    /// Whether something of it stands over the screen and takes the keys.
    pub fn is_open(&self) -> bool {
        self.menu.is_some() || self.prompt.is_some() || self.boxing.is_some() || self.sides.is_some()
    }
}

impl App {
    /// What an action does while something of the debugger is open.
    pub(super) fn in_debugger(&mut self, action: Action) -> Vec<Effect> {
        if self.debug.prompt.is_some() {
            self.in_prompt(action)
        } else if self.debug.menu.is_some() {
            self.in_menu(action)
        } else if self.debug.boxing.is_some() {
            self.in_box(&action)
        } else {
            self.in_sides(&action)
        }
    }

    /// What a debugger's action does in the explorer.
    pub(super) fn debug(&mut self, action: DebugAction) -> Vec<Effect> {
        if self.explorer.is_none() {
            return Vec::new();
        }
        match action {
            DebugAction::Breakpoints => self.list_breakpoints(),
            DebugAction::Edit => self.list_edits(),
            DebugAction::Again => self.fork_again(),
            DebugAction::Family => self.list_family(),
            DebugAction::Sides => self.beside_parent(),
            DebugAction::Search => self.ask_search(),
            DebugAction::NextMatch => self.step_match(true),
            DebugAction::PrevMatch => self.step_match(false),
            DebugAction::Fold => self.fold_segment(),
            DebugAction::FoldAll => self.fold_thoughts(),
            DebugAction::Copy => self.list_copies(),
            DebugAction::Say => self.ask_what_was_said(),
            DebugAction::Add
            | DebugAction::Remove
            | DebugAction::Compare
            | DebugAction::MoveBox(..)
            | DebugAction::SizeBox(..)
            | DebugAction::GrowBox(_)
            | DebugAction::TrueBox => Vec::new(),
        }
    }
}

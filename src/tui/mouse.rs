//! The mouse: what a click or a turn of the wheel means where it happens.
//!
//! The screens do everything by keys; the mouse is a shorter way to some of it. Positions are cells from the top left.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::action::Action;
use super::app::{App, Screen};
use super::effect::Effect;
use super::view::{self, layout};

/// What was done with the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button was pressed.
    Press,
    /// The mouse was moved with the left button held.
    Drag,
    /// The left button was let go.
    Release,
    /// The wheel was turned away from the person.
    WheelUp,
    /// The wheel was turned towards the person.
    WheelDown,
}

/// Something done with the mouse, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MouseAction {
    /// What.
    pub kind: MouseKind,
    /// Column, from 0.
    pub column: u16,
    /// Row, from 0.
    pub row: u16,
}

impl MouseAction {
    /// From what the terminal says; `None` for buttons and movements that mean nothing.
    pub fn read(event: &MouseEvent) -> Option<Self> {
        let kind = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => MouseKind::Press,
            MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
            MouseEventKind::Up(MouseButton::Left) => MouseKind::Release,
            MouseEventKind::ScrollUp => MouseKind::WheelUp,
            MouseEventKind::ScrollDown => MouseKind::WheelDown,
            _ => return None,
        };
        Some(Self { kind, column: event.column, row: event.row })
    }

    /// Whether it happened in an area.
    pub fn is_in(&self, area: Rect) -> bool {
        area.contains(Position::new(self.column, self.row))
    }
}

/// Lines a turn of the wheel scrolls.
const WHEEL: usize = 3;

impl App {
    /// Gives the mouse to the terminal, or takes it back.
    pub(super) fn toggle_mouse(&mut self) -> Vec<Effect> {
        self.mouse = !self.mouse;
        let words = if self.mouse {
            "the mouse works here again"
        } else {
            "the mouse is the terminal's, to select text with; the same key takes it back"
        };
        self.notice(words.to_owned());
        vec![Effect::Mouse(self.mouse)]
    }

    /// What something done with the mouse does.
    pub(super) fn mouse(&mut self, event: MouseAction) -> Vec<Effect> {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        match event.kind {
            MouseKind::WheelUp => return self.wheel(&Action::Up),
            MouseKind::WheelDown => return self.wheel(&Action::Down),
            _ => {}
        }
        if self.palette.is_some() {
            return self.in_palette_mouse(event, area);
        }
        if self.picker.is_some() {
            return self.in_picker_mouse(event, area);
        }
        if self.help.is_some() {
            if event.kind == MouseKind::Press {
                self.help = None;
            }
            return Vec::new();
        }
        if self.debug.boxing.is_some() && self.screen == Screen::Explorer {
            self.in_box_mouse(event);
            return Vec::new();
        }
        if self.debug.is_open() && self.screen == Screen::Explorer {
            return Vec::new();
        }
        if self.in_probe_mouse(event, area) {
            return Vec::new();
        }
        match self.screen {
            Screen::Library => self.in_library_mouse(event, area),
            Screen::Explorer => self.in_explorer_mouse(event, area),
            Screen::Ask => self.in_ask_mouse(event, area),
            Screen::Sessions => self.in_sessions_mouse(event, area),
            Screen::Failures => self.in_failures_mouse(event, area),
            Screen::Compare => self.in_compare_mouse(event, area),
        }
    }

    /// The wheel does what the arrow keys do: one row of a list, some lines of a text.
    fn wheel(&mut self, action: &Action) -> Vec<Effect> {
        let list =
            self.palette.is_some() || self.picker.is_some() || (self.help.is_none() && self.screen != Screen::Explorer);
        let times = if list { 1 } else { WHEEL };
        (0..times).flat_map(|_| self.update(action.clone())).collect()
    }

    fn in_palette_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        if event.kind != MouseKind::Press {
            return Vec::new();
        }
        match view::palette::row_at(self, area, event.column, event.row) {
            Some(row) => {
                if let Some(palette) = &mut self.palette {
                    palette.selected = row;
                }
                self.update(Action::Open)
            }
            None => self.update(Action::Close),
        }
    }

    fn in_picker_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        if event.kind == MouseKind::Press
            && let Some(place) = view::picker::row_at(self, area, event.column, event.row)
        {
            self.preview_theme(place);
        }
        Vec::new()
    }

    fn in_library_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        if event.kind == MouseKind::Press
            && let Some(place) = view::library::row_at(self, area, event.column, event.row)
        {
            self.library.select(place);
        }
        self.preview_selected()
    }

    fn in_sessions_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        if event.kind == MouseKind::Press
            && let Some(place) = view::sessions::row_at(self, area, event.column, event.row)
        {
            self.sessions.select(place);
        }
        self.preview_selected()
    }

    fn in_failures_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        if event.kind == MouseKind::Press
            && let Some((row, column)) = view::failures::cell_at(self, area, event.column, event.row)
        {
            self.failures.select(row, column);
        }
        Vec::new()
    }

    fn in_compare_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        if event.kind == MouseKind::Press
            && let Some(place) = view::compare::row_at(self, area, event.column, event.row)
        {
            self.compare.select(place);
        }
        Vec::new()
    }

    /// A click on a row of a probe's result chooses it; what lies below the result gets nothing of it.
    fn in_probe_mouse(&mut self, event: MouseAction, area: Rect) -> bool {
        let shown = self.probe.pane_of(self.explorer.as_ref()).filter(|_| self.screen == Screen::Explorer);
        let Some(shown) = shown else { return false };
        if !event.is_in(view::probe::place(self, area)) {
            return false;
        }
        let row = view::probe::row_at(self, shown, area, event.column, event.row);
        if let (Some(row), Some(pane), MouseKind::Press) = (row, &mut self.probe.pane, event.kind) {
            pane.selected = row;
        }
        true
    }

    fn in_ask_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        if event.kind == MouseKind::Press
            && let Some(page) = view::ask::page_at(self, area, event.column, event.row)
        {
            self.ask.selected = page;
        }
        self.preview_selected()
    }

    /// A click on a token or on the entropy line puts the cursor there; a drag along the line takes it along.
    fn in_explorer_mouse(&mut self, event: MouseAction, area: Rect) -> Vec<Effect> {
        let cell_aspect = self.cell_aspect;
        let Some(explorer) = &mut self.explorer else { return Vec::new() };
        let panes = layout::explorer(area, explorer.page_aspect(), cell_aspect);
        let pressed = event.kind == MouseKind::Press;
        let dragged = pressed || event.kind == MouseKind::Drag;
        let token = if event.is_in(panes.spark) && dragged {
            view::entropy::token_at(explorer, panes.spark, event.column)
        } else if event.is_in(panes.reasoning) && pressed {
            view::reasoning::token_at(explorer, panes.reasoning, event.column, event.row)
        } else {
            None
        };
        if let Some(token) = token {
            explorer.scrub_to(token + 1);
        }
        Vec::new()
    }
}

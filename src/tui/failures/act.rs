//! What actions do to the Failures screen.

use super::{FailuresAction, Focus};
use crate::session::filter::complete;
use crate::tui::action::{Action, Edit};
use crate::tui::app::{App, Screen};
use crate::tui::effect::Effect;
use crate::tui::sessions::{Chore, Deed};

impl App {
    /// Opens the screen and has the numbers made anew.
    pub(in crate::tui) fn show_failures(&mut self) -> Vec<Effect> {
        self.screen = Screen::Failures;
        self.failures.typing = false;
        self.ask_for_board()
    }

    /// Looks again whether sessions have come, where the screen is open and nothing is on its way.
    pub(in crate::tui) fn watch_failures(&mut self) -> Vec<Effect> {
        let screen = &self.failures;
        let due = self.screen == Screen::Failures && screen.asked.is_none() && self.now >= screen.next_look;
        if !due || screen.typing || screen.wrong.is_some() {
            return Vec::new();
        }
        let filter = screen.applied.clone();
        self.failures.asked = Some(self.now);
        vec![Effect::OnSessions(Chore::Board(filter))]
    }

    fn ask_for_board(&mut self) -> Vec<Effect> {
        self.failures.loading = true;
        self.failures.asked = Some(self.now);
        vec![Effect::OnSessions(Chore::Board(self.failures.filter.text().trim().to_owned()))]
    }

    pub(in crate::tui) fn in_failures(&mut self, action: Action) -> Vec<Effect> {
        let screen = &mut self.failures;
        match action {
            Action::Edit(edit) if screen.typing => {
                screen.filter.apply(&edit);
                screen.wrong = None;
                screen.check_filter();
            }
            Action::InSessions(Deed::Complete) if screen.typing => self.complete_filter(),
            Action::Open if screen.typing => {
                screen.typing = false;
                return self.ask_for_board();
            }
            // A filter that was not answered yet counts: Esc takes it back rather than leave.
            Action::Close if screen.typing || !screen.applied.is_empty() || !screen.filter.text().trim().is_empty() => {
                screen.typing = false;
                screen.wrong = None;
                screen.filter.clear();
                return self.ask_for_board();
            }
            Action::Up => screen.step(-1, 0),
            Action::Down => screen.step(1, 0),
            Action::Top => screen.step(isize::MIN / 2, 0),
            Action::Bottom => screen.step(isize::MAX / 2, 0),
            Action::Open => return self.open_cell(),
            Action::Close | Action::Back => self.screen = Screen::Library,
            Action::OnFailures(what) => return self.failures_key(what),
            Action::OnCompare(_) => return self.show_compare(),
            _ => {}
        }
        self.preview_selected()
    }

    fn failures_key(&mut self, what: FailuresAction) -> Vec<Effect> {
        let screen = &mut self.failures;
        match what {
            FailuresAction::Show => return self.show_failures(),
            FailuresAction::Refresh => return self.ask_for_board(),
            FailuresAction::Left => screen.step(0, -1),
            FailuresAction::Right => screen.step(0, 1),
            FailuresAction::Type => screen.typing = true,
            FailuresAction::NextChart => screen.chart = screen.chart.wrapping_add(1),
            FailuresAction::Focus => {
                screen.focus = if screen.focus == Focus::Table { Focus::Square } else { Focus::Table };
            }
        }
        Vec::new()
    }

    /// Puts the first completion of the word before the cursor in its place.
    fn complete_filter(&mut self) {
        let field = &mut self.failures.filter;
        let (before, _) = field.halves();
        let Some(found) = complete(before, before.len()).into_iter().next() else { return };
        let typed = before.get(found.from..).map_or(0, |word| word.chars().count());
        (0..typed).for_each(|_| field.apply(&Edit::Backspace));
        field.apply(&Edit::Insert(found.insert));
    }

    /// The sessions of the chosen cell, as the Sessions screen's filter.
    fn open_cell(&mut self) -> Vec<Effect> {
        let Some(cell) = self.failures.cell().filter(|cell| cell.n > 0) else {
            self.toast = Some("no session is in this cell".to_owned());
            return Vec::new();
        };
        let filter = cell.filter.clone();
        self.sessions_of(Screen::Failures, &filter)
    }

    /// New numbers, or what is wrong with the filter.
    pub(in crate::tui) fn board_made(&mut self, filter: String, made: Result<super::Board, String>) -> Vec<Effect> {
        self.failures.answered(self.now);
        match made {
            Ok(board) => {
                self.failures.applied = filter;
                self.failures.set(std::sync::Arc::new(board));
            }
            // Of a filter that was taken back meanwhile.
            Err(_) if filter != self.failures.filter.text().trim() => {}
            Err(why) => {
                self.failures.loading = false;
                self.failures.wrong = Some(crate::text::one_line(&why).into_owned());
            }
        }
        Vec::new()
    }
}

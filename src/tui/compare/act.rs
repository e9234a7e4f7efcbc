//! What actions do to the Compare screen.

use super::{Compare, CompareAction, RunRow, Versus, Which};
use crate::text::one_line;
use crate::tui::action::Action;
use crate::tui::app::{App, Screen};
use crate::tui::effect::Effect;
use crate::tui::sessions::Chore;

impl App {
    /// Opens the screen; a comparison that was left is still there.
    pub(in crate::tui) fn show_compare(&mut self) -> Vec<Effect> {
        if self.screen != Screen::Compare {
            self.way.compare = self.screen;
        }
        self.screen = Screen::Compare;
        if self.compare.versus.is_some() { Vec::new() } else { self.list_runs() }
    }

    fn list_runs(&mut self) -> Vec<Effect> {
        self.compare.loading = true;
        vec![Effect::OnSessions(Chore::Runs)]
    }

    pub(in crate::tui) fn in_compare(&mut self, action: Action) -> Vec<Effect> {
        let page = isize::from(i16::try_from(self.size.1 / 2).unwrap_or(10)).max(1);
        match action {
            Action::Up => self.compare.step(-1),
            Action::Down => self.compare.step(1),
            Action::PageUp => self.compare.step(-page),
            Action::PageDown => self.compare.step(page),
            Action::Top => self.compare.step(isize::MIN / 2),
            Action::Bottom => self.compare.step(isize::MAX / 2),
            Action::Open if self.compare.versus.is_some() => return self.open_flip(),
            Action::Open => return self.choose_run(),
            Action::OnCompare(what) => return self.compare_key(what),
            Action::Close if self.compare.versus.is_none() && !self.compare.chosen.is_empty() => {
                self.compare.chosen.clear();
            }
            Action::Close | Action::Back => {
                self.screen = self.way.compare;
                return self.preview_selected();
            }
            _ => {}
        }
        Vec::new()
    }

    fn compare_key(&mut self, what: CompareAction) -> Vec<Effect> {
        match what {
            CompareAction::Show => return self.show_compare(),
            CompareAction::Choose => {
                self.compare = Compare { runs: std::mem::take(&mut self.compare.runs), ..Compare::default() };
                return self.list_runs();
            }
            CompareAction::Turn => {
                self.compare.which = match self.compare.which {
                    Which::All => Which::OnlyFirst,
                    Which::OnlyFirst => Which::OnlySecond,
                    Which::OnlySecond => Which::All,
                };
            }
            // An interval of a difference turns its sign, which only the background can say in words.
            CompareAction::Swap => {
                self.compare.swap();
                return self.compare_chosen();
            }
        }
        Vec::new()
    }

    fn choose_run(&mut self) -> Vec<Effect> {
        let Some(run) = self.compare.runs.get(self.compare.run()).map(|run| run.name.clone()) else {
            return Vec::new();
        };
        if self.compare.chosen.contains(&run) {
            self.compare.chosen.retain(|chosen| *chosen != run);
            return Vec::new();
        }
        self.compare.chosen.push(run);
        self.compare_chosen()
    }

    fn compare_chosen(&mut self) -> Vec<Effect> {
        let [first, second] = self.compare.chosen.as_slice() else { return Vec::new() };
        self.compare.loading = true;
        vec![Effect::OnSessions(Chore::Compare([first.clone(), second.clone()]))]
    }

    /// Two sessions of one question beside each other; the second run's is the one on screen.
    fn open_flip(&mut self) -> Vec<Effect> {
        let paths = self.compare.flips().get(self.compare.flip()).map(|flip| flip.sides.clone().map(|side| side.path));
        let Some([first, second]) = paths else {
            self.toast = Some("no question flips between these runs".to_owned());
            return Vec::new();
        };
        self.way.session = Some(Screen::Compare);
        vec![Effect::OpenLog(second), Effect::OpenBeside(first)]
    }

    /// The runs there are.
    pub(in crate::tui) fn runs_listed(&mut self, runs: Vec<RunRow>) -> Vec<Effect> {
        self.compare.loading = false;
        self.compare.runs = runs;
        Vec::new()
    }

    /// Two runs were compared, or why not.
    pub(in crate::tui) fn compared(&mut self, made: Result<Versus, String>) -> Vec<Effect> {
        self.compare.loading = false;
        match made {
            Ok(versus) => self.compare.versus = Some(std::sync::Arc::new(versus)),
            Err(why) => {
                self.compare.chosen.clear();
                self.toast = Some(one_line(&why).into_owned());
            }
        }
        Vec::new()
    }
}

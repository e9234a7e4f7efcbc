//! Choosing a theme: what is looked at is shown at once on the whole screen.

use super::action::Action;
use super::app::App;
use super::effect::Effect;
use super::theme::Theme;

/// The list of themes while it is open.
#[derive(Clone, Debug)]
pub struct Picker {
    /// The theme that is shown, by its place among all.
    pub selected: usize,
    /// The theme that comes back when nothing is chosen.
    pub before: Theme,
}

impl App {
    /// Opens the list of themes.
    pub(super) fn open_picker(&mut self) -> Vec<Effect> {
        let selected = self.themes.iter().position(|t| t.name == self.theme.name).unwrap_or(0);
        self.help = None;
        self.picker = Some(Picker { selected, before: self.theme.clone() });
        Vec::new()
    }

    /// What an action does while the list is open.
    pub(super) fn in_picker(&mut self, action: &Action) -> Vec<Effect> {
        let Some(picker) = &self.picker else { return Vec::new() };
        let (at, last) = (picker.selected, self.themes.len().saturating_sub(1));
        match action {
            Action::Up => self.preview_theme(at.checked_sub(1).unwrap_or(last)),
            Action::Down => self.preview_theme(if at >= last { 0 } else { at + 1 }),
            Action::Top => self.preview_theme(0),
            Action::Bottom => self.preview_theme(last),
            Action::Open => self.keep_theme(),
            Action::Close | Action::Back => {
                if let Some(picker) = self.picker.take() {
                    self.theme = picker.before;
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Shows the theme at a place of the list.
    pub(super) fn preview_theme(&mut self, place: usize) {
        if let (Some(picker), Some(theme)) = (&mut self.picker, self.themes.get(place)) {
            picker.selected = place;
            self.theme = theme.clone();
        }
    }

    fn keep_theme(&mut self) {
        let changed = self.picker.take().is_some_and(|p| p.before.name != self.theme.name);
        if changed {
            let name = &self.theme.name;
            self.notice(format!(
                "theme {name}; to begin with it: --theme {name}, or theme = \"{name}\" in config.toml"
            ));
        }
    }

    /// Says what of a configuration does not hold: the first of it, and how much more there is.
    pub(super) fn tell_troubles(&mut self, troubles: &[String]) {
        match troubles {
            [] => {}
            [one] => self.notice(one.clone()),
            [first, rest @ ..] => self.notice(format!("{first} (and {} more: panelscope config show)", rest.len())),
        }
    }

    /// Says one sentence on the last line.
    pub(super) fn notice(&mut self, text: String) {
        self.toast = Some(super::clean(&text).replace('\n', " "));
    }
}

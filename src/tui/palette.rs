//! The command palette: what can be done here, found by typing some of its letters.
//!
//! It is made from the keymap, so that it lists what the keys do and nothing else.

use super::action::Action;
use super::app::App;
use super::effect::Effect;
use super::field::TextField;
use super::keys::{Binding, Context, Keymap};

/// The palette while it is open.
#[derive(Clone, Debug)]
pub struct Palette {
    /// Where the chosen action is done.
    pub context: Context,
    /// What is typed.
    pub field: TextField,
    /// The chosen row among those that fit.
    pub selected: usize,
}

impl Palette {
    /// A palette for a context, with nothing typed yet.
    pub fn new(context: Context) -> Self {
        Self { context, field: TextField::default(), selected: 0 }
    }

    /// The actions that fit what is typed, best first.
    pub fn rows<'k>(&self, keymap: &'k Keymap) -> Vec<&'k Binding> {
        let here = keymap
            .bindings()
            .iter()
            .filter(|b| b.context == self.context && !b.words.is_empty() && !matches!(b.action, Action::Palette));
        let mut fitting: Vec<(u32, &Binding)> =
            here.filter_map(|b| Some((fit(self.field.text(), &format!("{} {}", b.words, b.name))?, b))).collect();
        fitting.sort_by_key(|(score, _)| *score);
        fitting.into_iter().map(|(_, b)| b).collect()
    }
}

/// How badly `text` fits what is typed, every word of which must be in it, be it with gaps; `None` where it is not.
pub fn fit(typed: &str, text: &str) -> Option<u32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    typed.to_lowercase().split_whitespace().map(|word| fit_word(&word.chars().collect::<Vec<_>>(), &text)).sum()
}

fn fit_word(word: &[char], text: &[char]) -> Option<u32> {
    let whole = text.windows(word.len().max(1)).position(|w| w == word);
    if let Some(at) = whole {
        let starts = at.checked_sub(1).is_none_or(|before| text.get(before).is_some_and(|c| !c.is_alphanumeric()));
        return Some(u32::from(!starts));
    }
    let mut rest = text.iter().enumerate();
    let mut places = Vec::new();
    for c in word {
        places.push(rest.find(|(_, t)| *t == c)?.0);
    }
    let span = places.last()? - places.first()?;
    // Letters strewn over a whole sentence are found in any.
    (span <= word.len() * 4).then(|| u32::try_from(2 + span).ok()).flatten()
}

impl App {
    /// Opens the palette for what is on screen.
    pub(super) fn open_palette(&mut self) -> Vec<Effect> {
        self.palette = Some(Palette::new(super::view::screen_context(self)));
        Vec::new()
    }

    /// What an action does while the palette is open.
    pub(super) fn in_palette(&mut self, action: Action) -> Vec<Effect> {
        let Some(palette) = &mut self.palette else { return Vec::new() };
        let last = palette.rows(&self.keymap).len().saturating_sub(1);
        match action {
            Action::Edit(edit) => {
                palette.field.apply(&edit);
                palette.selected = 0;
            }
            Action::Up => palette.selected = palette.selected.checked_sub(1).unwrap_or(last),
            Action::Down => palette.selected = if palette.selected >= last { 0 } else { palette.selected + 1 },
            Action::PageUp => palette.selected = palette.selected.saturating_sub(8),
            Action::PageDown => palette.selected = (palette.selected + 8).min(last),
            Action::Open => return self.run_chosen(),
            Action::Close | Action::Back => self.palette = None,
            _ => {}
        }
        Vec::new()
    }

    fn run_chosen(&mut self) -> Vec<Effect> {
        let Some(palette) = self.palette.take() else { return Vec::new() };
        let chosen = palette.rows(&self.keymap).get(palette.selected).map(|b| b.action.clone());
        match chosen {
            Some(action) => self.update(action),
            None => {
                self.palette = Some(palette);
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fit_whole_or_with_gaps_and_the_better_comes_first() {
        assert_eq!(fit("", "anything"), Some(0));
        assert_eq!(fit("seg", "back one segment"), Some(0));
        assert_eq!(fit("egm", "back one segment"), Some(1));
        assert!(fit("bks", "back one segment") > Some(1));
        assert_eq!(fit("seg", "run or pause; from the past, play on toggle_run"), None);
        assert_eq!(fit("zoom", "back one segment"), None);
        assert_eq!(fit("one BACK", "back one segment"), Some(0), "in any order, in any case");
        assert_eq!(fit("back zoom", "back one segment"), None);
    }

    #[test]
    fn it_lists_what_the_keys_do_here() {
        let keymap = Keymap::default();
        let mut palette = Palette::new(Context::Explorer);
        let all = palette.rows(&keymap);
        assert!(all.len() > 15 && all.iter().all(|b| b.context == Context::Explorer && b.name != "palette"));
        palette.field.apply(&super::super::action::Edit::Insert("step turn".to_owned()));
        assert_eq!(palette.rows(&keymap).first().map(|b| b.name), Some("step_turn"));
    }
}

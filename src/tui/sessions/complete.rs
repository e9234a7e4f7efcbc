//! Finishing the word of the filter that is typed: Tab takes the next possible way.

use crate::session::filter::{Completion, Field, complete_with};
use crate::tui::field::TextField;

/// The ways to finish the word at the cursor.
#[derive(Clone, Debug, Default)]
pub struct Completing {
    ways: Vec<Completion>,
    /// What was typed before a way was taken, and which was.
    taken: Option<(TextField, usize)>,
    values: Vec<(&'static str, Vec<String>)>,
}

impl Completing {
    /// The ways, and the one taken.
    pub fn ways(&self) -> (&[Completion], Option<usize>) {
        (&self.ways, self.taken.as_ref().map(|(_, at)| *at))
    }

    /// Which values fields have here.
    pub(super) fn know(&mut self, values: Vec<(&'static str, Vec<String>)>) {
        self.values = values;
    }

    pub(super) fn stop(&mut self) {
        self.ways.clear();
        self.taken = None;
    }

    /// Something was typed.
    pub(super) fn typed(&mut self, field: &TextField) {
        let values = |of: &Field| {
            let known = self.values.iter().find(|(name, _)| *name == of.name);
            known.map(|(_, values)| values.clone()).unwrap_or_default()
        };
        let cursor = field.halves().0.len();
        self.ways = complete_with(field.text(), cursor, &values);
        self.taken = None;
    }

    /// Takes the next way.
    pub(super) fn next(&mut self, field: &mut TextField) {
        let (typed, at) = match self.taken.take() {
            Some((typed, at)) => (typed, at + 1),
            None => {
                self.typed(field);
                (field.clone(), 0)
            }
        };
        let at = if at < self.ways.len() { at } else { 0 };
        let Some(way) = self.ways.get(at) else { return };
        *field = typed.clone();
        field.replace_before(way.from, &way.insert);
        self.taken = Some((typed, at));
    }
}

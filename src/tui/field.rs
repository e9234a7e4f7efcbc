//! A one-line text field.

use super::action::Edit;

/// Longest text the field takes, in characters.
const LONGEST: usize = 2000;

/// Text and a cursor between its characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextField {
    text: String,
    /// Byte offset of the cursor; always on a character boundary.
    cursor: usize,
}

impl TextField {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before and after the cursor.
    pub fn halves(&self) -> (&str, &str) {
        self.text.split_at_checked(self.cursor).unwrap_or((&self.text, ""))
    }

    /// Empties the field.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Applies an edit.
    pub fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Insert(text) => self.insert(text),
            Edit::Backspace => self.remove(self.previous(), self.cursor),
            Edit::Delete => self.remove(self.cursor, self.next()),
            Edit::DeleteWord => self.remove(self.word_start(), self.cursor),
            Edit::DeleteToStart => self.remove(0, self.cursor),
            Edit::Left => self.cursor = self.previous(),
            Edit::Right => self.cursor = self.next(),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
        }
    }

    /// Puts a text in the place of what stands between a byte and the cursor.
    pub fn replace_before(&mut self, from: usize, text: &str) {
        if from <= self.cursor && self.text.is_char_boundary(from) {
            self.remove(from, self.cursor);
            self.insert(text);
        }
    }

    fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.chars().count());
        let clean: String = super::clean(text).chars().filter(|c| *c != '\n').take(room).collect();
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn previous(&self) -> usize {
        self.halves().0.char_indices().next_back().map_or(0, |(i, _)| i)
    }

    fn next(&self) -> usize {
        self.halves().1.chars().next().map_or(self.cursor, |c| self.cursor + c.len_utf8())
    }

    fn word_start(&self) -> usize {
        let before = self.halves().0;
        let trimmed = before.trim_end();
        trimmed.rfind(char::is_whitespace).map_or(0, |i| i + trimmed[i..].chars().next().map_or(1, char::len_utf8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(edits: &[Edit]) -> TextField {
        let mut field = TextField::default();
        for edit in edits {
            field.apply(edit);
        }
        field
    }

    #[test]
    fn words_and_letters_outside_ascii() {
        let field = typed(&[Edit::Insert("où est “Pip”?".into()), Edit::DeleteWord]);
        assert_eq!(field.text(), "où est ");
        let field =
            typed(&[Edit::Insert("añb".into()), Edit::Left, Edit::Backspace, Edit::Insert("n\u{1b}[31m".into())]);
        assert!(field.text().starts_with("an") && !field.text().contains('\u{1b}'));
    }

    fn any_edit() -> impl Strategy<Value = Edit> {
        prop_oneof![
            ".{0,6}".prop_map(Edit::Insert),
            Just(Edit::Backspace),
            Just(Edit::Delete),
            Just(Edit::DeleteWord),
            Just(Edit::DeleteToStart),
            Just(Edit::Left),
            Just(Edit::Right),
            Just(Edit::Home),
            Just(Edit::End),
        ]
    }

    proptest! {
        #[test]
        fn any_edits_keep_the_cursor_on_a_boundary(edits in proptest::collection::vec(any_edit(), 0..40)) {
            let field = typed(&edits);
            let (a, b) = field.halves();
            prop_assert_eq!(format!("{a}{b}"), field.text());
        }
    }
}

//! A key with its modifiers: read from text, written as text, shown in help, compared with what the terminal sends.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Not the name of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a key; keys are characters or names such as space, enter, pageup, shift-left, ctrl-w")]
pub struct BadChord(String);

/// Names of keys that are no characters, the first of several for the same key being the one written.
const NAMES: [(&str, KeyCode); 25] = [
    ("space", KeyCode::Char(' ')),
    ("minus", KeyCode::Char('-')),
    ("plus", KeyCode::Char('+')),
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("page-up", KeyCode::PageUp),
    ("pgup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("page-down", KeyCode::PageDown),
    ("pgdn", KeyCode::PageDown),
];

const MODIFIERS: [(&str, KeyModifiers); 3] =
    [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT), ("shift-", KeyModifiers::SHIFT)];

impl Chord {
    /// A key with modifiers; a shifted character is the character that it gives.
    pub fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let control = modifiers.contains(KeyModifiers::CONTROL);
        let shifted = modifiers.contains(KeyModifiers::SHIFT);
        let unshifted = modifiers - KeyModifiers::SHIFT;
        match code {
            // Terminals send Ctrl with small letters, and say nothing of Shift.
            KeyCode::Char(c) if control => Self { code: KeyCode::Char(c.to_ascii_lowercase()), modifiers: unshifted },
            KeyCode::Char(c) if shifted => {
                // Only characters with one capital have a shifted form that is known here.
                let mut upper = c.to_uppercase();
                let c = upper.next().filter(|_| upper.next().is_none()).unwrap_or(c);
                Self { code: KeyCode::Char(c), modifiers: unshifted }
            }
            KeyCode::Tab if shifted => Self { code: KeyCode::BackTab, modifiers: unshifted },
            KeyCode::BackTab => Self { code, modifiers: unshifted },
            _ => Self { code, modifiers },
        }
    }

    /// The key's name as help shows it.
    pub fn name(&self) -> String {
        let key = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::F(n) => format!("F{n}"),
            other => format!("{other:?}"),
        };
        let with =
            |on: KeyModifiers, name: &str| if self.modifiers.contains(on) { name.to_owned() } else { String::new() };
        let shift = with(KeyModifiers::SHIFT, "Shift-");
        format!("{}{}{shift}{key}", with(KeyModifiers::CONTROL, "Ctrl-"), with(KeyModifiers::ALT, "Alt-"))
    }

    /// Whether this is Ctrl-C, which always leaves.
    pub fn is_interrupt(&self) -> bool {
        *self == Self { code: KeyCode::Char('c'), modifiers: KeyModifiers::CONTROL }
    }

    /// Whether a key press is this chord.
    pub fn matches(&self, event: &KeyEvent) -> bool {
        // Terminals differ in whether they report Shift with a letter that it has already changed.
        let mut pressed = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            pressed -= KeyModifiers::SHIFT;
        }
        event.code == self.code && pressed == self.modifiers
    }
}

impl FromStr for Chord {
    type Err = BadChord;

    fn from_str(text: &str) -> Result<Self, BadChord> {
        let bad = || BadChord(text.chars().take(40).collect());
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        // A single character is itself, even where it is the hyphen.
        while rest.chars().nth(1).is_some() {
            let found = MODIFIERS.iter().find(|(name, _)| {
                rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) && rest.len() > name.len()
            });
            let Some((name, modifier)) = found else { break };
            modifiers |= *modifier;
            rest = rest.get(name.len()..).unwrap_or_default();
        }
        Ok(Self::new(code(rest).ok_or_else(bad)?, modifiers))
    }
}

fn code(text: &str) -> Option<KeyCode> {
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control()).then_some(KeyCode::Char(c));
    }
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(*code);
    }
    let number = text.strip_prefix(['f', 'F'])?.parse::<u8>().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

impl fmt::Display for Chord {
    /// As a configuration writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, modifier) in MODIFIERS {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match (self.code, NAMES.iter().find(|(_, code)| *code == self.code)) {
            (KeyCode::Char(c), _) if c != ' ' => write!(f, "{c}"),
            (_, Some((name, _))) => f.write_str(name),
            (KeyCode::F(n), None) => write!(f, "f{n}"),
            (other, None) => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Chord {
        text.parse().unwrap()
    }

    #[test]
    fn chords_are_read() {
        assert_eq!(read("N"), Chord { code: KeyCode::Char('N'), modifiers: KeyModifiers::NONE });
        assert_eq!(read("shift-n"), read("N"));
        assert_eq!(read("Ctrl-W"), read("ctrl-w"));
        assert_eq!(read("-"), read("minus"));
        assert_eq!(read("ctrl--"), Chord { code: KeyCode::Char('-'), modifiers: KeyModifiers::CONTROL });
        assert_eq!(read("shift-tab"), read("backtab"));
        assert_eq!(read("é").name(), "é");
        assert_eq!(read("ctrl-alt-f12").name(), "Ctrl-Alt-F12");
        for bad in ["", "shift-", "ctrl-", "hyper-x", "xx", "f0", "f13", "ctrl-shift-", "\u{1b}", "日本"] {
            assert!(bad.parse::<Chord>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_chord_is_what_a_terminal_sends_for_it() {
        let pressed = |code, modifiers| KeyEvent::new(code, modifiers);
        assert!(read("N").matches(&pressed(KeyCode::Char('N'), KeyModifiers::SHIFT)));
        assert!(read("N").matches(&pressed(KeyCode::Char('N'), KeyModifiers::NONE)));
        assert!(!read("n").matches(&pressed(KeyCode::Char('n'), KeyModifiers::CONTROL)));
        assert!(read("backtab").matches(&pressed(KeyCode::BackTab, KeyModifiers::SHIFT)));
        assert!(read("shift-left").matches(&pressed(KeyCode::Left, KeyModifiers::SHIFT)));
        assert!(!read("left").matches(&pressed(KeyCode::Left, KeyModifiers::SHIFT)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "(ctrl-|alt-|shift-){0,3}(.|space|f[1-9]|pageup|delete|tab|enter|left)") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert_eq!(chord.to_string().parse::<Chord>().unwrap(), chord);
            }
        }

        #[test]
        fn nothing_that_is_written_panics(text in ".{0,12}") {
            let _ = text.parse::<Chord>();
        }
    }
}

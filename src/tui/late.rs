//! Answers of a slow terminal that come when nobody waits for them any more: they look like keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// How long after the start an answer may still come, in seconds.
const LATEST: f64 = 60.0;
/// The longest pause within an answer, in seconds, on a machine that is busy; what comes after it was typed.
const PAUSE: f64 = 5.0;

/// Tells answers from keys where the terminal was asked and did not answer in time.
///
/// Sequences of parameters (`CSI`) are passed over by the event reader. Strings (`OSC`, `APC`, `DCS`; ECMA-48, 5.6) arrive
/// as Alt with the letter of their introducer, their text, and Alt-\ or Ctrl-G in the end.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// An answer may come until then; none is awaited at 0.
    until: f64,
    /// When the last piece of the answer being read came.
    reading: Option<f64>,
}

impl Late {
    /// `answered`: whether all answers have come, or nothing was asked.
    pub(super) fn new(answered: bool) -> Self {
        Self { until: if answered { 0.0 } else { LATEST }, reading: None }
    }

    /// Whether this key, pressed so many seconds after the start, is a piece of an answer.
    pub(super) fn takes(&mut self, key: &KeyEvent, now: f64) -> bool {
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let within = self.reading.is_some_and(|last| now - last <= PAUSE);
        self.reading = None;
        match key.code {
            KeyCode::Char('\\') if alt && within => return true,
            KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL && within => return true,
            KeyCode::Char(']' | '_' | 'P') if alt && now < self.until => self.reading = Some(now),
            // No other key is in an answer: somebody is typing.
            KeyCode::Char(_) if within => self.reading = Some(now),
            _ => {}
        }
        self.reading.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<KeyEvent> {
        let mut alt = false;
        let mut keys = Vec::new();
        for letter in text.chars() {
            match letter {
                '\u{1b}' => alt = true,
                '\u{7}' => keys.push(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL)),
                _ => {
                    let with = if std::mem::take(&mut alt) { KeyModifiers::ALT } else { KeyModifiers::NONE };
                    keys.push(KeyEvent::new(KeyCode::Char(letter), with));
                }
            }
        }
        keys
    }

    fn left(late: &mut Late, text: &str, now: f64) -> usize {
        keys(text).iter().filter(|key| !late.takes(key, now)).count()
    }

    #[test]
    fn answers_are_taken_and_keys_are_left() {
        let mut late = Late::new(false);
        assert_eq!(left(&mut late, "q", 1.0), 1);
        assert_eq!(left(&mut late, "\u{1b}]11;rgb:1111/2222/3333\u{1b}\\q", 1.0), 1);
        assert_eq!(left(&mut late, "\u{1b}]11;rgb:1111/2222/3333\u{7}q", 1.0), 1);
        assert_eq!(left(&mut late, "\u{1b}_Gi=31;OK\u{1b}\\\u{1b}P>|tmux 3.4\u{1b}\\jk", 1.0), 2);
    }

    #[test]
    fn an_answer_without_an_end_takes_nothing_that_is_typed() {
        let mut late = Late::new(false);
        assert_eq!(left(&mut late, "\u{1b}]11;rgb", 1.0), 0);
        assert_eq!(left(&mut late, "q", 7.0), 1);
        assert_eq!(left(&mut late, "\u{1b}]11;rgb", 8.0), 0);
        assert!(!late.takes(&KeyCode::Esc.into(), 8.1));
        assert_eq!(left(&mut late, "q", 8.2), 1);
    }

    #[test]
    fn nothing_is_taken_where_nothing_is_awaited() {
        assert_eq!(left(&mut Late::new(true), "\u{1b}]11;x\u{7}", 1.0), 6);
        assert_eq!(left(&mut Late::new(false), "\u{1b}]11;x\u{7}", 99.0), 6);
    }
}

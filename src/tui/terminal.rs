//! What a terminal says of itself, for `doctor`.
//!
//! The explorer needs none of this to run: it asks for pictures only (see [`super::images::caps`]).

use std::io::{IsTerminal, Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::text::one_line;

/// Name and version (XTVERSION), synchronised updates, mouse positions beyond column 223, kitty's keyboard protocol; last
/// what every terminal answers, so that the end is known.
const QUESTIONS: &str = "\x1b[>0q\x1b[?2026$p\x1b[?1006$p\x1b[?u\x1b[c";
/// Longest answer that is read.
const MOST: usize = 4096;
/// Longest name that is shown.
const MOST_NAME: usize = 80;

/// What a terminal answered. `None` is no answer to that question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether it answered at all.
    pub answered: bool,
    /// Its name and version, made safe for a terminal.
    pub version: Option<String>,
    /// Whether a frame can be shown all at once (mode 2026).
    pub sync: Option<bool>,
    /// Whether it reports the mouse as SGR sequences (mode 1006).
    pub mouse: Option<bool>,
    /// Whether it has kitty's keyboard protocol.
    pub keyboard: Option<bool>,
}

impl Answers {
    /// Asks the terminal and waits for its answers this long at most. Asks nobody where input or output is no terminal.
    /// Nothing else may read the keyboard meanwhile.
    pub fn ask(wait: Duration) -> Self {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Self::default();
        }
        let Some(_raw) = Raw::take() else { return Self::default() };
        let mut out = std::io::stdout();
        let asked = out.write_all(QUESTIONS.as_bytes()).and_then(|()| out.flush());
        let bytes = if asked.is_ok() { heard(wait) } else { Vec::new() };
        Self::read(&bytes)
    }

    /// Reads answers; what is none of them is passed over.
    pub fn read(bytes: &[u8]) -> Self {
        let mut answers = Self::default();
        for piece in bytes.split(|b| *b == 0x1b) {
            if let Some(name) = piece.strip_prefix(b"P>|") {
                let name: String = one_line(&String::from_utf8_lossy(name)).chars().take(MOST_NAME).collect();
                answers.version = Some(name.trim().to_owned()).filter(|n| !n.is_empty());
                continue;
            }
            let Some((parameters, end)) = sequence(piece) else { continue };
            match (end, parameters.split(';').collect::<Vec<_>>().as_slice()) {
                ('c', _) => answers.answered = true,
                ('y', ["2026", state]) => answers.sync = Some(has(state)),
                ('y', ["1006", state]) => answers.mouse = Some(has(state)),
                ('u', _) => answers.keyboard = Some(true),
                _ => {}
            }
        }
        if answers.answered {
            // It answered what came after: it has nothing to say to this.
            answers.keyboard.get_or_insert(false);
        }
        answers
    }
}

/// The terminal's raw mode; what it was before is given back whatever happens.
pub(super) struct Raw(());

impl Raw {
    /// None where the terminal refuses.
    pub(super) fn take() -> Option<Self> {
        enable_raw_mode().ok().map(|()| Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing can be done where the terminal does not take its mode back.
        drop(disable_raw_mode());
    }
}

/// Parameters and last letter of `[?…`, the `$` of a mode's report left out.
fn sequence(piece: &[u8]) -> Option<(&str, char)> {
    let body = piece.strip_prefix(b"[?")?;
    let end = body.iter().position(|b| (0x40..=0x7e).contains(b))?;
    let parameters = std::str::from_utf8(body.get(..end)?).ok()?;
    Some((parameters.trim_end_matches('$'), char::from(*body.get(end)?)))
}

/// Whether a mode's report says that there is such a mode and that it can be set.
fn has(state: &str) -> bool {
    matches!(state.trim_end_matches('$'), "1" | "2" | "3")
}

/// What comes in until the last answer is there, or the time is over.
fn heard(wait: Duration) -> Vec<u8> {
    let (tell, told) = mpsc::channel();
    // Reading cannot be given up; a thread that never hears the last answer ends with the program.
    let listener = move || {
        let (mut stdin, mut byte, mut heard) = (std::io::stdin().lock(), [0u8], Vec::new());
        while heard.len() < MOST && stdin.read(&mut byte).is_ok_and(|n| n == 1) {
            heard.extend(byte);
            // After the last answer nothing more is taken from who reads next.
            let over = Answers::read(&heard).answered;
            if over || tell.send(None).is_err() {
                break;
            }
        }
        // Nobody waits any more.
        let _ = tell.send(Some(heard));
    };
    if std::thread::Builder::new().name("answers".to_owned()).spawn(listener).is_err() {
        return Vec::new();
    }
    let deadline = Instant::now() + wait;
    loop {
        match told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Some(bytes)) => return bytes,
            Ok(None) => {}
            Err(_) => return Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_of_terminals_are_read() {
        let kitty = b"\x1bP>|kitty(0.42.1)\x1b\\\x1b[?2026;2$y\x1b[?1006;2$y\x1b[?0u\x1b[?62;52;c";
        let answers = Answers::read(kitty);
        assert!(answers.answered);
        assert_eq!(answers.version.as_deref(), Some("kitty(0.42.1)"));
        assert_eq!((answers.sync, answers.mouse, answers.keyboard), (Some(true), Some(true), Some(true)));
        let old = Answers::read(b"x\x1b[?2026;0$y\x1b[?1;2c");
        assert_eq!((old.answered, old.version, old.sync, old.mouse), (true, None, Some(false), None));
        assert_eq!(old.keyboard, Some(false));
        assert_eq!(Answers::read(b"\x1b[?2026;2$"), Answers::default(), "half an answer is none");
    }

    #[test]
    fn a_name_cannot_command_the_terminal_that_shows_it() {
        let hostile = Answers::read("\x1bP>|evil\u{9b}31m\r\n\u{202e}name\x1b\\\x1b[?1c".as_bytes());
        let name = hostile.version.unwrap_or_default();
        assert!(name.contains("evil") && !name.chars().any(|c| c.is_control() || c == '\u{202e}'), "{name:?}");
        let long = Answers::read(format!("\x1bP>|{}\x1b\\", "x".repeat(5000)).as_bytes());
        assert_eq!(long.version.map(|v| v.len()), Some(MOST_NAME));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(prop::sample::select(b"\x1b[?P>|2026;$yuc1x\x9b\xff".to_vec()), 0..60)) {
            Answers::read(&bytes);
        }
    }
}

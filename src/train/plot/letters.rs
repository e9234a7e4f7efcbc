//! Letters as outlines, so that pictures can be lettered without a font on the machine.
//!
//! `scripts/make_letters.py` writes the files; what is not in them is drawn as a box.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Units of the outlines in a letter size.
const UNITS: f32 = 2048.0;

static PLAIN: LazyLock<Letters> = LazyLock::new(|| read(include_str!("../../../assets/letters/plain.txt")));
static BOLD: LazyLock<Letters> = LazyLock::new(|| read(include_str!("../../../assets/letters/bold.txt")));

type Letters = HashMap<char, Letter>;

/// A part of an outline, in letter sizes from the left end of the base line, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// A new outline begins here.
    Move([f32; 2]),
    /// A straight line to here.
    Line([f32; 2]),
    /// A curve to the last two, bent towards the first two.
    Bend([f32; 4]),
    /// Back to where it began.
    Close,
}

/// A letter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Letter {
    /// Where the next one begins, in letter sizes.
    pub advance: f32,
    /// Its outline.
    pub outline: Vec<Part>,
}

/// The letter for a character.
pub fn letter(c: char, bold: bool) -> Option<&'static Letter> {
    let letters = if bold { &*BOLD } else { &*PLAIN };
    letters.get(&c).or_else(|| letters.get(&'\u{25a1}'))
}

/// The width of a line of text in this size.
pub fn width(text: &str, size: f32, bold: bool) -> f32 {
    text.chars().filter_map(|c| letter(c, bold)).map(|letter| letter.advance).sum::<f32>() * size
}

/// The text, or as much of it as fits, with an ellipsis.
pub fn fitted(text: &str, size: f32, bold: bool, room: f32) -> String {
    let line = crate::text::one_line(text);
    if width(&line, size, bold) <= room {
        return line.into_owned();
    }
    let mut left = room - width("…", size, bold);
    let fits = |c: &char| {
        left -= letter(*c, bold).map_or(0.0, |letter| letter.advance * size);
        left >= 0.0
    };
    let kept: String = line.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

fn read(file: &str) -> Letters {
    file.lines().filter_map(read_letter).collect()
}

fn read_letter(line: &str) -> Option<(char, Letter)> {
    let mut words = line.split(' ');
    let code = char::from_u32(u32::from_str_radix(words.next()?, 16).ok()?)?;
    let advance = words.next()?.parse::<f32>().ok()? / UNITS;
    let mut outline = Vec::new();
    while let Some(word) = words.next() {
        let mut pair =
            || Some([words.next()?.parse::<f32>().ok()? / UNITS, -words.next()?.parse::<f32>().ok()? / UNITS]);
        outline.push(match word {
            "M" => Part::Move(pair()?),
            "L" => Part::Line(pair()?),
            "Q" => {
                let ([a, b], [c, d]) = (pair()?, pair()?);
                Part::Bend([a, b, c, d])
            }
            _ => Part::Close,
        });
    }
    Some((code, Letter { advance, outline }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shipped_letters_are_read() {
        for (letters, file) in [
            (&*PLAIN, include_str!("../../../assets/letters/plain.txt")),
            (&*BOLD, include_str!("../../../assets/letters/bold.txt")),
        ] {
            assert_eq!(letters.len(), file.lines().count());
            for c in (' '..='~').chain("é–—…−±×□".chars()) {
                assert!(letters.contains_key(&c), "{c:?}");
            }
        }
        assert_eq!(letter('語', false), letter('□', false));
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(fitted("reward", 10.0, false, 100.0), "reward");
        let cut = fitted("a very long name of a run", 10.0, true, 60.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0, true) <= 60.0, "{cut}");
        assert_eq!(fitted("abc", 10.0, false, 0.0), "…");
    }
}

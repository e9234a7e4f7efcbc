//! The usual keys and a person's changes become one keymap; what cannot hold is told of in sentences.

use super::{Binding, Chord, Context, KeyTable, Keymap, ROWS, Row};
use crate::text::{nearest, one_line};

/// A row with its keys: the usual ones, and the person's where they gave some.
struct Line {
    row: &'static Row,
    usual: Vec<Chord>,
    own: Option<Vec<Chord>>,
}

impl Line {
    fn chords(&self) -> &[Chord] {
        self.own.as_deref().unwrap_or(&self.usual)
    }

    fn name(&self) -> String {
        format!("[keys.{}] {}", self.row.context.name(), self.row.name)
    }
}

/// The keymap, and what of the changes does not hold, in sentences.
pub fn keymap(usual: &KeyTable, changes: &KeyTable) -> (Keymap, Vec<String>) {
    let mut told = Vec::new();
    let mut lines: Vec<Line> =
        ROWS.iter().map(|row| Line { row, usual: chords(usual, row).unwrap_or_default(), own: None }).collect();
    unknown(changes, &mut told);
    for line in &mut lines {
        line.own = own(changes, line, &mut told);
    }
    settle(&mut lines, &mut told);
    let bindings = lines.into_iter().map(|line| Binding {
        context: line.row.context,
        name: line.row.name,
        chords: line.own.unwrap_or(line.usual),
        action: line.row.action.clone(),
        words: line.row.words,
        hint: line.row.hint,
    });
    (Keymap { bindings: bindings.collect() }, told)
}

fn written<'t>(table: &'t KeyTable, row: &Row) -> Option<&'t Vec<String>> {
    table.get(row.context.name())?.get(row.name)
}

fn chords(table: &KeyTable, row: &Row) -> Option<Vec<Chord>> {
    Some(written(table, row)?.iter().filter_map(|text| text.parse().ok()).collect())
}

/// Names that no context and no action has.
fn unknown(changes: &KeyTable, told: &mut Vec<String>) {
    for (place, actions) in changes {
        let Some(context) = Context::ALL.into_iter().find(|c| c.name() == place) else {
            let known = Context::ALL.map(Context::name);
            told.push(format!("there is no [keys.{}]{}", one_line(place), instead(place, &known)));
            continue;
        };
        let known: Vec<&str> = ROWS.iter().filter(|r| r.context == context).map(|r| r.name).collect();
        for name in actions.keys().filter(|name| !known.contains(&name.as_str())) {
            told.push(format!("[keys.{place}] has no action {}{}", one_line(name), instead(name, &known)));
        }
    }
}

fn instead(name: &str, known: &[&str]) -> String {
    nearest(name, known).map_or_else(|| format!("; there are {}", known.join(", ")), |n| format!("; did you mean {n}?"))
}

/// A person's keys for a line; `None` where there are none, or none that can be read.
fn own(changes: &KeyTable, line: &Line, told: &mut Vec<String>) -> Option<Vec<Chord>> {
    let texts = written(changes, line.row)?;
    let mut own: Vec<Chord> = Vec::new();
    for text in texts {
        match text.parse::<Chord>() {
            Ok(chord) if chord.is_interrupt() => {
                told.push(format!("{}: ctrl-c always leaves; the usual keys hold", line.name()));
                return None;
            }
            Ok(chord) if own.contains(&chord) => {}
            Ok(chord) => own.push(chord),
            Err(why) => {
                told.push(format!("{}: {}; the usual keys hold", line.name(), one_line(&why.to_string())));
                return None;
            }
        }
    }
    Some(own)
}

/// Where one key would do two things in one place, the changed line gives way (of two changed ones the later), until no
/// key does. The usual keys have no conflicts, so this ends.
fn settle(lines: &mut [Line], told: &mut Vec<String>) {
    while let Some((at, other, chord)) = conflict(lines) {
        let Some(rival) = lines.get(other).map(|l| l.row.name) else { return };
        let Some(line) = lines.get_mut(at) else { return };
        told.push(format!("{}: \"{chord}\" already does {rival}; the usual keys hold", line.name()));
        line.own = None;
    }
}

/// A changed line that has a key in common with another of its context: its index, the other's, the key.
fn conflict(lines: &[Line]) -> Option<(usize, usize, Chord)> {
    for (i, line) in lines.iter().enumerate().rev().filter(|(_, l)| l.own.is_some()) {
        for (j, other) in lines.iter().enumerate().filter(|(j, l)| *j != i && l.row.context == line.row.context) {
            if let Some(chord) = line.chords().iter().find(|c| other.chords().contains(c)) {
                return Some((i, j, *chord));
            }
        }
    }
    None
}

//! What is told besides the session itself.

use std::io::{self, Write};

use crate::text::one_line;
use crate::trace::{Piece, Token, TokenSource, Trace};

/// Tokens told at once.
const MOST_TOKENS: usize = 40;
/// Others told with a token.
const OTHERS: usize = 3;

const HELP: &str = "\
N, or an id: ask this question of the list
? TEXT: a question of your own about the same page; N ? TEXT: about the page of question N; choices after |
list, list WORDS: the questions, or those that hold the words
break CONDITION: end a session where it holds, such as break zoom and iou<.3; break: tell them; break off: none
again: the last question once more
tokens, tokens N: what was written last, with positions, probabilities and the ids of others
fork PLACE: depart from the last session; PLACE is a token position, zoom:K, segment:K or end
fork PLACE text TEXT, fork PLACE token ID: with other words there
fork zoom:K box X1,Y1,X2,Y2, fork zoom:K box target: with another box
fork zoom:K crop blank, or target, or X1,Y1,X2,Y2, or FILE: with another crop
fork PLACE seed N, and so temperature, top-k, top-p, question, tool on or off, …: with another setting
q: leave";

/// What can be typed.
pub(super) fn help(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{HELP}")
}

/// After a session: where a fork of it can depart.
pub(super) fn afterwards(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    let mut written = trace.tokens.iter().filter(|token| token.by != TokenSource::Prompt).map(|token| token.position);
    let Some(first) = written.next() else { return Ok(()) };
    let last = written.next_back().unwrap_or(first);
    let zooms = match trace.zooms.len() {
        0 => String::new(),
        1 => ", zoom:1".to_owned(),
        n => format!(", zoom:1 to zoom:{n}"),
    };
    let example = if trace.zooms.is_empty() { "fork end" } else { "fork zoom:1 box target" };
    writeln!(out, "places    tokens {first} to {last}{zooms}; {example}, again, tokens, list, q")
}

/// Written tokens from a position on, a line each.
pub(super) fn tokens(trace: &Trace, from: u64, out: &mut impl Write) -> io::Result<()> {
    let written = trace.tokens.iter().filter(|token| token.by != TokenSource::Prompt);
    let mut rest = written.filter(|token| token.position >= from);
    let mut told = false;
    for token in rest.by_ref().take(MOST_TOKENS) {
        told = true;
        writeln!(out, "{}", told_of(token))?;
    }
    match rest.next() {
        Some(next) => writeln!(out, "and more: tokens {}", next.position),
        None if !told => writeln!(out, "no token was written there"),
        None => Ok(()),
    }
}

fn told_of(token: &Token) -> String {
    let others = token.top.iter().filter(|entry| entry.0 != token.id).take(OTHERS);
    let others: Vec<String> =
        others.map(|entry| format!("{} {} {:.2}", entry.0, quoted(&entry.1), entry.2.exp())).collect();
    let others = if others.is_empty() { String::new() } else { format!("; others {}", others.join(", ")) };
    let share = token.top.iter().find(|entry| entry.0 == token.id).map(|entry| format!(" {:.2}", entry.2.exp()));
    format!("{} {}{}{others}", token.position, quoted(&token.piece), share.unwrap_or_default())
}

fn quoted(piece: &Piece) -> String {
    one_line(&format!("{:?}", String::from_utf8_lossy(&piece.bytes()))).into_owned()
}

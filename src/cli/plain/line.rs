//! What a typed line asks for.

use std::io::{self, BufRead, Read};

use clap::Parser;

use crate::benchmark::Question;
use crate::cli::fork::ForkArgs;
use crate::trace::breakpoint::Breakpoint;

/// A longer line is cut; in bytes.
const LONGEST: u64 = 16 << 10;

/// What `fork` can be told after its place, as the command's flags are called.
const EDITS: [&str; 16] = [
    "token",
    "token-id",
    "text",
    "box",
    "crop",
    "temperature",
    "top-k",
    "top-p",
    "repetition-penalty",
    "seed",
    "max-tokens",
    "question",
    "choice",
    "tool",
    "min-pixels",
    "max-pixels",
];

/// A fork as the command line's flags have it.
#[derive(Parser, Debug)]
#[command(name = "fork", no_binary_name = true, disable_help_flag = true)]
pub(super) struct Wanted {
    #[command(flatten)]
    pub(super) args: ForkArgs,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Command {
    Nothing,
    Quit,
    Help,
    /// Rows that hold these words.
    List(String),
    /// Without a text: tell them; with an empty one: none any more.
    Break(Option<Option<Breakpoint>>),
    /// The written tokens from this position on.
    Tokens(u64),
    /// A row by number or id, with a question of one's own or the row's.
    Ask {
        row: Option<String>,
        typed: Option<Question>,
    },
    Again,
    Fork(Box<Wanted>),
}

/// The next line without its end; none where there are no more. What is longer than a line may be is left out.
pub(super) fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if !bytes.ends_with(b"\n") {
        skip_line(input)?;
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let there = input.fill_buf()?;
        let end = there.iter().position(|byte| *byte == b'\n');
        let (done, used) = (end.is_some() || there.is_empty(), end.map_or(there.len(), |at| at + 1));
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// Reads a line; an error is one sentence.
pub(super) fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
    match word {
        "" => Ok(Command::Nothing),
        "q" | "quit" | "exit" => Ok(Command::Quit),
        "h" | "help" => Ok(Command::Help),
        "?" if rest.is_empty() => Ok(Command::Help),
        "list" => Ok(Command::List(rest.to_owned())),
        "again" => Ok(Command::Again),
        "tokens" if rest.is_empty() => Ok(Command::Tokens(0)),
        "tokens" => rest.parse().map(Command::Tokens).map_err(|_| "tokens takes a position, such as tokens 180".into()),
        "break" => breakpoint(rest),
        "fork" => fork(rest),
        _ => Ok(ask(line)),
    }
}

fn breakpoint(text: &str) -> Result<Command, String> {
    match text {
        "" => Ok(Command::Break(None)),
        "off" => Ok(Command::Break(Some(None))),
        text => text.parse().map(|point| Command::Break(Some(Some(point)))).map_err(|e| format!("{e}")),
    }
}

/// `3`, `ID`, `? TEXT`, `3 ? TEXT`; choices of a typed question stand between `|`.
fn ask(line: &str) -> Command {
    let named = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    // An id holds no blanks, so that a question mark inside the text of a question starts nothing.
    match line.split_once('?').filter(|(before, _)| !before.trim().contains(char::is_whitespace)) {
        None => Command::Ask { row: named(line), typed: None },
        Some((row, text)) => {
            let mut parts = text.split('|').map(|part| part.trim().to_owned());
            let text = parts.next().unwrap_or_default();
            let choices = parts.filter(|part| !part.is_empty()).collect();
            let typed = Question { id: "typed".to_owned(), text, choices, ..Question::default() };
            Command::Ask { row: named(row), typed: Some(typed) }
        }
    }
}

/// `PLACE`, or `PLACE WHAT VALUE`.
fn fork(rest: &str) -> Result<Command, String> {
    let mut words = rest.splitn(3, char::is_whitespace).map(str::trim);
    let place = words.next().filter(|place| !place.is_empty());
    let place = place.ok_or("fork takes a place: fork zoom:1 box target; h tells more")?;
    // No session is looked for: it departs from the one told last.
    let mut flags = vec!["last".to_owned(), format!("--at={place}")];
    if let Some(what) = words.next().filter(|what| !what.is_empty()) {
        let value = words.next().unwrap_or_default();
        let what = what.replace('_', "-");
        if !EDITS.contains(&what.as_str()) {
            return Err(format!("a fork changes one of {}; not {what}", EDITS.join(", ")));
        }
        let flag = if what == "token" && value.parse::<u32>().is_ok() { "token-id" } else { what.as_str() };
        match flag {
            "choice" => flags.extend(value.split('|').map(|choice| format!("--choice={}", choice.trim()))),
            flag => flags.push(format!("--{flag}={value}")),
        }
    }
    Wanted::try_parse_from(flags).map(|wanted| Command::Fork(Box::new(wanted))).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        first.trim_start_matches("error: ").to_owned()
    })
}

//! Progress of a training on stderr: charts that live on a terminal, a bar on a small one, plain lines elsewhere.

mod bar;
mod lines;
mod live;

use std::io::IsTerminal;
use std::path::Path;

use serde_json::Value;

use bar::Bar;
use lines::Lines;
use live::Live;

use super::plot::read::read_run;
use super::trainer::Watch;
use crate::text::one_line;

/// What is told before the first step.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// What the training is called.
    pub name: &'a str,
    /// Its folder: of a training that goes on, the charts begin with what it measured before.
    pub out: &'a Path,
    /// Steps taken.
    pub done: u64,
    /// Steps in all.
    pub of: u64,
    /// Plain lines, even on a terminal.
    pub plain: bool,
}

/// Shows how a training goes, in the way that the terminal allows.
#[derive(Debug)]
pub enum Progress {
    /// Charts that are drawn anew where they stand.
    Live(Live),
    /// One line that is drawn anew.
    Bar(Bar),
    /// A line now and then.
    Lines(Lines),
}

impl Progress {
    /// The way that fits stderr.
    pub fn new(opening: &Opening<'_>) -> Self {
        if opening.plain || !std::io::stderr().is_terminal() {
            return Self::Lines(Lines::default());
        }
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let size = crossterm::terminal::size().ok();
        if dumb || !size.is_some_and(live::has_room) {
            return Self::Bar(Bar::new(opening.done, opening.of));
        }
        let mut shown = live::Shown { name: one_line(opening.name).into_owned(), ..live::Shown::default() };
        (shown.step, shown.first, shown.of) = (opening.done, opening.done, opening.of);
        if opening.done > 0
            && let Ok(before) = read_run(opening.out)
        {
            shown.curves = before.curves;
            shown.curves.cut(opening.done);
        }
        Self::Live(Live::new(shown))
    }

    /// Leaves the terminal as it was: charts stay above the cursor, a bar goes.
    pub fn finish(&mut self) {
        match self {
            Self::Live(live) => live.finish(),
            Self::Bar(bar) => bar.finish(),
            Self::Lines(_) => {}
        }
    }

    fn watch(&mut self) -> &mut dyn Watch {
        match self {
            Self::Live(live) => live,
            Self::Bar(bar) => bar,
            Self::Lines(lines) => lines,
        }
    }
}

impl Watch for Progress {
    fn step(&mut self, step: u64, of: u64, stage: &str, loss: f64) {
        self.watch().step(step, of, stage, loss);
    }

    fn line(&mut self, line: &Value) {
        self.watch().line(line);
    }

    fn say(&mut self, text: &str) {
        self.watch().say(text);
    }

    fn saved(&mut self, checkpoint: &Path) {
        self.say(&format!("saved {}", checkpoint.display()));
    }
}

/// A number of a line of metrics.
fn number(line: &Value, key: &str) -> Option<f64> {
    line.get(key).and_then(Value::as_f64)
}

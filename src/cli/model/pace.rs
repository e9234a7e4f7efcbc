//! How far long work on a model's bytes is: a bar on a terminal, else a line now and then.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::model_load::size;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// The bar, or the lines.
pub(super) struct Pace {
    doing: &'static str,
    bar: ProgressBar,
    /// None on a terminal.
    lines: Option<Lines>,
}

/// When a line was written, and of how much.
struct Lines {
    every: Duration,
    told: Instant,
    begun: Instant,
}

impl Pace {
    /// For work that is called so ("writing"), on stderr.
    pub(super) fn new(doing: &'static str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target).with_message(doing);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self { doing, bar, lines: (!terminal).then(|| Lines::new(EVERY)) }
    }

    /// So many bytes of so many are done.
    pub(super) fn at(&mut self, done: u64, all: u64) {
        self.bar.set_length(all);
        self.bar.set_position(done);
        if let Some(line) = self.lines.as_mut().and_then(|lines| lines.line(self.doing, done, all)) {
            eprintln!("{line}");
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Lines {
    fn new(every: Duration) -> Self {
        Self { every, told: Instant::now(), begun: Instant::now() }
    }

    /// The line, where it is time for one and the end is not reached.
    fn line(&mut self, doing: &str, done: u64, all: u64) -> Option<String> {
        if done >= all || self.told.elapsed() < self.every {
            return None;
        }
        self.told = Instant::now();
        let percent = done.saturating_mul(100).checked_div(all)?;
        let seconds = self.begun.elapsed().as_secs();
        Some(format!("{doing}: {percent} % of {} in {seconds} s", size(all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_now_and_then_and_none_at_the_end() {
        let mut lines = Lines::new(Duration::ZERO);
        assert_eq!(lines.line("writing", 30, 120).as_deref(), Some("writing: 25 % of 120 B in 0 s"));
        assert_eq!((lines.line("writing", 120, 120), lines.line("writing", 0, 0)), (None, None));
        let mut rarely = Lines::new(Duration::from_secs(1000));
        assert_eq!(rarely.line("writing", 30, 120), None);
    }
}

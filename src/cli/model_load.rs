//! Loading the model that was named, with what a person likes to know while files are fetched: a bar on a terminal, else a
//! line now and then.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CliError;
use super::at_once::at_once;
use crate::engine::load_placed;
use crate::hub::{HubError, Progress, Step};
use crate::model::{Model, ModelChoice, Placed};
use crate::text::one_line;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// What is done while a model is loaded.
pub(super) const LOADING: &str = "loading the model";

/// Fetches what is not on this machine, and loads the model. A flag that is set stops the fetching, and ends the program while
/// the model is loaded.
///
/// # Errors
/// What is missing or wrong; [`CliError::Interrupted`] where the flag was set.
pub(super) fn loaded(choice: &ModelChoice, stop: &AtomicBool) -> Result<Model, CliError> {
    let choice = fetched(choice, Some(stop))?;
    let failed = |error| CliError::failed(format!("cannot load the model: {error}"));
    at_once(stop, LOADING, || load_placed(&choice, &placed(&choice)?).map_err(failed))?
}

/// Opens the device of a model whose files are here, and says on stderr which it is.
///
/// # Errors
/// What is missing for the device that was asked for.
pub(super) fn placed(choice: &ModelChoice) -> Result<Placed, CliError> {
    let placed = choice.place().map_err(|error| CliError::failed(format!("cannot load the model: {error}")))?;
    if let Some(line) = &placed.line {
        eprintln!("{}", one_line(line));
    }
    Ok(placed)
}

/// The choice with files that are on this machine.
///
/// # Errors
/// As [`loaded`].
pub(super) fn fetched<'c>(
    choice: &'c ModelChoice,
    stop: Option<&AtomicBool>,
) -> Result<Cow<'c, ModelChoice>, CliError> {
    let mut watching = Watching::new(stop);
    let fetched = choice.fetched(&mut watching);
    watching.finish();
    fetched.map_err(failure)
}

/// What a hub's failure is for a command.
pub(super) fn failure(error: HubError) -> CliError {
    match error {
        HubError::Stopped => {
            eprintln!("{}", HubError::Stopped);
            CliError::Interrupted
        }
        error => CliError::failed(error),
    }
}

/// Shows what a download does, on stderr.
pub(super) struct Watching<'s> {
    bar: ProgressBar,
    terminal: bool,
    stop: Option<&'s AtomicBool>,
    told: Instant,
    file: String,
    files: (usize, usize),
}

impl<'s> Watching<'s> {
    pub(super) fn new(stop: Option<&'s AtomicBool>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let template = "{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self { bar, terminal, stop, told: Instant::now(), file: String::new(), files: (0, 0) }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{}", one_line(line)));
    }

    /// How far it is, as a line of its own.
    fn line(&self) -> String {
        let (at, of) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let percent = (at.saturating_mul(100)).checked_div(of).unwrap_or(100);
        format!("fetching {} ({} of {}): {percent} % of {}", self.file, self.files.0, self.files.1, size(of))
    }
}

impl Progress for Watching<'_> {
    fn tell(&mut self, step: Step<'_>) {
        match step {
            Step::Asking(what) => {
                if self.terminal {
                    self.bar.set_draw_target(ProgressDrawTarget::stderr());
                    self.bar.set_message(format!("asking for {}", one_line(what)));
                }
            }
            Step::Plan { files, bytes, have } => {
                self.files = (0, files);
                self.bar.set_length(bytes);
                self.bar.set_position(have);
                self.bar.reset_eta();
                let rest = if have > 0 { format!(", {} of them are here", size(have)) } else { String::new() };
                if !self.terminal || bytes > 1 << 20 {
                    self.say(&format!("{files} file(s) to fetch, {}{rest}", size(bytes)));
                }
            }
            Step::File { name, size: bytes, have } => {
                self.files.0 += 1;
                name.clone_into(&mut self.file);
                self.bar.set_message(one_line(name).into_owned());
                if !self.terminal {
                    let rest = if have > 0 { format!(", from {} on", size(have)) } else { String::new() };
                    self.say(&format!("fetching {name}, {}{rest}", size(bytes)));
                }
            }
            Step::Bytes(count) => {
                self.bar.inc(count);
                if !self.terminal && self.told.elapsed() >= EVERY {
                    self.told = Instant::now();
                    self.say(&self.line());
                }
            }
            Step::Anew { lost } => self.bar.set_position(self.bar.position().saturating_sub(lost)),
            Step::Waiting(name) => self.say(&format!("another process is fetching {name}: waiting for it")),
            Step::Again(name) => self.say(&format!("the connection was lost while fetching {name}: trying again")),
            Step::Unproven(name) => {
                self.say(&format!("the server names no checksum of {name}: its size alone is compared"));
            }
            Step::Away(why) => self.say(&format!("{why}: what is in the cache is taken")),
            Step::Taken(name) => self.say(&format!("of the GGUF files in the cache {name} is taken")),
            Step::Done(_) => {}
        }
    }

    fn stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

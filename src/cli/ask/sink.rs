//! One session from the command line: recorded, and told as it happens.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use super::human::Human;
use crate::cli::sessions::store;
use crate::cli::{CliError, CliResult, Global};
use crate::engine::{Ask, Emission, Outcome, StepEngine, run_to_end};
use crate::session::{self, Recorder};
use crate::text;

/// What is done with the records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// Whether a log is written.
    pub(crate) record: bool,
    /// Whether the log's own lines are printed instead of a story.
    pub(crate) json: bool,
}

/// Asks one question; exit 0 where it was answered.
pub(crate) fn ask_one(
    engine: &mut dyn StepEngine,
    ask: &Ask,
    told: Told,
    global: &Global,
    cancel: &AtomicBool,
) -> CliResult {
    code_of(&tell_one(engine, ask, told, global, (cancel, &mut |_| ()))?)
}

/// Asks one question, recorded and told; `also` is given every record, too.
pub(crate) fn tell_one(
    engine: &mut dyn StepEngine,
    ask: &Ask,
    told: Told,
    global: &Global,
    (cancel, also): (&AtomicBool, &mut dyn FnMut(&Emission)),
) -> Result<Outcome, CliError> {
    let recorder = if !told.record {
        None
    } else {
        let made = Recorder::create(&store(global)?, &session::today(), &ask.id);
        Some(made.map_err(|e| CliError::failed(format!("cannot record: {e}; --no-record asks without")))?)
    };
    let printer = if told.json { Printer::Json } else { Printer::Human(Box::new(Human::new(ask))) };
    let mut sink = Sink { recorder, printer, trouble: None };
    let mut take = |emission: Emission| {
        also(&emission);
        sink.take(&emission, cancel);
    };
    let outcome = run_to_end(engine, ask, &mut take, cancel);
    sink.close(io::stderr().is_terminal() && !told.json)?;
    Ok(outcome)
}

/// Answered is success; a session that failed, or ended otherwise, is told on stderr.
fn code_of(outcome: &Outcome) -> CliResult {
    match (outcome.end.reason.as_str(), &outcome.error) {
        ("answered" | "break", _) => Ok(ExitCode::SUCCESS),
        ("stopped", _) => Err(CliError::Interrupted),
        (_, Some(error)) => Err(CliError::failed(text::one_line(&error.message))),
        (reason, None) => Err(CliError::failed(match reason {
            "no_answer" => "the model ended its turn without an answer",
            "max_tokens" => "no answer within the tokens allowed",
            "max_turns" => "no answer within the turns allowed",
            _ => "no answer",
        })),
    }
}

/// Where records go.
struct Sink {
    recorder: Option<Recorder>,
    printer: Printer,
    trouble: Option<String>,
}

enum Printer {
    Json,
    Human(Box<Human>),
}

impl Sink {
    fn take(&mut self, emission: &Emission, cancel: &AtomicBool) {
        // Recorded first: what a person has seen is then in the log.
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.write(&emission.record, emission.pixels.as_ref())
        {
            self.trouble.get_or_insert_with(|| format!("recording failed: {error}"));
        }
        let mut out = io::stdout().lock();
        let printed = match &mut self.printer {
            Printer::Json => writeln!(out, "{}", session::encode_line(&emission.record)),
            Printer::Human(human) => human.show(&emission.record, &mut out),
        };
        if let Err(error) = printed.and_then(|()| out.flush()) {
            cancel.store(true, Ordering::Relaxed);
            // A reader that closed the pipe wants no more, and that is no failure.
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.trouble.get_or_insert_with(|| format!("cannot print: {error}"));
            }
        }
    }

    fn close(self, tell: bool) -> Result<(), CliError> {
        let mut trouble = self.trouble;
        if let Some(recorder) = self.recorder {
            for warning in recorder.warnings() {
                eprintln!("warning: {}", text::one_line(warning));
            }
            match recorder.finish() {
                Ok(path) if tell => eprintln!("recorded {}", text::one_line(&path.display().to_string())),
                Ok(_) => {}
                Err(error) => trouble = trouble.or(Some(format!("recording failed: {error}"))),
            }
        }
        trouble.map_or(Ok(()), |message| Err(CliError::failed(message)))
    }
}

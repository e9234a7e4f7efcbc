//! Every file of a model read and compared: with each other, and with what this program expects.

mod numbers;
mod settings;
mod shards;
mod tokens;
mod weights;

use serde::Serialize;

use crate::model::{Config, FileSource};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and perhaps not as one thinks.
    Warn,
    /// It does not work, or gives wrong answers.
    Fail,
}

impl Level {
    /// The word of a line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What was looked at: a file or a part.
    pub what: &'static str,
    /// What was found, and what it means.
    pub found: String,
}

/// Findings as they are made.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    fn push(&mut self, level: Level, what: &'static str, found: impl Into<String>) {
        self.0.push(Finding { level, what, found: found.into() });
    }

    fn ok(&mut self, what: &'static str, found: impl Into<String>) {
        self.push(Level::Ok, what, found);
    }

    fn warn(&mut self, what: &'static str, found: impl Into<String>) {
        self.push(Level::Warn, what, found);
    }

    fn fail(&mut self, what: &'static str, found: impl Into<String>) {
        self.push(Level::Fail, what, found);
    }
}

/// Looks at everything. `read` is told of bytes of weights as they are looked through: `(done, all)`.
pub fn check(source: &FileSource, read: &mut dyn FnMut(u64, u64)) -> Vec<Finding> {
    let mut findings = Findings::default();
    let settings = settings_of(source);
    let config = match source.read("config.json").and_then(|bytes| Config::from_json(&bytes)) {
        Ok(config) => config,
        Err(error) => {
            findings.fail(settings, error.to_string());
            return findings.0;
        }
    };
    let (text, vision) = (&config.text, &config.vision);
    findings.ok(
        settings,
        format!(
            "{} blocks of width {}, vision tower of {} blocks of width {}",
            text.layers, text.hidden, vision.depth, vision.hidden
        ),
    );
    shards::check(source, &mut findings);
    weights::check(source, &config, &mut findings, read);
    tokens::check(source, &config, &mut findings);
    settings::check(source, &config, &mut findings);
    findings.0
}

/// What holds a model's settings: GGUF files have no `config.json`.
fn settings_of(source: &FileSource) -> &'static str {
    if is_gguf(source) { "settings" } else { "config.json" }
}

/// The same in a sentence, with a verb as "says" or "asks".
fn settings_that(source: &FileSource, verb: &str) -> String {
    if is_gguf(source) { format!("the file's settings {verb}") } else { format!("config.json {verb}s") }
}

fn is_gguf(source: &FileSource) -> bool {
    matches!(source, FileSource::Gguf(_))
}

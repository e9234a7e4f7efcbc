//! `metrics.jsonl`: one line every so many steps.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::error::{Result, io};
use super::validate::Validation;

/// Means over the steps since the last line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Steps taken.
    pub step: u64,
    /// Stage of the last of them.
    pub stage: String,
    /// What was differentiated.
    pub loss: f64,
    /// Weighted token cross-entropy.
    pub token_loss: f64,
    /// Loss of each auxiliary head.
    pub aux: serde_json::Map<String, Value>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Gradient norm before clipping, mean.
    pub gradient_norm: f64,
    /// Segments a second.
    pub samples_per_second: f64,
    /// Seconds trained so far.
    pub seconds: f64,
    /// What a validation at this step measured.
    #[serde(flatten)]
    pub validation: Option<Validation>,
}

/// Drops from a file of JSON lines with a `step` what is torn or beyond a step.
///
/// # Errors
/// A file that cannot be read or written.
pub(crate) fn kept_lines(path: &Path, step: u64) -> Result<()> {
    let before = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(path)(error)),
    };
    let valid = |line: &&str| {
        let parsed: Option<Value> = serde_json::from_str(line).ok();
        parsed.and_then(|value| value.get("step")?.as_u64()).is_some_and(|at| at <= step)
    };
    let kept: String = before.lines().filter(valid).flat_map(|line| [line, "\n"]).collect();
    if kept != before {
        fs::write(path, kept).map_err(io(path))?;
    }
    Ok(())
}

/// The file, open for appending.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    file: File,
}

impl MetricsFile {
    /// Opens `out/metrics.jsonl`, keeping only whole lines up to `step`: what a killed process wrote after its last
    /// checkpoint is written again.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(out: &Path, step: u64) -> Result<Self> {
        let path = out.join("metrics.jsonl");
        kept_lines(&path, step)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io(&path))?;
        Ok(Self { path, file })
    }

    /// Appends a line, and gives it as written: numbers that are none have become null.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, line: &impl Serialize) -> Result<Value> {
        let line = serde_json::to_value(line).unwrap_or_default();
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(io(&self.path))?;
        Ok(line)
    }
}

//! Reads `metrics.jsonl`, whoever wrote it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::series::Curves;
use crate::text::one_line;
use crate::train::error::{Result, TrainError, io};

/// A longer file is no training's.
const MOST_BYTES: u64 = 256 << 20;

/// A training as it is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// What the legend calls it.
    pub name: String,
    /// What it measured.
    pub curves: Curves,
}

/// Reads the metrics of a training's folder, or of a `metrics.jsonl`. Lines that are none, such as the torn last one of
/// a training that was killed or is writing now, are passed over.
///
/// # Errors
/// A file that cannot be read, or without one usable line.
pub fn read_run(place: &Path) -> Result<Run> {
    let file = if place.is_dir() { place.join("metrics.jsonl") } else { place.to_path_buf() };
    if place.is_dir() && !file.exists() {
        let message = "this folder is not a training's: it has no metrics.jsonl; give the folder that the training's --out \
                       named (usually runs/NAME), or a metrics.jsonl";
        return Err(TrainError::Metrics { path: place.to_path_buf(), message: message.into() });
    }
    if !file.exists() {
        let message = "there is no such folder or file; give a training's folder, or its metrics.jsonl";
        return Err(TrainError::Metrics { path: file, message: message.into() });
    }
    let found = fs::metadata(&file).map_err(io(&file))?;
    let wrong = |message: &str| TrainError::Metrics { path: file.clone(), message: message.into() };
    if !found.is_file() {
        return Err(wrong("this is no file"));
    }
    if found.len() > MOST_BYTES {
        return Err(wrong("too long for the metrics of a training (256 MiB at most)"));
    }
    let bytes = fs::read(&file).map_err(io(&file))?;
    let curves = read_lines(&String::from_utf8_lossy(&bytes));
    if curves.is_empty() {
        return Err(wrong("no line with a step and numbers; is this the metrics.jsonl of a training?"));
    }
    Ok(Run { name: name(place), curves })
}

/// The curves in the lines of a `metrics.jsonl`.
pub fn read_lines(text: &str) -> Curves {
    let mut curves = Curves::default();
    for line in text.lines() {
        // `NaN` is no JSON, yet some writers write it.
        let parsed = serde_json::from_str::<Value>(line).or_else(|_| serde_json::from_str(&without_nan(line)));
        if let Ok(line) = parsed {
            curves.take(&line);
        }
    }
    curves.settle();
    curves
}

fn without_nan(line: &str) -> String {
    line.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null")
}

/// The folder's name, or that of the folder the file lies in.
fn name(place: &Path) -> String {
    let folder =
        if place.file_name().is_some_and(|name| name == "metrics.jsonl") { place.parent() } else { Some(place) };
    let full = folder.and_then(|folder| folder.canonicalize().ok());
    let last = full.as_deref().and_then(Path::file_name).or(place.file_name());
    let name = last.map_or_else(|| "training".into(), |name| name.to_string_lossy());
    one_line(&name).into_owned()
}

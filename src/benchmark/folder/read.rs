//! Opening a benchmark's folder: manifest and questions; pages stay where they are.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::format::{FORMAT, Manifest, Split};
use super::lines::{Line, Lines, MAX_LINE};
use super::{MANIFEST, QUESTIONS, is_page_name};
use crate::benchmark::source::{BenchmarkError, Selection, spread_questions};
use crate::benchmark::{Question, Task};

/// Most bytes of `benchmark.json`.
pub const MAX_MANIFEST: u64 = 1 << 20;
/// Most questions.
pub const MAX_QUESTIONS: usize = 5_000_000;
/// Most bytes of `questions.jsonl`.
pub const MAX_QUESTIONS_FILE: u64 = 4 << 30;

/// What is read of a line beside the question.
#[derive(Deserialize)]
struct Extras {
    #[serde(default)]
    split: Split,
}

/// Reads `benchmark.json`.
///
/// # Errors
/// [`BenchmarkError::Read`] and [`BenchmarkError::Broken`].
pub fn read_manifest(root: &Path) -> Result<Manifest, BenchmarkError> {
    let path = root.join(MANIFEST);
    let failed = |source| BenchmarkError::Read { path: path.clone(), source };
    let broken = |line: Option<u64>, why: String| BenchmarkError::Broken { path: path.clone(), line, why };
    let mut bytes = Vec::new();
    open_file(&path)?.take(MAX_MANIFEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_MANIFEST {
        return Err(broken(None, "longer than is read".to_owned()));
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|e| broken(u64::try_from(e.line()).ok(), e.to_string()))?;
    if manifest.v != FORMAT {
        return Err(broken(None, format!("format version {}; this program reads version {FORMAT}", manifest.v)));
    }
    Ok(manifest)
}

/// A regular file.
pub(super) fn open_file(path: &Path) -> Result<File, BenchmarkError> {
    let failed = |source| BenchmarkError::Read { path: path.to_owned(), source };
    // Asked before opening: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("not a regular file")));
    }
    File::open(path).map_err(failed)
}

/// The questions that are wanted, in the file's order, and their splits.
///
/// # Errors
/// [`BenchmarkError::Broken`] at the first line that cannot be used.
pub fn read_questions(root: &Path, selection: &Selection) -> Result<(Vec<Question>, Vec<Split>), BenchmarkError> {
    let path = root.join(QUESTIONS);
    // What a reader wants to know with nothing selected is only whether there is such a benchmark.
    if selection.limit == Some(0) {
        open_file(&path)?;
        return Ok((Vec::new(), Vec::new()));
    }
    let reader = BufReader::with_capacity(1 << 18, open_file(&path)?.take(MAX_QUESTIONS_FILE));
    let failed = |source| BenchmarkError::Read { path: path.clone(), source };
    let mut lines = Lines::new(reader);
    let (mut read, mut ids) = (Vec::new(), HashMap::new());
    while let Some((number, line)) = lines.next_line().map_err(failed)? {
        let broken = |why: String| BenchmarkError::Broken { path: path.clone(), line: Some(number), why };
        if ids.len() >= MAX_QUESTIONS {
            return Err(broken(format!("more than {MAX_QUESTIONS} questions")));
        }
        let (question, split) = parse(line).map_err(broken)?;
        if let Some(first) = ids.insert(question.id.clone(), number) {
            return Err(broken(format!("the id \"{}\" was line {first}'s already", question.id)));
        }
        if selection.wants_question(&question) {
            read.push((question, split));
        }
    }
    Ok(spread_questions(read, selection.limit).into_iter().unzip())
}

/// One line's question.
pub fn parse(line: Line<'_>) -> Result<(Question, Split), String> {
    let Line::Text(bytes) = line else {
        return Err(format!("longer than {MAX_LINE} bytes"));
    };
    let mut question: Question = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let extras: Extras = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if question.id.is_empty() {
        return Err("the id is empty".to_owned());
    }
    match &question.page {
        Some(page) if is_page_name(page) => {}
        Some(page) => return Err(format!("\"{page}\" cannot be a page's name")),
        None => return Err("no page is named".to_owned()),
    }
    question.family = question.task.map(Task::family);
    Ok((question, extras.split))
}

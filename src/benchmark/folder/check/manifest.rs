//! `benchmark.json`.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::questions::Counts;
use super::report::Findings;
use crate::benchmark::Task;
use crate::benchmark::folder::format::{FORMAT, Manifest};
use crate::benchmark::folder::read::{MAX_MANIFEST, open_file};
use crate::benchmark::folder::{MANIFEST, QUESTIONS};

/// Checks the manifest by itself and gives it where it can be read.
pub fn check(root: &Path, findings: &mut Findings) -> Option<Manifest> {
    let path = root.join(MANIFEST);
    let mut bytes = Vec::new();
    let read = match open_file(&path) {
        Ok(file) => file.take(MAX_MANIFEST + 1).read_to_end(&mut bytes).map_err(|e| e.to_string()),
        Err(why) if path.exists() => Err(why.to_string()),
        Err(_) => Err("there is no benchmark.json".to_owned()),
    };
    if let Err(why) = read {
        findings.error(MANIFEST, None, "manifest", why);
        return None;
    }
    if bytes.len() as u64 > MAX_MANIFEST {
        findings.error(MANIFEST, None, "manifest", format!("longer than {} MiB", MAX_MANIFEST >> 20));
        return None;
    }
    let line = |e: &serde_json::Error| u64::try_from(e.line()).ok().filter(|n| *n > 0);
    let value: Value = match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        Err(e) => {
            findings.error(MANIFEST, line(&e), "json", e.to_string());
            return None;
        }
    };
    unknown_tasks(&value, findings);
    match serde_json::from_slice::<Manifest>(&bytes) {
        Ok(manifest) => {
            fields(&manifest, findings);
            Some(manifest)
        }
        Err(e) => {
            findings.error(MANIFEST, line(&e), "manifest", e.to_string());
            None
        }
    }
}

fn unknown_tasks(value: &Value, findings: &mut Findings) {
    let tasks = value.get("tasks").and_then(Value::as_object);
    for name in tasks.into_iter().flat_map(|tasks| tasks.keys()) {
        if let Err(why) = name.parse::<Task>() {
            findings.error(MANIFEST, None, "task", why);
        }
    }
}

fn fields(manifest: &Manifest, findings: &mut Findings) {
    if manifest.v != FORMAT {
        let what = format!("format version {}; this program reads version {FORMAT}", manifest.v);
        findings.error(MANIFEST, None, "version", what);
    }
    if manifest.name.trim().is_empty() {
        findings.error(MANIFEST, None, "name", "the name is empty".to_owned());
    }
    if manifest.licence.trim().is_empty() {
        findings.warning(MANIFEST, None, "licence", "no licence is named".to_owned());
    }
}

/// Compares what the manifest counts with what there is.
pub fn compare(manifest: &Manifest, counts: &Counts, pages: usize, findings: &mut Findings) {
    if manifest.pages.is_some_and(|n| n != pages as u64) {
        let what = format!("counts {} pages; there are {pages}", manifest.pages.unwrap_or_default());
        findings.error(MANIFEST, None, "count", what);
    }
    for task in Task::ALL {
        let (said, have) = (manifest.tasks.get(&task).copied(), counts.tasks.get(&task).copied().unwrap_or(0));
        // A manifest that counts nothing says nothing wrong.
        let wrong = said.map_or(have > 0 && !manifest.tasks.is_empty(), |n| n != have);
        if wrong {
            let said = said.unwrap_or(0);
            findings.error(MANIFEST, None, "count", format!("counts {said} {task} questions; {QUESTIONS} has {have}"));
        }
    }
}

//! Following a run: its questions as rows, and what has become of them as its summaries grow.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::action::Action;
use super::app::{Choice, Entry, Verdict};
use crate::benchmark::Benchmark;
use crate::run::{Manifest, plan};
use crate::session::{SessionSummary, read_summaries};

/// How often the folder is looked at, at most.
const LOOK: Duration = Duration::from_millis(400);
/// A look at a long run takes a while: looking takes at most one part in so many of the time.
const REST: u32 = 10;
/// What a look waits for at most before it sees that nobody wants it any more.
const NAP: Duration = Duration::from_millis(50);

/// A run's folder, looked at on a thread of its own until this is dropped.
#[derive(Debug)]
pub struct Follower(Arc<Orders>);

#[derive(Debug, Default)]
struct Orders {
    stop: AtomicBool,
    /// Tell what is known already once more: the rows were replaced.
    again: AtomicBool,
}

impl Follower {
    /// Has everything told again that is known by now.
    pub fn tell_all(&self) {
        self.0.again.store(true, Ordering::Relaxed);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// The run's sessions as rows, in its order; `bench` knows the questions, without it only their ids are known.
pub fn entries(manifest: &Manifest, bench: Option<&Benchmark>) -> Vec<Entry> {
    let places: HashMap<&str, usize> =
        bench.iter().flat_map(|b| b.questions().iter().enumerate().map(|(i, q)| (q.id.as_str(), i))).collect();
    let several = manifest.seeds.len() > 1;
    items(manifest)
        .map(|(id, seed)| {
            let place = places.get(id).copied();
            let question = place.and_then(|place| bench?.questions().get(place));
            Entry {
                choice: Choice::Question(place.unwrap_or(usize::MAX)),
                id: if several { format!("{id} #{seed}") } else { id.to_owned() },
                task: question.and_then(|q| q.task),
                text: question.map_or_else(String::new, |q| q.text.clone()),
                choices: question.map(|q| q.choices.clone()).unwrap_or_default(),
                verdict: Verdict::None,
            }
        })
        .collect()
}

/// Question id and seed of every session.
fn items(manifest: &Manifest) -> impl Iterator<Item = (&str, u64)> {
    let seeds = u32::try_from(manifest.seeds.len()).unwrap_or(u32::MAX);
    let first = manifest.seeds.first().copied().unwrap_or(0);
    plan(manifest.questions.len(), first, seeds)
        .filter_map(|item| Some((manifest.questions.get(item.question)?.as_str(), item.seed)))
}

/// Starts to look at the folder; `tell` is told when something has changed.
///
/// # Errors
/// The system refuses a thread.
pub fn start(
    dir: PathBuf,
    manifest: &Manifest,
    mut tell: impl FnMut(Action) + Send + 'static,
) -> std::io::Result<Follower> {
    let orders = Arc::new(Orders::default());
    let (own, title, items) = (Arc::clone(&orders), title(manifest), manifest.items);
    let manifest = manifest.clone();
    let work = move || {
        let (mut known, mut seen) = (HashMap::new(), None);
        let stopped = || own.stop.load(Ordering::Relaxed);
        while !stopped() {
            if own.again.swap(false, Ordering::Relaxed) {
                (known, seen) = (HashMap::new(), None);
            }
            let clock = Instant::now();
            let stamp = stamp(&dir);
            if stamp != seen {
                seen = stamp;
                let changes = changes(&dir, &manifest, &mut known);
                tell(Action::Followed { title: title.clone(), done: known.len(), items, changes });
            }
            let (rest, mut slept) = (LOOK.max(clock.elapsed() * REST), Duration::ZERO);
            while slept < rest && !stopped() && !own.again.load(Ordering::Relaxed) {
                std::thread::sleep(NAP);
                slept += NAP;
            }
        }
    };
    std::thread::Builder::new().name("follow".to_owned()).spawn(work)?;
    Ok(Follower(orders))
}

/// What stands over the list.
pub fn title(manifest: &Manifest) -> String {
    format!("run {} · {}", manifest.run, manifest.benchmark.name)
}

/// Size and time of the summaries: what changes when a session is finished.
fn stamp(dir: &Path) -> Option<(u64, Option<SystemTime>)> {
    let meta = std::fs::metadata(dir.join("summary.jsonl")).ok()?;
    Some((meta.len(), meta.modified().ok()))
}

fn changes(dir: &Path, manifest: &Manifest, known: &mut HashMap<usize, Verdict>) -> Vec<(usize, Choice, Verdict)> {
    let mut changes = Vec::new();
    for (id, summary) in read_summaries(dir) {
        let Some(place) = manifest.index_of(&id) else { continue };
        let verdict = verdict(&summary);
        if known.insert(place, verdict) != Some(verdict) {
            changes.push((place, Choice::Session(log(dir, &id)), verdict));
        }
    }
    changes
}

fn log(dir: &Path, id: &str) -> PathBuf {
    let closed = dir.join(format!("{id}.jsonl.zst"));
    if closed.is_file() { closed } else { dir.join(format!("{id}.jsonl")) }
}

/// How a session came out.
pub fn verdict(summary: &SessionSummary) -> Verdict {
    match (summary.right, &summary.answer, &summary.reason) {
        (Some(true), ..) => Verdict::Right,
        (Some(false), None, _) => Verdict::NoAnswer,
        (Some(false), Some(_), _) if summary.score.is_some_and(|s| s > 0.0) => Verdict::Partial,
        (Some(false), ..) => Verdict::Wrong,
        (None, Some(_), _) => Verdict::Answered,
        (None, None, Some(_)) => Verdict::NoAnswer,
        (None, None, None) => Verdict::None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::session::append_summary;

    fn manifest() -> Manifest {
        serde_json::from_value(serde_json::json!({
            "v": 1, "run": "r", "program": "p", "started": "t",
            "settings": crate::run::RunSettings::default(),
            "benchmark": {"name": "demo", "hash": "", "questions": 2},
            "model": {"name": "m", "weights": "", "dtype": "f32", "device": "cpu"},
            "profile": {"name": "rarl", "hash": ""},
            "machine": {"os": "", "arch": "", "cores": 1},
            "batch": {"concurrency": 1, "threads": 1, "size": 1},
            "blobs": "own", "items": 4, "seeds": [7, 8], "questions": ["a", "b"],
        }))
        .unwrap()
    }

    #[test]
    fn rows_are_the_sessions_of_the_plan() {
        let ids: Vec<String> = entries(&manifest(), None).into_iter().map(|e| e.id).collect();
        assert_eq!(ids, ["a #7", "a #8", "b #7", "b #8"]);
    }

    #[test]
    fn a_finished_session_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let (tell, told) = mpsc::channel();
        let follower = start(dir.path().to_owned(), &manifest(), move |action| drop(tell.send(action))).unwrap();
        let wait = || told.recv_timeout(Duration::from_secs(20)).unwrap();
        let summary =
            SessionSummary { id: "r-00002".into(), right: Some(false), answer: Some("x".into()), ..Default::default() };
        append_summary(dir.path(), &summary).unwrap();
        let Action::Followed { done, items, changes, .. } = wait() else { unreachable!() };
        assert_eq!((done, items), (1, 4));
        assert_eq!(changes, [(2, Choice::Session(dir.path().join("r-00002.jsonl")), Verdict::Wrong)]);
        append_summary(dir.path(), &SessionSummary { id: "other".into(), ..Default::default() }).unwrap();
        let Action::Followed { done, changes, .. } = wait() else { unreachable!() };
        assert_eq!((done, changes.len()), (1, 0));
        drop(follower);
        assert!(told.recv_timeout(Duration::from_secs(20)).is_err(), "it stops");
    }
}

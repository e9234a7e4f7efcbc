//! Sessions in number: what the index costs and how quickly it answers.
//!
//! `PANELSCOPE_BENCH_SESSIONS=1000000 cargo bench --bench sessions` (default: 100,000). Makes that many sessions in a folder (an
//! empty log and a line of a summary each; texts drawn from some thousand words), then measures. `PANELSCOPE_BENCH_DIR=DIR` keeps the
//! folder for the next time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use panelscope::benchmark::{Family, Task};
use panelscope::config::Thresholds;
use panelscope::session::filter::Filter;
use panelscope::session::index::{Index, Order, Sort};
use panelscope::session::{SUMMARY_VERSION, SessionStore, SessionSummary};

/// Sessions a run has.
const RUN: usize = 5000;
/// Raw logs that are read.
const RAW: usize = 600;
const LABELS: [&str; 10] = [
    "right",
    "right",
    "right",
    "right-ungrounded",
    "looked-wrong",
    "partial-look",
    "looked-right-answered-wrong",
    "premature",
    "repeated-zoom",
    "bad-format",
];

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count: usize = number("PANELSCOPE_BENCH_SESSIONS").unwrap_or(100_000);
    let scratch = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("PANELSCOPE_BENCH_DIR").map(PathBuf::from);
    let dir = kept.unwrap_or_else(|| scratch.path().join("many"));
    generate(&dir, count);
    let store = SessionStore::open(&dir).unwrap();
    build(&store, count);
    answer(&store);
    raw(&scratch.path().join("raw"));
    println!("memory: {} MB at most, {} MB now", memory("VmHWM"), memory("VmRSS"));
}

/// A number that looks random and is the same every time.
fn draw(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn summary(n: usize) -> SessionSummary {
    let d = |k: u64| draw(n as u64 * 31 + k);
    let task = Task::ALL[d(1) as usize % 7];
    let label = LABELS[d(2) as usize % LABELS.len()];
    let right = label.starts_with("right");
    // Labels follow from these figures when the index is made.
    let zooms = (d(6) % 5) as u32;
    let share = |k: u64| Some((d(k) % 1000) as f64 / 1000.0);
    let run = format!("run-{:04}", n / RUN);
    let seconds = n as i64;
    let started = jiff::Timestamp::from_second(1_767_225_600 + seconds).unwrap();
    SessionSummary {
        v: SUMMARY_VERSION,
        id: format!("{run}-{n:07}"),
        run: Some(run),
        started: started.to_string(),
        model: ["demo-rarl", "demo-sft", "demo-base"][d(3) as usize % 3].into(),
        benchmark: Some("synth".into()),
        question_id: format!("s{:06}-{}", d(4) % 2000, task.name()),
        task: Some(task),
        family: Some(task.family()),
        page: Some(format!("s{:06}", d(4) % 2000)),
        chance: Some(0.25),
        zoom_needed: Some(true),
        right: Some(right),
        score: Some(f64::from(u8::from(right))),
        answer: Some(["the sea", "Pip", "Bo", "2", "a hat", "none of them"][d(5) as usize % 6].into()),
        resolved: true,
        truth: Some("Pip".into()),
        zooms,
        targets: 1,
        best_zoom: (zooms > 0).then_some(1),
        best_tightness: (zooms > 0).then_some(0.3),
        options: Some(4),
        option: Some(1 + (d(16) % 4) as u32),
        refused: u32::from(d(7) % 20 == 0),
        coverage: share(8),
        iou: share(9),
        looked_right: Some(d(8) % 1000 > 500),
        margin: share(13),
        answer_p: share(14),
        best_coverage: share(15).filter(|_| zooms > 0),
        label: label.into(),
        reason: Some("answered".into()),
        generated: 40 + d(10) % 400,
        seconds: (d(11) % 10_000) as f64 / 1000.0,
        profile: "rarl".into(),
        seed: d(12) % 5,
        tool: true,
        ..SessionSummary::default()
    }
}

fn generate(dir: &Path, count: usize) {
    if dir.join("run-0000").is_dir() {
        return;
    }
    let start = Instant::now();
    for run in 0..count.div_ceil(RUN) {
        let sub = dir.join(format!("run-{run:04}"));
        fs::create_dir_all(&sub).unwrap();
        let mut lines = BufWriter::new(File::create(sub.join("summary.jsonl")).unwrap());
        for n in run * RUN..((run + 1) * RUN).min(count) {
            let summary = summary(n);
            File::create(sub.join(format!("{}.jsonl.zst", summary.id))).unwrap();
            writeln!(lines, "{}", summary.line()).unwrap();
        }
        lines.flush().unwrap();
    }
    println!("made {count} sessions in {:.1} s", start.elapsed().as_secs_f64());
}

/// Some sixty words about a session; common ones often, rare ones rarely.
fn text(id: &str) -> String {
    let n: u64 = id.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let word = |k: u64| {
        let d = draw(n * 97 + k);
        let which = (d % 1000) * (d / 1000 % 1000) * (d / 1_000_000 % 1000) / 250_000;
        format!("w{which}")
    };
    let mut words: Vec<String> = (0..60).map(word).collect();
    if n % 5000 == 7 {
        words.extend(["red".to_owned(), "hat".to_owned()]);
    }
    if n.is_multiple_of(3) {
        words.push("panel".to_owned());
    }
    words.join(" ")
}

fn build(store: &SessionStore, count: usize) {
    let mut index = Index::open(store, Thresholds::default()).unwrap();
    let start = Instant::now();
    let done = index.refresh(&mut |_| true).unwrap();
    let took = start.elapsed().as_secs_f64();
    if done.added > 0 {
        println!("from summaries: {} sessions in {took:.1} s, {:.0} a second", done.added, done.added as f64 / took);
        println!("memory: {} MB at most so far", memory("VmHWM"));
    }
    std::thread::sleep(Duration::from_secs(3));
    index.refresh(&mut |_| true).unwrap();
    let start = Instant::now();
    let done = index.refresh(&mut |_| true).unwrap();
    println!("nothing changed: {:.1} ms ({})", ms(start), done.any());
    let start = Instant::now();
    let texts = index.read_texts_by(&mut |_| true, |_, id| Some(text(id))).unwrap();
    if texts.done > 0 {
        let took = start.elapsed().as_secs_f64();
        println!("texts: {} in {took:.1} s, {:.0} a second", texts.done, texts.done as f64 / took);
    }
    let size: u64 = fs::metadata(index.path().unwrap()).unwrap().len();
    println!("the database: {} MB, {} bytes a session", size >> 20, size / count as u64);
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

fn answer(store: &SessionStore) {
    let start = Instant::now();
    let index = Index::open(store, Thresholds::default()).unwrap();
    let opened = ms(start);
    let total = index.total().unwrap();
    let counted = ms(start);
    let hits = index.find(&Filter::default(), Order::default(), usize::MAX).unwrap();
    let sorted = ms(start);
    let seen = index.rows(&hits.rows[..200.min(hits.count)]).unwrap().len();
    println!(
        "opened: {opened:.1} ms, {total} counted: {counted:.1} ms, in order: {sorted:.1} ms, {seen} rows: {:.1} ms",
        ms(start)
    );
    println!("{:<68} {:>9} {:>9} {:>9}", "filter", "sessions", "first/ms", "all/ms");
    for filter in [
        "",
        "label:looked-wrong",
        "family:depth label:looked-wrong zooms:>=2",
        "family:depth label:looked-wrong zooms:>=2 coverage:<0.2 text:\"hat\"",
        "verdict:wrong,partly -family:depth",
        "zooms:>=2",
        "coverage:<0.05",
        "coverage:<0.5 zooms:>=2 tokens:>300",
        "run:run-0003",
        "run:run-0*",
        "question:s000123",
        "answer:sea",
        "refused:>0 -label:right",
        "started:2026-01-02",
        "seed:3 iou:0.2..0.3",
        "text:\"red hat\"",
        "hat",
        "panel",
        "w17",
        "text:w1",
        "demo-sft",
        "depth",
    ] {
        let parsed = Filter::parse(filter).unwrap();
        let timed = |work: &dyn Fn() -> usize| {
            work();
            let start = Instant::now();
            let n = work();
            (ms(start), n)
        };
        let order = Order::default();
        let (first, n) = timed(&|| {
            let hits = index.find(&parsed, order, 50).unwrap();
            index.rows(&hits.rows).unwrap();
            hits.count
        });
        let (all, _) = timed(&|| index.find(&parsed, order, usize::MAX).unwrap().count);
        println!("{filter:<68} {n:>9} {first:>9.1} {all:>9.1}");
    }
    for sort in ["coverage", "question", "verdict", "model"] {
        let order = Order { sort: Sort::named(sort).unwrap(), falling: false };
        let start = Instant::now();
        index.find(&Filter::default(), order, usize::MAX).unwrap();
        println!("all, sorted by {sort}: {:.0} ms", ms(start));
    }
    assert!(Family::ALL.len() == 4);
}

/// Real logs, without their summaries.
fn raw(dir: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo");
    let logs: Vec<PathBuf> = fs::read_dir(demo)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "zst"))
        .collect();
    fs::create_dir_all(dir.join("run")).unwrap();
    for n in 0..RAW {
        fs::copy(&logs[n % logs.len()], dir.join(format!("run/raw-{n:04}.jsonl.zst"))).unwrap();
    }
    let mut index = Index::open(&SessionStore::open(dir).unwrap(), Thresholds::default()).unwrap();
    let start = Instant::now();
    let done = index.refresh(&mut |_| true).unwrap();
    let took = start.elapsed().as_secs_f64();
    println!(
        "from raw logs: {} sessions with their texts in {took:.1} s, {:.0} a second",
        done.read,
        done.read as f64 / took
    );
}

/// Of this process, in megabytes.
fn memory(which: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

//! Seconds to open a benchmark of 100,000 questions, and to write drawn pages.
//!
//! `cargo bench --bench open_benchmark [-- QUESTIONS PAGES]`. Opening decodes no page; the goal is at most one second.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use panelscope::benchmark::folder::check::{Thoroughness, check};
use panelscope::benchmark::folder::{Amount, QuestionLine, SynthPlan, synth};
use panelscope::benchmark::synthetic::Difficulty;
use panelscope::benchmark::{Question, open};
use panelscope::page::Page;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let (questions, pages) = (numbers.first().copied().unwrap_or(100_000), numbers.get(1).copied().unwrap_or(200));
    let dir = tempfile::tempdir().unwrap();
    for jobs in [1, std::thread::available_parallelism().map_or(1, usize::from)] {
        for difficulty in Difficulty::ALL {
            let plan = SynthPlan { seed: 9, difficulty, amount: Amount::Pages(pages as u64), jobs };
            let start = Instant::now();
            let out = dir.path().join(format!("drawn-{}", difficulty.word()));
            let done = synth(&plan, &out, &AtomicBool::new(false), |_| {}).unwrap();
            let took = start.elapsed().as_secs_f64();
            let per = 1000.0 * took / pages as f64;
            println!(
                "synth {pages} {} pages, {jobs} threads: {took:.2} s, {per:.1} ms a page, {} questions",
                difficulty.word(),
                done.questions()
            );
        }
    }
    let drawn = dir.path().join("drawn-easy");
    let bytes: u64 = fs::read_dir(drawn.join("pages")).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    println!("a page is {} kB", bytes / pages as u64 / 1000);
    let start = Instant::now();
    let report = check(&drawn, Thoroughness::default(), &|_, _| {});
    println!("check: {:.3} s, {} errors", start.elapsed().as_secs_f64(), report.errors);

    let source = open(drawn.to_str().unwrap()).unwrap();
    let many = dir.path().join("many");
    fs::create_dir(&many).unwrap();
    fs::write(many.join("benchmark.json"), r#"{"v":1,"name":"many","licence":"CC0-1.0"}"#).unwrap();
    let mut lines = BufWriter::new(File::create(many.join("questions.jsonl")).unwrap());
    for (n, question) in source.questions().iter().cycle().take(questions).enumerate() {
        let question = Question { id: format!("{}-{n}", question.id), ..question.clone() };
        serde_json::to_writer(&mut lines, &QuestionLine { question, ..QuestionLine::default() }).unwrap();
        lines.write_all(b"\n").unwrap();
    }
    lines.flush().unwrap();
    drop(lines);
    for _ in 0..5 {
        let start = Instant::now();
        let bench = open(many.to_str().unwrap()).unwrap();
        println!("open {} questions: {:.3} s", bench.questions().len(), start.elapsed().as_secs_f64());
    }
    let page = source.pages().unwrap().first().unwrap().clone();
    let file = drawn.join("pages").join(format!("{page}.png"));
    let start = Instant::now();
    for _ in 0..50 {
        Page::open(&file).unwrap();
    }
    println!("decode a page: {:.2} ms", start.elapsed().as_secs_f64() * 20.0);
}

//! Sessions a second of the shipped model, alone and in batches, on drawn pages.
//!
//! `cargo bench --bench batch [-- QUESTIONS [SETTING...]]`; settings are `1` (one session after another), `8` (a batch of
//! eight on one thread), `2x16` (two threads with a batch of sixteen each). The first setting is what others are held
//! against: how many answers and token sequences differ. `RAYON_NUM_THREADS` is honoured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use panelscope::benchmark::{Benchmark, Selection, Task, open_with};
use panelscope::engine::{Ask, Batch, Emission, ImageCache, LocalEngine, Outcome, PageSource, load_model, run_to_end};
use panelscope::model::Model;
use panelscope::protocol::Profile;
use panelscope::trace::{Body, TokenSource};

/// What became of a question: the ids the model wrote, its answer and the figures of its log-probabilities.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    ids: Vec<u32>,
    logprobs: Vec<f32>,
    answer: Option<String>,
    right: bool,
    generated: u64,
    prompt: u64,
}

impl Told {
    fn hear(&mut self, emission: &Emission) {
        if let Body::Tokens(tokens) = &emission.record.body {
            if tokens.by == TokenSource::Sampled {
                self.ids.extend(&tokens.ids);
                self.logprobs.extend(tokens.logprob.iter().flatten());
            } else {
                self.prompt += tokens.ids.len() as u64;
            }
        }
    }

    fn end(&mut self, outcome: &Outcome) {
        assert!(outcome.error.is_none(), "{outcome:?}");
        self.answer = outcome.answer.as_ref().and_then(|a| a.content.clone());
        self.right = outcome.score.as_ref().is_some_and(|s| s.value >= 1.0);
        self.generated = outcome.end.generated;
    }
}

fn ask(benchmark: &Benchmark, profile: &Arc<Profile>, index: usize) -> Ask {
    let question = benchmark.questions()[index].clone();
    Ask::new(
        format!("20260101-000000-{index:06x}"),
        PageSource::Page(benchmark.page(&question).unwrap()),
        question,
        Arc::clone(profile),
    )
}

fn one_by_one(model: &Arc<Model>, asks: &[Ask]) -> Vec<Told> {
    let mut engine = LocalEngine::new(Arc::clone(model));
    let cancel = AtomicBool::new(false);
    let one = |ask: &Ask| {
        let mut told = Told::default();
        let outcome = run_to_end(&mut engine, ask, &mut |e| told.hear(&e), &cancel);
        told.end(&outcome);
        told
    };
    asks.iter().map(one).collect()
}

fn batched(model: &Arc<Model>, asks: &[Ask], threads: usize, size: usize) -> Vec<Told> {
    let images = Arc::new(ImageCache::default());
    let next = AtomicUsize::new(0);
    let all = Mutex::new(vec![Told::default(); asks.len()]);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(Batch::new(Arc::clone(model), size, Arc::clone(&images)), asks, &next, &all));
        }
    });
    all.into_inner().unwrap()
}

fn work(mut batch: Batch, asks: &[Ask], next: &AtomicUsize, all: &Mutex<Vec<Told>>) {
    let mut slots = vec![(0, Told::default()); batch.size()];
    loop {
        while batch.has_room() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(ask) = asks.get(index) else { break };
            slots[batch.add(ask.clone()).unwrap()] = (index, Told::default());
        }
        if batch.running() == 0 {
            return;
        }
        let ended = batch.step(&mut |slot, emission| slots[slot].1.hear(&emission));
        for (slot, outcome) in ended {
            let (index, mut told) = std::mem::take(&mut slots[slot]);
            told.end(&outcome);
            all.lock().unwrap()[index] = told;
        }
    }
}

/// Processor seconds of this process so far, which a busy machine disturbs less than the clock.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().filter_map(|f| f.parse().ok()).collect();
    fields.get(10).zip(fields.get(11)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}

fn main() {
    panelscope::model::settle_threads();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let count = arguments.first().map_or(128, |n| n.parse().expect("how many questions"));
    let usual = ["1", "1x8", "1x16", "1x32", "2x16"].map(str::to_owned);
    let settings = if arguments.len() > 1 { &arguments[1..] } else { &usual[..] };
    let model = Arc::new(load_model(panelscope::demo::model_named(None)).expect("the shipped model"));
    let tasks = vec![Task::DepthComparison, Task::ActionRecognition];
    let selection = Selection { tasks, families: Vec::new(), limit: Some(count) };
    let benchmark = open_with("synth:2", &selection).expect("questions");
    let profile = Arc::new(Profile::builtin("rarl").expect("profile"));
    let asks: Vec<Ask> = (0..benchmark.questions().len()).map(|i| ask(&benchmark, &profile, i)).collect();
    println!("{} questions, RAYON_NUM_THREADS {:?}", asks.len(), std::env::var("RAYON_NUM_THREADS").ok());
    one_by_one(&model, &asks[..asks.len().min(4)]);
    let mut first: Option<(f64, f64, Vec<Told>)> = None;
    for setting in settings {
        let (threads, size) = setting.split_once('x').unwrap_or(("0", setting));
        let (threads, size): (usize, usize) = (threads.parse().expect("threads"), size.parse().expect("size"));
        let (clock, before) = (Instant::now(), processor_seconds());
        let told = if threads == 0 && size == 1 {
            one_by_one(&model, &asks)
        } else {
            batched(&model, &asks, threads.max(1), size)
        };
        let (wall, processor) = (clock.elapsed().as_secs_f64(), processor_seconds() - before);
        let tokens: u64 = told.iter().map(|t| t.generated).sum();
        let prompt: u64 = told.iter().map(|t| t.prompt).sum();
        let right = told.iter().filter(|t| t.right).count();
        let n = told.len() as f64;
        println!(
            "{setting:>5}: {:7.2} sessions/s, {:7.0} tok/s, wall {:.2} s, processor {:.2} s ({:.3} ms a token), {:.0} + {:.0} tokens a session, {right} right",
            n / wall,
            tokens as f64 / wall,
            wall,
            processor,
            1e3 * processor / tokens as f64,
            prompt as f64 / n,
            tokens as f64 / n
        );
        if let Some((w, p, reference)) = &first {
            let pairs = || reference.iter().zip(&told);
            let answers = pairs().filter(|(a, b)| a.answer != b.answer).count();
            let ids = pairs().filter(|(a, b)| a.ids != b.ids).count();
            let bits = pairs()
                .filter(|(a, b)| a.logprobs.iter().map(|x| x.to_bits()).ne(b.logprobs.iter().map(|x| x.to_bits())))
                .count();
            println!(
                "       {:.2} times as fast, {:.2} times less processor; differ: {answers} answers, {ids} token sequences, {bits} in the bits of a log-probability",
                w / wall,
                p / processor
            );
        } else {
            first = Some((wall, processor, told));
        }
    }
}

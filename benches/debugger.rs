//! What going back costs: a fork of a long session against one token, and what is kept for it.
//!
//! `cargo bench --bench debugger`. The demo's model on one thread. A limit stands beside each figure.

#![allow(clippy::expect_used, reason = "a bench")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use panelscope::benchmark;
use panelscope::demo;
use panelscope::engine::{
    Ask, At, Debugging, Edit, Fork, LocalEngine, PageSource, Past, StepEngine, TurnLoop, load_model,
};
use panelscope::model::sampler::{Sampler, Sampling};
use panelscope::protocol::Profile;
use panelscope::trace::{Body, Trace};

const WRITTEN: u32 = 4000;

fn main() {
    let model = Arc::new(load_model(demo::model_source()).expect("the demo's model"));
    let bench = benchmark::open("demo").expect("the demo's questions");
    let question = bench.questions().first().expect("a question").clone();
    let mut profile = Profile::builtin("rarl").expect("the profile");
    profile.limits.max_tokens = WRITTEN;
    profile.limits.max_turns = 100_000;
    let mut ask = Ask {
        seed: 1,
        ..Ask::new(
            "20260101-000000-aaaaaa",
            PageSource::Page(bench.page(&question).expect("its page")),
            question,
            Arc::new(profile),
        )
    };
    let mut engine = LocalEngine::new(model);
    let parent = Arc::new(long_session(&mut engine, &ask));
    let context = parent.trace.context();
    let position = parent.trace.sampled().last().map_or(0, |token| token.position);

    // One token at that length, measured around the end.
    let mut token_ms = f64::MAX;
    let mut fork_ms = f64::MAX;
    let mut resume_ms = f64::MAX;
    for _ in 0..7 {
        let plan = Fork::plan(Arc::clone(&parent), At::Token(position), Edit::Nothing, &ask.profile).expect("a fork");
        ask.debug = Debugging { fork: Some(Arc::new(plan)), ..Debugging::default() };
        let mut session = TurnLoop::new(ask.clone());
        session.start(engine.info(), engine.pixel_limits());
        let clock = Instant::now();
        session.step(&mut engine);
        fork_ms = fork_ms.min(clock.elapsed().as_secs_f64() * 1e3);
        let records = session.drain().len();
        let clock = Instant::now();
        session.step(&mut engine);
        token_ms = token_ms.min(clock.elapsed().as_secs_f64() * 1e3);
        assert!(records > 3);
        // The engine's own part: standing in the parent's context again.
        let ids: Vec<u32> =
            parent.trace.tokens.iter().take_while(|t| t.position < position).map(|token| token.id).collect();
        let images: Vec<_> =
            parent.trace.images.iter().filter_map(|image| parent.pixels.get(&image.event.hash).cloned()).collect();
        let clock = Instant::now();
        let recorded = panelscope::engine::Recorded {
            session: "20260101-000000-bbbbbb",
            parent: "20260101-000000-aaaaaa",
            sampling: ask.sampling,
            seed: 1,
            drawn: 0,
            written: 0,
            ids: &ids,
            images: &images,
            lean: false,
        };
        engine.resume(&recorded).expect("the same context");
        resume_ms = resume_ms.min(clock.elapsed().as_secs_f64() * 1e3);
    }
    println!("context {context} tokens, fork at its last\n");
    println!("{:<58} {:>10}  limit", "what", "measured");
    println!("{:<58} {:>7.2} ms", "one token of the demo's model there", token_ms);
    println!("{:<58} {:>7.2} ms  1 token", "the engine stands in the parent's context again", resume_ms);
    println!("{:<58} {:>7.2} ms  1 token", "the whole fork, its parent's records told again", fork_ms);
    let per_token = size_of::<usize>() as f64;
    // 36 layers, keys and values, 2 heads of 128, four bytes.
    let cache = 36.0 * 2.0 * 2.0 * 128.0 * 4.0;
    println!(
        "{:<58} {:>8.3} %  1 %",
        "kept for going back, a token, of a 3B-shaped KV cache",
        100.0 * per_token / cache
    );
    figures();
}

/// A session that has written 4,000 tokens: it is made to go on whenever it would end.
fn long_session(engine: &mut LocalEngine, ask: &Ask) -> Past {
    let mut session = TurnLoop::new(ask.clone());
    session.start(engine.info(), engine.pixel_limits());
    session.step(engine);
    // A thought that does not end: the same words again and again.
    let words = engine.encode("<think>Look at panel 4.").expect("words");
    let more = engine.encode(" Look at panel 4.").expect("words");
    for id in words.into_iter().chain(more.iter().copied().cycle()).take(WRITTEN as usize - 2) {
        session.force(engine, id);
    }
    let (mut past, mut pixels) = (Past::default(), HashMap::new());
    let mut trace = Trace::new();
    for emission in session.drain() {
        trace.apply(&emission.record);
        if let (Body::Image(image), Some(found)) = (&emission.record.body, emission.pixels) {
            pixels.insert(image.hash.clone(), found);
        }
    }
    past.trace = Arc::new(trace);
    past.pixels = pixels;
    past
}

/// Probability, entropy and alternatives of a real vocabulary, against drawing a token without them.
fn figures() {
    const VOCABULARY: usize = 151_936;
    let logits: Vec<f32> = (0..VOCABULARY).map(|i| ((i * 7919) % 1000) as f32 / 100.0 - 5.0).collect();
    let mut sampler = Sampler::new(Sampling::default(), 0);
    let rounds = 40;
    let clock = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(sampler.next(&logits, &[]).expect("a token"));
    }
    let with = clock.elapsed().as_secs_f64() * 1e3 / f64::from(rounds);
    let clock = Instant::now();
    for _ in 0..rounds {
        let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        std::hint::black_box(best);
    }
    let without = clock.elapsed().as_secs_f64() * 1e3 / f64::from(rounds);
    println!("{:<58} {:>7.2} ms", "greedy choice alone, 151,936 logits", without);
    println!("{:<58} {:>7.2} ms", "with probability, entropy and 8 alternatives", with);
    // Reading 3.1 billion bf16 weights once, at what memory gives: the floor of one 3B token.
    let buffer = vec![1u8; 1 << 28];
    let clock = Instant::now();
    let sum: u64 =
        buffer.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().unwrap_or_default())).fold(0, u64::wrapping_add);
    std::hint::black_box(sum);
    let floor = clock.elapsed().as_secs_f64() * 1e3 * (3.1e9 * 2.0) / buffer.len() as f64;
    println!(
        "{:<58} {:>8.2} %  3 %",
        format!("that, of a 3B token's floor on this machine ({floor:.0} ms)"),
        100.0 * (with - without) / floor
    );
}

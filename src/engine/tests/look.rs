//! Attention and lens of a session's tokens: recorded, asked for, of a recording.

use std::collections::HashMap;

use super::local::{model, small_ask};
use super::*;
use crate::model::watch::{AttentionPick, Heads, Layers};
use crate::trace::{AttentionEvent, LensEvent};

fn attention_of(bodies: &[Body]) -> Vec<AttentionEvent> {
    bodies.iter().filter_map(|b| if let Body::Attention(e) = b { Some((**e).clone()) } else { None }).collect()
}

fn lenses_of(bodies: &[Body]) -> Vec<LensEvent> {
    bodies.iter().filter_map(|b| if let Body::Lens(e) = b { Some((**e).clone()) } else { None }).collect()
}

fn bodies(all: &[Emission]) -> Vec<Body> {
    all.iter().map(|e| e.record.body.clone()).collect()
}

fn looking(layers: Layers) -> Looking {
    Looking { attention: Some(AttentionPick { layers, heads: Heads::Mean }), lens: true }
}

fn watched(seed: u64, layers: Layers) -> Ask {
    let mut ask = small_ask(seed);
    ask.debug.looking = looking(layers);
    ask
}

fn figures(all: &[Emission]) -> Vec<(Vec<u32>, Option<Vec<f32>>)> {
    batches(all).into_iter().map(|t| (t.ids.clone(), t.logprob.clone())).collect::<Vec<_>>()
}

fn past(all: &[Emission]) -> Past {
    let records: Vec<Record> = all.iter().map(|e| e.record.clone()).collect();
    let image = |e: &Emission| match (&e.record.body, &e.pixels) {
        (Body::Image(event), Some(pixels)) => Some((event.hash.clone(), Arc::clone(pixels))),
        _ => None,
    };
    Past { trace: Arc::new(Trace::of(&records)), pixels: all.iter().filter_map(image).collect::<HashMap<_, _>>() }
}

fn flat<T: Clone>(all: Vec<(Vec<u32>, Option<Vec<T>>)>) -> (Vec<u32>, Vec<T>) {
    let ids = all.iter().flat_map(|(ids, _)| ids.clone()).collect();
    (ids, all.into_iter().flat_map(|(_, figures)| figures.unwrap_or_default()).collect())
}

#[test]
fn every_token_is_told_of_and_none_is_another() {
    let plain = run(&mut LocalEngine::new(model()), &small_ask(5)).0;
    let all = run(&mut LocalEngine::new(model()), &watched(5, Layers::Mean)).0;
    assert_eq!(flat(figures(&plain)), flat(figures(&all)), "looking changes nothing");
    let trace = past(&all).trace;
    let written: Vec<u64> = trace.sampled().map(|t| t.position).collect();
    let (events, lenses) = (attention_of(&bodies(&all)), lenses_of(&bodies(&all)));
    assert_eq!(events.iter().map(|e| e.position).collect::<Vec<_>>(), written);
    assert_eq!(lenses.iter().map(|e| e.position).collect::<Vec<_>>(), written);
    for (event, lens) in events.iter().zip(&lenses) {
        let map = event.map(None).unwrap();
        assert!((map.on_images() + map.first + map.prompt + map.own - 1.0).abs() < 1e-4, "{map:?}");
        assert_eq!((map.images[0].rows * map.images[0].columns, map.images[0].pool), (70, 1));
        assert_eq!((event.of, event.blob.len()), ([2, 6], 64));
        let token = &trace.tokens[trace.index_of(event.position).unwrap()];
        assert_eq!(lens.layers(), 2);
        // The last layer is what the model said.
        assert!((lens.logprob[1] - token.logprob.unwrap()).abs() < 1e-3);
        assert!((lens.entropy[1] - token.entropy.unwrap()).abs() < 1e-3 && lens.kl[1] < 1e-4);
        assert_eq!(lens.ids[1][0], token.top[0].0);
    }
    // The first token attends to nothing of its own; later ones do.
    assert_eq!(events[0].map(None).unwrap().own, 0.0);
    assert!(events.last().unwrap().map(None).unwrap().own > 0.0);
    let line = serde_json::to_string(&events[0]).unwrap();
    assert!(line.len() < 1000, "{}", line.len());
}

#[test]
fn a_batch_tells_the_same() {
    let alone = run(&mut LocalEngine::new(model()), &watched(5, Layers::All)).0;
    let mut batch = Batch::new(model(), 2, Arc::new(ImageCache::new(1 << 20)));
    batch.add(watched(5, Layers::All)).unwrap();
    batch.add(small_ask(6)).unwrap();
    let mut all: Vec<Emission> = Vec::new();
    while batch.running() > 0 {
        batch.step(&mut |slot, emission| {
            if slot == 0 {
                all.push(emission);
            }
        });
    }
    assert_eq!(flat(figures(&alone)), flat(figures(&all)));
    let (a, b) = (attention_of(&bodies(&alone)), attention_of(&bodies(&all)));
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a.maps.len(), 2);
        for (a, b) in a.maps.iter().zip(&b.maps) {
            assert!((a.on_images() - b.on_images()).abs() < 1e-4 && (a.first - b.first).abs() < 1e-4);
        }
    }
}

#[test]
fn a_look_is_answered_beside_the_log_and_leaves_no_trace() {
    let straight = run(&mut LocalEngine::new(model()), &watched(5, Layers::Mean)).0;
    let recorded = attention_of(&bodies(&straight));
    let mut handle = spawn(ModelSource::Loaded(model()), small_ask(5), Start::Paused);
    let first = recorded[0].position;
    for step in 0..100 {
        handle.send(Command::Step(StepUnit::Token));
        if step % 3 == 2 {
            let back = first + step / 2;
            handle.send(Command::Look(looking(Layers::Mean).at(back)));
        }
    }
    handle.send(Command::Look(looking(Layers::Mean).at(0)));
    let mut all = Vec::new();
    while let Some(emission) = handle.emissions().blocking_recv() {
        all.push(emission);
    }
    let (asides, log): (Vec<Emission>, Vec<Emission>) = all.into_iter().partition(|e| e.aside);
    sound(&log);
    assert_eq!(flat(figures(&straight)), flat(figures(&log)), "looking back changes no bit of what follows");
    let looked = attention_of(&bodies(&asides));
    assert!(looked.len() > 5);
    for event in looked.iter().filter(|event| !event.maps.is_empty()) {
        let same = recorded.iter().find(|other| other.position == event.position).unwrap();
        let (a, b) = (event.map(None).unwrap(), same.map(None).unwrap());
        assert!((a.first - b.first).abs() < 1e-5 && (a.on_images() - b.on_images()).abs() < 1e-5);
    }
}

#[test]
fn who_cannot_look_says_so() {
    let mut engine = ScriptedEngine::from_texts(&[ANSWER]);
    assert!(!engine.capabilities().attention && !engine.capabilities().lens);
    assert!(LocalEngine::new(model()).capabilities().attention);
    // A recording asked for all the same goes on without, and says so once.
    let mut asked = ask();
    asked.debug.looking = looking(Layers::Mean);
    let (all, outcome) = run(&mut engine, &asked);
    assert_eq!(outcome.end.reason, "answered");
    let errors = bodies(&all).into_iter().filter(|b| matches!(b, Body::Error(e) if e.kind == "look")).count();
    assert_eq!(errors, 1);
    let engine = ScriptedEngine::from_texts(&[ANSWER]);
    let made =
        ModelSource::Made("scripted".into(), Box::new(move || Ok(Box::new(engine) as Box<dyn StepEngine + Send>)));
    let mut handle = spawn(made, ask(), Start::Paused);
    handle.send(Command::Look(looking(Layers::Mean).at(3)));
    handle.send(Command::Stop);
    let mut told = Vec::new();
    while let Some(emission) = handle.emissions().blocking_recv() {
        if emission.aside {
            told.push(emission.record.body);
        }
    }
    assert_eq!(attention_of(&told).iter().map(|e| e.maps.len()).collect::<Vec<_>>(), [0]);
    assert_eq!(lenses_of(&told).iter().map(LensEvent::layers).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_recording_is_looked_at_with_its_own_weights_only() {
    let all = run(&mut LocalEngine::new(model()), &watched(5, Layers::All)).0;
    let recorded = attention_of(&bodies(&all));
    let mut past = past(&all);
    let mut looker = Looker::new(model());
    for event in recorded.iter().rev().step_by(7) {
        let found = looker.look(&past, &looking(Layers::All).at(event.position)).unwrap();
        let found = &attention_of(&found)[0];
        assert_eq!(found.maps.len(), event.maps.len());
        for (a, b) in found.maps.iter().zip(&event.maps) {
            assert!(
                (a.first - b.first).abs() < 1e-4 && (a.own - b.own).abs() < 1e-4 && (a.prompt - b.prompt).abs() < 1e-4
            );
            assert!((a.images[0].scale - b.images[0].scale).abs() < 1e-4);
        }
    }
    assert!(looker.look(&past, &looking(Layers::One(9)).at(recorded[0].position)).is_err());
    assert!(looker.look(&past, &looking(Layers::Mean).at(99_999)).is_err());
    let mut blind = past.clone();
    blind.pixels.clear();
    assert!(Looker::new(model()).look(&blind, &looking(Layers::Mean).at(recorded[0].position)).is_err());
    let trace = Arc::make_mut(&mut past.trace);
    trace.start.as_mut().unwrap().model.weights = "00".into();
    let why = Looker::new(model()).look(&past, &looking(Layers::Mean).at(recorded[0].position)).unwrap_err();
    assert!(why.to_string().contains("other weights"), "{why}");
}

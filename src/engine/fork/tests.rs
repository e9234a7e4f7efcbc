#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use image::RgbImage;

use super::*;
use crate::benchmark::{self, Benchmark};
use crate::demo;
use crate::engine::{Ask, CropMode, Debugging, Emission, LocalEngine, PageSource, StepEngine, load_model, run_to_end};
use crate::model::Model;
use crate::model::sampler::Sampling;
use crate::trace::{Body, ZoomOutcome};

const HOT: Sampling = Sampling { temperature: 1.3, top_k: 0, top_p: 1.0, repetition_penalty: 1.0 };

fn model() -> Arc<Model> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    Arc::clone(MODEL.get_or_init(|| Arc::new(load_model(demo::model_source()).unwrap())))
}

fn bench() -> &'static Benchmark {
    static BENCH: OnceLock<Benchmark> = OnceLock::new();
    BENCH.get_or_init(|| benchmark::open("demo").unwrap())
}

fn ask(sampling: Sampling) -> Ask {
    let question = bench().questions().iter().find(|q| q.task.is_some_and(|t| t.name() == "depth-comparison")).unwrap();
    Ask {
        benchmark: Some("demo".into()),
        sampling,
        seed: 3,
        max_tokens: Some(300),
        ..Ask::new(
            "20260101-000000-aaaaaa",
            PageSource::Page(bench().page(question).unwrap()),
            question.clone(),
            Arc::new(Profile::builtin("rarl").unwrap()),
        )
    }
}

fn told(engine: &mut dyn StepEngine, ask: &Ask) -> Past {
    let mut all: Vec<Emission> = Vec::new();
    run_to_end(engine, ask, &mut |emission| all.push(emission), &AtomicBool::new(false));
    let mut past = Past::default();
    let (mut pixels, mut last) = (HashMap::new(), 0.0);
    for (seq, emission) in all.into_iter().enumerate() {
        assert_eq!(emission.record.seq, seq as u64);
        assert!(emission.record.t >= last, "time goes back at {seq}");
        last = emission.record.t;
        Arc::make_mut(&mut past.trace).apply(&emission.record);
        if let (Body::Image(event), Some(image)) = (&emission.record.body, emission.pixels) {
            pixels.insert(event.hash.clone(), image);
        }
    }
    past.pixels = pixels;
    assert_eq!(past.trace.problems, Vec::<String>::new());
    assert!(past.trace.errors.is_empty(), "{:?}", past.trace.errors);
    past
}

fn forked(engine: &mut dyn StepEngine, parent: &Arc<Past>, base: &Ask, at: At, edit: Edit) -> Past {
    let fork = Fork::plan(Arc::clone(parent), at, edit, &base.profile).unwrap();
    let debug = Debugging { fork: Some(Arc::new(fork)), ..Debugging::default() };
    told(engine, &Ask { id: "20260101-000000-bbbbbb".into(), debug, ..base.clone() })
}

fn ids(past: &Past) -> Vec<u32> {
    past.trace.tokens.iter().map(|token| token.id).collect()
}

fn written(past: &Past) -> Vec<u64> {
    past.trace.sampled().map(|token| token.position).collect()
}

/// The second likeliest token at the first place after `from` where it has some probability.
fn alternative(past: &Past, from: u64) -> (u64, u32) {
    let mut tokens = past.trace.sampled().filter(|token| token.position >= from);
    let token = tokens.find(|t| t.top.get(1).is_some_and(|top| top.2 > -6.0 && top.0 != t.id)).unwrap();
    (token.position, token.top[1].0)
}

#[test]
fn going_on_unedited_gives_the_same_bits_from_any_place() {
    for sampling in [Sampling::default(), HOT] {
        let mut engine = LocalEngine::new(model());
        let base = ask(sampling);
        let parent = Arc::new(told(&mut engine, &base));
        let places = written(&parent);
        for position in places.iter().step_by(7).chain(places.last()).copied() {
            let fork = forked(&mut engine, &parent, &base, At::Token(position), Edit::Nothing);
            let event = fork.trace.fork.as_ref().unwrap();
            assert_eq!((event.position, event.exact, event.moved), (position, true, Some(0.0)), "{event:?}");
            assert_eq!(fork.trace.tokens.len(), parent.trace.tokens.len());
            for (a, b) in fork.trace.tokens.iter().zip(&parent.trace.tokens) {
                assert_eq!((a.id, a.logprob, a.entropy, &a.top, a.by), (b.id, b.logprob, b.entropy, &b.top, b.by));
            }
            assert_eq!((&fork.trace.zooms, &fork.trace.answer), (&parent.trace.zooms, &parent.trace.answer));
            assert_eq!((&fork.trace.segments, &fork.trace.score), (&parent.trace.segments, &parent.trace.score));
            let (own, its) = (fork.trace.end.as_ref().unwrap(), parent.trace.end.as_ref().unwrap());
            assert_eq!((own.turns, own.zooms, own.generated), (its.turns, its.zooms, its.generated));
            let said = fork.trace.start.as_ref().unwrap().parent.clone().unwrap();
            assert_eq!((said.session.as_str(), said.position), ("20260101-000000-aaaaaa", position));
        }
    }
}

#[test]
fn a_cold_engine_recomputes_and_says_how_far_it_is_off() {
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut LocalEngine::new(model()), &base));
    let position = written(&parent)[30];
    let fork = forked(&mut LocalEngine::new(model()), &parent, &base, At::Token(position), Edit::Nothing);
    let event = fork.trace.fork.as_ref().unwrap();
    assert_eq!((event.exact, event.kept), (false, 0));
    assert!(event.moved.unwrap() < 1e-4, "{event:?}");
    assert_eq!(ids(&fork), ids(&parent));
}

#[test]
fn what_was_recomputed_once_is_not_exact_the_second_time() {
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut LocalEngine::new(model()), &base));
    let position = written(&parent)[30];
    let mut cold = LocalEngine::new(model());
    for _ in 0..2 {
        let fork = forked(&mut cold, &parent, &base, At::Token(position), Edit::Nothing);
        assert!(!fork.trace.fork.as_ref().unwrap().exact);
    }
    // Of the fork itself it is: those are its own passes.
    let own = Arc::new(forked(&mut cold, &parent, &base, At::Token(position), Edit::Nothing));
    let again = forked(&mut cold, &own, &base, At::Token(position + 3), Edit::Nothing);
    assert!(again.trace.fork.as_ref().unwrap().exact);
}

#[test]
fn another_token_is_forced_and_a_fork_can_be_forked() {
    let mut engine = LocalEngine::new(model());
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut engine, &base));
    let (position, id) = alternative(&parent, written(&parent)[3]);
    let fork = Arc::new(forked(&mut engine, &parent, &base, At::Token(position), Edit::Token(id)));
    let index = fork.trace.index_of(position).unwrap();
    assert_eq!(ids(&fork)[..index], ids(&parent)[..index]);
    let token = &fork.trace.tokens[index];
    assert_eq!((token.id, token.by), (id, TokenSource::Forced));
    assert_eq!(token.top, parent.trace.tokens[index].top, "the same place, the same distribution");
    assert_eq!(fork.trace.fork.as_ref().unwrap().moved, Some(0.0));

    let later = written(&fork).into_iter().find(|p| *p > position + 3).unwrap();
    let again = forked(&mut engine, &fork, &base, At::Token(later), Edit::Nothing);
    assert_eq!(ids(&again), ids(&fork));
    assert_eq!(again.trace.tokens[index].by, TokenSource::Forced);
}

#[test]
fn typed_text_stands_in_the_place_of_what_stood_there() {
    let mut engine = LocalEngine::new(model());
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut engine, &base));
    let position = written(&parent)[0];
    let text = "<answer>left</answer><|im_end|>";
    let fork = forked(&mut engine, &parent, &base, At::Token(position), Edit::Text(text.into()));
    assert_eq!(fork.trace.answer.as_ref().unwrap().raw, "left");
    assert!(fork.trace.zooms.is_empty());
    assert!(fork.trace.sampled().all(|token| token.by == TokenSource::Forced));
}

#[test]
fn a_call_can_name_another_box() {
    let mut engine = LocalEngine::new(model());
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut engine, &base));
    let wanted = PageBox::new(120.0, 120.0, 360.0, 420.0);
    let fork = forked(&mut engine, &parent, &base, At::Zoom(1), Edit::Box(wanted));
    let ZoomOutcome::Cropped { page_box, crop } = &fork.trace.zooms[0].outcome else { panic!("refused") };
    for (got, asked) in page_box.corners().iter().zip(wanted.corners()) {
        assert!((got - asked).abs() <= 6.0, "{page_box:?}: within a pixel of the processed page");
    }
    assert_eq!(fork.trace.zooms[0].label, parent.trace.zooms[0].label);
    assert!(fork.trace.images.iter().any(|image| image.event.hash == *crop));
    let event = fork.trace.fork.as_ref().unwrap();
    assert!(event.exact && event.moved == Some(0.0));
    assert!(fork.trace.answer.is_some());
}

#[test]
fn a_crop_can_be_another_one() {
    let mut engine = LocalEngine::new(model());
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut engine, &base));
    let size = parent.trace.images[1].event.original;
    let page = parent.pixels.values().find(|image| image.width() > size.w).unwrap();
    let file = Arc::new(RgbImage::from_pixel(60, 60, image::Rgb([9, 9, 9])));
    for other in [
        OtherCrop::Blank,
        OtherCrop::Region(PageBox::new(0.0, 0.0, 200.0, 200.0)),
        OtherCrop::Image(Arc::clone(&file), "black.png".into()),
    ] {
        let fork = forked(&mut engine, &parent, &base, At::Zoom(1), Edit::Crop(other.clone()));
        let response = parent.response(&parent.trace.zooms[0]);
        assert_eq!(fork.trace.fork.as_ref().unwrap().position, response);
        let index = parent.trace.index_of(response).unwrap();
        assert_eq!(ids(&fork)[..index], ids(&parent)[..index]);
        let ZoomOutcome::Cropped { page_box, crop } = &fork.trace.zooms[0].outcome else { panic!("refused") };
        let given = &fork.pixels[crop];
        match other {
            OtherCrop::Blank => assert!(given.pixels().all(|p| p.0 == [128; 3])),
            OtherCrop::Region(region) => {
                assert_eq!(*page_box, region);
                assert_eq!(given.get_pixel(5, 5), page.get_pixel(5, 5));
            }
            OtherCrop::Image(..) => assert_eq!(given, &file),
            OtherCrop::Withheld => panic!("none of those asked for"),
        }
        assert_eq!(fork.trace.images[1].event.hash, *crop, "it is what entered the context");
        assert!(fork.trace.end.is_some());
    }
}

#[test]
fn a_crop_is_withheld_and_a_call_is_put_first() {
    let mut engine = LocalEngine::new(model());
    let base = Ask { crop_mode: CropMode::Withheld, ..ask(Sampling::default()) };
    let parent = Arc::new(told(&mut engine, &ask(Sampling::default())));
    let fork = forked(&mut engine, &parent, &base, At::Zoom(1), Edit::Crop(OtherCrop::Withheld));
    let ZoomOutcome::Refused { detail, .. } = &fork.trace.zooms[0].outcome else { panic!("a crop") };
    assert_eq!(detail, "the crop is withheld");
    assert!(fork.trace.zooms.iter().all(|zoom| matches!(zoom.outcome, ZoomOutcome::Refused { .. })));
    assert_eq!(fork.trace.start.as_ref().unwrap().interventions, ["crop=withheld"]);
    assert_eq!(fork.trace.images.len(), 1, "no pixels of it enter the context");

    let first = parent.trace.sampled().next().unwrap().position;
    let region = PageBox::new(10.0, 20.0, 150.0, 180.0);
    let base = ask(Sampling::default());
    let fork = forked(&mut engine, &parent, &base, At::Token(first), Edit::Call(region));
    let ZoomOutcome::Cropped { page_box, .. } = fork.trace.zooms[0].outcome else { panic!("refused") };
    for (a, b) in page_box.corners().iter().zip(region.corners()) {
        assert!((a - b).abs() <= 4.0, "{page_box:?}: whole pixels of the processed page");
    }
    assert_eq!(fork.trace.images.len(), 2);
}

#[test]
fn the_same_crop_again_gives_the_same_bits() {
    let mut engine = LocalEngine::new(model());
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut engine, &base));
    let ZoomOutcome::Cropped { page_box, .. } = parent.trace.zooms[0].outcome else { panic!("refused") };
    let fork = forked(&mut engine, &parent, &base, At::Zoom(1), Edit::Crop(OtherCrop::Region(page_box)));
    assert!(fork.trace.fork.as_ref().unwrap().exact);
    for (a, b) in fork.trace.tokens.iter().zip(&parent.trace.tokens) {
        assert_eq!((a.id, a.logprob, &a.top), (b.id, b.logprob, &b.top));
    }
    assert_eq!(fork.trace.tokens.len(), parent.trace.tokens.len());
}

#[test]
fn settings_of_the_opening_begin_anew_and_others_go_on() {
    let mut engine = LocalEngine::new(model());
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut engine, &base));
    let hottest = Sampling { temperature: 4.0, ..HOT };
    let hot = Ask { sampling: hottest, seed: 11, ..base.clone() };
    let position = written(&parent)[10];
    let names = vec!["temperature".into(), "seed".into()];
    let fork = forked(&mut engine, &parent, &hot, At::Token(position), Edit::Settings(names));
    let event = fork.trace.fork.as_ref().unwrap();
    assert!(event.exact && event.moved == Some(0.0));
    assert_ne!(ids(&fork), ids(&parent));

    let off = Ask { tool: false, ..base.clone() };
    let fork = forked(&mut engine, &parent, &off, At::End, Edit::Settings(vec!["tool".into()]));
    assert_eq!(fork.trace.start.as_ref().unwrap().parent.as_ref().unwrap().position, 0);
    assert!(!fork.trace.start.as_ref().unwrap().tool && fork.trace.images.len() == 1);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut LocalEngine::new(model()), &base));
    let plan = |at, edit| Fork::plan(Arc::clone(&parent), at, edit, &base.profile).unwrap_err().to_string();
    assert!(plan(At::Token(3), Edit::Nothing).contains("token 3 was not written by the model"));
    assert!(plan(At::Token(99_999), Edit::Nothing).contains("no token 99999"));
    assert!(plan(At::Zoom(9), Edit::Nothing).contains("from 1 to"));
    assert!(plan(At::Segment(0), Edit::Nothing).contains("no segment 0"));
    let off = PageBox::new(-9.0, -9.0, -1.0, -1.0);
    assert!(plan(At::Zoom(1), Edit::Box(off)).contains("does not lie on the page"));
    let region = OtherCrop::Region(off);
    assert!(plan(At::Zoom(1), Edit::Crop(region)).contains("does not lie on the page"));
    assert!(plan(At::End, Edit::Nothing).contains("no place after its end"));
    let blind = Arc::new(Past { trace: Arc::clone(&parent.trace), pixels: HashMap::new() });
    let fork = Fork::plan(blind, At::Token(written(&parent)[5]), Edit::Nothing, &base.profile).unwrap();
    let debug = Debugging { fork: Some(Arc::new(fork)), ..Debugging::default() };
    let mut errors = Vec::new();
    let mut note = |e: Emission| {
        if let Body::Error(error) = e.record.body {
            errors.push(error.message)
        }
    };
    run_to_end(&mut LocalEngine::new(model()), &Ask { debug, ..base.clone() }, &mut note, &AtomicBool::new(false));
    assert!(errors[0].contains("pixels"), "{errors:?}");
    assert_eq!("zoom:2".parse::<At>(), Ok(At::Zoom(2)));
    assert!("zoom:x".parse::<At>().unwrap_err().contains("is no place"));
}

#[test]
fn pixel_limits_are_told_and_obeyed() {
    let mut engine = LocalEngine::new(model());
    let base = ask(Sampling::default());
    let parent = Arc::new(told(&mut engine, &base));
    let own = parent.trace.start.as_ref().unwrap();
    let limits = (own.min_pixels, own.max_pixels / 2);
    let fork = Fork::plan(Arc::clone(&parent), At::End, Edit::Settings(vec!["pixels".into()]), &base.profile).unwrap();
    let debug = Debugging { fork: Some(Arc::new(fork)), pixels: Some(limits), ..Debugging::default() };
    let fork = told(&mut engine, &Ask { debug, ..base.clone() });
    assert_eq!(fork.trace.start.as_ref().unwrap().max_pixels, limits.1);
    let tokens = |past: &Past| past.trace.images[0].event.tokens;
    assert!(tokens(&fork) < tokens(&parent), "{} {}", tokens(&fork), tokens(&parent));
    let again = told(&mut engine, &base);
    assert_eq!(tokens(&again), tokens(&parent), "the limits were for one session");
}

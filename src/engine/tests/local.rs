//! A real model, tiny and random: the goldens' checkpoint with a tokenizer of single bytes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use candle_core::Device;
use serde_json::json;

use super::*;
use crate::model::{FileSource, Model};

/// As the golden's config has them.
const SPECIALS: [(&str, u32); 6] = [
    ("<|image_pad|>", 250),
    ("<|video_pad|>", 251),
    ("<|vision_start|>", 252),
    ("<|vision_end|>", 253),
    ("<|im_end|>", 254),
    ("<|im_start|>", 255),
];

/// The character byte-level tokenizers write for a byte.
fn letter(byte: u8) -> char {
    let printable = |b: u8| matches!(b, 33..=126 | 161..=172 | 174..=255);
    if printable(byte) {
        return char::from(byte);
    }
    let index = (0..byte).filter(|&b| !printable(b)).count() as u32;
    char::from_u32(256 + index).unwrap()
}

/// Byte tokens have the ids that the specials leave free.
fn byte_id(byte: u8) -> u32 {
    if byte < 250 { u32::from(byte) } else { u32::from(byte) + 6 }
}

fn tokenizer() -> String {
    let mut vocab: BTreeMap<String, u32> = (0..=255).map(|b| (letter(b).to_string(), byte_id(b))).collect();
    vocab.extend(SPECIALS.map(|(content, id)| (content.to_owned(), id)));
    let added: Vec<_> = SPECIALS
        .iter()
        .map(|(content, id)| json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}))
        .collect();
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    let model = json!({"type": "BPE", "vocab": vocab, "merges": []});
    json!({"version": "1.0", "added_tokens": added, "normalizer": null, "pre_tokenizer": level, "decoder": level, "model": model}).to_string()
}

fn folder(max_positions: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/model/append-crop");
    let config = std::fs::read_to_string(format!("{golden}/config.json")).unwrap();
    let limit = format!("\"max_position_embeddings\": {max_positions}");
    assert!(config.contains("\"max_position_embeddings\": 4096"));
    std::fs::write(dir.path().join("config.json"), config.replace("\"max_position_embeddings\": 4096", &limit))
        .unwrap();
    std::fs::copy(format!("{golden}/model.safetensors"), dir.path().join("model.safetensors")).unwrap();
    std::fs::write(dir.path().join("tokenizer.json"), tokenizer()).unwrap();
    dir
}

pub(super) fn loaded(max_positions: u32) -> Arc<Model> {
    let dir = folder(max_positions);
    Arc::new(Model::load(&FileSource::Folder(dir.path().to_owned()), &Device::Cpu).unwrap())
}

pub(super) fn model() -> Arc<Model> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    Arc::clone(MODEL.get_or_init(|| loaded(4096)))
}

pub(super) fn small_ask(seed: u64) -> Ask {
    let mut it = ask();
    let pixels = RgbImage::from_fn(56, 80, |x, y| Rgb([(x * 4) as u8, (y * 3) as u8, 77]));
    it.page = PageSource::Page(Arc::new(Page::from_pixels(pixels)));
    it.sampling = Sampling { temperature: 1.0, top_k: 0, top_p: 0.95, repetition_penalty: 1.1 };
    (it.seed, it.max_tokens) = (seed, Some(40));
    it
}

fn ids(all: &[Emission]) -> Vec<u32> {
    ids_of(&all.iter().map(|e| e.record.clone()).collect::<Vec<_>>())
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let mut engine = LocalEngine::new(model());
    let first = run(&mut engine, &small_ask(1)).0;
    let again = run(&mut engine, &small_ask(1)).0;
    let fresh = run(&mut LocalEngine::new(model()), &small_ask(1)).0;
    let other = run(&mut engine, &small_ask(2)).0;
    assert!(ids(&first).len() > 10);
    assert_eq!((ids(&first), ids(&first)), (ids(&again), ids(&fresh)));
    assert_ne!(ids(&first), ids(&other));
    let Body::SessionStart(start) = &first[0].record.body else { panic!() };
    assert_eq!(
        (start.model.dtype.as_str(), start.model.device.as_str(), start.model.weights.len()),
        ("f32", "cpu", 64)
    );
    assert!(batches(&first).iter().any(|t| t.sampled_logprob.is_some()), "penalty and top-p change probabilities");
}

#[test]
fn positions_and_pads_add_up() {
    let (all, outcome) = run(&mut LocalEngine::new(model()), &small_ask(3));
    let prompt = batches(&all)[0];
    let pads = prompt.ids.iter().filter(|&&id| id == 250).count();
    // 56×80 at 8 pixels a token.
    assert_eq!((pads, prompt.start), (70, 0));
    let logged: usize = batches(&all).iter().map(|t| t.ids.len()).sum();
    assert_eq!(logged as u64, outcome.end.context);
}

#[test]
fn stepping_equals_running() {
    let straight = run(&mut LocalEngine::new(model()), &small_ask(5)).0;
    let mut handle = spawn(ModelSource::Loaded(model()), small_ask(5), Start::Paused);
    let mut all = Vec::new();
    for _ in 0..100 {
        handle.send(Command::Step(StepUnit::Token));
    }
    while let Some(emission) = handle.emissions().blocking_recv() {
        all.push(emission);
    }
    sound(&all);
    assert_eq!(ids(&all), ids(&straight));
    assert!(batches(&all).iter().all(|t| t.by == TokenSource::Prompt || t.ids.len() == 1));
}

/// Makes the model write this, byte by byte.
fn write(session: &mut TurnLoop, engine: &mut LocalEngine, text: &str) {
    for byte in text.bytes() {
        assert_ne!(session.force(engine, byte_id(byte)), Boundary::Ended);
    }
}

#[test]
fn going_back_and_on_is_bit_identical_also_over_a_crop() {
    let mut engine = LocalEngine::new(model());
    let mut it = small_ask(9);
    it.max_tokens = Some(1000);
    let mut session = TurnLoop::new(it);
    session.start(engine.info(), engine.pixel_limits());
    session.step(&mut engine);
    let opening = session.mark(&engine);
    write(&mut session, &mut engine, &zoom_call("8, 8, 48, 64"));
    let called = session.mark(&engine);
    assert_eq!(session.force(&mut engine, 254), Boundary::Turn);
    let appended = session.mark(&engine);
    let tokens = |session: &mut TurnLoop, engine: &mut LocalEngine, n: usize| -> Vec<(u32, u32, u32)> {
        session.flush();
        session.drain();
        for _ in 0..n {
            session.step(engine);
        }
        session.flush();
        let all = session.drain();
        let sampled = batches(&all).into_iter().filter(|t| t.by == TokenSource::Sampled);
        let rows = sampled.flat_map(|t| t.ids.iter().zip(t.logprob.as_ref().unwrap()).zip(t.entropy.as_ref().unwrap()));
        rows.map(|((id, logprob), entropy)| (*id, logprob.to_bits(), entropy.to_bits())).collect()
    };
    let after_crop = tokens(&mut session, &mut engine, 10);
    let late = session.mark(&engine);
    let later = tokens(&mut session, &mut engine, 10);
    assert!(after_crop.len() == 10 && later.len() == 10, "seed 9 writes no end of turn here");

    session.rewind(&mut engine, &late).unwrap();
    assert_eq!(tokens(&mut session, &mut engine, 10), later);
    session.rewind(&mut engine, &appended).unwrap();
    assert_eq!(tokens(&mut session, &mut engine, 10), after_crop);
    // Back before the crop: it is cut, encoded and appended again.
    session.rewind(&mut engine, &called).unwrap();
    assert_eq!(session.force(&mut engine, 254), Boundary::Turn);
    assert_eq!(engine.position(), appended.position());
    assert_eq!(tokens(&mut session, &mut engine, 10), after_crop);
    // Another way on: what was marked on the first way is no longer there.
    session.rewind(&mut engine, &opening).unwrap();
    assert!(matches!(session.rewind(&mut engine, &late), Err(EngineError::StaleMark)));
    write(
        &mut session,
        &mut engine,
        "<think>something else, and long enough to pass the marked place</think> and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and so on, and on, and on",
    );
    assert!(matches!(session.rewind(&mut engine, &called), Err(EngineError::StaleMark)));
    assert!(session.rewind(&mut engine, &opening).is_ok());
    engine.begin(Sampling::default(), 0).unwrap();
    assert!(matches!(engine.rewind(&engine.mark()), Ok(())));
    assert!(matches!(session.rewind(&mut engine, &opening), Err(EngineError::StaleMark)));
}

#[test]
fn the_question_cannot_break_a_real_tokenizer_either() {
    let mut it = small_ask(11);
    it.question.text = "<|image_pad|><|im_end|><|vision_start|> é <|video_pad|>".into();
    let (all, outcome) = run(&mut LocalEngine::new(model()), &it);
    assert_ne!(outcome.end.reason, "error");
    let count = |id: u32| batches(&all)[0].ids.iter().filter(|&&i| i == id).count();
    assert_eq!((count(250), count(251), count(252), count(254), count(255)), (70, 0, 1, 2, 3));
    assert!(text_of(&all, TokenSource::Prompt).contains(&it.question.text));
}

#[test]
fn the_models_own_context_limit_holds() {
    let opening = batches(&run(&mut LocalEngine::new(model()), &small_ask(1)).0)[0].ids.len() as u32;
    let mut short = LocalEngine::new(loaded(opening + 6));
    let (_, outcome) = run(&mut short, &small_ask(1));
    assert_eq!((outcome.end.reason.as_str(), outcome.end.generated), ("max_tokens", 6));
    let (_, outcome) = run(&mut LocalEngine::new(loaded(100)), &small_ask(1));
    assert_eq!((outcome.end.reason.as_str(), outcome.error.unwrap().kind.as_str()), ("error", "context"));
}

#[test]
fn a_model_folder_is_loaded_on_the_sessions_thread() {
    let dir = folder(4096);
    let source = ModelSource::Load(FileSource::Folder(dir.path().to_owned()).into());
    let mut handle = spawn(source, small_ask(1), Start::Running);
    let mut all = Vec::new();
    while let Some(emission) = handle.emissions().blocking_recv() {
        all.push(emission);
    }
    sound(&all);
    assert_eq!(ids(&all), ids(&run(&mut LocalEngine::new(model()), &small_ask(1)).0));
}

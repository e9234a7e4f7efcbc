//! An engine without a model: it says what a script says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;

use super::{Appended, Capabilities, EngineError, Mark, Recorded, Resumed, StepEngine, StepToken};
use crate::geometry::Size;
use crate::model::sampler::Sampling;
use crate::trace::ModelInfo;

const SPECIALS: [&str; 7] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|im_start|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
];
const IM_END: u32 = 0;
const VISION_START: u32 = 3;
const VISION_END: u32 = 4;
const IMAGE_PAD: u32 = 5;
/// Ids of the 256 single bytes follow the specials; ids of script tokens follow them.
const FIRST_BYTE: u32 = SPECIALS.len() as u32;
const CELL: u32 = 28;

/// Replays a fixed list of tokens, for tests of the turn loop and of screens that must not wait for a model.
///
/// Everything around it is as with a real model: special tokens are recognised in prompts (other text becomes one token a
/// byte), an image becomes one token for 28×28 pixels (its sides rounded to multiples of 28), positions count, marks
/// work. Figures are made up, but the same each time. When the script is over, it ends the turn.
#[derive(Clone, Debug)]
pub struct ScriptedEngine {
    vocabulary: Vec<Vec<u8>>,
    ids: HashMap<Vec<u8>, u32>,
    script: Vec<u32>,
    cursor: usize,
    context: Vec<u32>,
    delay: Duration,
    limit: u64,
    fail_at: Option<usize>,
    panic_at: Option<usize>,
}

/// What a mark of this engine holds.
#[derive(Debug)]
struct Place {
    cursor: usize,
    context: Vec<u32>,
}

impl ScriptedEngine {
    /// An engine that says these turns; each is a list of token texts, `<|im_end|>` is added after each.
    pub fn new<T: AsRef<[u8]>>(turns: &[&[T]]) -> Self {
        let mut engine = Self {
            vocabulary: SPECIALS.iter().map(|s| s.as_bytes().to_vec()).chain((0..=255).map(|b| vec![b])).collect(),
            ids: HashMap::new(),
            script: Vec::new(),
            cursor: 0,
            context: Vec::new(),
            delay: Duration::ZERO,
            limit: 1 << 20,
            fail_at: None,
            panic_at: None,
        };
        engine.ids = engine.vocabulary.iter().cloned().zip(0..).collect();
        for turn in turns {
            for token in *turn {
                let id = engine.intern(token.as_ref());
                engine.script.push(id);
            }
            engine.script.push(IM_END);
        }
        engine
    }

    /// As [`ScriptedEngine::new`], from whole texts that are cut into tokens of up to four characters.
    pub fn from_texts(turns: &[&str]) -> Self {
        let cut: Vec<Vec<String>> = turns
            .iter()
            .map(|turn| turn.chars().collect::<Vec<_>>().chunks(4).map(|c| c.iter().collect()).collect())
            .collect();
        let slices: Vec<&[String]> = cut.iter().map(Vec::as_slice).collect();
        Self::new(&slices)
    }

    /// Sleeps this long for each token.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Refuses to grow beyond this many tokens.
    #[must_use]
    pub fn with_context_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// Fails instead of giving token number `n` (from 0).
    #[must_use]
    pub fn failing_at(mut self, n: usize) -> Self {
        self.fail_at = Some(n);
        self
    }

    /// Panics instead of giving token number `n` (from 0): what a bug in an engine looks like.
    #[must_use]
    pub fn panicking_at(mut self, n: usize) -> Self {
        self.panic_at = Some(n);
        self
    }

    /// The context as text.
    pub fn context_text(&self) -> String {
        let bytes: Vec<u8> = self.context.iter().flat_map(|&id| self.piece(id)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn intern(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&id) = self.ids.get(bytes) {
            return id;
        }
        let id = u32::try_from(self.vocabulary.len()).unwrap_or(u32::MAX);
        self.vocabulary.push(bytes.to_vec());
        self.ids.insert(bytes.to_vec(), id);
        id
    }

    fn room(&self, more: usize) -> Result<(), EngineError> {
        let needed = self.position() + more as u64;
        if needed > self.limit {
            return Err(EngineError::Context { needed, limit: self.limit });
        }
        Ok(())
    }

    #[allow(clippy::panic, reason = "asked for by a test that shows that a panic is survived")]
    fn trouble(&self) -> Result<(), EngineError> {
        if self.panic_at == Some(self.cursor) {
            panic!("scripted panic");
        }
        if self.fail_at == Some(self.cursor) {
            return Err(EngineError::Sampling("scripted failure".into()));
        }
        Ok(())
    }

    /// Made-up figures: confidence wanders between .35 and .95.
    fn step(&mut self, id: u32) -> Result<StepToken, EngineError> {
        self.trouble()?;
        self.room(1)?;
        if !self.delay.is_zero() {
            std::thread::sleep(self.delay);
        }
        let p = 0.35 + 0.6 * (self.cursor as f32 * 0.618).fract();
        let others: Vec<u32> = self.script.iter().copied().filter(|&o| o != id).take(3).collect();
        let share = (1.0 - p) / 4.0;
        let mut top: Vec<(u32, f32)> = vec![(id, p.ln())];
        top.extend(others.iter().zip([2.0, 1.0, 1.0]).map(|(&o, weight)| (o, (share * weight).ln())));
        top.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        top.dedup_by_key(|entry| entry.0);
        let entropy = top.iter().map(|&(_, logprob)| -logprob * logprob.exp()).sum();
        self.cursor += 1;
        self.context.push(id);
        Ok(StepToken { id, bytes: self.piece(id), logprob: p.ln(), entropy, sampled_logprob: p.ln(), top })
    }
}

impl StepEngine for ScriptedEngine {
    fn capabilities(&self) -> Capabilities {
        Capabilities { logprobs: true, force: true, rewind: true, exact: true, attention: false, lens: false }
    }

    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: "scripted".into(),
            weights: String::new(),
            dtype: "none".into(),
            device: "none".into(),
            resampler: None,
        }
    }

    fn pixel_limits(&self) -> (u64, u64) {
        (u64::from(CELL * CELL), 1 << 24)
    }

    fn eos(&self) -> &[u32] {
        &[IM_END, 1]
    }

    fn belongs_to(&mut self, _session: &str) {}

    fn begin(&mut self, _sampling: Sampling, _seed: u64) -> Result<(), EngineError> {
        self.cursor = 0;
        self.context.clear();
        Ok(())
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let mut ids = Vec::new();
        let mut rest = text;
        while let Some(byte) = rest.as_bytes().first() {
            let special = SPECIALS.iter().zip(0..).find(|(special, _)| rest.starts_with(**special));
            if let Some((special, id)) = special {
                ids.push(id);
                rest = rest.get(special.len()..).unwrap_or_default();
            } else {
                let width = rest.chars().next().map_or(1, char::len_utf8);
                debug_assert!(*byte < 128 || width > 1);
                let (head, tail) = rest.split_at(width);
                ids.extend(head.bytes().map(|b| FIRST_BYTE + u32::from(b)));
                rest = tail;
            }
        }
        Ok(ids)
    }

    fn piece(&self, id: u32) -> Vec<u8> {
        self.vocabulary.get(id as usize).cloned().unwrap_or_default()
    }

    fn append_tokens(&mut self, ids: &[u32]) -> Result<(), EngineError> {
        self.room(ids.len())?;
        self.context.extend_from_slice(ids);
        Ok(())
    }

    fn append_image(&mut self, image: &RgbImage) -> Result<Appended, EngineError> {
        let cells = |side: u32| ((f64::from(side) / f64::from(CELL)).round_ties_even() as u32).max(1);
        let (w, h) = (cells(image.width()), cells(image.height()));
        let tokens = w.saturating_mul(h);
        self.room(tokens as usize + 2)?;
        let mut ids = vec![VISION_START];
        ids.resize(tokens as usize + 1, IMAGE_PAD);
        ids.push(VISION_END);
        self.context.extend_from_slice(&ids);
        Ok(Appended { processed: Size::new(w * CELL, h * CELL), tokens, ids })
    }

    fn next(&mut self) -> Result<StepToken, EngineError> {
        let id = self.script.get(self.cursor).copied().unwrap_or(IM_END);
        self.step(id)
    }

    fn force(&mut self, id: u32) -> Result<StepToken, EngineError> {
        if self.vocabulary.len() <= id as usize {
            return Err(EngineError::Sampling(format!("no token {id}").into()));
        }
        self.step(id)
    }

    fn resume(&mut self, recorded: &Recorded<'_>) -> Result<Resumed, EngineError> {
        let kept = self.context.iter().zip(recorded.ids).take_while(|(a, b)| a == b).count();
        self.context = recorded.ids.to_vec();
        self.cursor = usize::try_from(recorded.written).unwrap_or(usize::MAX);
        Ok(Resumed { kept: kept as u64, exact: kept == recorded.ids.len() })
    }

    fn limit_pixels(&mut self, limits: Option<(u64, u64)>) -> Result<(), EngineError> {
        match limits {
            None => Ok(()),
            Some(limits) if limits == self.pixel_limits() => Ok(()),
            Some(_) => Err(EngineError::Ask("this engine has no other pixel limits".to_owned())),
        }
    }

    fn position(&self) -> u64 {
        self.context.len() as u64
    }

    fn mark(&self) -> Mark {
        let place = Place { cursor: self.cursor, context: self.context.clone() };
        Mark { position: self.position(), state: Arc::new(place) }
    }

    fn rewind(&mut self, mark: &Mark) -> Result<(), EngineError> {
        let place = mark.state.downcast_ref::<Place>().ok_or(EngineError::StaleMark)?;
        if !self.context.starts_with(&place.context) {
            return Err(EngineError::StaleMark);
        }
        self.cursor = place.cursor;
        self.context.truncate(place.context.len());
        Ok(())
    }
}

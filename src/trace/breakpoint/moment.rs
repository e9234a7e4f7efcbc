//! One moment for every token the model wrote: the token and what followed from it.

use crate::geometry::{PageBox, coverage, iou, tightness};
use crate::trace::{
    Body, Record, Refusal, SegmentEvent, SegmentKind, Token, TokenSource, Trace, ZoomEvent, ZoomOutcome,
};

/// Bytes of the turn's text that a pattern can see.
const TAIL: usize = 512;
/// Opening tags as the shipped profiles write them.
const OPENING: [(&str, SegmentKind); 3] =
    [("<think>", SegmentKind::Think), ("<tool_call>", SegmentKind::ToolCall), ("<answer>", SegmentKind::Answer)];

/// A token the model wrote, and what followed from it before the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Position of the token in the context.
    pub position: u64,
    /// How many tokens the model has written, this one included.
    pub number: u64,
    /// The model's turn, from 1.
    pub turn: u32,
    /// Who chose the token.
    pub by: TokenSource,
    /// Its probability under the raw logits.
    pub probability: Option<f64>,
    /// Probability of the likeliest token less that of the second.
    pub margin: Option<f64>,
    /// Entropy in nats.
    pub entropy: Option<f64>,
    /// The last bytes of the turn's text, this token's included.
    pub tail: String,
    /// Bytes of `tail` that stood there before this token.
    pub known: usize,
    /// Segments that opened.
    pub opened: Vec<SegmentKind>,
    /// Segments that closed.
    pub closed: Vec<SegmentKind>,
    /// The tool call that was read.
    pub zoom: Option<ZoomFacts>,
    /// The answer that was read.
    pub answer: Option<AnswerFacts>,
}

/// A tool call in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoomFacts {
    /// 1 for the session's first call.
    pub number: u32,
    /// The region cut.
    pub page_box: Option<PageBox>,
    /// Why it was refused.
    pub refused: Option<Refusal>,
    /// Whether the box would hit the target in another frame.
    pub warned: bool,
    /// Best IoU with a target.
    pub iou: Option<f64>,
    /// Best coverage of a target.
    pub coverage: Option<f64>,
    /// Best share of the crop that is target.
    pub tightness: Option<f64>,
    /// Largest IoU with an earlier crop; none for the first.
    pub repeat: Option<f64>,
}

/// An answer in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerFacts {
    /// What it says.
    pub text: String,
    /// Whether it is fully right; none where it was not scored.
    pub right: Option<bool>,
}

/// Makes moments of what happens, in order.
#[derive(Clone, Debug, Default)]
pub struct Watcher {
    targets: Vec<PageBox>,
    boxes: Vec<PageBox>,
    tail: String,
    number: u64,
    turn: u32,
    /// The next token begins a turn.
    between: bool,
    now: Option<Moment>,
}

impl Watcher {
    /// A watcher of a session about these true regions.
    pub fn new(targets: &[PageBox]) -> Self {
        Self { targets: targets.to_vec(), between: true, ..Self::default() }
    }

    /// Takes in whatever a record says.
    pub fn see(&mut self, body: &Body) {
        match body {
            Body::Tokens(tokens) => {
                let mut one = Trace::new();
                one.apply(&Record { seq: 0, t: 0.0, body: Body::Tokens(tokens.clone()) });
                one.tokens.iter().for_each(|token| self.token(token));
            }
            Body::Segment(segment) => self.segment(segment),
            Body::Zoom(zoom) => self.zoom(zoom),
            Body::Answer(answer) => self.answer(answer.content.as_deref().unwrap_or(&answer.raw)),
            Body::Score(score) => self.score(score.value),
            _ => {}
        }
    }

    /// Takes a token in; one of a prompt ends the model's turn.
    pub fn token(&mut self, token: &Token) {
        if token.by == TokenSource::Prompt {
            self.between = true;
            return;
        }
        if std::mem::take(&mut self.between) {
            self.turn += 1;
            self.tail.clear();
        }
        self.number += 1;
        if self.tail.len() > TAIL {
            let cut = self.tail.len() - TAIL;
            let cut = (cut..).find(|at| self.tail.is_char_boundary(*at)).unwrap_or(0);
            self.tail.drain(..cut);
        }
        let known = self.tail.len();
        self.tail.push_str(&String::from_utf8_lossy(&token.piece.bytes()));
        let opened = OPENING.iter().filter(|(tag, _)| self.ends_newly(tag, known)).map(|(_, kind)| *kind).collect();
        let chance = |entry: usize| token.top.get(entry).map(|top| f64::from(top.2).exp());
        self.now = Some(Moment {
            position: token.position,
            number: self.number,
            turn: self.turn,
            by: token.by,
            probability: token.logprob.map(|p| f64::from(p).exp()),
            margin: chance(0).map(|first| first - chance(1).unwrap_or(0.0)),
            entropy: token.entropy.map(f64::from),
            tail: self.tail.clone(),
            known,
            opened,
            closed: Vec::new(),
            zoom: None,
            answer: None,
        });
    }

    /// Whether this text ends in the bytes that are new.
    fn ends_newly(&self, tag: &str, known: usize) -> bool {
        self.tail.rfind(tag).is_some_and(|at| at + tag.len() > known)
    }

    /// Takes a closed segment in.
    pub fn segment(&mut self, segment: &SegmentEvent) {
        if let Some(now) = &mut self.now
            && segment.kind != SegmentKind::ToolResponse
        {
            now.closed.push(segment.kind);
        }
    }

    /// Takes a tool call in.
    pub fn zoom(&mut self, zoom: &ZoomEvent) {
        let best = |measure: fn(&PageBox, &PageBox) -> f64, of: &PageBox| {
            self.targets.iter().map(|target| measure(target, of)).reduce(f64::max)
        };
        let (page_box, refused) = match &zoom.outcome {
            ZoomOutcome::Cropped { page_box, .. } => (Some(*page_box), None),
            ZoomOutcome::Refused { refused, .. } => (None, Some(*refused)),
        };
        let facts = ZoomFacts {
            number: zoom.number,
            page_box,
            refused,
            warned: zoom.warning.is_some(),
            iou: page_box.and_then(|b| best(iou, &b)),
            coverage: page_box.and_then(|b| best(coverage, &b)),
            tightness: page_box.and_then(|b| best(tightness, &b)),
            repeat: page_box.and_then(|b| self.boxes.iter().map(|earlier| iou(earlier, &b)).reduce(f64::max)),
        };
        self.boxes.extend(page_box);
        if let Some(now) = &mut self.now {
            now.zoom = Some(facts);
        }
    }

    /// Takes an answer in.
    pub fn answer(&mut self, text: &str) {
        if let Some(now) = &mut self.now {
            now.answer = Some(AnswerFacts { text: text.to_owned(), right: None });
        }
    }

    /// Takes the answer's score in.
    pub fn score(&mut self, value: f64) {
        if let Some(answer) = self.now.as_mut().and_then(|now| now.answer.as_mut()) {
            answer.right = Some(value >= 1.0);
        }
    }

    /// The present moment, with what has followed from the token so far.
    pub fn now(&self) -> Option<&Moment> {
        self.now.as_ref()
    }
}

/// The moments of what is recorded, one for each token the model wrote.
pub fn moments(trace: &Trace) -> Vec<Moment> {
    let targets = trace.start.as_ref().map_or(&[][..], |start| &start.question.targets);
    let mut watcher = Watcher::new(targets);
    let (mut segments, mut zooms) = (trace.segments.clone(), trace.zooms.clone());
    segments.sort_by_key(|segment| segment.last);
    zooms.sort_by_key(|zoom| zoom.position);
    let (mut segments, mut zooms) = (segments.into_iter().peekable(), zooms.into_iter().peekable());
    let mut found: Vec<Moment> = Vec::new();
    for (index, token) in trace.tokens.iter().enumerate() {
        watcher.token(token);
        if token.by == TokenSource::Prompt {
            continue;
        }
        // What a record names by an earlier token than the next one followed from this one.
        let next = trace.tokens.get(index + 1).map_or(u64::MAX, |token| token.position);
        while let Some(segment) = segments.next_if(|segment| segment.last < next) {
            watcher.segment(&segment);
        }
        while let Some(zoom) = zooms.next_if(|zoom| zoom.position < next) {
            watcher.zoom(&zoom);
        }
        if let Some(answer) = trace.answer.as_ref().filter(|a| a.position < next && a.position >= token.position) {
            watcher.answer(answer.content.as_deref().unwrap_or(&answer.raw));
            if let Some(score) = &trace.score {
                watcher.score(score.value);
            }
        }
        found.extend(watcher.now().cloned());
    }
    found
}

//! What the model thinks between a crop and its answer.

use crate::engine::{EngineError, StepEngine};
use crate::protocol::Profile;
use crate::trace::{SegmentKind, Trace};

/// Most tokens of a thought.
const MOST: usize = 256;

/// What stands between the crop and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// What the model thinks then.
    Thought,
    /// This, always.
    Text(String),
}

impl Before {
    /// What was asked for; `own` is what the session said there.
    pub(super) fn read(asked: &str, trace: &Trace) -> Self {
        match asked {
            "think" => Self::Thought,
            "nothing" => Self::Text(String::new()),
            "own" => Self::Text(own(trace)),
            text => Self::Text(text.to_owned()),
        }
    }
}

/// What the model said in the turn of its answer, before that.
fn own(trace: &Trace) -> String {
    let Some(answer) = trace.segments.iter().rfind(|segment| segment.kind == SegmentKind::Answer) else {
        return String::new();
    };
    let replies = trace.segments.iter().filter(|s| s.kind == SegmentKind::ToolResponse && s.last < answer.first);
    let from = replies.map(|segment| segment.last + 1).max();
    let first = from.unwrap_or_else(|| trace.sampled().next().map_or(answer.first, |token| token.position));
    let tokens = trace.tokens.iter().filter(|token| (first..answer.first).contains(&token.position));
    String::from_utf8_lossy(&tokens.flat_map(|token| token.piece.bytes()).collect::<Vec<u8>>()).into_owned()
}

/// What the model says from here until it would answer, call the tool or end its turn, likeliest token by likeliest token; a
/// thought that is cut off is closed. The engine stands where it stood.
pub(super) fn thought(engine: &mut dyn StepEngine, profile: &Profile) -> Result<Vec<u32>, EngineError> {
    let here = engine.mark();
    let tags = &profile.tags;
    let ends = [&tags.answer[0], &tags.tool_call[0]];
    let (mut ids, mut starts, mut text): (Vec<u32>, Vec<usize>, Vec<u8>) = (Vec::new(), Vec::new(), Vec::new());
    let mut end = None;
    while end.is_none() && ids.len() < MOST {
        let token = engine.next()?;
        if engine.eos().contains(&token.id) {
            break;
        }
        ids.push(token.id);
        starts.push(text.len());
        text.extend(&token.bytes);
        end = ends.iter().filter_map(|tag| found(&text, tag.as_bytes())).min();
    }
    engine.rewind(&here)?;
    if let Some(end) = end {
        // A token that holds the beginning of the tag goes with it.
        let whole =
            starts.iter().enumerate().filter(|(i, _)| starts.get(i + 1).is_some_and(|next| *next <= end)).count();
        ids.truncate(whole);
        text.truncate(end);
    }
    let [open, close] = &tags.think;
    if found(&text, open.as_bytes()).is_some() && found(&text, close.as_bytes()).is_none() {
        ids.extend(engine.encode(close)?);
    }
    Ok(ids)
}

fn found(text: &[u8], tag: &[u8]) -> Option<usize> {
    text.windows(tag.len().max(1)).position(|window| window == tag)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::engine::ScriptedEngine;
    use crate::model::sampler::Sampling;

    fn thinks(says: &str) -> String {
        let letters: Vec<String> = says.chars().map(String::from).collect();
        let mut engine = ScriptedEngine::new(&[&letters]);
        engine.begin(Sampling::default(), 0).unwrap();
        let before = engine.position();
        let ids = thought(&mut engine, &Profile::builtin("rarl").unwrap()).unwrap();
        assert_eq!(engine.position(), before);
        String::from_utf8(ids.iter().flat_map(|id| engine.piece(*id)).collect()).unwrap()
    }

    #[test]
    fn a_thought_ends_where_answer_or_call_begins() {
        for (says, want) in [
            ("<think>It is red.</think>\n<answer>red</answer>", "<think>It is red.</think>\n"),
            ("<think>Again.</think><tool_call>{}</tool_call>", "<think>Again.</think>"),
            ("red", "red"),
            ("<think>never closed", "<think>never closed</think>"),
            ("<answer>red</answer>", ""),
        ] {
            assert_eq!(thinks(says), want, "{says}");
        }
    }
}

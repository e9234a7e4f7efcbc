//! Trajectories are what the profile, the parser and the scorer understand.

use super::*;
use crate::benchmark::synthetic::{Difficulty, PAGE_SIZE, page_truth, question_for};
use crate::benchmark::{resolve_answer, score_answer};
use crate::protocol::{ParseEvent, Parser, Profile};

/// What the model itself says, turn after turn.
fn utterances(parts: &[Part]) -> Vec<String> {
    let mut turns = vec![String::new()];
    for part in parts {
        match part {
            Part::Crop => turns.push(String::new()),
            Part::Text(_, Role::Prompt) => {}
            Part::Text(text, _) => turns.last_mut().unwrap().push_str(text),
        }
    }
    turns
}

#[test]
fn every_task_has_trajectories_that_the_parser_reads_and_the_scorer_calls_right() {
    let profile = Profile::builtin("rarl").unwrap();
    let processed = Size::new(140, 196);
    for task in Task::ALL {
        let mut seen = 0;
        for seed in 0..60 {
            let truth = page_truth(5_000 + seed, Difficulty::Easy);
            let Some(question) = question_for(&truth, task, 0) else { continue };
            let panels = panels_of(&truth, &question);
            assert_eq!(panels.len(), question.targets.len());
            let parts = zooming(&question, &panels, PAGE_SIZE, processed).unwrap();
            let turns = utterances(&parts);
            assert_eq!(turns.len(), panels.len() + 1, "{task}");
            let (mut zooms, mut answer, mut position) = (0, None, 0);
            for turn in &turns {
                let mut parser = Parser::new(&profile);
                let mut events = Vec::new();
                for letter in turn.trim_end_matches("<|im_end|>").chars() {
                    events.extend(parser.push(letter.to_string().as_bytes(), position));
                    position += 1;
                }
                events.extend(parser.finish_turn());
                for event in events {
                    match event {
                        ParseEvent::Call { outcome, .. } => zooms += usize::from(outcome.is_ok()),
                        ParseEvent::Answer { raw, .. } => answer = Some(raw),
                        _ => {}
                    }
                }
            }
            assert_eq!(zooms, panels.len(), "{turns:?}");
            let content = resolve_answer(&answer.unwrap(), &question);
            assert_eq!(score_answer(&question, content.as_deref()).map(|s| s.value), Some(1.0), "{turns:?}");
            seen += 1;
        }
        assert!(seen > 10, "{task}: {seen}");
    }
}

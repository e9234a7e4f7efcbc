//! Trajectories are what the profile, the parser and the scorer understand.

use super::*;
use crate::benchmark::synthetic::{Difficulty, PAGE_SIZE, page_truth, question_for};
use crate::benchmark::{AnswerForm, resolve_answer, score_answer};
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
            let limits = &profile.limits;
            assert!(panels.len() <= limits.max_zooms as usize && turns.len() <= limits.max_turns as usize);
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

/// What the model thinks, turn after turn, about the first question of the task that will do.
fn thoughts(task: Task, will_do: impl Fn(&Question) -> bool) -> (Question, Vec<String>) {
    (0..400)
        .find_map(|seed| {
            let truth = page_truth(5_000 + seed, Difficulty::Easy);
            let question = question_for(&truth, task, 0).filter(|q| will_do(q))?;
            let parts = zooming(&question, &panels_of(&truth, &question), PAGE_SIZE, Size::new(140, 196)).unwrap();
            let thought =
                |turn: &String| turn.strip_prefix("<think>").unwrap().split_once("</think>").unwrap().0.to_owned();
            let thoughts = utterances(&parts).iter().map(thought).collect();
            Some((question, thoughts))
        })
        .unwrap()
}

#[test]
fn lettering_is_compared_with_the_choices_in_the_order_they_are_listed_in() {
    let (question, thoughts) = thoughts(Task::DialogReordering, |q| q.choices.len() == 3);
    let order: Vec<&str> = question.truth.as_deref().unwrap().split(", ").collect();
    let place = |choice: &String| ["first", "second", "third"][order.iter().position(|o| o == choice).unwrap()];
    let stands: Vec<String> = question.choices.iter().map(|c| format!("{c} {}", place(c))).collect();
    assert_eq!(thoughts[1], format!("I read: {}.", stands.join(", ")));
}

#[test]
fn comparing_ends_with_the_choice_that_is_right() {
    let third = |q: &Question| q.text.contains("said") && q.choices.get(2) == q.truth.as_ref();
    let (question, thoughts) = thoughts(Task::PanelUnderstanding, third);
    let [a, b, c, _] = &question.choices[..] else { panic!("{question:?}") };
    assert_eq!(thoughts[1], format!("I read: {a} no, {b} no, {c} yes."));
}

#[test]
fn a_place_is_not_lettered() {
    let (_, thoughts) = thoughts(Task::PanelUnderstanding, |q| q.truth.as_deref() == Some("a wood"));
    assert_eq!(thoughts[1], "Now I can read it.");
}

#[test]
fn a_set_is_collected_panel_after_panel() {
    let set = |q: &Question| q.form == AnswerForm::Set && q.truth.as_deref().is_some_and(|t| t.contains(','));
    let (question, thoughts) = thoughts(Task::CharacterIdentification, set);
    let right: Vec<&str> = question.truth.as_deref().unwrap().split(", ").collect();
    let mut found: Vec<&str> = Vec::new();
    for (i, label) in question.labels.iter().enumerate() {
        let here = right.contains(&label.as_str());
        found.extend(here.then_some(label.as_str()));
        let so_far = if found.is_empty() { String::new() } else { format!(": {}", found.join(", ")) };
        let verdict = format!(" {}{so_far}.", if here { "yes" } else { "no" });
        let next = question.labels.get(i + 1).map(|l| format!(" Look at panel {l}.")).unwrap_or_default();
        let thought = &thoughts[i + 1];
        assert!(
            thought.starts_with(&format!("Panel {label}: ")) && thought.ends_with(&(verdict + &next)),
            "{thoughts:?}"
        );
    }
    assert_eq!(found, right);
}

#[test]
fn every_panel_of_a_story_is_named_before_it_is_looked_at() {
    let (_, thoughts) = thoughts(Task::PanelReordering, |_| true);
    assert_eq!(thoughts[0], "Look at panel A.");
    assert!(thoughts[1].starts_with("Panel A is ") && thoughts[1].ends_with(". Look at panel B."), "{thoughts:?}");
    assert!(thoughts[2].ends_with(". Look at panel C."), "{thoughts:?}");
}

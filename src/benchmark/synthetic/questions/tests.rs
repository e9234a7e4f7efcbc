//! Truth and balance of the questions, over many pages of every difficulty.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::benchmark::synthetic::page_truth;
use crate::benchmark::synthetic::world::{PAGE_SIZE, Scene};
use crate::benchmark::{resolve_answer, score_answer};

const PAGES: u64 = 1200;

/// Questions of one task over many pages.
fn asked(task: Task, difficulty: Difficulty) -> Vec<(PageTruth, Question)> {
    let pages = (0..PAGES).map(|seed| page_truth(900_000 + seed, difficulty));
    pages.filter_map(|truth| question_for(&truth, task, 0).map(|q| (truth, q))).collect()
}

/// Pearson's statistic of these counts against equal shares, a degree of freedom: about 1 by chance, 3 is suspicious.
fn unevenness(counts: &[usize]) -> f64 {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let sum: f64 = counts.iter().map(|n| (*n as f64 - expected).powi(2) / expected).sum();
    sum / (counts.len() - 1) as f64
}

fn tally<K: Ord>(keys: impl IntoIterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

fn even<K: Ord + std::fmt::Debug>(what: &str, classes: usize, keys: impl IntoIterator<Item = K>) {
    let counts = tally(keys);
    assert_eq!(counts.len(), classes, "{what}: {counts:?}");
    let counts: Vec<usize> = counts.into_values().collect();
    assert!(unevenness(&counts) < 4.0, "{what}: {counts:?}");
}

#[test]
fn every_task_is_asked_on_every_difficulty_and_its_truth_is_right() {
    for difficulty in Difficulty::ALL {
        for task in Task::ALL {
            let all = asked(task, difficulty);
            assert!(all.len() as u64 > PAGES / 4, "{task} on {difficulty:?}: {} of {PAGES} pages", all.len());
            for (truth, q) in &all {
                let answer = q.truth.as_deref().unwrap();
                let content = resolve_answer(answer, q);
                assert_eq!(content.as_deref(), Some(answer), "{q:?}");
                assert_eq!(score_answer(q, content.as_deref()).map(|s| s.value), Some(1.0), "{q:?}");
                assert!(!q.targets.is_empty() && q.detail.is_some_and(|d| (4.0..400.0).contains(&d)), "{q:?}");
                let inside = |b: &crate::geometry::PageBox| {
                    b.x1 >= 0.0 && b.y1 >= 0.0 && b.x2 <= PAGE_SIZE.w.into() && b.y2 <= PAGE_SIZE.h.into()
                };
                assert!(q.targets.iter().all(inside));
                assert_eq!(q.page.as_deref(), Some(truth.name().as_str()));
                assert!(!q.text.contains(['{', '}']), "{}", q.text);
                let distinct: BTreeSet<_> = q.choices.iter().collect();
                assert_eq!(distinct.len(), q.choices.len(), "{q:?}");
                assert_eq!(Some(q), question_for(truth, task, 0).as_ref());
            }
            let ids: BTreeSet<_> = all.iter().map(|(_, q)| &q.id).collect();
            assert_eq!(ids.len(), all.len());
        }
    }
}

#[test]
fn no_letter_and_no_wording_tells_the_answer() {
    for difficulty in Difficulty::ALL {
        for task in
            [Task::PanelUnderstanding, Task::DepthComparison, Task::ActionRecognition, Task::CharacterIdentification]
        {
            let all = asked(task, difficulty);
            for n in [2, 3, 4] {
                let of_n: Vec<_> = all.iter().filter(|(_, q)| q.choices.len() == n).collect();
                if of_n.len() < 150 {
                    continue;
                }
                let place = |q: &Question| q.choices.iter().position(|c| Some(c) == q.truth.as_ref());
                even(&format!("{task} {difficulty:?} letter of {n}"), n, of_n.iter().map(|(_, q)| place(q)));
                // The first words of a wording against the letter: no pair may stand out.
                let start = |q: &Question| q.text.split(' ').next().unwrap().to_owned();
                let pairs = tally(of_n.iter().map(|(_, q)| (start(q), place(q))));
                let (starts, places) =
                    (tally(of_n.iter().map(|(_, q)| start(q))), tally(of_n.iter().map(|(_, q)| place(q))));
                let mut sum = 0.0;
                for ((s, p), seen) in &pairs {
                    let expected = starts[s] as f64 * places[p] as f64 / of_n.len() as f64;
                    sum += (*seen as f64 - expected).powi(2) / expected;
                }
                let freedom = ((starts.len() - 1) * (places.len() - 1)).max(1) as f64;
                assert!(sum / freedom < 4.0, "{task} {difficulty:?}: {pairs:?}");
            }
        }
    }
}

#[test]
fn orders_are_uniform() {
    let dialogs = asked(Task::DialogReordering, Difficulty::Easy);
    let order = |q: &Question| -> Vec<usize> {
        let labels = if q.choices.is_empty() { &q.labels } else { &q.choices };
        q.truth.as_deref().unwrap().split(", ").map(|l| labels.iter().position(|o| o == l).unwrap()).collect()
    };
    let of = |n: usize, all: &[(PageTruth, Question)]| -> Vec<Vec<usize>> {
        all.iter().map(|(_, q)| order(q)).filter(|o| o.len() == n).collect()
    };
    even("two balloons", 2, of(2, &dialogs));
    even("three balloons", 6, of(3, &dialogs));
    even("three panels", 6, of(3, &asked(Task::PanelReordering, Difficulty::Easy)));
    even("four panels", 24, of(4, &asked(Task::PanelReordering, Difficulty::Medium)));
}

#[test]
fn depth_is_not_readable_from_height_side_or_name() {
    for difficulty in Difficulty::ALL {
        let (mut higher, mut left, mut panels) = (0, 0, 0);
        for (truth, q) in asked(Task::DepthComparison, difficulty) {
            let panel = truth.panels.iter().find(|p| q.targets[0] == p.bounds).unwrap();
            let near = panel.figures.iter().max_by_key(|f| f.depth).unwrap();
            let far = panel.figures.iter().min_by_key(|f| f.depth).unwrap();
            panels += 1;
            higher += usize::from(near.feet < far.feet);
            left += usize::from(near.bounds.x1 < far.bounds.x1);
        }
        for (what, n) in [("higher", higher), ("left", left)] {
            let share = n as f64 / panels as f64;
            assert!((0.45..0.55).contains(&share), "{difficulty:?}: the nearer is {what} in {share:.3} of {panels}");
        }
    }
}

#[test]
fn counts_are_uniform_and_the_layout_does_not_tell_them() {
    for difficulty in Difficulty::ALL {
        let all = asked(Task::CharacterCounting, difficulty);
        even(&format!("counts {difficulty:?}"), difficulty.largest_crowd(), all.iter().map(|(_, q)| q.truth.clone()));
        let mut areas: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        let mut heights: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (truth, q) in &all {
            let panel = truth.panels.iter().find(|p| q.targets[0] == p.bounds).unwrap();
            assert_eq!(panel.scene, Scene::Crowd);
            let n = panel.figures.len();
            areas.entry(n).or_default().push(panel.bounds.area());
            heights.entry(n).or_default().extend(panel.figures.iter().map(|f| f64::from(f.height)));
        }
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        for (what, by_count, slack) in [("panel area", &areas, 0.15), ("figure height", &heights, 0.04)] {
            let all: Vec<f64> = by_count.values().flatten().copied().collect();
            for (n, values) in by_count {
                let off = mean(values) / mean(&all) - 1.0;
                assert!(off.abs() < slack, "{difficulty:?}: {what} of {n} figures is off by {off:.3}");
            }
        }
    }
}

#[test]
fn actions_places_and_sets_are_spread() {
    let actions = asked(Task::ActionRecognition, Difficulty::Easy);
    even("actions", 8, actions.iter().map(|(_, q)| q.truth.clone()));
    let sets: Vec<_> = asked(Task::CharacterIdentification, Difficulty::Easy)
        .into_iter()
        .filter(|(_, q)| q.form == AnswerForm::Set)
        .collect();
    for i in 0..3 {
        let hits =
            sets.iter().filter(|(_, q)| q.truth.as_deref().unwrap().split(", ").any(|l| l == q.labels[i])).count();
        let share = hits as f64 / sets.len() as f64;
        assert!((0.4..0.6).contains(&share), "panel {i} of the candidates is right in {share:.2} of {}", sets.len());
    }
}

#[test]
fn no_choice_is_wrong_at_first_sight() {
    for difficulty in Difficulty::ALL {
        let all = asked(Task::PanelUnderstanding, difficulty);
        let truths: BTreeSet<_> = all.iter().filter_map(|(_, q)| q.truth.clone()).collect();
        let choices: BTreeSet<_> = all.iter().flat_map(|(_, q)| q.choices.clone()).collect();
        assert_eq!(choices, truths, "{difficulty:?}");
    }
}

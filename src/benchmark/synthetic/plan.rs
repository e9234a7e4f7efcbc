//! What happens in which panel.

use super::layout::Layout;
use super::rng::Dice;
use super::world::{Arc, BeatTruth, Difficulty, Scene};

/// What a panel is to show.
#[derive(Clone, Debug, PartialEq)]
pub enum Cue {
    /// A scene that stands for itself.
    Plain(Scene),
    /// A moment of a story of so many moments.
    Beat {
        /// Which moment, and the panel's letter.
        truth: BeatTruth,
        /// How many there are.
        steps: u32,
        /// Smallest width and height among the story's panels, in pixels.
        room: (f32, f32),
    },
}

/// Panels lower than this have no room for a crowd or a talk.
const ROOMY: f32 = 200.0;
/// Redraws before the scenes are taken as they are.
const TRIES: usize = 64;

/// Chooses for every panel: perhaps a story of neighbouring panels in shuffled order, and scenes for the others. Every
/// page has a lone figure and a pair in depth; above easy it has a crowd and a talk too.
pub fn draw_plan(dice: &mut Dice, difficulty: Difficulty, layout: &Layout) -> Vec<Cue> {
    let mut cues: Vec<Option<Cue>> = vec![None; layout.panels.len()];
    if let Some((first, beats)) = draw_story(dice, difficulty, layout) {
        for (cue, beat) in cues.iter_mut().skip(first).zip(beats) {
            *cue = Some(beat);
        }
    }
    let free: Vec<bool> =
        layout.panels.iter().zip(&cues).filter(|(_, c)| c.is_none()).map(|(p, _)| p.h() >= ROOMY).collect();
    let mut scenes = draw_scenes(dice, difficulty, &free).into_iter();
    cues.into_iter()
        .map(|cue| cue.or_else(|| scenes.next().map(Cue::Plain)).unwrap_or(Cue::Plain(Scene::Lone)))
        .collect()
}

/// The first panel of a story, and its moments in the order of the panels.
fn draw_story(dice: &mut Dice, difficulty: Difficulty, layout: &Layout) -> Option<(usize, Vec<Cue>)> {
    let (steps, first) = match difficulty {
        Difficulty::Easy => {
            let row = dice.chance(0.5).then(|| dice.below(layout.rows.len()))?;
            (*layout.rows.get(row)?, layout.rows.iter().take(row).sum())
        }
        Difficulty::Medium | Difficulty::Hard => {
            let steps = if difficulty == Difficulty::Medium { 4 } else { 5 + dice.below(2) };
            let spare = layout.panels.len().checked_sub(steps + 4)?;
            (steps, dice.chance(0.6).then(|| dice.below(spare + 5))?)
        }
    };
    let arc = dice.pick(Arc::ALL);
    let mut order: Vec<u32> = (0..steps as u32).collect();
    dice.shuffle(&mut order);
    let truths = order.into_iter().zip('A'..='Z').map(|(step, label)| BeatTruth { arc, step, label });
    let panels = layout.panels.iter().skip(first).take(steps);
    let room = panels.fold((f32::MAX, f32::MAX), |(w, h), p| (w.min(p.w()), h.min(p.h())));
    Some((first, truths.map(|truth| Cue::Beat { truth, steps: steps as u32, room }).collect()))
}

/// Scenes for free panels; `roomy` tells which have room for a crowd or a talk.
fn draw_scenes(dice: &mut Dice, difficulty: Difficulty, roomy: &[bool]) -> Vec<Scene> {
    let (limits, needed): ([f32; 3], &[Scene]) = match difficulty {
        Difficulty::Easy => ([0.34, 0.68, 0.84], &[Scene::Lone, Scene::Depth]),
        _ => ([0.28, 0.54, 0.77], &[Scene::Lone, Scene::Depth, Scene::Crowd, Scene::Talk]),
    };
    let mut one = |roomy: bool| match dice.unit() * if roomy { 1.0 } else { limits[1] } {
        u if u < limits[0] => Scene::Lone,
        u if u < limits[1] => Scene::Depth,
        u if u < limits[2] => Scene::Crowd,
        _ => Scene::Talk,
    };
    let mut scenes = Vec::new();
    for _ in 0..TRIES {
        scenes = roomy.iter().map(|r| one(*r)).collect();
        if needed.iter().all(|s| scenes.contains(s)) {
            return scenes;
        }
    }
    // So unlikely that it does not tilt anything: the needed ones first.
    needed.iter().copied().chain(scenes).take(roomy.len()).collect()
}

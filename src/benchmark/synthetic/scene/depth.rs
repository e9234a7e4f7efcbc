//! Figures at different depths. In half of the panels the nearest stands higher, on a crate, so that height on the page
//! says nothing about depth.

use super::{Played, Stage};
use crate::benchmark::synthetic::backdrop::draw_backdrop;
use crate::benchmark::synthetic::background::draw_background;
use crate::benchmark::synthetic::canvas::Area;
use crate::benchmark::synthetic::cast::{CALM, FIGURE_HEIGHT, Player, draw_players, dress, outlines_hidden_by};
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{Action, Difficulty, Place};

/// What figures in depth do.
const ACTIONS: [Action; 4] = [Action::Sitting, Action::Cheering, Action::Reading, Action::Running];
/// Placings tried before figures are put side by side.
const TRIES: usize = 60;

/// Draws the scene.
pub fn play(stage: &mut Stage<'_>) -> Played {
    let (place, players) = match stage.difficulty {
        Difficulty::Easy => easy(stage),
        _ => rich(stage),
    };
    let figures = draw_players(stage.canvas, &stage.panel, &players, &[]);
    let mut played = Played::silent(place, figures);
    played.balloons = stage.small_balloon(&played.figures);
    played
}

/// Twins side by side, told apart by the shape of the hat alone; the nearer one is larger and drawn over the other.
fn easy(stage: &mut Stage<'_>) -> (Place, Vec<Player>) {
    let (panel, dice) = (stage.panel, &mut stage.dice);
    let (place, horizon) = draw_background(stage.canvas, dice, &panel);
    let ground = panel.y2 - horizon;
    let first = stage.cast.pick(dice);
    let near_left = dice.chance(0.5);
    let near_higher = dice.chance(0.5);
    let (left, right) = (panel.x(dice.between(0.26, 0.31)), panel.x(dice.between(0.69, 0.74)));
    let (near_x, far_x) = if near_left { (left, right) } else { (right, left) };
    let near_floor = horizon + ground * dice.between(0.86, 0.93);
    let far_floor = horizon + ground * dice.between(0.5, 0.62);
    let lift = if near_higher { near_floor - far_floor + dice.between(8.0, 16.0) } else { 0.0 };
    let far_height = FIGURE_HEIGHT * 0.72 * dice.between(0.96, 1.04);
    let far_action = dice.pick(ACTIONS);
    let far = dress(dice, first, far_action, (far_x, far_floor), far_height);
    let near_height = FIGURE_HEIGHT * 1.12 * dice.between(0.96, 1.04);
    let near_action = dice.pick(ACTIONS);
    let near = dress(dice, first.twin(), near_action, (near_x, near_floor - lift), near_height);
    (place, vec![Player::new(far, 0), Player { sketch: near, depth: 1, lift }])
}

/// Any figures, less different in size, some partly behind others.
fn rich(stage: &mut Stage<'_>) -> (Place, Vec<Player>) {
    let place = stage.place();
    let height = stage.figure_height();
    let horizon = draw_backdrop(stage.canvas, &mut stage.dice, &stage.panel, place, (0.44, 0.54)).horizon;
    let (panel, dice) = (stage.panel, &mut stage.dice);
    let hard = stage.difficulty == Difficulty::Hard;
    let count = if hard && panel.w() > 200.0 && dice.chance(0.4) { 3 } else { 2 };
    let who = stage.cast.several(dice, count);
    let near_higher = dice.chance(0.5);
    let shrink = if hard { 0.84 } else { 0.77 };
    let mut players: Vec<Player> = Vec::new();
    for (depth, figure) in (0_u32..).zip(who) {
        let steps = (count as u32 - 1 - depth) as f32;
        let tall = height * 1.1 * f32::powf(shrink, steps) * dice.between(0.98, 1.02);
        let action = dice.pick(CALM);
        players.push(Player::new(dress(dice, figure, action, (0.0, 0.0), tall), depth));
    }
    let floors = draw_floors(dice, &panel, horizon, count, near_higher, height);
    for (player, (floor, lift)) in players.iter_mut().zip(floors) {
        player.sketch.feet.1 = floor - lift;
        player.lift = lift;
    }
    spread(dice, &panel, &mut players);
    (place, players)
}

/// Floor and lift of each player, far ones first. The nearest ends up higher than the farthest where that is asked for;
/// those between are lifted or not.
fn draw_floors(
    dice: &mut Dice,
    panel: &Area,
    horizon: f32,
    count: usize,
    near_higher: bool,
    height: f32,
) -> Vec<(f32, f32)> {
    let ground = panel.y2 - horizon;
    let (far, near) = (horizon + ground * dice.between(0.45, 0.55), horizon + ground * dice.between(0.86, 0.94));
    let last = count.saturating_sub(1).max(1) as f32;
    (0..count)
        .map(|i| {
            let floor = far + (near - far) * i as f32 / last;
            let lifted = i > 0 && if i + 1 == count { near_higher } else { dice.chance(0.5) };
            let above = height * dice.between(0.08, 0.16);
            (floor, if lifted { floor - far + above } else { 0.0 })
        })
        .collect()
}

/// Finds places in a row: everyone's head can be seen, and some stand partly behind others.
fn spread(dice: &mut Dice, panel: &Area, players: &mut [Player]) {
    let count = players.len();
    let height = players.iter().map(|p| p.sketch.height).fold(1.0, f32::max);
    let step = (height * dice.between(0.36, 0.58)).min(panel.w() * 0.4);
    let mut order: Vec<usize> = (0..count).collect();
    dice.shuffle(&mut order);
    for attempt in 0..TRIES {
        let wider = step * (1.0 + attempt as f32 / 40.0);
        let start = panel.x(0.5) - wider * (count as f32 - 1.0) / 2.0 + dice.between(-0.12, 0.12) * panel.w();
        for (player, slot) in players.iter_mut().zip(&order) {
            player.sketch.feet.0 = start + wider * *slot as f32 + dice.between(-0.04, 0.04) * height;
        }
        let inside = Area::new(panel.x1 + 4.0, panel.y1 + 2.0, panel.x2 - 4.0, panel.y2 + 40.0);
        let seen = outlines_hidden_by(players, &[]);
        if seen.iter().all(|(o, by)| o.head_visible(by) > 0.93 && o.visible(by) > 0.45 && inside.holds(&o.whole())) {
            return;
        }
    }
    for (player, slot) in players.iter_mut().zip(order) {
        player.sketch.feet.0 = panel.x((slot as f32 + 0.5) / count as f32);
    }
}

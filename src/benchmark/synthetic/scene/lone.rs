//! A figure, or two apart from each other, busy with something.

use super::{Played, Stage, boxes};
use crate::benchmark::synthetic::backdrop::draw_backdrop;
use crate::benchmark::synthetic::background::draw_background;
use crate::benchmark::synthetic::cast::{FIGURE_HEIGHT, Player, draw_players, dress};
use crate::benchmark::synthetic::figure;
use crate::benchmark::synthetic::sound::draw_sound;
use crate::benchmark::synthetic::world::{Action, Difficulty, Place};

/// Share of panels with a sound in the place of a balloon.
const SOUNDS: f32 = 0.3;
/// Other poses tried before two figures are taken as they are.
const TRIES: usize = 40;

/// Draws the scene.
pub fn play(stage: &mut Stage<'_>) -> Played {
    let (place, players) = match stage.difficulty {
        Difficulty::Easy => easy(stage),
        _ => rich(stage),
    };
    let figures = draw_players(stage.canvas, &stage.panel, &players, &[]);
    let mut played = Played::silent(place, figures);
    if stage.dice.chance(SOUNDS) {
        played.sound = draw_sound(stage.canvas, &mut stage.dice, &stage.panel, &boxes(&played.figures));
    } else {
        played.balloons = stage.small_balloon(&played.figures);
    }
    played
}

fn easy(stage: &mut Stage<'_>) -> (Place, Vec<Player>) {
    let (panel, dice) = (stage.panel, &mut stage.dice);
    let (place, horizon) = draw_background(stage.canvas, dice, &panel);
    let who = stage.cast.pick(dice);
    let feet = (panel.x(dice.between(0.34, 0.66)), horizon + (panel.y2 - horizon) * dice.between(0.5, 0.85));
    let height = FIGURE_HEIGHT * dice.between(0.96, 1.04);
    let action = dice.pick(Action::ALL);
    (place, vec![Player::new(dress(dice, who, action, feet, height), 1)])
}

fn rich(stage: &mut Stage<'_>) -> (Place, Vec<Player>) {
    let place = stage.place();
    let height = stage.figure_height();
    let horizon = draw_backdrop(stage.canvas, &mut stage.dice, &stage.panel, place, (0.46, 0.58)).horizon;
    let (panel, dice) = (stage.panel, &mut stage.dice);
    let count = if panel.w() > 150.0 && dice.chance(0.5) { 2 } else { 1 };
    let who = stage.cast.several(dice, count);
    let floor = horizon + (panel.y2 - horizon) * dice.between(0.62, 0.9);
    let mut players: Vec<Player> = Vec::new();
    for (figure, at) in who.into_iter().zip(spots(count, panel.w())) {
        let left = panel.x(at.0 + dice.between(-at.1, at.1));
        let mut player = Player::new(dress(dice, figure, Action::Sitting, (left, floor), height), 1);
        for _ in 0..TRIES {
            player.sketch.action = dice.pick(Action::ALL);
            player.sketch.flip = dice.chance(0.5);
            let extent = figure::extent(&player.sketch);
            let apart = players.iter().all(|o| {
                o.sketch.action != player.sketch.action && !figure::extent(&o.sketch).grown(2.0).meets(&extent)
            });
            if apart && extent.x1 > panel.x1 - height * 0.1 && extent.x2 < panel.x2 + height * 0.1 {
                players.push(player);
                break;
            }
        }
    }
    (place, players)
}

/// Where figures stand, as shares of the width with their play.
fn spots(count: usize, width: f32) -> Vec<(f32, f32)> {
    match count {
        1 => vec![(0.5, 0.14)],
        _ if width > 420.0 => vec![(0.3, 0.1), (0.7, 0.1)],
        _ => vec![(0.27, 0.03), (0.73, 0.03)],
    }
}

//! Figures to be counted. The count is drawn before anything else and changes neither the panel nor the figures' size.

use super::{Played, Stage};
use crate::benchmark::synthetic::backdrop::draw_backdrop;
use crate::benchmark::synthetic::canvas::{Area, Canvas, DARK, Ink};
use crate::benchmark::synthetic::cast::{CALM, Player, draw_players, dress, outlines_hidden_by};
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{Difficulty, Figure};

/// Places tried for one figure, and for all of them.
const TRIES: usize = 40;
const ROUNDS: usize = 6;

/// Draws the scene.
pub fn play(stage: &mut Stage<'_>) -> Played {
    let most = match stage.difficulty {
        Difficulty::Easy => 5,
        Difficulty::Medium => 6,
        Difficulty::Hard => 8,
    };
    let count = 1 + stage.dice.below(most);
    let place = stage.place();
    let ground = draw_backdrop(stage.canvas, &mut stage.dice, &stage.panel, place, (0.37, 0.45));
    let (panel, dice) = (stage.panel, &mut stage.dice);
    let height = match stage.difficulty {
        Difficulty::Easy => dice.between(62.0, 70.0),
        Difficulty::Medium => (panel.h() * 0.25).min(panel.w() * 0.32).clamp(50.0, 66.0),
        Difficulty::Hard => (panel.h() * 0.21).min(panel.w() * 0.28).clamp(44.0, 56.0),
    };
    let who = stage.cast.several(dice, count);
    let (players, screens) = if stage.difficulty == Difficulty::Easy {
        (in_slots(dice, &panel, &who, height, 3), Vec::new())
    } else {
        hidden(dice, &panel, ground.firm, &who, height)
    };
    draw_hidden(stage, place, &players, &screens)
}

fn draw_hidden(stage: &mut Stage<'_>, place: super::Place, players: &[Player], screens: &[Screen]) -> Played {
    let before: Vec<(f32, Area)> = screens.iter().map(|s| (s.area.y2, s.area)).collect();
    let mut queue = screens.iter().peekable();
    let mut figures = Vec::new();
    let hidden = outlines_hidden_by(players, &before);
    for (player, (outline, by)) in players.iter().zip(&hidden) {
        while let Some(screen) = queue.next_if(|s| s.area.y2 <= player.floor()) {
            screen.draw(stage.canvas);
        }
        let drawn = draw_players(stage.canvas, &stage.panel, std::slice::from_ref(player), &[]);
        figures.extend(drawn.into_iter().map(|f| super::FigureTruth { visible: outline.visible(by), ..f }));
    }
    queue.for_each(|screen| screen.draw(stage.canvas));
    figures.sort_by(|a, b| (a.bounds.x1 + a.bounds.x2).total_cmp(&(b.bounds.x1 + b.bounds.x2)));
    Played::silent(place, figures)
}

/// Two rows of places; `who` stand in some of them. Three to a row are wide enough for any calm figure.
fn in_slots(dice: &mut Dice, panel: &Area, who: &[Figure], height: f32, columns: usize) -> Vec<Player> {
    let mut slots: Vec<(usize, usize)> = (0..2 * columns).map(|i| (i / columns, i % columns)).collect();
    dice.shuffle(&mut slots);
    let column = (panel.w() - 12.0) / columns as f32;
    let play = ((column - height * 0.78) / 2.0).max(0.0);
    let front = panel.y2 - dice.between(6.0, 14.0);
    let mut players: Vec<Player> = who
        .iter()
        .zip(slots)
        .map(|(figure, (row, slot))| {
            let x = panel.x1 + 6.0 + column * (slot as f32 + 0.5) + dice.between(-play, play);
            let y = if row == 0 { front - height * 1.24 } else { front };
            let action = dice.pick(CALM);
            Player::new(dress(dice, *figure, action, (x, y), height), row as u32)
        })
        .collect();
    players.sort_by(|a, b| a.floor().total_cmp(&b.floor()));
    players
}

/// Something to stand behind.
struct Screen {
    area: Area,
    kind: usize,
}

impl Screen {
    fn draw(&self, canvas: &mut Canvas) {
        let a = &self.area;
        match self.kind {
            0 => fence(canvas, a),
            1 => crates(canvas, a),
            _ => bush(canvas, a),
        }
    }
}

/// Places where figures stand behind each other and behind a fence, crates or a bush, but always with their head in view
/// and at least about half of themselves.
fn hidden(dice: &mut Dice, panel: &Area, firm: f32, who: &[Figure], height: f32) -> (Vec<Player>, Vec<Screen>) {
    let screens = draw_screens(dice, panel, firm, height);
    let before: Vec<(f32, Area)> = screens.iter().map(|s| (s.area.y2, s.area)).collect();
    for _ in 0..ROUNDS {
        if let Some(players) = try_places(dice, panel, firm, who, height, &before) {
            return (number(players), screens);
        }
    }
    (number(in_slots(dice, panel, who, height, 4)), Vec::new())
}

fn number(mut players: Vec<Player>) -> Vec<Player> {
    (0..).zip(&mut players).for_each(|(depth, p)| p.depth = depth);
    players
}

fn draw_screens(dice: &mut Dice, panel: &Area, firm: f32, height: f32) -> Vec<Screen> {
    let ground = panel.y2 - firm;
    let kind = dice.below(3);
    let base = firm + ground * dice.between(0.5, 0.8);
    let mut screens = Vec::new();
    if kind == 0 {
        screens.push(Screen { area: Area::new(panel.x1 - 4.0, base - height * 0.34, panel.x2 + 4.0, base), kind });
    } else {
        for share in [dice.between(0.12, 0.4), dice.between(0.6, 0.88)] {
            let (half, tall) = (height * dice.between(0.32, 0.42), height * dice.between(0.36, 0.46));
            let base = base + dice.between(-0.12, 0.15) * ground;
            screens.push(Screen {
                area: Area::new(panel.x(share) - half, base - tall, panel.x(share) + half, base),
                kind,
            });
        }
    }
    screens.sort_by(|a, b| a.area.y2.total_cmp(&b.area.y2));
    screens
}

fn try_places(
    dice: &mut Dice,
    panel: &Area,
    firm: f32,
    who: &[Figure],
    height: f32,
    before: &[(f32, Area)],
) -> Option<Vec<Player>> {
    let inside = Area::new(panel.x1 + 3.0, panel.y1 + 3.0, panel.x2 - 3.0, panel.y2 - 3.0);
    let upper = (firm + (panel.y2 - firm) * 0.08).max(panel.y1 + height * 1.22);
    let mut players: Vec<Player> = Vec::new();
    for figure in who {
        let action = dice.pick(CALM);
        let mut player = Player::new(dress(dice, *figure, action, (0.0, 0.0), height), 0);
        let mut placed = false;
        for _ in 0..TRIES {
            let reach = height * 0.3;
            let (x, y) = draw_spot(dice, panel, upper, height, &players, before);
            player.sketch.feet =
                (x.clamp(panel.x1 + reach, panel.x2 - reach), y.clamp(upper, (panel.y2 - 8.0).max(upper)));
            let mut all = players.clone();
            all.push(player.clone());
            all.sort_by(|a, b| a.floor().total_cmp(&b.floor()));
            let seen = outlines_hidden_by(&all, before);
            let clear = |(o, by): &(super::super::cast::Outline, Vec<Area>)| {
                o.head_visible(by) > 0.9 && inside.holds(&o.whole()) && o.visible(by) > 0.5
            };
            if seen.iter().all(clear) {
                players = all;
                placed = true;
                break;
            }
        }
        if !placed {
            return None;
        }
    }
    Some(players)
}

/// A place to try: behind something, close to somebody, or anywhere.
fn draw_spot(
    dice: &mut Dice,
    panel: &Area,
    upper: f32,
    height: f32,
    players: &[Player],
    before: &[(f32, Area)],
) -> (f32, f32) {
    let anywhere = (dice.between(panel.x1, panel.x2), dice.between(upper, panel.y2 - 8.0));
    match dice.unit() {
        u if u < 0.4 => before.get(dice.below(before.len())).map_or(anywhere, |(base, hiding)| {
            let x = dice.between(hiding.x1, hiding.x2);
            (x, base - height * dice.between(0.02, 0.12))
        }),
        u if u < 0.75 => players.get(dice.below(players.len())).map_or(anywhere, |p| {
            let (x, y) = p.sketch.feet;
            let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
            (x + side * height * dice.between(0.25, 0.42), y + height * dice.between(-0.3, 0.3))
        }),
        _ => anywhere,
    }
}

fn fence(canvas: &mut Canvas, a: &Area) {
    let (wood, h) = (Ink(226, 204, 164), a.h());
    for share in [0.3, 0.68] {
        let y = a.y1 + h * share;
        canvas.rect(a.x1, y, a.x2, y + h * 0.14, wood, 1.4);
    }
    let (mut x, wide) = (a.x1 + 2.0, h * 0.36);
    let mut pickets = Vec::new();
    while x < a.x2 {
        let (tip, shoulder) = (a.y1 - h * 0.06, a.y1 + h * 0.1);
        pickets.push([(x, a.y2), (x, shoulder), (x + wide / 2.0, tip), (x + wide, shoulder), (x + wide, a.y2)]);
        x += wide * 1.18;
    }
    canvas.polygons(&pickets, wood, 1.5);
}

fn crates(canvas: &mut Canvas, a: &Area) {
    canvas.rect(a.x1, a.y1, a.x2, a.y2, Ink(196, 158, 112), 2.2);
    canvas.line(&[(a.x1, a.y1), (a.x2, a.y2)], DARK, 1.5);
    canvas.line(&[(a.x1, a.y2), (a.x2, a.y1)], DARK, 1.5);
    let edge = a.h() * 0.16;
    for y in [a.y1, a.y2 - edge] {
        canvas.rect(a.x1, y, a.x2, y + edge, Ink(214, 180, 136), 1.5);
    }
}

fn bush(canvas: &mut Canvas, a: &Area) {
    let shape = [
        (0.02, 1.0),
        (0.0, 0.55),
        (0.14, 0.22),
        (0.34, 0.26),
        (0.5, 0.02),
        (0.68, 0.2),
        (0.88, 0.2),
        (1.0, 0.56),
        (0.98, 1.0),
    ];
    canvas.blob(&shape.map(|(x, y)| (a.x(x), a.y(y))), Ink(110, 158, 98), 1.8);
    for (x, y) in [(0.3, 0.6), (0.55, 0.45), (0.72, 0.7)] {
        canvas.ellipse((a.x(x), a.y(y)), 2.0, 2.0, Ink(206, 72, 64), 0.8);
    }
}

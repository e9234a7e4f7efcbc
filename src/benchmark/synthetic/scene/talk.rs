//! Two figures that talk in turn. The order of the balloons can be read without doubt: rows from top to bottom that do not
//! overlap in height, in a row from left to right at one height.

use super::{Played, Stage};
use crate::benchmark::synthetic::backdrop::draw_backdrop;
use crate::benchmark::synthetic::balloon::{Speech, draw_speech, half_size, talk_words};
use crate::benchmark::synthetic::canvas::{Area, Point};
use crate::benchmark::synthetic::cast::{CALM, Player, draw_players, dress};
use crate::benchmark::synthetic::figure;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{Action, BalloonTruth, Difficulty};

/// Drafts of a talk before a short one is taken.
const TRIES: usize = 80;

/// The room balloons have, and how they are lettered.
struct Room {
    panel: Area,
    /// Balloons end above this height.
    floor: f32,
    letter: f32,
    /// Height between rows.
    gap: f32,
    /// What may be said.
    words: Vec<&'static str>,
    /// Tops of the heads of the left and the right figure.
    heads: [Point; 2],
}

/// Balloons of one row, from left to right: the word, and whether the left figure says it.
type Row = Vec<(&'static str, bool)>;

/// Draws the scene.
pub fn play(stage: &mut Stage<'_>) -> Played {
    let place = stage.place();
    draw_backdrop(stage.canvas, &mut stage.dice, &stage.panel, place, (0.54, 0.64));
    let (letter, least) = match stage.difficulty {
        Difficulty::Easy => (stage.dice.between(19.5, 20.5), 2),
        Difficulty::Medium => (stage.dice.between(13.6, 14.6), 3),
        Difficulty::Hard => (stage.dice.between(10.8, 11.5), 4),
    };
    let count = least + stage.dice.below(2);
    let players = draw_speakers(stage);
    let figures = draw_players(stage.canvas, &stage.panel, &players, &[]);
    let extents: Vec<Area> = players.iter().map(|p| figure::extent(&p.sketch)).collect();
    let head = |p: Option<&Player>| {
        p.map_or((0.0, 0.0), |p| {
            let head = figure::head_extent(&p.sketch);
            (head.x(0.5), head.y1)
        })
    };
    let room = Room {
        panel: stage.panel,
        floor: extents.iter().map(|e| e.y1).fold(f32::MAX, f32::min) - 5.0,
        letter,
        gap: letter * 0.4 + 5.0,
        words: talk_words(stage.difficulty),
        heads: [head(players.first()), head(players.last())],
    };
    let rows = draw_rows(&mut stage.dice, &room, count, least);
    let speeches = lay_out(&mut stage.dice, &room, &rows);
    speeches.iter().for_each(|(speech, _)| draw_speech(stage.canvas, speech, letter));
    let speaker = |left: bool| if left { players.first() } else { players.last() };
    let balloons = speeches.into_iter().filter_map(|(speech, left)| {
        let speaker = speaker(left)?.sketch.figure;
        Some(BalloonTruth { text: speech.word.to_owned(), bounds: speech.area.page_box(), speaker, letter })
    });
    Played { balloons: balloons.collect(), ..Played::silent(place, figures) }
}

/// Two figures that face each other, the left one first.
fn draw_speakers(stage: &mut Stage<'_>) -> Vec<Player> {
    let (panel, dice) = (stage.panel, &mut stage.dice);
    let height = (panel.h() * 0.3).min(panel.w() * 0.36).clamp(60.0, 100.0);
    let floor = panel.y2 - dice.between(6.0, 12.0);
    let sides = if panel.w() > 420.0 { [0.32, 0.68] } else { [0.24, 0.76] };
    let who = stage.cast.several(dice, 2);
    let mut players = Vec::new();
    for (figure, (share, flip)) in who.into_iter().zip(sides.into_iter().zip([false, true])) {
        let x = panel.x(share + dice.between(-0.03, 0.03));
        let action: Action = dice.pick(CALM);
        let mut sketch = dress(dice, figure, action, (x, floor), height);
        sketch.flip = flip;
        players.push(Player::new(sketch, 1));
    }
    players
}

/// Words, speakers and rows of a talk that fits.
fn draw_rows(dice: &mut Dice, room: &Room, count: usize, least: usize) -> Vec<Row> {
    for _ in 0..TRIES {
        let lines = draw_lines(dice, &room.words, count);
        let rows = break_rows(dice, room, &lines);
        if fits(room, &rows) {
            return rows;
        }
    }
    // A panel too low for long words gets short ones.
    let mut short: Vec<&'static str> = room.words.iter().copied().filter(|w| w.len() <= 5).collect();
    dice.shuffle(&mut short);
    short.into_iter().take(least).map(|word| vec![(word, dice.chance(0.5))]).collect()
}

/// Different words, said by both in a random order.
fn draw_lines(dice: &mut Dice, words: &[&'static str], count: usize) -> Vec<(&'static str, bool)> {
    let mut words = words.to_vec();
    dice.shuffle(&mut words);
    let mut lines: Vec<(&'static str, bool)> = words.into_iter().take(count).map(|w| (w, dice.chance(0.5))).collect();
    let first = lines.first().is_some_and(|l| l.1);
    if lines.iter().all(|l| l.1 == first) {
        let other = dice.below(count);
        if let Some(line) = lines.get_mut(other) {
            line.1 = !first;
        }
    }
    lines
}

/// A balloon of the left figure and the next one of the right figure may stand side by side.
fn break_rows(dice: &mut Dice, room: &Room, lines: &[(&'static str, bool)]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in lines {
        let beside = match rows.last().map(Vec::as_slice) {
            Some([(word, true)]) if !line.1 => {
                let wide = 2.0 * (half_size(word, room.letter).0 + half_size(line.0, room.letter).0);
                wide + 26.0 < room.panel.w() && dice.chance(0.6)
            }
            _ => false,
        };
        match rows.last_mut() {
            Some(row) if beside => row.push(*line),
            _ => rows.push(vec![*line]),
        }
    }
    rows
}

fn fits(room: &Room, rows: &[Row]) -> bool {
    let wide = |row: &Row| row.iter().map(|l| 2.0 * half_size(l.0, room.letter).0 + 8.0).sum::<f32>() + 6.0;
    rows.iter().all(|row| wide(row) < room.panel.w()) && height(room, rows) < room.floor - room.panel.y1
}

/// Height of all rows with the gaps around them.
fn height(room: &Room, rows: &[Row]) -> f32 {
    let each = 2.0 * half_size("", room.letter).1;
    rows.len() as f32 * (each + room.gap) + 7.0
}

/// Places and tails of the balloons, in reading order, and whether the left figure says them.
fn lay_out(dice: &mut Dice, room: &Room, rows: &[Row]) -> Vec<(Speech, bool)> {
    let spare = (room.floor - room.panel.y1 - height(room, rows)).max(0.0);
    let half_h = half_size("", room.letter).1;
    let stretch = (spare / (rows.len() as f32 + 1.0)).min(room.letter);
    let mut y = room.panel.y1 + 7.0 + half_h + dice.between(0.0, stretch);
    let mut placed = Vec::new();
    for row in rows {
        for (word, left) in row {
            let half_w = half_size(word, room.letter).0;
            let (low, high) = (room.panel.x1 + half_w + 7.0, room.panel.x2 - half_w - 7.0);
            // A balloon alone in its row leans to its speaker; two share the row.
            let play = if row.len() == 1 { dice.between(0.0, 0.3) } else { 0.0 };
            let near = if row.len() == 1 { 0.0 } else { dice.between(0.0, 0.02) };
            let off = (high - low).max(0.0) * (play + near);
            let x = if *left { low + off } else { high - off };
            placed.push((*word, Area::around((x, y), half_w, half_h), *left));
        }
        y += 2.0 * half_h + room.gap + dice.between(0.0, stretch);
    }
    let areas: Vec<Area> = placed.iter().map(|p| p.1).collect();
    placed
        .into_iter()
        .map(|(word, area, left)| {
            let [left_head, right_head] = room.heads;
            let tip = tail(&area, if left { left_head } else { right_head }, &areas, room.gap);
            (Speech { word, area, tip }, left)
        })
        .collect()
}

/// The end of a tail that points to a head: as far as no other balloon is in the way.
fn tail(from: &Area, head: Point, others: &[Area], gap: f32) -> Point {
    let start = (from.x(0.5) + (head.0 - from.x(0.5)).clamp(-0.3 * from.w(), 0.3 * from.w()), from.y2);
    let (dx, dy) = (head.0 - start.0, (head.1 - start.1).max(1.0));
    let far = dx.hypot(dy);
    let at = |length: f32| (start.0 + dx * length / far, start.1 + dy * length / far);
    let most = (far - 9.0).min(64.0);
    let free = |p: Point| !others.iter().any(|o| o != from && o.grown(3.0).has(p));
    let mut length = (gap * 0.7).min(far);
    while length + 3.0 < most && free(at(length + 6.0)) {
        length += 3.0;
    }
    at(length)
}

//! Balloons: small ones above a figure, and talks whose order can be read.

use super::canvas::{Area, Canvas, DARK, PAPER, Point};
use super::lettering;
use super::rng::Dice;
use super::world::Difficulty;

/// What balloons say; no text is part of another.
pub const WORDS: [&str; 40] = [
    "HELLO!",
    "OH NO!",
    "LOOK!",
    "HM...",
    "WAIT!",
    "YES!",
    "WHY?",
    "HA HA",
    "OUCH!",
    "COME!",
    "WOW!",
    "SH!",
    "GO ON",
    "NOT ME",
    "REALLY?",
    "SOON",
    "RUN!",
    "TEA?",
    "MAYBE",
    "I SEE",
    "UP HERE",
    "THANKS",
    "SORRY",
    "NEVER!",
    "AGAIN?",
    "HURRY!",
    "STOP!",
    "WHERE?",
    "LUNCH?",
    "GOOD!",
    "TOO LATE",
    "A DUCK!",
    "MY HAT!",
    "IT RAINS",
    "WHO?",
    "FINE",
    "BYE!",
    "ALL OF IT",
    "HOME",
    "TWO PLEASE",
];

/// Words of small balloons, and of all balloons of easy pages: the first so many.
pub const SMALL_WORDS: usize = 12;

/// What the balloons of a talk may say.
pub fn talk_words(difficulty: Difficulty) -> Vec<&'static str> {
    let known = if difficulty == Difficulty::Easy { SMALL_WORDS } else { WORDS.len() };
    WORDS.into_iter().take(known).collect()
}

/// Height of the letters of small balloons.
pub const fn small_letter(difficulty: Difficulty) -> f32 {
    match difficulty {
        Difficulty::Easy => 18.0,
        Difficulty::Medium | Difficulty::Hard => 13.0,
    }
}

/// Half of the height of a small balloon.
pub fn small_half_height(letter: f32) -> f32 {
    (letter * 1.3).round()
}

/// Draws a small balloon near the top of a panel, above `speaker`, and gives its box.
pub fn draw_small(
    canvas: &mut Canvas,
    dice: &mut Dice,
    panel: &Area,
    speaker: &Area,
    (word, letter): (&str, f32),
) -> Area {
    let (half_w, half_h) = (lettering::width(word, letter) / 2.0 + 16.0, small_half_height(letter));
    let mouth = (speaker.x1 + speaker.x2) / 2.0;
    let cx = (mouth + dice.between(-30.0, 30.0)).clamp(panel.x1 + half_w + 8.0, panel.x2 - half_w - 8.0);
    let cy = panel.y1 + half_h + dice.between(6.0, 14.0);
    let tip_y = (speaker.y1 - 4.0).clamp(cy + half_h + 8.0, cy + half_h + 26.0);
    let tail = [(cx - 9.0, cy + half_h - 4.0), (cx + 9.0, cy + half_h - 4.0), (cx + (mouth - cx) * 0.4, tip_y)];
    canvas.polygon(&tail, PAPER, 2.2);
    canvas.ellipse((cx, cy), half_w, half_h, PAPER, 2.2);
    canvas.rect(cx - 8.0, cy + half_h - 9.0, cx + 8.0, cy + half_h - 2.5, PAPER, 0.0);
    let left = cx - lettering::width(word, letter) / 2.0;
    lettering::write(canvas, word, (left, cy + letter / 2.0), letter, DARK, (letter * 0.15).max(2.0));
    Area::around((cx, cy), half_w, half_h)
}

/// A balloon with its place.
#[derive(Clone, Debug)]
pub struct Speech {
    /// What it says.
    pub word: &'static str,
    /// The balloon without its tail.
    pub area: Area,
    /// Where its tail ends.
    pub tip: Point,
}

/// Half the size of a balloon around a word.
pub fn half_size(word: &str, letter: f32) -> (f32, f32) {
    (lettering::width(word, letter) / 2.0 + letter * 0.75 + 3.0, letter * 0.92)
}

/// Draws a balloon with its tail.
pub fn draw_speech(canvas: &mut Canvas, speech: &Speech, letter: f32) {
    let (a, pen) = (&speech.area, (letter * 0.11).max(1.7));
    let (cx, cy) = (a.x(0.5), a.y(0.5));
    let (dx, dy) = (speech.tip.0 - cx, speech.tip.1 - cy);
    let base = (cx + dx.clamp(-0.55 * a.w() / 2.0, 0.55 * a.w() / 2.0), a.y2 - a.h() * 0.2);
    let half = (letter * 0.45).max(5.0);
    canvas.polygon(&[(base.0 - half, base.1), (base.0 + half, base.1), speech.tip], PAPER, pen);
    canvas.capsule(a, PAPER, pen);
    // The tail without its outline again, so that it opens into the balloon.
    let inner = (half - pen * 0.6).max(1.0);
    let reach =
        if dy > 1.0 { ((a.y2 + pen * 1.5 - base.1) / (speech.tip.1 - base.1).max(1.0)).clamp(0.0, 0.8) } else { 0.0 };
    let at = |x: f32| (x + (speech.tip.0 - base.0) * reach, base.1 + (speech.tip.1 - base.1) * reach);
    let narrow = inner * (1.0 - reach);
    let (left, right) = (at(base.0 - narrow), at(base.0 + narrow));
    canvas.polygon(&[(base.0 - inner, base.1), (base.0 + inner, base.1), right, left], PAPER, 0.0);
    let left = cx - lettering::width(speech.word, letter) / 2.0;
    lettering::write(canvas, speech.word, (left, cy + letter / 2.0), letter, DARK, (letter * 0.15).max(1.5));
}

//! The title strip.

use super::canvas::{Area, Canvas, DARK, Ink, PAPER};
use super::lettering;
use super::rng::Dice;

const TITLES: [&str; 16] = [
    "THE LOST HAT",
    "A QUIET DAY",
    "OVER THE HILL",
    "TOO MANY FISH",
    "MOON SOUP",
    "THE BIG RACE",
    "NO BISCUITS",
    "WINDY TOWN",
    "TEA FOR NINE",
    "THE LONG NAP",
    "ONE MORE STEP",
    "UP THE RIVER",
    "THE RED DOOR",
    "HALF A MAP",
    "SLOW SUNDAY",
    "WHO WAS THAT?",
];

/// Draws the title strip.
pub fn draw_title(canvas: &mut Canvas, dice: &mut Dice, strip: &Area) {
    let text = dice.pick(TITLES);
    let ground = dice.pick([Ink(226, 88, 70), Ink(58, 110, 165), Ink(240, 188, 60), Ink(84, 140, 96)]);
    canvas.rect(strip.x1, strip.y1, strip.x2, strip.y2, ground, 3.0);
    let letter = ((strip.w() - 80.0) / (text.chars().count().max(1) as f32 * 0.92)).min(strip.h() * 0.5);
    let left = (strip.x1 + strip.x2 - lettering::width(text, letter)) / 2.0;
    let base = (strip.y1 + strip.y2 + letter) / 2.0;
    lettering::write(canvas, text, (left + 3.0, base + 3.0), letter, DARK, letter * 0.2);
    lettering::write(canvas, text, (left, base), letter, PAPER, letter * 0.16);
}

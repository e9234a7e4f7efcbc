//! Sounds, lettered in a burst.

use super::canvas::{Area, Canvas, DARK, Ink, PAPER, Point};
use super::lettering;
use super::rng::Dice;
use super::world::Sound;
use crate::geometry::PageBox;

/// Places tried for a burst.
const TRIES: usize = 40;

/// Draws a burst where it covers none of `keep_free`; `None` where there is no room. Gives the sound, its box and the
/// height of its letters.
pub fn draw_sound(
    canvas: &mut Canvas,
    dice: &mut Dice,
    panel: &Area,
    keep_free: &[Area],
) -> Option<(Sound, PageBox, f32)> {
    let sound = dice.pick(Sound::ALL);
    let most = if panel.w() > 225.0 { 25.0 } else { 20.0 };
    let letter = dice.between(18.0, most);
    let text = lettering::width(sound.word(), letter);
    let (inner_w, inner_h) = (text / 2.0 * 1.22 + 4.0, letter * 0.86);
    let (half_w, half_h) = (inner_w + letter * 0.6, inner_h + letter * 0.5);
    let room = Area::new(panel.x1 + half_w, panel.y1 + half_h, panel.x2 - half_w, panel.y(0.62) - half_h).grown(-5.0);
    if room.w() <= 0.0 || room.h() <= 0.0 {
        return None;
    }
    let free = |a: &Area| !keep_free.iter().any(|k| k.grown(3.0).meets(a));
    let centre = (0..TRIES)
        .map(|_| (room.x(dice.unit()), room.y(dice.unit())))
        .find(|c| free(&Area::around(*c, half_w, half_h)))?;
    let points: Vec<Point> = star(dice, centre, (inner_w, inner_h), (half_w, half_h));
    let (fill, ink) = dice.pick([
        (Ink(252, 222, 92), Ink(206, 44, 40)),
        (Ink(250, 247, 238), Ink(214, 60, 44)),
        (Ink(252, 196, 120), Ink(60, 70, 160)),
        (Ink(250, 247, 238), Ink(40, 100, 170)),
    ]);
    let at = (centre.0 - text / 2.0, centre.1 + letter / 2.0);
    // Letters in a colour would drown in tone, so black and white bursts are white with dark letters.
    if canvas.is_coloured() {
        canvas.polygon(&points, fill, 2.6);
        lettering::write(canvas, sound.word(), at, letter, DARK, letter * 0.26);
        lettering::write(canvas, sound.word(), at, letter, ink, letter * 0.15);
    } else {
        canvas.polygon(&points, PAPER, 2.6);
        lettering::write(canvas, sound.word(), at, letter, DARK, letter * 0.2);
    }
    Some((sound, Area::around(centre, half_w, half_h).page_box(), letter))
}

fn star(dice: &mut Dice, (x, y): Point, inner: (f32, f32), outer: (f32, f32)) -> Vec<Point> {
    const SPIKES: usize = 13;
    (0..SPIKES * 2)
        .map(|i| {
            let (sin, cos) = (i as f32 * std::f32::consts::PI / SPIKES as f32).sin_cos();
            let out = if i % 2 == 0 { dice.between(0.62, 1.0) } else { 0.0 };
            let reach = |inner: f32, outer: f32| inner + (outer - inner) * out;
            (x + cos * reach(inner.0, outer.0), y + sin * reach(inner.1, outer.1))
        })
        .collect()
}

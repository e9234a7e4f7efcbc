//! One moment of a story: the thing that changes, and the same figure beside it in the same place.

use super::{Played, Stage};
use crate::benchmark::synthetic::arcs;
use crate::benchmark::synthetic::backdrop::draw_backdrop;
use crate::benchmark::synthetic::canvas::{Area, Canvas, DARK, Ink, PAPER};
use crate::benchmark::synthetic::cast::{CALM, Player, draw_players, dress};
use crate::benchmark::synthetic::lettering;
use crate::benchmark::synthetic::world::{BeatTruth, Difficulty, Place};

/// The box with a panel's letter.
struct Caption {
    /// Its side.
    side: f32,
    /// Height of the letter.
    letter: f32,
    pen: f32,
    paper: Ink,
}

/// On easy pages the box is so large and bright that a model finds it on a page shown at a sixth of its size.
const fn caption(difficulty: Difficulty) -> Caption {
    match difficulty {
        Difficulty::Easy => Caption { side: 66.0, letter: 42.0, pen: 8.0, paper: GOLD },
        Difficulty::Medium | Difficulty::Hard => Caption { side: 30.0, letter: 17.0, pen: 2.8, paper: PAPER },
    }
}

/// The yellow of captions.
const GOLD: Ink = Ink(252, 214, 84);

/// Height of the letters of a story's panels in page pixels.
pub const fn letter_height(difficulty: Difficulty) -> f32 {
    caption(difficulty).letter
}

/// Draws moment `truth` of a story of `steps` moments whose smallest panel is `w`×`h` pixels: thing and figure have one size
/// in all of its panels, so that sizes can be compared.
pub fn play(stage: &mut Stage<'_>, truth: &BeatTruth, steps: u32, (w, h): (f32, f32)) -> Played {
    let panel = stage.panel;
    // Place, weather, figure and clothes come from the story's dice, so that they are the same in all of its panels.
    let mut story = stage.story_dice();
    let place = story.pick(Place::ALL);
    let who = stage.cast.pick(&mut story);
    let left = story.chance(0.5);
    let height = (h * 0.36).min(w * 0.4).clamp(44.0, 96.0);
    let mut sketch = dress(&mut story, who, CALM[0], (0.0, 0.0), height);
    draw_backdrop(stage.canvas, &mut story, &panel, place, (0.5, 0.56));
    let floor = panel.y(0.93);
    sketch.action = stage.dice.pick(CALM);
    sketch.flip = !left;
    let (near, far) = if panel.w() > 420.0 { (0.38, 0.64) } else { (0.25, 0.68) };
    let (figure_at, thing_at) = if left { (near, far) } else { (1.0 - near, 1.0 - far) };
    sketch.feet = (panel.x(figure_at), floor);
    // Thing and figure stay below the letter.
    let caption = caption(stage.difficulty);
    let size = (h * 0.7).min(w * 0.56).min(h * 0.93 - caption.side - 6.0);
    let spot = arcs::Spot { x: panel.x(thing_at), base: floor, size };
    arcs::draw_moment(stage.canvas, truth.arc, truth.step, steps, &spot);
    let figures = draw_players(stage.canvas, &panel, &[Player::new(sketch, 1)], &[]);
    draw_caption(stage.canvas, &panel, &caption, truth.label);
    Played { beat: Some(truth.clone()), ..Played::silent(place, figures) }
}

/// The panel's letter in its top left corner.
fn draw_caption(canvas: &mut Canvas, panel: &Area, caption: &Caption, label: char) {
    let (x, y, &Caption { side, letter, pen, paper }) = (panel.x1, panel.y1, caption);
    canvas.rect(x, y, x + side, y + side, paper, 2.4);
    let text = label.to_string();
    let at = (x + 1.0 + (side - lettering::width(&text, letter)) / 2.0, y + 1.0 + (side + letter) / 2.0);
    lettering::write(canvas, &text, at, letter, DARK, pen);
}

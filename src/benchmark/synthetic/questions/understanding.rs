//! What a panel shows, says and sounds like.

use super::{Asked, options, pick_panel, wording};
use crate::benchmark::AnswerForm;
use crate::benchmark::synthetic::balloon::SMALL_WORDS;
use crate::benchmark::synthetic::balloon_words;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{PageTruth, PanelTruth, Place, Scene, Sound};

/// Houses, trees and peaks are this share of a panel's height.
const PLACE_DETAIL: f32 = 0.15;

/// Asks for the place, for what is said or for what is heard, whichever the page has; four choices each.
pub(super) fn ask<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let mut kinds = [place, said, heard];
    dice.shuffle(&mut kinds);
    kinds.into_iter().find_map(|kind| kind(truth, dice))
}

fn place<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| p.scene != Scene::Beat)?;
    let wordings = [
        "Where does panel {0} take place?",
        "In panel {0}, what is the place?",
        "Which place is drawn behind the figures of panel {0}?",
    ];
    let detail = panel.bounds.height() as f32 * PLACE_DETAIL;
    Some(asked(truth, dice, panel, &wordings, panel.place.word(), Place::ALL.map(Place::word), detail))
}

fn said<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| p.balloons.len() == 1)?;
    let balloon = panel.balloons.first()?;
    let wordings =
        ["What is said in panel {0}?", "In panel {0}, what does the balloon say?", "Read the balloon of panel {0}."];
    // Small balloons say the first words only: others among the choices would be wrong at first sight.
    let all = balloon_words().take(SMALL_WORDS);
    Some(asked(truth, dice, panel, &wordings, &balloon.text, all, balloon.letter))
}

fn heard<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| p.sound.is_some())?;
    let (sound, _, letter) = panel.sound.as_ref()?;
    let wordings =
        ["What is heard in panel {0}?", "In panel {0}, which sound is it?", "Which sound is lettered in panel {0}?"];
    Some(asked(truth, dice, panel, &wordings, sound.word(), Sound::ALL.map(Sound::word), *letter))
}

fn asked<'a>(
    truth: &PageTruth,
    dice: &mut Dice,
    panel: &'a PanelTruth,
    wordings: &[&str; 3],
    right: &str,
    all: impl IntoIterator<Item = &'static str>,
    detail: f32,
) -> Asked<'a> {
    let all: Vec<&str> = all.into_iter().collect();
    Asked {
        text: wording(truth, dice, *wordings, &[&panel.number.to_string()]),
        form: AnswerForm::Choice,
        choices: options(dice, right, all, 3),
        labels: Vec::new(),
        right: right.to_owned(),
        panels: vec![panel],
        detail,
        shortcut: None,
    }
}

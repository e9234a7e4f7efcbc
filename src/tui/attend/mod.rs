//! Attention over the page, and what the layers would have said: what a person asked to see of the token under the cursor.
//!
//! Takes: [`AttendAction`]s from keys, `attention` and `lens` records from the session or from whoever looks on demand. Gives:
//! looks that are wanted ([`Effect::Look`], one at a time), heat maps for the pictures' requests, figures for their frames.
//! While nothing of it is shown, nothing is asked for and nothing is computed.

mod maps;
mod picture;

pub use maps::{Shown, level_colour};
pub use picture::{AttentionPicture, attention_png};

use super::action::Arrival;
use super::app::{App, Screen};
use super::clean;
use super::effect::Effect;
use super::explorer::Explorer;
use crate::engine::{Look, Looking, Past};
use crate::model::watch::{AttentionPick, Heads, Layers};
use crate::trace::{Body, Record, TokenSource};

/// What a person can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttendAction {
    /// Show or hide attention over the page.
    Toggle,
    /// The next layer; after the last, the mean over all.
    Layer(Turn),
    /// The next head; after the last, the mean over all.
    Head(Turn),
    /// Subtract sinks, or do not.
    Sinks,
    /// Show what the layers would have said, or the alternatives.
    Lens,
    /// Scroll the layers.
    Scroll(Turn),
}

/// One way or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// To a larger number.
    Up,
    /// To a smaller one.
    Down,
}

/// What is shown, and what is waited for.
#[derive(Clone, Debug, Default)]
pub struct Attending {
    /// Whether attention is drawn over page and crop.
    pub on: bool,
    /// The layer, from 0; `None` is the mean over all.
    pub layer: Option<u32>,
    /// The head, from 0; `None` is the mean over all.
    pub head: Option<u32>,
    /// Weights are shown as they are, sinks and all.
    pub raw: bool,
    /// Whether the layers are shown in place of the alternatives.
    pub lens: bool,
    /// First layer shown, counted from the last.
    pub scroll: usize,
    /// The look that is waited for.
    asked: Option<Look>,
    /// A look that came to nothing, and why.
    refused: Option<(Look, String)>,
}

impl Attending {
    /// What is to be kept of every step while this is shown.
    pub fn looking(&self) -> Looking {
        Looking { attention: self.on.then(|| self.pick()), lens: self.lens }
    }

    fn pick(&self) -> AttentionPick {
        let layers = self.layer.map_or(Layers::Mean, |layer| Layers::One(layer as usize));
        let heads = self.head.map_or(Heads::Mean, |head| Heads::One(head as usize));
        AttentionPick { layers, heads }
    }

    /// Why the token at this position cannot be looked at.
    pub fn why_not(&self, position: u64) -> Option<&str> {
        self.refused.as_ref().filter(|(look, _)| look.position == position).map(|(_, why)| why.as_str())
    }

    /// A session is opened: what was waited for was another's.
    pub fn forget(&mut self) {
        (self.asked, self.refused) = (None, None);
    }

    /// Records arrived: an answer among them is what was waited for.
    pub(super) fn arrived<'a>(&mut self, bodies: impl Iterator<Item = &'a Body>) {
        let Some(asked) = self.asked else { return };
        let mut nothing = false;
        let mut here = false;
        for body in bodies {
            let (position, empty) = match body {
                Body::Attention(event) => (event.position, event.maps.is_empty()),
                Body::Lens(event) => (event.position, event.layers() == 0),
                _ => continue,
            };
            here |= position == asked.position;
            nothing |= position == asked.position && empty;
        }
        if here {
            self.asked = None;
        }
        if nothing {
            self.refused = Some((asked, "this model cannot be looked into".to_owned()));
        }
    }

    /// Looks until all that is shown is known.
    ///
    /// # Errors
    /// What `look` says.
    pub fn settle(
        &self,
        explorer: &mut Explorer,
        look: &mut dyn FnMut(&Past, &Look) -> Result<Vec<Body>, String>,
    ) -> Result<(), String> {
        let past = explorer.past();
        while let Some(wanted) = self.wanted(explorer) {
            explorer.tell(look(&past, &wanted)?);
            if self.wanted(explorer) == Some(wanted) {
                return Err("the answer does not say what was asked".to_owned());
            }
        }
        Ok(())
    }

    /// The look that is wanted next: the token under the cursor, then what its map is held against.
    fn wanted(&self, explorer: &Explorer) -> Option<Look> {
        if !self.on && !self.lens {
            return None;
        }
        let current = explorer.current()?.position;
        let known = &explorer.trace().looked;
        let lacks_map = |position: u64| self.on && known.attention_of(position, self.layer, self.head).is_none();
        let lacks_lens = self.lens && known.lens_of(current).is_none();
        if lacks_map(current) || lacks_lens {
            let attention = lacks_map(current).then(|| self.pick());
            return Some(Look { position: current, attention, lens: lacks_lens });
        }
        if self.raw {
            return None;
        }
        let position = maps::held_against(explorer, current).into_iter().find(|position| lacks_map(*position))?;
        Some(Look { position, attention: Some(self.pick()), lens: false })
    }
}

impl App {
    /// What a key of attention or lens does in the explorer.
    pub(super) fn attend(&mut self, action: AttendAction) -> Vec<Effect> {
        let of = self.explorer.as_ref().and_then(Explorer::layers_and_heads);
        let before = self.attend.looking();
        match action {
            AttendAction::Toggle => self.attend.on = !self.attend.on,
            AttendAction::Sinks => self.attend.raw = !self.attend.raw,
            AttendAction::Lens => (self.attend.lens, self.attend.scroll) = (!self.attend.lens, 0),
            AttendAction::Layer(turn) => self.attend.layer = turned(self.attend.layer, turn, of.map(|of| of[0])),
            AttendAction::Head(turn) => self.attend.head = turned(self.attend.head, turn, of.map(|of| of[1])),
            AttendAction::Scroll(Turn::Up) => self.attend.scroll = self.attend.scroll.saturating_sub(1),
            AttendAction::Scroll(Turn::Down) => {
                let most = of.map_or(0, |of| of[0].saturating_sub(1)) as usize;
                self.attend.scroll = (self.attend.scroll + 1).min(most);
            }
        }
        let shown = matches!(action, AttendAction::Toggle | AttendAction::Lens | AttendAction::Scroll(_));
        if !shown && !self.attend.on {
            self.toast = Some("attention is not shown: A shows it".to_owned());
        }
        // What was refused may be had of another layer.
        self.attend.refused = None;
        let now = self.attend.looking();
        if now == before { Vec::new() } else { vec![Effect::Watch(now)] }
    }

    /// A look that is wanted and not yet asked for.
    pub(super) fn look_wanted(&mut self) -> Option<Effect> {
        let explorer = self.explorer.as_ref().filter(|_| self.screen == Screen::Explorer)?;
        if self.attend.asked.is_some() {
            return None;
        }
        let look = self.attend.wanted(explorer)?;
        if self.attend.refused.as_ref().is_some_and(|(refused, _)| *refused == look) {
            return None;
        }
        self.attend.asked = Some(look);
        Some(Effect::Look(look))
    }

    /// What came of a look that no engine of a live session was asked for.
    pub(super) fn looked(&mut self, found: Result<Vec<Body>, String>) -> Vec<Effect> {
        match found {
            Ok(bodies) => {
                self.attend.arrived(bodies.iter());
                if let Some(explorer) = &mut self.explorer {
                    explorer.tell(bodies);
                }
            }
            Err(why) => {
                if let Some(asked) = self.attend.asked.take() {
                    self.attend.refused = Some((asked, clean(&why).replace('\n', " ")));
                }
            }
        }
        Vec::new()
    }
}

impl Explorer {
    /// Layers and heads of the model, as far as records tell.
    pub fn layers_and_heads(&self) -> Option<[u32; 2]> {
        let known = &self.trace().looked;
        let at = self.current().map(|token| token.position);
        let own = at.and_then(|at| known.any_attention(at)).filter(|event| event.of[0] > 0);
        let own = own.or_else(|| known.attended().find_map(|at| known.any_attention(at).filter(|e| e.of[0] > 0)));
        let lens = || Some([u32::try_from(known.lens_of(at?)?.layers()).ok()?, 0]);
        own.map(|event| event.of).or_else(lens)
    }

    /// Takes in what someone found out who is not the session.
    pub(super) fn tell(&mut self, bodies: Vec<Body>) {
        let record = |body| Arrival { record: Record { seq: u64::MAX, t: 0.0, body }, pixels: None };
        self.arrive(bodies.into_iter().map(record).collect());
    }

    /// The turn of the token at this position: the first of the model's tokens without the tool's words between.
    pub(super) fn turn_begins(&self, position: u64) -> u64 {
        let tokens = &self.trace().tokens;
        let Some(index) = self.trace().index_of(position) else { return position };
        let before = tokens.get(..index).unwrap_or_default().iter().rev();
        before.take_while(|token| token.by != TokenSource::Prompt).last().map_or(position, |token| token.position)
    }
}

/// The next number below `count`, or the mean after the last and before the first.
fn turned(now: Option<u32>, turn: Turn, count: Option<u32>) -> Option<u32> {
    let count = count.filter(|count| *count > 0)?;
    match (now, turn) {
        (None, Turn::Up) => Some(0),
        (None, Turn::Down) => Some(count - 1),
        (Some(at), Turn::Up) => Some(at + 1).filter(|next| *next < count),
        (Some(at), Turn::Down) => at.checked_sub(1),
    }
}

//! Forks: a session that has another's context up to a place, and from there on one thing otherwise.
//!
//! Takes: what is known of the parent ([`Past`]), a place in it ([`At`]) and an [`Edit`]. Gives: a [`Fork`], which an
//! [`Ask`](super::Ask) carries: the turn loop then stands in the parent's context instead of opening its own. Nothing of the
//! parent is tokenised again, and nothing of it is changed.

mod call;
mod place;
mod setting;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use image::RgbImage;

pub use setting::Setting;

use crate::geometry::{PageBox, Size};
use crate::protocol::Profile;
use crate::trace::{Change, ImageRole, Parent, Token, TokenSource, Trace, ZoomEvent};

/// What a fork needs to know of its parent.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Everything that was recorded.
    pub trace: Arc<Trace>,
    /// Pixels of its images by hash.
    pub pixels: HashMap<String, Arc<RgbImage>>,
}

/// A place in a session, as `--at` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A token position.
    Token(u64),
    /// A tool call by its number, from 1.
    Zoom(u32),
    /// A segment of the model by its number, from 1.
    Segment(usize),
    /// The end of what is recorded.
    End,
}

/// What a fork has otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Nothing: the model goes on from there once more.
    Nothing,
    /// Another token in the place of the one that stands there.
    Token(u32),
    /// A text in the place of what stands there.
    Text(String),
    /// The call at the place names another box (page pixels).
    Box(PageBox),
    /// The call at the place is as it was and returns something else.
    Crop(OtherCrop),
    /// What stands at the place, and all after it, gives way to a call for a box (page pixels) that ends the turn.
    Call(PageBox),
    /// Other settings from there on; their names. The [`Ask`](super::Ask) has the values.
    Settings(Vec<String>),
}

/// What a zoom returns instead of what it asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum OtherCrop {
    /// A grey image of the size it asked for.
    Blank,
    /// Nothing: the reply says that the crop is withheld.
    Withheld,
    /// Another region of the page, in page pixels.
    Region(PageBox),
    /// Another image; the name is for the log.
    Image(Arc<RgbImage>, String),
}

/// A fork, worked out: where it departs, and how.
#[derive(Clone, Debug)]
pub struct Fork {
    /// What the log says of it.
    pub parent: Parent,
    pub(super) past: Arc<Past>,
    /// Positions below this are the parent's.
    pub(super) until: u64,
    pub(super) words: Words,
    /// Number of the tool call that returns something else, and what.
    pub(super) other: Option<(u32, OtherCrop)>,
    /// Whether the cache is kept where it is not exact.
    pub(super) lean: bool,
    /// Whether the parent's own distribution at `until` was computed for the same context.
    pub(super) comparable: bool,
}

/// What is put into the model's mouth at the place.
#[derive(Clone, Debug)]
pub(super) enum Words {
    None,
    Id(u32),
    Text(String),
}

/// Why there is no such fork.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// The place is not in the session.
    #[error("the session has no {0}")]
    NoPlace(String),
    /// The place is in a prompt.
    #[error("token {0} was not written by the model; a fork begins at one that was, or at zoom:K")]
    NotWritten(u64),
    /// The edit needs a tool call.
    #[error("a box or a crop is changed at a tool call: use zoom:K, from 1 to {0}")]
    NoCall(usize),
    /// A box without an area on the page.
    #[error("the box does not lie on the page ({0})")]
    OffPage(String),
    /// The log lacks something.
    #[error("the session cannot be stood in again: {0}")]
    Incomplete(String),
}

impl Fork {
    /// Works out a fork. `profile` is how the session is talked to.
    ///
    /// # Errors
    /// [`ForkError`] says what the place or the recording lacks.
    pub fn plan(past: Arc<Past>, at: At, edit: Edit, profile: &Profile) -> Result<Self, ForkError> {
        let start = past.trace.start.as_ref().ok_or(ForkError::Incomplete("it does not say what it is".into()))?;
        let session = start.id.clone();
        let fork = |until: u64, words, other, comparable, told: String, change| Self {
            parent: Parent { session: session.clone(), position: until, edit: told, change: Some(change) },
            past: Arc::clone(&past),
            until,
            words,
            other,
            lean: false,
            comparable,
        };
        match edit {
            Edit::Nothing => {
                let until = past.place(at)?;
                Ok(fork(until, Words::None, None, true, "once more".into(), Change::Nothing))
            }
            Edit::Token(id) => {
                let until = past.place(at)?;
                let told = format!("token {until}: {} → {}", past.piece_at(until), past.piece_of(until, id));
                Ok(fork(until, Words::Id(id), None, true, told, Change::Token { id }))
            }
            Edit::Text(text) => {
                let until = past.place(at)?;
                let told = format!("token {until}: {} → {}", past.piece_at(until), quoted(&text));
                Ok(fork(until, Words::Text(text.clone()), None, true, told, Change::Text { text }))
            }
            Edit::Box(page_box) => {
                let zoom = past.call(at)?;
                let edited = call::edited(&past, zoom, page_box, profile)?;
                let told = format!("zoom {}: box → {}", zoom.number, whole(&page_box));
                let change = Change::Box { zoom: zoom.number, page_box };
                Ok(fork(edited.position, Words::Text(edited.text), None, true, told, change))
            }
            Edit::Call(page_box) => {
                let until = past.place(at)?;
                let text = call::ending_turn(&past, page_box, profile)?;
                let told = format!("token {until}: a call for {}", whole(&page_box));
                Ok(fork(until, Words::Text(text.clone()), None, true, told, Change::Text { text }))
            }
            Edit::Crop(other) => {
                let zoom = past.call(at)?;
                if let OtherCrop::Region(region) = &other {
                    past.on_page(region)?;
                }
                let told = format!("zoom {}: crop → {}", zoom.number, other.told());
                let (what, page_box) = other.change();
                let change = Change::Crop { zoom: zoom.number, what, page_box };
                Ok(fork(past.response(zoom), Words::None, Some((zoom.number, other)), false, told, change))
            }
            Edit::Settings(names) => {
                let until = if names.iter().all(|name| Setting::goes_on(name)) { past.place(at)? } else { 0 };
                let told = format!("settings: {}", names.join(", "));
                Ok(fork(until, Words::None, None, until > 0, told, Change::Settings { names }))
            }
        }
    }

    /// The same; `told` says what else is put into the model's mouth, after the edit.
    #[must_use]
    pub fn then(mut self, told: &str) -> Self {
        self.parent.edit = format!("{}, then {told}", self.parent.edit);
        self
    }

    /// The same, keeping all that the engine's cache has of the parent's context, although the parent's last bits may then
    /// be others: for many forks of one place.
    #[must_use]
    pub fn lean(mut self) -> Self {
        self.lean = true;
        self
    }

    /// Position of the first token that is the fork's own; 0 where the conversation begins anew.
    pub fn position(&self) -> u64 {
        self.until
    }
}

impl OtherCrop {
    fn told(&self) -> String {
        match self {
            Self::Blank => "blank".into(),
            Self::Withheld => "withheld".into(),
            Self::Region(page_box) => whole(page_box),
            Self::Image(_, name) => format!("image {}", quoted(name)),
        }
    }

    fn change(&self) -> (String, Option<PageBox>) {
        match self {
            Self::Blank => ("blank".into(), None),
            Self::Withheld => ("withheld".into(), None),
            Self::Region(page_box) => ("region".into(), Some(*page_box)),
            Self::Image(..) => ("file".into(), None),
        }
    }
}

impl Past {
    /// The recorded tokens below a position, if none is missing.
    pub(super) fn tokens(&self, until: u64) -> Result<&[Token], ForkError> {
        let count = self.trace.tokens.partition_point(|token| token.position < until);
        let tokens = self.trace.tokens.get(..count).unwrap_or_default();
        let whole = tokens.last().is_some_and(|last| last.position + 1 == until && count as u64 == until);
        if whole { Ok(tokens) } else { Err(ForkError::Incomplete("tokens are missing in its log".into())) }
    }

    /// The page's size and its size after processing, for a box that lies on it.
    fn on_page(&self, b: &PageBox) -> Result<(Size, Size), ForkError> {
        let page = self.trace.images.iter().find(|image| image.event.role == ImageRole::Page);
        let page = page.ok_or(ForkError::Incomplete("it has no page".into()))?;
        let size = page.event.original;
        if b.clamped(size).area() <= 0.0 {
            return Err(ForkError::OffPage(format!("the page is {size}")));
        }
        Ok((size, page.event.processed))
    }

    /// The zoom that was read at a position.
    pub(super) fn zoom_at(&self, position: u64) -> Option<&ZoomEvent> {
        self.trace.zooms.iter().find(|zoom| zoom.position == position)
    }

    /// The pixels of an image, by hash.
    pub(super) fn image(&self, hash: &str) -> Result<&Arc<RgbImage>, ForkError> {
        let missing = || ForkError::Incomplete("the pixels of an image are not kept here".into());
        self.pixels.get(hash).ok_or_else(missing)
    }

    fn token(&self, position: u64) -> Option<&Token> {
        self.trace.index_of(position).and_then(|index| self.trace.tokens.get(index))
    }

    fn piece_at(&self, position: u64) -> String {
        self.token(position).map_or_else(|| "the end".into(), |token| quoted_bytes(&token.piece.bytes()))
    }

    fn piece_of(&self, position: u64, id: u32) -> String {
        let top = self.token(position).and_then(|token| token.top.iter().find(|entry| entry.0 == id));
        top.map_or_else(|| format!("id {id}"), |entry| quoted_bytes(&entry.1.bytes()))
    }

    fn written(&self, position: u64) -> bool {
        self.token(position).is_some_and(|token| token.by != TokenSource::Prompt)
    }
}

fn quoted_bytes(bytes: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(bytes))
}

/// At most 60 characters between quotes, controls escaped.
fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

fn whole(page_box: &PageBox) -> String {
    let [x1, y1, x2, y2] = page_box.corners().map(f64::round);
    format!("[{x1}, {y1}, {x2}, {y2}]")
}

//! What the model is writing now, wrapped as it grows.
//!
//! A thought may have ten thousand tokens, and each would wrap all of it again. What can still change is its end: a tag that is
//! being written, blanks that may turn out to stand before one, the line that is not full. So what lies before that is wrapped
//! once and given away; the rest, a line or two, is wrapped for every token. The outcome is that of [`Flow::of`], which a
//! property test holds.

use super::wrap::{LONGEST_REST, Wrap, closing_tag, decode, opening_tag};
use super::{Flow, Glyph};
use crate::tui::explorer::Explorer;

/// The text since the last closed segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Growing {
    from: usize,
    to: usize,
    width: usize,
    text: String,
    /// The token of every character of `text`.
    owners: Vec<u32>,
    /// Bytes that begin a character and do not finish it.
    pending: Vec<u8>,
    /// Where the body begins, and the name of the tag it is in.
    opening: usize,
    name: String,
    /// How much of `text` is wrapped for good, in bytes and in characters.
    fed: (usize, usize),
    opened: bool,
    /// More than blanks and marks of the template, whatever comes.
    something: bool,
    /// The line that is not full.
    wrap: Wrap,
    /// Lines given away.
    given: usize,
}

/// What a growing text has become.
pub(super) struct Grown {
    /// So many of the lines given before are not as they were.
    pub take_back: usize,
    /// Lines that stay.
    pub done: Vec<Vec<Glyph>>,
    /// Lines that may change.
    pub tail: Vec<Vec<Glyph>>,
    /// Nothing, or only marks of the conversation's template.
    pub nothing: bool,
}

impl Growing {
    /// Lines given away that still stand.
    pub fn given(&self) -> usize {
        self.given
    }

    /// The name of the tag it is in, empty without one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes in model tokens `from..to`, those it has already included.
    pub fn take_in(&mut self, explorer: &Explorer, from: usize, to: usize, width: usize) -> Grown {
        let mut take_back = 0;
        if self.from != from || self.width != width || to < self.to || self.width == 0 {
            take_back = self.given;
            *self = Self { from, to: from, width, wrap: Wrap::new(width), ..Self::default() };
        }
        for token in self.to..to {
            let Some(token_text) = explorer.token(token) else { continue };
            self.pending.extend_from_slice(&token_text.piece.bytes());
            let owner = u32::try_from(token).unwrap_or(u32::MAX);
            let (text, owners) = (&mut self.text, &mut self.owners);
            decode(&mut self.pending, |c| {
                text.push(c);
                owners.push(owner);
            });
        }
        self.to = to;
        let (opening, name) = opening_tag(&self.text);
        if (opening, name) != (self.opening, self.name.as_str()) {
            take_back += self.given;
            let name = name.to_owned();
            (self.opening, self.name, self.fed) = (opening, name, (0, 0));
            (self.opened, self.something, self.given) = (false, false, 0);
            self.wrap = Wrap::new(width);
        }
        self.wrapped(take_back)
    }

    fn wrapped(&mut self, take_back: usize) -> Grown {
        let closing = closing_tag(&self.text, &self.name);
        let first_body = self.text.get(self.opening..).and_then(|t| t.find(|c: char| !c.is_whitespace()));
        let body = first_body.map_or(self.text.len(), |i| i + self.opening);
        let places = (self.opening, body, closing);
        if self.something {
            let limit = self.limit();
            let mut wrap = std::mem::take(&mut self.wrap);
            self.fed = self.feed(&mut wrap, places, limit);
            self.opened |= self.fed.0 > 0;
            self.wrap = wrap;
        }
        let done = std::mem::take(&mut self.wrap.lines);
        self.given += done.len();
        let mut rest = self.wrap.clone();
        self.feed(&mut rest, places, self.text.len());
        let tail = rest.finish();
        let nothing = !self.something && {
            let (nothing, for_good) = is_nothing(tail.iter().flatten().map(|g| g.ch));
            self.something = for_good;
            nothing
        };
        Grown { take_back, done, tail, nothing }
    }

    /// Up to where nothing that comes can change what is wrapped: before any closing tag, and before the blanks that might stand
    /// before one.
    fn limit(&self) -> usize {
        let mut limit = self.text.trim_end().len();
        if !self.name.is_empty() {
            limit = limit.saturating_sub("</>".len() + self.name.len() + LONGEST_REST);
        }
        while !self.text.is_char_boundary(limit) {
            limit -= 1;
        }
        self.text.get(..limit).map_or(0, |text| text.trim_end().len())
    }

    /// Wraps from where it was fed up to `end`; gives how far that is.
    fn feed(&self, wrap: &mut Wrap, (opening, body, closing): (usize, usize, usize), end: usize) -> (usize, usize) {
        let (from, first) = self.fed;
        if end <= from {
            return self.fed;
        }
        let text = self.text.get(from..end).unwrap_or_default();
        let owners = self.owners.get(first..).unwrap_or_default();
        let mut opened = self.opened;
        let mut count = first;
        for ((at, c), token) in text.char_indices().zip(owners) {
            let at = at + from;
            let place = Place { at, opening, body, closing };
            Flow::push(wrap, &self.text, c, *token as usize, place, &mut opened);
            count += 1;
        }
        (end, count)
    }
}

/// Where a character stands in its segment, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub at: usize,
    pub opening: usize,
    pub body: usize,
    pub closing: usize,
}

/// Whether a text is nothing but blanks and marks of the conversation's template (`<|…|>`), and whether it is something for
/// good, however it goes on.
pub(super) fn is_nothing(chars: impl Iterator<Item = char>) -> (bool, bool) {
    let mut chars = chars.peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.next() {
            None => return (true, false),
            Some('<') => match chars.next() {
                Some('|') => {
                    let mut bar = false;
                    let closed = chars.by_ref().any(|c| {
                        let closes = bar && c == '>';
                        bar = c == '|';
                        closes
                    });
                    if !closed {
                        return (false, false);
                    }
                }
                // Alone it may become a mark.
                None => return (false, false),
                Some(_) => return (false, true),
            },
            Some(_) => return (false, true),
        }
    }
}

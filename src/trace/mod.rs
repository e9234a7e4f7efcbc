//! The plain vocabulary of what can happen in a session, and the fold from events to what is known.
//!
//! Takes: [`Record`]s, from a running engine or from a file. Gives: a [`Trace`] at any cursor. Uses `geometry` and
//! `benchmark` (for the question a session is about). Nothing here knows where records come from.

pub mod breakpoint;
mod event;
mod fold;
mod look;
mod looked;
#[cfg(test)]
mod tests;
mod view;

pub use event::{
    Answer, Body, BreakEvent, Change, Control, ErrorEvent, FORMAT_VERSION, ForkEvent, ImageEvent, ImageRole, ModelInfo,
    Parent, Piece, Record, Refusal, SamplingInfo, ScoreEvent, SegmentEvent, SegmentKind, SessionEnd, SessionStart,
    TokenSource, Tokens, TopEntry, ZoomEvent, ZoomOutcome,
};
pub use fold::{PlacedImage, Token, Trace};
pub use look::{AttentionEvent, AttentionMap, ImageWeights, LensEvent, MOST_CELLS, pool_for};
pub use looked::Looked;
pub use view::{Cursor, SegmentSpan, View};

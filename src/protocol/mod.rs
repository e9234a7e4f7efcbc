//! Conversation to tokens and back: profiles (data) and the incremental parser.
//!
//! Takes: a [`Profile`] (TOML: texts, tags, the tool's shape, limits), a question, and the bytes a model writes. Gives:
//! [`PromptPart`]s to put into the context, [`ParseEvent`]s (segments, the turn's tool call, the turn's answer), and the
//! place on the page a call asks for. Uses `geometry`, `benchmark` and `trace`.
//!
//! Everything a model writes is hostile here: [`Parser`] accepts any bytes in any split, holds bounded buffers, and
//! turns every fault into a named [`crate::trace::Refusal`]. Text of users (questions, choices) never becomes a special
//! token of the conversation: see [`PromptPart`].

mod call;
mod parser;
mod place;
mod profile;
mod profile_error;
mod prompt;

pub use call::{MAX_COORDINATE, Refused, ZoomCall};
pub use parser::{MAX_ANSWER_BYTES, MAX_CALL_BYTES, ParseEvent, Parser};
pub use place::{Placement, Surroundings, place};
pub use profile::{ChoiceStyle, End, Limits, Profile, PromptTexts, Response, Tags, ToolShape};
pub use profile_error::ProfileError;
pub use prompt::PromptPart;

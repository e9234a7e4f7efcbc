//! Pure functions from traces to measures, labels and statistics.
//!
//! Takes: zoom events and the true regions of a question, or a whole [`Trace`](crate::trace::Trace). Gives: how well a zoom
//! lies on its target, the [`Facts`] a label needs, in one word how a session went ([`Label`]) and in one sentence why
//! ([`Evidence`]); and the statistics that many sessions are summed up with ([`stats`]). Where labels draw their lines a
//! person says ([`Thresholds`]). Every label and figure is defined in `docs/MEASURES.md`. Uses `geometry`, `benchmark` and
//! `trace`.

mod evidence;
mod f1;
mod facts;
mod frames;
mod label;
mod loops;
pub mod stats;
mod tokens;
mod zooms;

pub use crate::config::Thresholds;
pub use evidence::Evidence;
pub use f1::macro_f1;
pub use facts::{Ending, Facts, OptionFacts, ShortcutFacts};
pub use frames::other_frame;
pub use label::Label;
pub use loops::{LOOP_TOKENS, tail_repeats};
pub use stats::{mean, wilson};
pub use tokens::{KEPT_TOKENS, TokenFacts, TokenTail};
pub use zooms::{
    BestZoom, LOOKED_COVERAGE, LOOKED_TIGHTNESS, SessionMeasures, ZoomMeasures, is_bad_box, is_bad_call,
    session_measures, zoom_measures,
};

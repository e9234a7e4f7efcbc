//! Pure functions from traces to measures and labels.
//!
//! Takes: zoom events and the true regions of a question, or a whole [`Trace`](crate::trace::Trace). Gives: how well a zoom
//! lies on its target, and in one word how a session went. Uses `geometry`, `benchmark` and `trace`.

mod f1;
mod label;
mod stats;
mod zooms;

pub use f1::macro_f1;
pub use label::{Label, label};
pub use stats::{mean, wilson};
pub use zooms::{LOOKED_COVERAGE, LOOKED_TIGHTNESS, SessionMeasures, ZoomMeasures, session_measures, zoom_measures};

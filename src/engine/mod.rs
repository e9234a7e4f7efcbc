//! One question, a step at a time: the turn loop, the zoom tool, marks, and the thread it all runs on.
//!
//! Takes: an [`Ask`] (page, question, profile, sampling, interventions) and something that can be stepped
//! ([`StepEngine`]: [`LocalEngine`] on a loaded model, [`ScriptedEngine`] for tests and screens). Gives: [`Emission`]s,
//! the records of one session in the order a log has them. Uses `geometry`, `page`, `benchmark`, `trace`, `model`,
//! `protocol` and the leaf `demo` (for the embedded model's name); it knows of no file, no recorder and no screen.
//!
//! [`TurnLoop`] is the state machine: one [`TurnLoop::step`] is one token. [`run_to_end`] drives it on the caller's
//! thread, [`spawn`] on its own with commands in and emissions out, and a [`Batch`] steps many at once. Whatever goes wrong (a bad page, a vanished file, too
//! little memory, even a panic) ends the session with an `error` and a `session_end` record, and leaves a live program.

mod ask;
mod batch;
mod beginnings;
mod beside;
mod drive;
mod error;
mod image_cache;
mod fork;
mod journal;
mod local;
mod look;
mod resume;
mod scripted;
mod spawn;
mod step;
mod turn_loop;
mod watch;
mod zoom;

pub use ask::{Ask, CropMode, Debugging, Emission, PageMode, PageSource};
pub use batch::Batch;
pub use beside::{Beside, Gap};
pub use drive::{Measure, Outcome, run_measured, run_to_end};
pub use error::EngineError;
pub use fork::{At, Edit, Fork, ForkError, OtherCrop, Past, Setting};
pub use image_cache::{ImageCache, ImageCacheCounts};
pub use local::LocalEngine;
pub use look::{Look, Looker, Looking};
pub use scripted::ScriptedEngine;
pub use spawn::{
    Command, EngineMaker, EngineState, Handle, ModelSource, Start, StepUnit, Warm, load_model, load_placed, spawn,
};
pub use step::{Appended, Capabilities, Mark, Recorded, Resumed, StepEngine, StepToken};
pub use turn_loop::{Boundary, TurnLoop, TurnMark};

#[cfg(test)]
mod tests;

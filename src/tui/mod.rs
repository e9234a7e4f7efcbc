//! The explorer: state, actions, views, pictures, themes, keys.
//!
//! Elm-like: `Event → Action → update(state, action) → effects`, and views are pure functions from the state to a frame.
//! Takes: records, from a running engine or from a file; where they come from is known to `source` alone. Gives: a
//! screen. Model work, painting and file reading happen on other threads; this one never waits.

pub mod action;
pub mod app;
pub mod effect;
pub mod explorer;
pub mod export_svg;
pub mod field;
#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing)]
mod fixtures;
pub mod frames;
pub mod guard;
pub mod images;
pub mod keys;
pub mod playhead;
pub mod reasoning;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod update;
pub mod view;
mod wants;

/// Text from a model, a file or a person that is safe to draw; may hold line feeds.
fn clean(text: &str) -> String {
    crate::text::sanitise(text).into_owned()
}

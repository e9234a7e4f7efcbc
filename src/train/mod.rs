//! Supervised training on zoom trajectories.
//!
//! Takes: drawn pages and a configuration. Gives: a checkpoint folder that Hugging Face transformers loads. Uses
//! `benchmark::synthetic` for pages, `protocol` for the wire format, `model` for names and sizes.

pub mod cells;
pub mod trajectory;

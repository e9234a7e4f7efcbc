//! Pictures in the explorer: what the terminal can show, painting boxes, encoding on a worker, drawing in panes.
//!
//! Takes: pixels, an area in cells, boxes. Gives: something a pane can draw at once. Scaling, painting and encoding
//! happen on the worker; a pane keeps what it shows until the next picture is ready, and nothing is encoded twice.

pub mod blocks;
mod canvas;
pub mod caps;
mod kitty;
mod paint;
mod pane;
mod request;
mod sheets;
mod stage;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
mod worker;

pub use caps::{Caps, ImageMode, Way};
pub use kitty::{Direct, Sheet};
pub use paint::{Art, Painted, Painter, layers_of, paint, picture_of};
pub use pane::Gallery;
pub use request::{Line, Mark, Request, Seen, Slot, View, Wash};
pub use worker::{Worker, free_sequence};

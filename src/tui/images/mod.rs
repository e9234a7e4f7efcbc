//! Pictures in the explorer: what the terminal can show, painting boxes, encoding on a worker, drawing in panes.
//!
//! Takes: pixels, an area in cells, boxes. Gives: something a pane can draw at once. Scaling, painting and encoding
//! happen on the worker; a pane keeps what it shows until the next picture is ready, and nothing is encoded twice.

pub mod blocks;
pub mod caps;
mod paint;
mod pane;
mod worker;

pub use caps::{Caps, ImageMode, Way};
pub use paint::{Art, Mark, Painted, Request, Slot, paint, picture_of};
pub use pane::Gallery;
pub use worker::{Worker, free_sequence};

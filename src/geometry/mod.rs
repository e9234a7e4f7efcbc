//! Boxes that know which frame their numbers are in, and how much they overlap.
//!
//! Takes: four numbers and a [`FrameKind`]. Gives: [`PageBox`]es, in pixels of the original page, and the
//! three measures used everywhere (IoU, coverage, tightness). Uses no other room.
//!
//! A Qwen2.5-VL model writes boxes in pixels of the *processed* image, other families in relative numbers;
//! reading one as the other is a silent cause of failures. So a box is converted once, at the border, and the
//! type says what it is afterwards.

mod boxes;
mod measures;

pub use boxes::{BoxIn, Frame, FrameKind, Page, PageBox, Processed, RawBox, Relative1, Relative1000, Size};
pub use measures::{coverage, intersection, iou, tightness};

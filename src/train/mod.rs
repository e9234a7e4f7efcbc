//! Training: supervised fine-tuning on zoom trajectories.
//!
//! Takes pages as [`batch::TrainPage`] from a data source and a TOML file of settings; gives Hugging Face folders that
//! the `model` room and transformers load, checkpoints to go on from, and `metrics.jsonl`. The forward pass is the
//! model room's mathematics in differentiable operations ([`graph`]); a page is encoded once and shared by its segments.

pub mod batch;
pub mod error;
pub mod graph;
pub mod init;
pub mod loss;
pub mod ops;
pub mod optim;
pub mod pack;
pub mod params;
pub mod rotary;
pub mod shape;
pub mod step;
pub mod windows;

pub use error::{Result, TrainError};

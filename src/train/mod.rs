//! Training: supervised fine-tuning on zoom trajectories.
//!
//! Takes pages as [`batch::TrainPage`] from a data source and a TOML file of settings; gives Hugging Face folders that
//! the `model` room and transformers load, checkpoints to go on from, and `metrics.jsonl`. The forward pass is the
//! model room's mathematics in differentiable operations ([`graph`]); a page is encoded once and shared by its segments.

pub mod batch;
pub mod cells;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod error;
pub mod folder;
pub mod graph;
pub mod init;
pub mod loss;
pub mod metrics;
pub mod mix;
pub mod ops;
pub mod optim;
pub mod pack;
pub mod params;
pub mod plot;
pub mod progress;
pub mod rl;
pub mod rotary;
pub mod schedule;
pub mod shape;
pub mod source;
pub mod step;
pub mod trainer;
pub mod trajectory;
pub mod validate;
pub mod windows;

pub use error::{Result, TrainError};

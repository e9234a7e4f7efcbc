//! panelscope: watch a vision-language model read a comic page, zoom by zoom and token by token.
//!
//! One idea: *a session is an append-only list of events; everything else is a reader of that list.* The rooms below
//! are listed in the order in which they may use each other (a room uses those above it); `docs/ARCHITECTURE.md` has the
//! map, and each room's own documentation says what it takes and gives.

pub mod geometry;
pub mod page;
pub mod benchmark;
pub mod trace;
pub mod analysis;
pub mod model;
pub mod protocol;
pub mod engine;
pub mod session;
pub mod run;
pub mod study;
pub mod probe;
pub mod exchange;
pub mod train;
pub mod tui;
pub mod cli;

pub mod config;
pub mod demo;
pub mod hub;
pub mod text;

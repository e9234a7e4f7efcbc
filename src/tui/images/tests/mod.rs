//! What a kitty-like terminal is told, byte for byte, as a small terminal understands it.

mod direct;
mod terminal;

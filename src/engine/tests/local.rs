//! A real model, tiny and random.

//! One question, a step at a time.

//! Pure functions from traces to measures.
